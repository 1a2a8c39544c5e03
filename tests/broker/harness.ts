/** A Kafka port with handlers made by the test, and a raw client: bytes out, frames in. */
import type { AnyHandler } from "../../lib/broker/handler.ts";
import { type BrokerLimits, KafkaServer, PeerLog, type Services } from "../../lib/broker/mod.ts";
import { NodeSettings } from "../../lib/config/mod.ts";
import type { Io, Socket } from "../../lib/io/mod.ts";
import { createRealIo } from "../../lib/io/real/mod.ts";

export interface TestPort extends AsyncDisposable {
  readonly io: Io;
  readonly server: KafkaServer;
  readonly port: number;
  readonly lines: string[];
  readonly fatal: string[];
  connect(options?: { readonly isReading?: boolean }): Promise<RawClient>;
}

export async function openPort(handlers: readonly AnyHandler[], limits: Partial<BrokerLimits> = {}): Promise<TestPort> {
  const fatal: string[] = [];
  const lines: string[] = [];
  const io = createRealIo({ onFatal: (_code, why) => fatal.push(why) });
  const services = {
    io,
    settings: new NodeSettings().values,
    controller: { image: { features: new Map([["metadata.version", 29], ["group.version", 0]]), index: 7 } },
  };
  const log = new PeerLog(io.clock, (_event, text, { cause, peer }) => lines.push(`${text}: ${cause} (peer ${peer})`));
  const server = new KafkaServer(services as unknown as Services, handlers, { limits, log });
  const soon = () => io.deadlines.in("test", 10_000);
  const { port } = await server.listen("PLAINTEXT", { host: "127.0.0.1", port: 0 }, soon());
  return {
    io,
    server,
    port,
    lines,
    fatal,
    connect: (options) => RawClient.connect(io, port, options),
    [Symbol.asyncDispose]: () => server.stop(io.deadlines.in("test", 0)),
  };
}

export class RawClient {
  readonly frames: Uint8Array[] = [];
  isClosed = false;
  #received: Uint8Array = new Uint8Array(0);
  #unsent: Uint8Array[] = [];
  #waiting: { readonly isDone: () => boolean; readonly resolve: () => void }[] = [];
  socket!: Socket;

  static async connect(io: Io, port: number, { isReading = true } = {}): Promise<RawClient> {
    const client = new RawClient();
    client.socket = await io.net.dial({ host: "127.0.0.1", port }, () => ({
      onData: (chunk) => client.#onData(chunk),
      onDrain: () => client.#flush(),
      onClose: () => {
        client.isClosed = true;
        client.#check();
      },
    }), io.deadlines.in("test dial", 10_000));
    if (!isReading) client.socket.pause();
    return client;
  }

  send(...parts: Uint8Array[]): void {
    this.#unsent.push(...parts);
    this.#flush();
  }

  /** Resolves when so many frames have come, or the connection is gone. */
  async receive(count: number): Promise<readonly Uint8Array[]> {
    await this.until(() => this.frames.length >= count || this.isClosed);
    return this.frames;
  }

  closed(): Promise<void> {
    return this.until(() => this.isClosed);
  }

  until(isDone: () => boolean): Promise<void> {
    if (isDone()) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ isDone, resolve }));
  }

  close(): void {
    this.socket.destroy();
  }

  get hasUnsent(): boolean {
    return this.#unsent.length > 0;
  }

  #flush(): void {
    while (this.#unsent.length > 0) {
      const next = this.#unsent[0]!;
      const taken = this.socket.write(next);
      if (taken < 0) return;
      if (taken < next.length) {
        this.#unsent[0] = next.subarray(taken);
        return;
      }
      this.#unsent.shift();
    }
    this.#check();
  }

  #onData(chunk: Uint8Array): void {
    this.#received = join([this.#received, chunk]);
    for (;;) {
      if (this.#received.length < 4) break;
      const length = new DataView(this.#received.buffer, this.#received.byteOffset).getInt32(0);
      if (this.#received.length < 4 + length) break;
      this.frames.push(this.#received.slice(4, 4 + length));
      this.#received = this.#received.slice(4 + length);
    }
    this.#check();
  }

  #check(): void {
    this.#waiting = this.#waiting.filter(({ isDone, resolve }) => {
      if (!isDone()) return true;
      resolve();
      return false;
    });
  }
}

export function join(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

export const correlationIdOf = (frame: Uint8Array): number => new DataView(frame.buffer, frame.byteOffset).getInt32(0);
