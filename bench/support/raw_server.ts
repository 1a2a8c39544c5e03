/**
 * The raw limit of a produce path, as its own process: reads length-prefixed frames from a socket, writes their bytes to one file and
 * syncs it, answers each frame with its correlation id once its bytes are on disk. No protocol, no checks, no index.
 * `bun raw_server.ts DIRECTORY` prints its port. With RECYCLE=1 the file is filled first and then written over, as a recycled WAL is.
 */
import { closeSync, fdatasyncSync, openSync, writevSync } from "node:fs";
import { fdatasync, writev } from "node:fs";
import { join } from "node:path";

const recycle = process.env["RECYCLE"] === "1";
const fileBytes = 256 << 20;
const path = join(process.argv[2]!, "raw.bin");
const fd = openSync(path, "w");
if (recycle) {
  const block = Buffer.alloc(8 << 20, 1);
  for (let at = 0; at < fileBytes; at += block.length) writevSync(fd, [block], at);
  fdatasyncSync(fd);
}

interface Peer {
  readonly socket: import("bun").Socket<Peer>;
  buffer: Buffer;
  length: number;
}
interface Waiting {
  readonly bytes: Buffer;
  readonly peer: Peer;
  readonly correlations: number[];
}

let position = 0;
let running = false;
const waiting: Waiting[] = [];

/** One round: everything that waits, at most about 8 MiB, in one write and one sync. */
function round(): void {
  if (running || waiting.length === 0) return;
  running = true;
  let bytes = 0;
  let count = 0;
  while (count < waiting.length && bytes < 8 << 20) bytes += waiting[count++]!.bytes.length;
  const batch = waiting.splice(0, count);
  if (recycle && position + bytes > fileBytes) position = 0;
  writev(fd, batch.map((w) => w.bytes), position, (writeError) => {
    if (writeError) throw writeError;
    fdatasync(fd, (syncError) => {
      if (syncError) throw syncError;
      position += bytes;
      running = false;
      for (const { peer, correlations } of batch) {
        const reply = Buffer.alloc(correlations.length * 8);
        correlations.forEach((id, i) => {
          reply.writeInt32BE(4, i * 8);
          reply.writeInt32BE(id, i * 8 + 4);
        });
        peer.socket.write(reply);
      }
      round();
    });
  });
}

const server = Bun.listen<Peer>({
  hostname: "127.0.0.1",
  port: 0,
  socket: {
    open(socket) {
      socket.data = { socket, buffer: Buffer.allocUnsafe(1 << 20), length: 0 };
      socket.setNoDelay(true);
    },
    data(socket, chunk) {
      const peer = socket.data;
      if (peer.length + chunk.length > peer.buffer.length) {
        const grown = Buffer.allocUnsafe((peer.length + chunk.length) * 2);
        peer.buffer.copy(grown, 0, 0, peer.length);
        peer.buffer = grown;
      }
      chunk.copy(peer.buffer, peer.length);
      peer.length += chunk.length;
      let end = 0;
      const correlations: number[] = [];
      while (peer.length - end >= 4) {
        const size = 4 + peer.buffer.readInt32BE(end);
        if (peer.length - end < size) break;
        correlations.push(peer.buffer.readInt32BE(end + 8));
        end += size;
      }
      if (end === 0) return;
      const rest = Buffer.allocUnsafe(Math.max(1 << 20, peer.length - end));
      peer.buffer.copy(rest, 0, end, peer.length);
      waiting.push({ bytes: peer.buffer.subarray(0, end), peer, correlations });
      peer.buffer = rest;
      peer.length -= end;
      round();
    },
  },
});
console.log(`PLAINTEXT://127.0.0.1:${server.port}`);
process.on("SIGTERM", () => {
  closeSync(fd);
  process.exit(0);
});
