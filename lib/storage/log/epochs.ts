/** Which leader epoch wrote which offsets: a list of (epoch, first offset). Pure. Sources: KIP-101, KIP-279. */
import type { EpochEnd } from "../types.ts";

export class EpochHistory {
  /** Epochs and start offsets both strictly increase. */
  #entries: { readonly epoch: number; start: number }[] = [];

  get latest(): number {
    return this.#entries.at(-1)?.epoch ?? -1;
  }

  /** A batch of `epoch` begins at `offset`. Epochs that are not newer change nothing. */
  assign(epoch: number, offset: number): void {
    if (epoch <= this.latest) return;
    // Whatever claims to begin at or after this offset wrote nothing.
    this.truncate(offset);
    this.#entries.push({ epoch, start: offset });
  }

  /** The log ends at `offset` now. */
  truncate(offset: number): void {
    while (this.#entries.length > 0 && this.#entries.at(-1)!.start >= offset) this.#entries.pop();
  }

  /** The log begins at `offset` now; the epoch that covers it is kept. */
  trim(offset: number): void {
    let covering = 0;
    while (covering + 1 < this.#entries.length && this.#entries[covering + 1]!.start <= offset) covering++;
    this.#entries.splice(0, covering);
    const first = this.#entries[0];
    if (first !== undefined && first.start < offset) first.start = offset;
  }

  /** The largest epoch that is at most the asked one, and where it ended. */
  end(epoch: number, logEndOffset: number): EpochEnd {
    if (epoch < 0 || epoch > this.latest) return { leaderEpoch: -1, endOffset: -1 };
    if (epoch === this.latest) return { leaderEpoch: epoch, endOffset: logEndOffset };
    const next = this.#entries.findIndex((entry) => entry.epoch > epoch);
    // Older than everything we know: it ended before our log begins.
    return { leaderEpoch: next === 0 ? epoch : this.#entries[next - 1]!.epoch, endOffset: this.#entries[next]!.start };
  }

  at(offset: number): number {
    for (let i = this.#entries.length - 1; i >= 0; i--) {
      if (this.#entries[i]!.start <= offset) return this.#entries[i]!.epoch;
    }
    return -1;
  }

  /** Pairs of epoch and first offset of a log of [start, end). The latest one is kept also of a log that was emptied: its end is still asked for. */
  dump(logStart: number, end: number): [number, number][] {
    return this.#entries.filter(({ start }) => start < end || start <= logStart).map(({ epoch, start }) => [epoch, start]);
  }

  restore(pairs: readonly (readonly [number, number])[]): void {
    this.#entries = pairs.map(([epoch, start]) => ({ epoch, start }));
  }
}
