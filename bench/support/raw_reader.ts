/**
 * The raw limit of a read path, as its own process: answers each frame with the next `CHUNK` bytes of one file, read and written to the
 * socket, nothing else. `bun raw_reader.ts FILE CHUNK` prints its port.
 */
import { fstatSync, openSync, readSync } from "node:fs";

const [path, chunkText] = process.argv.slice(2) as [string, string];
const chunkBytes = Number(chunkText);
const file = openSync(path, "r");
const size = fstatSync(file).size;
let position = 0;

class Peer {
  requests = Buffer.alloc(0);
  /** Replies that the socket has not taken yet. */
  readonly unsent: Buffer[] = [];

  flush(socket: import("bun").Socket<Peer>): void {
    while (this.unsent.length > 0) {
      const [first] = this.unsent;
      const sent = Math.max(0, socket.write(first!));
      if (sent < first!.length) return void (this.unsent[0] = first!.subarray(sent));
      this.unsent.shift();
    }
  }
}

const server = Bun.listen<Peer>({
  hostname: "127.0.0.1",
  port: 0,
  socket: {
    open(socket) {
      socket.data = new Peer();
      socket.setNoDelay(true);
    },
    data(socket, chunk) {
      const peer = socket.data;
      peer.requests = Buffer.concat([peer.requests, chunk]);
      while (peer.requests.length >= 4 && peer.requests.length >= 4 + peer.requests.readInt32BE(0)) {
        const reply = Buffer.allocUnsafe(8 + chunkBytes);
        reply.writeInt32BE(4 + chunkBytes, 0);
        reply.writeInt32BE(peer.requests.readInt32BE(8), 4);
        if (position + chunkBytes > size) position = 0;
        readSync(file, reply, 8, chunkBytes, position);
        position += chunkBytes;
        peer.unsent.push(reply);
        peer.requests = peer.requests.subarray(4 + peer.requests.readInt32BE(0));
      }
      peer.flush(socket);
    },
    drain: (socket) => socket.data.flush(socket),
  },
});
console.log(`PLAINTEXT://127.0.0.1:${server.port}`);
