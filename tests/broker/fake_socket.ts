/** A socket and a machine without real time or network, for a connection that is driven step by step. */
import type { AnyHandler } from "../../lib/broker/handler.ts";
import { type BrokerLimits, KafkaServer, PeerLog, type Services } from "../../lib/broker/mod.ts";
import { NodeSettings } from "../../lib/config/mod.ts";
import { createDeadlines, type Io, type Socket, type SocketHandler } from "../../lib/io/mod.ts";
import { createRealIo } from "../../lib/io/real/mod.ts";
import { ManualTime } from "../io/manual_time.ts";

export class FakeSocket implements Socket {
  readonly local = { host: "127.0.0.1", port: 9092 };
  readonly written: Uint8Array[] = [];
  /** How many bytes the peer's window still takes. */
  window = Infinity;
  isPaused = false;
  isClosed = false;
  handler: SocketHandler | null = null;
  #isBlocked = false;

  constructor(readonly id: number, readonly remote: { readonly host: string; readonly port: number }) {}

  write(bytes: Uint8Array): number {
    if (this.isClosed) return -1;
    const taken = Math.min(bytes.length, this.window);
    this.window -= taken;
    if (taken > 0) this.written.push(bytes.slice(0, taken));
    this.#isBlocked = taken < bytes.length;
    return taken;
  }
  pause(): void {
    this.isPaused = true;
  }
  resume(): void {
    this.isPaused = false;
  }
  end(): void {
    this.destroy();
  }
  destroy(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.handler?.onClose(null);
  }

  /** The peer reads so many bytes. */
  read(bytes: number): void {
    this.window += bytes;
    if (!this.#isBlocked || this.isClosed) return;
    this.#isBlocked = false;
    this.handler?.onDrain();
  }

  /** Bytes from the peer, in a buffer that is only valid during the call. */
  deliver(bytes: Uint8Array): void {
    if (this.isClosed) return;
    const chunk = bytes.slice();
    this.handler?.onData(chunk);
    chunk.fill(0xee);
  }

  get writtenBytes(): number {
    return this.written.reduce((sum, chunk) => sum + chunk.length, 0);
  }
}

export interface FakePort {
  readonly time: ManualTime;
  readonly server: KafkaServer;
  readonly lines: string[];
  readonly fatal: string[];
  connect(host?: string): FakeSocket;
}

export function fakePort(handlers: readonly AnyHandler[], limits: Partial<BrokerLimits> = {}): FakePort {
  const time = new ManualTime();
  const fatal: string[] = [];
  const lines: string[] = [];
  let accept: ((socket: Socket) => SocketHandler) | null = null;
  let nextId = 1;
  const io: Io = {
    ...createRealIo({ onFatal: (_code, why) => void fatal.push(why) }),
    clock: time.clock,
    timers: time.timers,
    deadlines: createDeadlines(time.clock, time.timers),
    net: {
      listen: (address, taken) => {
        accept = taken;
        return Promise.resolve({ address, close() {} });
      },
      dial: () => Promise.reject(new Error("not dialled in this test")),
      listenHttp: () => Promise.reject(new Error("not used in this test")),
    },
  };
  const services = {
    io,
    settings: new NodeSettings().values,
    controller: { image: { features: new Map(), index: 1 } },
  } as unknown as Services;
  const server = new KafkaServer(services, handlers, {
    limits,
    log: new PeerLog(
      time.clock,
      (_event, text, { cause, peer, suppressed }) =>
        void lines.push(cause === undefined ? `${suppressed} ${text}` : `${text}: ${cause} (peer ${peer})`),
    ),
  });
  server.listen("PLAINTEXT", { host: "127.0.0.1", port: 9092 }, io.deadlines.in("test", 1000));
  return {
    time,
    server,
    lines,
    fatal,
    connect(host = "10.0.0.1") {
      const socket = new FakeSocket(nextId, { host, port: 40_000 + nextId++ });
      socket.handler = accept!(socket);
      return socket;
    },
  };
}
