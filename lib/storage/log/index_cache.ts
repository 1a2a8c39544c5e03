/** Bounds the memory of loaded index files over all logs: the one not used longest is dropped, and loaded again when asked for. */
import type { SegmentIndex } from "./index_entries.ts";

export class IndexCache {
  readonly #bytesMax: number;
  /** Least recently used first, with the bytes counted for each. */
  readonly #loaded = new Map<SegmentIndex, number>();
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  touch(index: SegmentIndex): void {
    this.forget(index);
    if (index.loaded === null) return;
    const bytes = index.loaded.offsets.length + index.loaded.times.length;
    this.#loaded.set(index, bytes);
    this.#bytes += bytes;
    for (const oldest of this.#loaded.keys()) {
      if (this.#bytes <= this.#bytesMax || oldest === index) break;
      oldest.loaded = null;
      this.forget(oldest);
    }
  }

  forget(index: SegmentIndex): void {
    this.#bytes -= this.#loaded.get(index) ?? 0;
    this.#loaded.delete(index);
  }
}
