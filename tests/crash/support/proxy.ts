/**
 * A TCP proxy on the way to a broker, with the accidents of networks: connections reset, half-open, cut in the middle of a reply, standing
 * still, chopped into small pieces, refused. Knows nothing of what it carries.
 */
import { createServer, type Server, Socket } from "node:net";
import type { Draws } from "../../../lib/sim/mod.ts";

interface Pair {
  readonly client: Socket;
  readonly broker: Socket;
  /** Nothing is passed on any more, and nobody is told. */
  dead: boolean;
  /** Bytes of the broker that are still passed on; then both sides are reset. */
  left: number;
}

const PIECE_BYTES_MAX = 700;

export class Proxy {
  readonly port: number;
  /** Where the broker listens at the moment. */
  target = 0;
  readonly #server: Server;
  readonly #draws: Draws;
  readonly #pairs = new Set<Pair>();
  #refuses = false;
  #chops = false;
  /** Wakes what stands still; null: nothing does. */
  #still: { readonly over: Promise<void>; readonly end: () => void } | null = null;

  private constructor(server: Server, port: number, draws: Draws) {
    this.#server = server;
    this.port = port;
    this.#draws = draws;
    server.on("connection", (client: Socket) => this.#connected(client));
  }

  static async listen(draws: Draws): Promise<Proxy> {
    const server = createServer({ noDelay: true });
    const listening = Promise.withResolvers<void>();
    server.listen(0, "127.0.0.1", listening.resolve);
    await listening.promise;
    return new Proxy(server, (server.address() as { readonly port: number }).port, draws);
  }

  resetAll(): void {
    for (const pair of this.#pairs) this.#reset(pair);
  }

  /** Each connection ends some bytes into what the broker says next. */
  cutReplies(): void {
    for (const pair of this.#pairs) pair.left = this.#draws.below(300);
  }

  /** What is connected now stays so, in silence, until `heal`. */
  halfOpen(): void {
    for (const pair of this.#pairs) pair.dead = true;
  }

  refuse(): void {
    this.#refuses = true;
    this.resetAll();
  }

  /** Nothing moves, in either direction, until `heal`. */
  standStill(): void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#still ??= { over: promise, end: resolve };
  }

  chop(): void {
    this.#chops = true;
  }

  heal(): void {
    this.#refuses = this.#chops = false;
    this.#still?.end();
    this.#still = null;
    for (const pair of this.#pairs) if (pair.dead) this.#reset(pair);
  }

  async close(): Promise<void> {
    this.heal();
    this.resetAll();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    await promise;
  }

  #connected(client: Socket): void {
    if (this.#refuses) return void client.resetAndDestroy();
    const broker = new Socket();
    const pair: Pair = { client, broker, dead: false, left: Infinity };
    this.#pairs.add(pair);
    for (const socket of [client, broker]) {
      // An error is followed by "close", which is what counts here.
      socket.on("error", () => this.#closed(pair));
      socket.on("close", () => this.#closed(pair));
    }
    broker.setNoDelay(true);
    broker.connect(this.target, "127.0.0.1");
    this.#pass(pair, client, broker);
    this.#pass(pair, broker, client);
  }

  #pass(pair: Pair, from: Socket, to: Socket): void {
    from.on("data", (chunk: Buffer) => {
      if (pair.dead) return;
      from.pause();
      void this.#forward(pair, from, to, chunk).finally(() => from.resume());
    });
  }

  async #forward(pair: Pair, from: Socket, to: Socket, chunk: Buffer): Promise<void> {
    let at = 0;
    while (at < chunk.length && !pair.dead && !to.destroyed) {
      if (this.#still !== null) await this.#still.over;
      const size = this.#chops ? 1 + this.#draws.below(PIECE_BYTES_MAX) : chunk.length - at;
      const allowed = from === pair.broker ? Math.min(size, pair.left) : size;
      await new Promise<void>((resolve) => {
        const flushed = () => resolve();
        to.once("close", flushed);
        to.write(chunk.subarray(at, at + allowed), () => {
          to.off("close", flushed);
          resolve();
        });
      });
      at += allowed;
      if (from === pair.broker) pair.left -= allowed;
      if (pair.left <= 0) return this.#reset(pair);
    }
  }

  #reset(pair: Pair): void {
    pair.client.resetAndDestroy();
    pair.broker.resetAndDestroy();
  }

  /** One side ended: so does the other, unless nobody is to be told. */
  #closed(pair: Pair): void {
    if (pair.dead && !(pair.client.destroyed && pair.broker.destroyed)) return;
    this.#pairs.delete(pair);
    pair.client.destroy();
    pair.broker.destroy();
  }
}
