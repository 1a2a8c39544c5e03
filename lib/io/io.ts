/**
 * The one seam to the machine: clock, timers, randomness, disk, network, CPU jobs. Everything above `lib/io` reaches the
 * outside only through an `Io` that it was given; `lib/io/real` is the only code that names Bun or Node, `lib/io/memory`
 * keeps its disk in memory, and the simulator brings a third.
 *
 * Every call that can wait takes a `Deadline`. Rejections are `IoFailed` (known) or `DeadlineExceeded` (unknown).
 * A buffer given to a call belongs to that call until the operation *really* ends, which may be after its deadline.
 */
import type { Deadline, Deadlines } from "./deadline.ts";

export interface Io {
  readonly clock: Clock;
  readonly timers: Timers;
  /** A random stream by purpose (`"election"`, `"uuid"`), so that a simulator can draw each from its own sequence. */
  random(stream: string): Random;
  readonly disk: Disk;
  readonly net: Net;
  readonly cpu: Cpu;
  /** The shared deadline helper (law 1). */
  readonly deadlines: Deadlines;
  /** The node cannot go on safely (failed fsync, broken invariant). Ends the node, and the process if it owns it. */
  fatal(exitCode: number, why: string): void;
  /** Names an interesting branch for coverage in simulation; does nothing in production. */
  mark(name: string): void;
}

export interface Clock {
  /** Monotonic milliseconds with fraction. The only clock for deadlines, leases, sessions and intervals. */
  mono(): number;
  /** Milliseconds since 1970, integer. Only for record timestamps, retention and logs: it may jump. */
  wall(): number;
}

export interface Timer {
  cancel(): void;
}

export interface Timers {
  /**
   * Calls `fire` once, `delayMs` from now at the earliest.
   * @param keepsAlive false: the process may end although this timer is still pending. Default true.
   */
  after(delayMs: number, fire: () => void, keepsAlive?: boolean): Timer;
  /** Runs `fire` in a turn of the event loop after the current one, once pending I/O callbacks had their chance. */
  soon(fire: () => void): void;
}

export interface Random {
  /** Uniform in [0, 1). */
  float(): number;
  /** Cryptographically strong in the real implementation. */
  bytes(length: number): Uint8Array;
}

// ── disk ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface OpenOptions {
  /** `read`: must exist. `write`: must exist, read and write. `create`: read and write, made if missing. `exclusive`: made, must not exist. */
  readonly mode: "read" | "write" | "create" | "exclusive";
  /** Every write is durable when it returns (O_DSYNC): one trip instead of write + sync. */
  readonly durableWrites?: boolean;
}

export interface DirectoryEntry {
  readonly name: string;
  readonly kind: "file" | "directory";
}

/** Paths are absolute or relative to the process; callers build them only from ids and fixed names, never from user text. */
export interface Disk {
  open(path: string, options: OpenOptions, deadline: Deadline): Promise<DiskFile>;
  /** Entries in name order. Rejects with `IoFailed` code `ENOENT` when the directory is missing. */
  list(path: string, deadline: Deadline): Promise<readonly DirectoryEntry[]>;
  /** Makes the directory and its parents; an existing one is fine. */
  makeDirectory(path: string, deadline: Deadline): Promise<void>;
  /** Atomic on one file system; durable only after `syncDirectory` of the parent. */
  rename(from: string, to: string, deadline: Deadline): Promise<void>;
  removeFile(path: string, deadline: Deadline): Promise<void>;
  /** With everything below it. A missing directory is fine. */
  removeDirectory(path: string, deadline: Deadline): Promise<void>;
  syncDirectory(path: string, deadline: Deadline): Promise<void>;
  space(path: string, deadline: Deadline): Promise<{ readonly totalBytes: number; readonly freeBytes: number }>;
  /**
   * An exclusive lock between processes that the system drops when the holder dies.
   * @throws {IoFailed} code `EWOULDBLOCK` when another process (or another node in this one) holds it.
   */
  lock(path: string, deadline: Deadline): Promise<{ release(): void }>;
}

export interface DiskFile {
  readonly path: string;
  /** Writes all chunks one after the other at `offset` (no append mode: the caller knows its offset). */
  write(chunks: readonly Uint8Array[], offset: number, deadline: Deadline): Promise<void>;
  /** fdatasync. A failure or a passed deadline must fence the file: it is never synced again (HAZARDS W1, W2). */
  sync(deadline: Deadline): Promise<void>;
  /** Reads up to `into.length` bytes; resolves to the count, 0 at the end of the file. */
  read(into: Uint8Array, offset: number, deadline: Deadline): Promise<number>;
  size(deadline: Deadline): Promise<number>;
  truncate(size: number, deadline: Deadline): Promise<void>;
  close(deadline: Deadline): Promise<void>;
}

// ── network ───────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface Socket {
  /** Unique in the process, counts up. */
  readonly id: number;
  readonly remote: Address;
  readonly local: Address;
  /** Accepts a prefix of `bytes` and returns its length; less than all means: wait for `onDrain`. -1: closed. */
  write(bytes: Uint8Array): number;
  /** Stops reading (backpressure to the peer); bytes already received may still be delivered once. */
  pause(): void;
  resume(): void;
  /** Sends what was accepted, then FIN. */
  end(): void;
  /** Drops the connection at once. */
  destroy(): void;
}

/** One object per connection, made when it opens. Callbacks never overlap. */
export interface SocketHandler {
  /** `chunk` is only valid during the call: copy what must live longer. */
  onData(chunk: Uint8Array): void;
  onDrain(): void;
  /** Called exactly once, whoever closed it. */
  onClose(error: Error | null): void;
}

export interface Listener {
  readonly address: Address;
  /** Accepts no more connections; those that are open go on. */
  close(): void;
}

export interface Net {
  /** How many sockets can be open at once, as far as the system tells. Files need their share of it too. */
  readonly socketsMax?: number;
  /** Addresses of the routers that this machine sends through, as far as the system tells. From inside a container, one is the machine around it. */
  readonly gateways?: readonly string[];
  /** Port 0 takes a free one. @throws {IoFailed} `EADDRINUSE`, `EACCES`, `EADDRNOTAVAIL`. */
  listen(address: Address, accept: (socket: Socket) => SocketHandler, deadline: Deadline): Promise<Listener>;
  dial(address: Address, open: (socket: Socket) => SocketHandler, deadline: Deadline): Promise<Socket>;
  /** HTTP/1.1 for the admin door; `serve` is a Fetch-API handler. */
  listenHttp(address: Address, serve: HttpHandler, deadline: Deadline): Promise<Listener>;
}

export type HttpHandler = (request: Request, remote: Address | null) => Response | Promise<Response>;

// ── CPU jobs ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Work that may run off the loop. At most two jobs at a time; more wait in order (HAZARDS N5). */
export interface Cpu {
  /** Queues `job`; it runs when a place is free. `job` may itself be asynchronous (a zlib call on the thread pool). */
  run<T>(job: () => T | Promise<T>, deadline: Deadline): Promise<T>;
}
