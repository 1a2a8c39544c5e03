/**
 * TCP through `Bun.listen` and `Bun.connect`. A socket accepts a prefix of what is written and says so: nothing is buffered here, the
 * caller keeps the rest until `onDrain`. Knows no limits on connections: the listener above has them.
 */
import { lookup } from "node:dns/promises";
import { readFileSync } from "node:fs";
import type { Deadline, Deadlines } from "../deadline.ts";
import { DeadlineExceeded, IoFailed } from "../errors.ts";
import type { Address, HttpHandler, Listener, Net, Socket, SocketHandler } from "../io.ts";
import type { GarbageRelief } from "./garbage.ts";
import { defaultGateways } from "./gateways.ts";
import { listenHttp } from "./http.ts";

/** TCP keep-alive: a peer that vanished without a word is noticed although nobody writes (HAZARDS N1). */
const KEEP_ALIVE_MS = 60_000;

export function createRealNet(deadlines: Deadlines, relief: GarbageRelief | null): Net {
  let nextId = 1;
  const attach = (bun: Bun.Socket<RealSocket>, accept: (socket: Socket) => SocketHandler): void => {
    const socket = new RealSocket(nextId++, bun, relief);
    bun.data = socket;
    bun.setNoDelay(true);
    bun.setKeepAlive(true, KEEP_ALIVE_MS);
    socket.open(accept);
  };

  return {
    socketsMax: openFilesMax(),
    get gateways() {
      return defaultGateways();
    },

    async listen(address: Address, accept: (socket: Socket) => SocketHandler, deadline: Deadline): Promise<Listener> {
      await findable(address, deadline, deadlines);
      try {
        const server = Bun.listen<RealSocket>({
          hostname: address.host,
          port: address.port,
          socket: { ...CALLBACKS, open: (bun) => attach(bun, accept) },
        });
        return { address: { host: address.host, port: server.port }, close: () => server.stop(false) };
      } catch (error) {
        throw failed("listen on", address, error);
      }
    },

    dial(address: Address, open: (socket: Socket) => SocketHandler, deadline: Deadline): Promise<Socket> {
      let givenUp = false;
      const dialing = new Promise<Socket>((resolve, reject) => {
        const refused = (error: unknown) => reject(failed("connect to", address, error));
        Bun.connect<RealSocket>({
          hostname: address.host,
          port: address.port,
          socket: {
            ...CALLBACKS,
            open(bun) {
              if (givenUp) return void bun.terminate();
              attach(bun, open);
              resolve(bun.data);
            },
            connectError: (_bun, error) => refused(error),
          },
        }).catch(refused);
      });
      return deadlines.guard(deadline, `${address.host}:${address.port}`, dialing).catch((error) => {
        givenUp = error instanceof DeadlineExceeded;
        throw error;
      });
    },

    async listenHttp(address: Address, serve: HttpHandler, deadline: Deadline): Promise<Listener> {
      await findable(address, deadline, deadlines);
      return await listenHttp(address, serve);
    },
  };
}

/** Bun calls these with the socket whose `data` is ours. */
const CALLBACKS = {
  data: (bun: Bun.Socket<RealSocket>, chunk: Uint8Array) => bun.data.onData(chunk),
  drain: (bun: Bun.Socket<RealSocket>) => bun.data.onDrain(),
  close: (bun: Bun.Socket<RealSocket>, error?: Error) => bun.data.onClosed(error ?? null),
  error: (bun: Bun.Socket<RealSocket>, error: Error) => bun.data.onError(error),
};

class RealSocket implements Socket {
  readonly id: number;
  readonly remote: Address;
  readonly local: Address;
  readonly #bun: Bun.Socket<RealSocket>;
  readonly #relief: GarbageRelief | null;
  #handler: SocketHandler | null = null;
  #error: Error | null = null;
  #closed = false;

  constructor(id: number, bun: Bun.Socket<RealSocket>, relief: GarbageRelief | null) {
    this.id = id;
    this.#bun = bun;
    this.#relief = relief;
    this.remote = { host: plainIp(bun.remoteAddress), port: bun.remotePort };
    this.local = { host: plainIp(bun.localAddress), port: bun.localPort };
  }

  open(accept: (socket: Socket) => SocketHandler): void {
    this.#handler = accept(this);
    if (this.#closed) this.#handler.onClose(null);
  }

  write(bytes: Uint8Array): number {
    if (this.#closed) return -1;
    const taken = this.#bun.write(bytes);
    // The peer is gone. A paused socket would not be told, and whoever waits for its end would wait for ever.
    if (taken < 0) this.destroy();
    return taken;
  }

  pause(): void {
    if (!this.#closed) this.#bun.pause();
  }

  resume(): void {
    if (!this.#closed) this.#bun.resume();
  }

  end(): void {
    if (!this.#closed) this.#bun.end();
  }

  destroy(): void {
    if (!this.#closed) this.#bun.terminate();
  }

  onData(chunk: Uint8Array): void {
    this.#handler?.onData(chunk);
    this.#relief?.received(chunk.length);
  }

  onDrain(): void {
    this.#handler?.onDrain();
  }

  onError(error: Error): void {
    this.#error ??= error;
    this.destroy();
  }

  onClosed(error: Error | null): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#handler?.onClose(this.#error ?? error);
  }
}

/** An IP address and no name. Said here because `node:net`, which can tell, takes 10 ms to load: a sixth of a start. */
const isLiteral = (host: string): boolean => host.includes(":") || /^\d+(?:\.\d+){3}$/.test(host);

/** The process's limit of file descriptors (RLIMIT_NOFILE); unlimited where the system does not say. */
function openFilesMax(): number {
  if (process.platform !== "linux") return Infinity;
  const limit = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"));
  return limit === null ? Infinity : Number(limit[1]);
}

/** Binding does not wait, but looking a name up may, and holds everything up when the binding call does it itself. */
async function findable(address: Address, deadline: Deadline, deadlines: Deadlines): Promise<void> {
  if (isLiteral(address.host) || address.host === "localhost") return;
  const found = lookup(address.host).catch((error: unknown) => {
    throw failed("listen on", address, error);
  });
  await deadlines.guard(deadline, `${address.host}:${address.port}`, found);
}

/** An IPv4 address that reached an IPv6 listener, in its usual form. */
function plainIp(ip: string | undefined): string {
  return (ip ?? "").replace(/^::ffff:(?=\d+\.)/, "");
}

function failed(op: string, address: Address, error: unknown): IoFailed {
  const code = error instanceof Error && "code" in error ? String(error.code) : "EIO";
  return new IoFailed(op, `${address.host}:${address.port}`, code, { cause: error });
}
