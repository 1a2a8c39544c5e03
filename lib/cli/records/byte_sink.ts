/** Gathers output bytes, so that a thousand small records are one write. Grows with the largest record; holds no more than was put in. */
const FIRST_BYTES = 128 * 1024;

export class ByteSink {
  #bytes = new Uint8Array(FIRST_BYTES);
  #length = 0;
  readonly #encoder = new TextEncoder();

  /** Bytes waiting. */
  get length(): number {
    return this.#length;
  }

  text(text: string): void {
    // UTF-8 takes three bytes for a UTF-16 unit at most.
    this.#reserve(text.length * 3);
    this.#length += this.#encoder.encodeInto(text, this.#bytes.subarray(this.#length)).written;
  }

  bytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Everything that waits. The buffer is the caller's until it asks again: it is used over only after `done`. */
  take(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** What was taken has been written. */
  done(): void {
    this.#length = 0;
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    larger.set(this.take());
    this.#bytes = larger;
  }
}
