/**
 * Cuts a broker's bytes into frames, each in a buffer of its own, because readers of records keep views into it. Must not trust a length:
 * a large frame's buffer grows with the bytes that arrive.
 */
import { FRAME_PREFIX_BYTES, frameLength, RESPONSE_BYTES_MIN } from "../protocol/mod.ts";

/** The longest reply that is taken: twice the largest fetch that a consumer asks for by default. */
export const REPLY_BYTES_MAX = 128 * 1024 * 1024;
/** First buffer of a frame that does not come in one piece; it doubles. */
const GROWING_BYTES_MIN = 1024 * 1024;

export class ReplyReader {
  readonly #onFrame: (frame: Uint8Array) => void;
  readonly #prefix = new Uint8Array(FRAME_PREFIX_BYTES);
  #prefixFilled = 0;
  /** Of the frame that is arriving; -1 between frames. */
  #length = -1;
  /** At most `#length` long, `#filled` of it is there. */
  #partial: Uint8Array | null = null;
  #filled = 0;
  #stopped = false;

  constructor(onFrame: (frame: Uint8Array) => void) {
    this.#onFrame = onFrame;
  }

  /** What arrives from now on, the rest of the present chunk included, is nobody's. */
  stop(): void {
    this.#stopped = true;
    this.#partial = null;
  }

  /** @throws {FrameError} for a length that no reply can have. */
  push(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length && !this.#stopped) {
      if (this.#length < 0) {
        this.#prefix[this.#prefixFilled++] = chunk[at++]!;
        if (this.#prefixFilled < FRAME_PREFIX_BYTES) continue;
        this.#length = frameLength(this.#prefix, 0, REPLY_BYTES_MAX, RESPONSE_BYTES_MIN)!;
        this.#prefixFilled = 0;
      }
      at = this.#partial === null && chunk.length - at >= this.#length ? this.#whole(chunk, at) : this.#part(chunk, at);
    }
  }

  #whole(chunk: Uint8Array, at: number): number {
    const end = at + this.#length;
    this.#length = -1;
    // Not `slice`: the chunk may be a Buffer, whose slices are views.
    const frame = new Uint8Array(end - at);
    frame.set(chunk.subarray(at, end));
    this.#onFrame(frame);
    return end;
  }

  #part(chunk: Uint8Array, at: number): number {
    const taken = Math.min(chunk.length - at, this.#length - this.#filled);
    const buffer = this.#room(this.#filled + taken);
    buffer.set(chunk.subarray(at, at + taken), this.#filled);
    this.#filled += taken;
    if (this.#filled === this.#length) {
      this.#partial = null;
      this.#length = -1;
      this.#filled = 0;
      this.#onFrame(buffer);
    }
    return at + taken;
  }

  #room(bytes: number): Uint8Array {
    if (this.#partial !== null && this.#partial.length >= bytes) return this.#partial;
    const grown = new Uint8Array(Math.min(this.#length, Math.max(GROWING_BYTES_MIN, 2 * bytes)));
    if (this.#partial !== null) grown.set(this.#partial.subarray(0, this.#filled));
    this.#partial = grown;
    return grown;
  }
}
