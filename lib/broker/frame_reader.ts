/**
 * Cuts a peer's bytes into frames. A frame's bytes are copied once, from the socket's chunk, which is valid only during the call, into a
 * pooled buffer that the frame leases. Decides nothing about sockets and requests.
 *
 * A frame that does not come in one chunk gets its whole buffer at once while there is room, and otherwise a buffer that grows with
 * the bytes that arrive: a peer that only claims a large frame takes no memory (HAZARDS N3).
 */
import type { BufferPool, ByteBudget, ByteReader, Piece } from "../io/mod.ts";
import { FRAME_PREFIX_BYTES, frameLength } from "../protocol/mod.ts";

/** First buffer of a frame that nobody has room for yet; it doubles. */
const GROWING_BYTES_MIN = 64 * 1024;

/** The memory for frames in flight is used up: this connection must go. */
export class FrameMemoryExceeded extends Error {
  override readonly name = "FrameMemoryExceeded";
  constructor(readonly length: number) {
    super(`Cannot take a frame of ${length} bytes: requests in flight have used up their memory`);
  }
}

export interface FrameSink extends ByteReader {
  /** Takes the frame over: release it once. */
  onFrame(frame: Piece): void;
  /** No more frames now: what is left of the bytes is kept until `FrameReader.proceed`. */
  shouldStop(): boolean;
}

export class FrameReader {
  readonly #pool: BufferPool;
  readonly #budget: ByteBudget;
  readonly #bytesMax: number;
  readonly #sink: FrameSink;
  readonly #giveBack: (length: number) => void;
  /** The length of the next frame, as far as it is there. */
  readonly #prefix = new Uint8Array(FRAME_PREFIX_BYTES);
  #prefixFilled = 0;
  /** Of the frame that is arriving; -1 between frames. */
  #length = -1;
  /** Holds at least `#filled` and at most `#length` bytes. */
  #partial: Piece | null = null;
  #filled = 0;
  /** Bytes that came after the sink said stop, in order. */
  #backlog: Piece[] = [];
  #closed = false;
  /** Bytes that arrived so far, for the watch over slow peers. */
  bytesRead = 0;

  constructor(pool: BufferPool, budget: ByteBudget, bytesMax: number, sink: FrameSink) {
    this.#pool = pool;
    this.#budget = budget;
    this.#bytesMax = bytesMax;
    this.#sink = sink;
    this.#giveBack = (length) => budget.giveBack(length);
  }

  /** Part of a frame is there and the rest is not. */
  get isMidFrame(): boolean {
    return this.#length >= 0 || this.#prefixFilled > 0;
  }

  /** Bytes of the frame that is arriving, its length prefix included. */
  get frameBytesRead(): number {
    return this.#prefixFilled + this.#filled;
  }

  get hasBacklog(): boolean {
    return this.#backlog.length > 0;
  }

  /** @throws {FrameError} for what cannot be a request; {FrameMemoryExceeded}. The reader is of no use then but to be closed. */
  push(chunk: Uint8Array): void {
    this.bytesRead += chunk.length;
    // Also after a stop bytes may come: the socket had them already.
    const used = this.#backlog.length > 0 || this.#sink.shouldStop() ? 0 : this.#read(chunk);
    if (used < chunk.length && !this.#closed) this.#backlog.push(this.#copy(chunk.subarray(used)));
  }

  /** Goes on with what was kept, until the sink says stop again. @throws as `push`. */
  proceed(): void {
    while (this.#backlog.length > 0 && !this.#sink.shouldStop()) {
      const piece = this.#backlog.shift()!;
      try {
        const used = this.#read(piece.bytes);
        if (used < piece.bytes.length && !this.#closed) this.#backlog.unshift(this.#copy(piece.bytes.subarray(used)));
      } finally {
        piece.release();
        this.#budget.abandoned(piece.bytes.length);
      }
    }
  }

  /** Gives back what a frame that will never be whole has taken. */
  close(): void {
    this.#closed = true;
    for (const piece of this.#backlog) {
      piece.release();
      this.#budget.abandoned(piece.bytes.length);
    }
    this.#backlog = [];
    this.#dropPartial();
    this.#length = -1;
    this.#prefixFilled = 0;
  }

  /** Returns how many bytes it used: all of them, unless the sink said stop. */
  #read(chunk: Uint8Array): number {
    let at = 0;
    while (at < chunk.length) {
      if (this.#length < 0) {
        at = this.#readPrefix(chunk, at);
        if (this.#length < 0) break;
      }
      at = this.#fill(chunk, at);
      if (this.#filled < this.#length) break;
      this.#finish();
      if (this.#sink.shouldStop()) break;
    }
    return at;
  }

  #readPrefix(chunk: Uint8Array, at: number): number {
    if (this.#prefixFilled === 0 && chunk.length - at >= FRAME_PREFIX_BYTES) {
      this.#length = frameLength(chunk, at, this.#bytesMax)!;
      this.#prefixFilled = FRAME_PREFIX_BYTES;
      return at + FRAME_PREFIX_BYTES;
    }
    const count = Math.min(FRAME_PREFIX_BYTES - this.#prefixFilled, chunk.length - at);
    this.#prefix.set(chunk.subarray(at, at + count), this.#prefixFilled);
    this.#prefixFilled += count;
    if (this.#prefixFilled === FRAME_PREFIX_BYTES) this.#length = frameLength(this.#prefix, 0, this.#bytesMax)!;
    return at + count;
  }

  #fill(chunk: Uint8Array, at: number): number {
    const count = Math.min(this.#length - this.#filled, chunk.length - at);
    const needed = this.#filled + count;
    if (this.#partial === null || this.#partial.bytes.length < needed) this.#grow(needed);
    const part = count === chunk.length ? chunk : chunk.subarray(at, at + count);
    this.#partial!.bytes.set(part, this.#filled);
    this.#filled = needed;
    return at + count;
  }

  /** Makes room for at least `needed` bytes of the frame. */
  #grow(needed: number): void {
    const old = this.#partial;
    const oldBytes = old?.bytes.length ?? 0;
    const capacity = needed === this.#length || this.#budget.hasRoomFor(this.#length - oldBytes)
      ? this.#length
      : Math.min(this.#length, Math.max(GROWING_BYTES_MIN, 2 ** Math.ceil(Math.log2(needed))));
    if (!this.#budget.take(capacity - oldBytes, needed === this.#length)) throw new FrameMemoryExceeded(this.#length);
    this.#partial = this.#pool.take(capacity);
    if (old === null) return;
    this.#partial.bytes.set(old.bytes.subarray(0, this.#filled));
    old.release();
  }

  #finish(): void {
    const frame = this.#partial!;
    this.#budget.completed(this.#length, this.#sink);
    frame.whenFreed(this.#giveBack);
    this.#partial = null;
    this.#filled = 0;
    this.#prefixFilled = 0;
    this.#length = -1;
    this.#sink.onFrame(frame);
  }

  #dropPartial(): void {
    const partial = this.#partial;
    this.#partial = null;
    this.#filled = 0;
    if (partial === null) return;
    partial.release();
    this.#budget.abandoned(partial.bytes.length);
  }

  #copy(bytes: Uint8Array): Piece {
    if (!this.#budget.take(bytes.length)) throw new FrameMemoryExceeded(bytes.length);
    const piece = this.#pool.take(bytes.length);
    piece.bytes.set(bytes);
    return piece;
  }
}
