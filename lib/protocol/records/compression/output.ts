/** A buffer that grows up to a limit: where decoders put what they cannot size beforehand. */
import { DecompressionLimitExceeded } from "../errors.ts";

export class BoundedOutput {
  bytes: Uint8Array;
  length = 0;
  readonly #codec: string;
  readonly #maxBytes: number;

  constructor(codec: string, firstBytes: number, maxBytes: number) {
    this.#codec = codec;
    this.#maxBytes = maxBytes;
    this.bytes = new Uint8Array(Math.min(firstBytes, maxBytes));
  }

  /** Makes room for `more` bytes after `length`. @throws {DecompressionLimitExceeded} */
  reserve(more: number): void {
    const needed = this.length + more;
    if (needed <= this.bytes.length) return;
    if (needed > this.#maxBytes) throw new DecompressionLimitExceeded(this.#codec, this.#maxBytes);
    const grown = new Uint8Array(Math.min(this.#maxBytes, Math.max(needed, this.bytes.length * 2)));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }

  append(chunk: Uint8Array): void {
    this.reserve(chunk.length);
    this.bytes.set(chunk, this.length);
    this.length += chunk.length;
  }

  result(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }
}
