/**
 * Sends one prebuilt request frame again and again and counts the replies: cheap enough that the server is what is measured.
 * `bun frame_load.ts BOOTSTRAP FRAME_FILE COUNT IN_FLIGHT CONNECTIONS` prints one JSON line. The frame file holds one or more frames,
 * sent in turn; only the correlation id changes.
 */
import { readFileSync } from "node:fs";

const [address, file, countText, inFlightText, connectionsText] = process.argv.slice(2) as [string, string, string, string, string];
const [host, port] = address.split(":") as [string, string];
const total = Number(countText);
const inFlight = Number(inFlightText);
const bytes = readFileSync(file);
const frames: Buffer[] = [];
for (let at = 0; at < bytes.length; at += 4 + bytes.readInt32BE(at)) frames.push(bytes.subarray(at, at + 4 + bytes.readInt32BE(at)));

let sent = 0;
let received = 0;
let replyBytes = 0;
let latencySum = 0;
const latencies: number[] = [];
const began = performance.now();
const done = Promise.withResolvers<void>();

class Connection {
  socket: import("bun").Socket<Connection> | null = null;
  #open = 0;
  #partial: Buffer | null = null;
  #reply = Buffer.alloc(0);
  readonly #sentAt: number[] = [];

  pump(): void {
    while (this.#partial || (this.#open < inFlight && sent < total)) {
      if (!this.#partial) {
        const frame = frames[sent % frames.length]!;
        frame.writeInt32BE(sent++, 8);
        this.#open++;
        this.#sentAt.push(performance.now());
        this.#partial = frame;
      }
      const accepted = Math.max(0, this.socket!.write(this.#partial));
      if (accepted < this.#partial.length) {
        // The same frame may be sent again by then: what is left must be ours.
        this.#partial = Buffer.from(this.#partial.subarray(accepted));
        return;
      }
      this.#partial = null;
    }
  }

  take(chunk: Buffer): void {
    replyBytes += chunk.length;
    this.#reply = this.#reply.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#reply, chunk]);
    let at = 0;
    while (this.#reply.length - at >= 4) {
      const size = 4 + this.#reply.readInt32BE(at);
      if (this.#reply.length - at < size) break;
      at += size;
      received++;
      this.#open--;
      const latency = performance.now() - this.#sentAt.shift()!;
      latencySum += latency;
      latencies.push(latency);
    }
    this.#reply = this.#reply.subarray(at);
    if (received >= total) done.resolve();
    else this.pump();
  }
}

for (let i = 0; i < Number(connectionsText); i++) {
  const connection = new Connection();
  await Bun.connect<Connection>({
    hostname: host,
    port: Number(port),
    data: connection,
    socket: {
      open(socket) {
        socket.setNoDelay(true);
        connection.socket = socket;
      },
      data: (_, chunk) => connection.take(chunk),
      drain: () => connection.pump(),
      close: () => done.reject(new Error("The server closed the connection")),
    },
  });
  connection.pump();
}
await done.promise;
latencies.sort((a, b) => a - b);
console.log(JSON.stringify({
  frames: received,
  ms: performance.now() - began,
  replyBytes,
  meanMs: latencySum / received,
  p50: latencies[received >> 1],
  p99: latencies[Math.floor(received * 0.99)],
}));
process.exit(0);
