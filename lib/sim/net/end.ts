/** One end of a connection: the socket that a process holds. Behaves as the real one does, see `lib/io/real/net.ts` and its tests. */
import type { Address, Socket, SocketHandler } from "../../io/mod.ts";
import type { Draws } from "../random.ts";
import type { Owner, World } from "../world.ts";
import type { Receiver, Sender, Stream } from "./stream.ts";
import { KEEP_ALIVE_MS } from "./options.ts";

/** How a connection ends although nobody ended it. */
class ConnectionLost extends Error {
  override readonly name = "ConnectionLost";
  constructor(readonly code: string) {
    super(`Connection lost: ${code}`);
  }
}

/** Once in so many times a socket that did not ask for it is told that it has room, as real ones are. */
const SPURIOUS_DRAIN_SHARE = 0.02;
/** Bytes that the process's loop had taken already when it paused the socket. */
const LATE_CHUNK_SHARE = 0.2;

export class End implements Socket, Sender, Receiver {
  readonly id: number;
  readonly host: string;
  readonly local: Address;
  readonly remote: Address;
  readonly owner: Owner;
  readonly #world: World;
  readonly #draws: Draws;
  readonly #onClosed: () => void;
  #in!: Stream;
  #out!: Stream;
  #handler: SocketHandler | null = null;
  #isPaused = false;
  /** A chunk may still come although it is paused. */
  #hasLateChunk = false;
  #isClosed = false;
  #error: Error | null = null;

  constructor(world: World, id: number, owner: Owner, local: Address, remote: Address, draws: Draws, onClosed: () => void) {
    this.#world = world;
    this.id = id;
    this.owner = owner;
    this.host = local.host;
    this.local = local;
    this.remote = remote;
    this.#draws = draws;
    this.#onClosed = onClosed;
  }

  connect(incoming: Stream, outgoing: Stream): void {
    this.#in = incoming;
    this.#out = outgoing;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** The process takes it over; until then its system keeps what comes. */
  open(accept: (socket: Socket) => SocketHandler): void {
    this.#handler = accept(this);
    if (this.#isClosed) return this.#handler.onClose(this.#error);
    this.#in.wake();
    if (this.#draws.chance(SPURIOUS_DRAIN_SHARE)) {
      this.#world.after(this.#draws.between(0, 1), "net.drain", this.owner, () => this.onRoom());
    }
  }

  // ── the process ──

  write(bytes: Uint8Array): number {
    return this.#isClosed ? -1 : this.#out.accept(bytes);
  }

  pause(): void {
    if (this.#isClosed || this.#isPaused) return;
    this.#isPaused = true;
    this.#hasLateChunk = this.#in.hasArrived && this.#draws.chance(LATE_CHUNK_SHARE);
  }

  resume(): void {
    if (this.#isClosed || !this.#isPaused) return;
    this.#isPaused = false;
    this.#in.wake();
  }

  /** A system that has unread bytes of the peer resets instead, and what it had accepted may get lost with it. */
  end(): void {
    if (this.#isClosed) return;
    if (this.#in.hasArrived) this.#out.abort();
    else this.#out.finish();
    this.#in.deafen();
    this.#close(null);
  }

  destroy(): void {
    if (this.#isClosed) return;
    this.#out.abort();
    this.#in.deafen();
    this.#close(null);
  }

  // ── the network ──

  onArrival(bytes: Uint8Array): boolean {
    if (this.#handler === null || (this.#isPaused && !this.#hasLateChunk)) return false;
    this.#hasLateChunk = false;
    this.#handler.onData(bytes);
    return true;
  }

  onFin(): boolean {
    if (this.#handler === null || this.#isPaused) return false;
    this.#out.finish();
    this.#close(null);
    return true;
  }

  onRoom(): void {
    if (!this.#isClosed) this.#handler?.onDrain();
  }

  onReset(code: string): void {
    if (this.#isClosed) return;
    this.#in.drop();
    this.#out.drop();
    this.#close(new ConnectionLost(code));
  }

  /** The process is gone; its system ends the connection. */
  onKilled(): void {
    if (this.#isClosed) return;
    if (this.#in.hasArrived || this.#draws.chance(0.5)) this.#out.abort();
    else this.#out.finish();
    this.#in.deafen();
    this.#forget();
  }

  /** The machine is gone without a word. */
  onPowerLoss(): void {
    if (this.#isClosed) return;
    this.#out.truncate();
    this.#in.deafen();
    this.#forget();
  }

  /** This side gives the connection up, and the other one does not hear of it. */
  onForgotten(): void {
    if (this.#isClosed) return;
    this.#out.swallow();
    this.#in.deafen();
    this.#close(new ConnectionLost("ETIMEDOUT"));
  }

  /** Its peer is gone: when nothing was said for long, the system asks, and gives the connection up without an answer. */
  keepAlive(): void {
    this.#world.after(KEEP_ALIVE_MS * this.#draws.between(1, 2), "net.keepAlive", this.owner, () => this.onReset("ETIMEDOUT"));
  }

  #close(error: Error | null): void {
    this.#error = error;
    this.#forget();
    this.#handler?.onClose(error);
  }

  #forget(): void {
    this.#isClosed = true;
    this.#onClosed();
  }
}
