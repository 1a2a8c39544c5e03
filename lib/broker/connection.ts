/**
 * One client's connection: bytes in, frames to the router in order of arrival, replies out in the same order. Stops reading when it
 * holds too much (requests in work, unsent replies, bytes of the whole broker) and closes on a peer that is too slow or talks
 * something else. Knows no API. Source: docs/architecture.md "Produce", HAZARDS N2, N3, N7.
 */
import type { BufferPool, ByteBudget, Io, Piece, Socket, SocketHandler, Waker } from "../io/mod.ts";
import { FrameError, REQUEST_BYTES_MIN } from "../protocol/mod.ts";
import { FrameMemoryExceeded, FrameReader, type FrameSink } from "./frame_reader.ts";
import type { ConnectionInfo } from "./handler.ts";
import type { BrokerLimits } from "./limits.ts";
import type { PeerEvent } from "./peer_log.ts";
import { ReplyWriter, type UnsentTotal } from "./reply_writer.ts";
import type { Origin, Router } from "./router.ts";

/** What all connections of a broker share. */
export interface Shared {
  readonly io: Io;
  readonly limits: BrokerLimits;
  readonly pool: BufferPool;
  readonly budget: ByteBudget;
  /** For joining small replies; only used within one call. */
  readonly scratch: Uint8Array;
  readonly unsent: UnsentTotal;
  readonly router: Router;
  /** The connection is gone, and so is everything it held. */
  readonly onClosed: (connection: Connection) => void;
}

export interface ConnectionState {
  readonly info: ConnectionInfo;
  /** Milliseconds since 1970. */
  readonly openedAtMs: number;
  /** Since bytes came last. */
  readonly idleMs: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  readonly requestsInFlight: number;
  /** Replies that the peer has not taken yet. */
  readonly unsentBytes: number;
}

export class Connection implements SocketHandler, FrameSink, Origin {
  readonly info: ConnectionInfo;
  readonly replies: ReplyWriter;
  readonly #shared: Shared;
  readonly #socket: Socket;
  readonly #frames: FrameReader;
  #isClosed = false;
  /** Takes no further request; goes when the last reply has left. */
  #isDraining = false;
  /** The socket is told not to read. */
  #isPaused = false;
  /** In the budget's line. */
  #waitsForRoom = false;
  #continuePlanned = false;
  #activeAt: number;
  readonly #openedAtMs: number;
  #idleWaker: Waker;
  /** Set exactly while a frame is arriving and the socket reads. */
  #frameWaker: Waker | null = null;
  /** Set exactly while the socket does not take what is written. */
  #drainWaker: Waker | null = null;
  /** Set while others wait for this one's frame. */
  #turnWaker: Waker | null = null;
  /** At most one for each request in work. */
  readonly #closeListeners = new Set<() => void>();

  constructor(shared: Shared, socket: Socket, listener: string) {
    this.#shared = shared;
    this.#socket = socket;
    this.info = {
      id: socket.id,
      listener,
      remote: socket.remote,
      local: socket.local,
      principal: "User:ANONYMOUS",
      clientSoftwareName: "",
      clientSoftwareVersion: "",
      clientId: null,
    };
    this.replies = new ReplyWriter(socket, shared.scratch, shared.unsent, () => this.#onProgress());
    this.#frames = new FrameReader(shared.pool, shared.budget, shared.limits.frameBytesMax, this);
    this.#activeAt = shared.io.clock.mono();
    this.#openedAtMs = shared.io.clock.wall();
    this.#idleWaker = this.#watchIdle();
  }

  /** Bytes that came in and went out so far. */
  get traffic(): { readonly receivedBytes: number; readonly sentBytes: number } {
    return { receivedBytes: this.#frames.bytesRead, sentBytes: this.replies.sentBytes };
  }

  /** As it is now. */
  get state(): ConnectionState {
    return {
      info: this.info,
      openedAtMs: this.#openedAtMs,
      idleMs: this.#shared.io.clock.mono() - this.#activeAt,
      receivedBytes: this.#frames.bytesRead,
      sentBytes: this.replies.sentBytes,
      requestsInFlight: this.replies.unanswered,
      unsentBytes: this.replies.unsentBytes,
    };
  }

  // ── from the socket ──

  onData(chunk: Uint8Array): void {
    this.#read(() => this.#frames.push(chunk));
  }

  onDrain(): void {
    this.#drainWaker?.cancel();
    this.#drainWaker = null;
    this.replies.onDrain();
  }

  onClose(_error: Error | null): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#idleWaker.cancel();
    this.#frameWaker?.cancel();
    this.#drainWaker?.cancel();
    this.#turnWaker?.cancel();
    this.#frames.close();
    this.replies.close();
    this.#shared.budget.forget(this);
    this.#shared.onClosed(this);
    for (const fire of this.#closeListeners) fire();
    this.#closeListeners.clear();
  }

  // ── from the frame reader and the budget ──

  onFrame(frame: Piece): void {
    this.#shared.router.route(frame, this);
  }

  shouldStop(): boolean {
    return this.#isClosed || this.#isDraining || this.replies.unanswered >= this.#shared.limits.requestsInFlightMax ||
      this.replies.unsentBytes > this.#unsentBytesMax;
  }

  onRoom(): void {
    this.#waitsForRoom = false;
    this.#planContinue();
  }

  // ── from the router and the listener ──

  get isClosed(): boolean {
    return this.#isClosed;
  }

  whenClosed(fire: () => void): { cancel(): void } {
    if (this.#isClosed) fire();
    else this.#closeListeners.add(fire);
    return { cancel: () => void this.#closeListeners.delete(fire) };
  }

  abort(event: PeerEvent, why: string): void {
    if (this.#isClosed) return;
    this.#shared.io.mark(`broker.connection.${event}`);
    const client = this.info.clientSoftwareName === ""
      ? ""
      : ` (client ${this.info.clientSoftwareName} ${this.info.clientSoftwareVersion})`;
    this.#shared.router.log.tell(event, this.info.remote, "Closed a connection", why + client);
    this.#close();
  }

  /** Takes no more requests, answers those in work, then closes. */
  drain(): void {
    this.#isDraining = true;
    this.#pause();
    this.#closeWhenDrained();
  }

  /** Drops everything at once. */
  destroy(): void {
    this.#socket.destroy();
    this.onClose(null);
  }

  // ── reading ──

  #read(step: () => void): void {
    if (this.#isClosed) return;
    this.#activeAt = this.#shared.io.clock.mono();
    this.replies.cork();
    try {
      step();
    } catch (error) {
      this.#refuse(error);
    }
    this.replies.uncork();
    this.#update();
  }

  #refuse(error: unknown): void {
    if (error instanceof FrameError) this.abort("badFrame", error.message);
    else if (error instanceof FrameMemoryExceeded) this.abort("noMemory", error.message);
    else throw error;
  }

  /** Pauses or resumes the socket, and watches over what is awaited from the peer. */
  #update(): void {
    if (this.#isClosed) return;
    if (this.#isDraining) return this.#closeWhenDrained();
    const { budget } = this.#shared;
    if (!this.#waitsForRoom && budget.shouldWait(this, this.#frames.isMidFrame || this.#frames.hasBacklog)) {
      this.#waitsForRoom = true;
      this.#shared.io.mark("broker.connection.waits_for_memory");
      this.#pause();
      budget.waitForRoom(this);
    } else if (this.#frames.hasBacklog || this.shouldStop()) {
      this.#pause();
      // What it stopped for may be over: the socket may have taken the replies of this turn at once, and then nobody tells of it again.
      this.#continueIfRoom();
    }
    this.#watchFrame();
    this.#watchDrain();
  }

  /** Little as long as many peers together leave much of their replies: who has taken everything is still served. */
  get #unsentBytesMax(): number {
    const { limits, unsent } = this.#shared;
    return unsent.bytes > limits.unsentBytesTotal ? Math.min(limits.unsentBytesMax, limits.unsentBytesScarce) : limits.unsentBytesMax;
  }

  #onProgress(): void {
    if (this.#isClosed) return;
    if (this.#isDraining) return this.#closeWhenDrained();
    // Its time to be silent begins with the last answer: who waited long for it may have something to say about it.
    if (this.replies.unanswered === 0) this.#activeAt = this.#shared.io.clock.mono();
    this.#continueIfRoom();
    this.#watchDrain();
  }

  /** Half of the limits, so that reading does not flap. */
  #continueIfRoom(): void {
    const { requestsInFlightMax } = this.#shared.limits;
    if (this.#isPaused && this.replies.unanswered * 2 <= requestsInFlightMax && this.replies.unsentBytes * 2 <= this.#unsentBytesMax) {
      this.#planContinue();
    }
  }

  /** In a turn of its own: this is called from deep inside of whoever released a buffer or answered a request. */
  #planContinue(): void {
    if (this.#continuePlanned) return;
    this.#continuePlanned = true;
    this.#shared.io.timers.soon(() => {
      this.#continuePlanned = false;
      this.#continue();
    });
  }

  #continue(): void {
    if (this.#isClosed || this.#waitsForRoom || this.#isDraining) return;
    if (this.#frames.hasBacklog) this.#read(() => this.#frames.proceed());
    if (this.#isClosed || this.#waitsForRoom || this.#frames.hasBacklog || this.shouldStop() || !this.#isPaused) return;
    this.#isPaused = false;
    this.#socket.resume();
    this.#watchFrame();
  }

  #pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.#socket.pause();
  }

  // ── ending ──

  #close(): void {
    this.replies.uncork();
    this.#socket.end();
    this.onClose(null);
  }

  #closeWhenDrained(): void {
    if (!this.#isClosed && this.replies.unanswered === 0 && this.replies.unsentBytes === 0) this.#close();
  }

  // ── slow peers ──

  #watchIdle(): Waker {
    const { io, limits } = this.#shared;
    return io.deadlines.wake({ op: "connection.idle", at: this.#activeAt + limits.idleMs }, () => {
      const isIdle = io.clock.mono() - this.#activeAt >= limits.idleMs && this.replies.unanswered === 0 && this.replies.unsentBytes === 0;
      if (isIdle) return this.#close();
      // Waiting for an answer is not idling: look again a whole period later.
      if (this.replies.unanswered > 0) this.#activeAt = io.clock.mono();
      this.#idleWaker = this.#watchIdle();
    });
  }

  /** While we do not read, the peer cannot be blamed. */
  #watchFrame(): void {
    this.#watchTurn();
    const isAwaited = this.#frames.isMidFrame && !this.#isPaused;
    if (isAwaited && this.#frameWaker === null) this.#awaitHeader();
    else if (!isAwaited && this.#frameWaker !== null) {
      this.#frameWaker.cancel();
      this.#frameWaker = null;
    }
  }

  /** Others wait for the memory that this frame holds: it must come without delay, or go. */
  #watchTurn(): void {
    const { io, limits, budget } = this.#shared;
    const hasTurn = budget.isLetThrough(this) && this.#frames.isMidFrame && !this.#isPaused;
    if (!hasTurn || this.#turnWaker !== null) return;
    const before = this.#frames.bytesRead;
    this.#turnWaker = io.deadlines.wake(io.deadlines.in("connection.turn", limits.turnMs), () => {
      this.#turnWaker = null;
      const read = this.#frames.bytesRead - before;
      if (!budget.isLetThrough(this) || !this.#frames.isMidFrame) return;
      if (read >= limits.turnBytesMin || !budget.hasLine) return this.#watchTurn();
      this.abort(
        "tooSlow",
        `${read} bytes of its request came within ${limits.turnMs} ms, while others waited for the memory that it holds`,
      );
    });
  }

  #awaitHeader(): void {
    const { io, limits } = this.#shared;
    const before = this.#frames.bytesRead;
    this.#frameWaker = io.deadlines.wake(io.deadlines.in("connection.header", limits.headerMs), () => {
      const read = this.#frames.bytesRead - before;
      if (this.#frames.frameBytesRead < REQUEST_BYTES_MIN && read < REQUEST_BYTES_MIN) {
        return this.abort("tooSlow", `its request's header did not come within ${limits.headerMs} ms`);
      }
      this.#awaitBytes(before);
    });
  }

  #awaitBytes(before: number): void {
    const { io, limits } = this.#shared;
    this.#frameWaker = io.deadlines.wake(io.deadlines.in("connection.frame", limits.frameWindowMs), () => {
      const read = this.#frames.bytesRead - before;
      if (read < limits.frameBytesPerWindowMin) {
        return this.abort("tooSlow", `${read} bytes of its request came within ${limits.frameWindowMs} ms`);
      }
      this.#awaitBytes(this.#frames.bytesRead);
    });
  }

  #watchDrain(): void {
    if (!this.replies.isBlocked || this.#drainWaker !== null || this.#isClosed) return;
    const { io, limits } = this.#shared;
    this.#drainWaker = io.deadlines.wake(io.deadlines.in("connection.drain", limits.drainMs), () => {
      io.mark("broker.connection.notReading");
      this.#shared.router.log.tell(
        "notReading",
        this.info.remote,
        "Closed a connection",
        `it took nothing of ${this.replies.unsentBytes} bytes of replies within ${limits.drainMs} ms`,
      );
      this.destroy();
    });
  }
}
