/**
 * The log since the last snapshot, in memory: metadata is small, so the core never has to read old entries from disk, and a
 * replica that is further behind gets the snapshot. It must not know what is durable or committed; `raft.ts` does.
 */
import { broken, invariant } from "./invariant.ts";
import type { Entry, SnapshotMeta } from "./types.ts";

export class RaftLog {
  /** Entries `snapshotIndex + 1 …`, dense. */
  #entries: Entry[] = [];
  #snapshot: { readonly meta: SnapshotMeta; readonly data: Uint8Array } | null;

  constructor(snapshot: { readonly meta: SnapshotMeta; readonly data: Uint8Array } | null, entries: readonly Entry[]) {
    this.#snapshot = snapshot;
    this.append(entries.filter((entry) => entry.index > this.snapshotIndex));
  }

  get snapshot(): { readonly meta: SnapshotMeta; readonly data: Uint8Array } | null {
    return this.#snapshot;
  }
  get snapshotIndex(): number {
    return this.#snapshot?.meta.index ?? 0;
  }
  get lastIndex(): number {
    return this.snapshotIndex + this.#entries.length;
  }
  get lastTerm(): number {
    return this.#entries.at(-1)?.term ?? this.#snapshot?.meta.term ?? 0;
  }

  /** null when `index` was compacted away or is not there yet. */
  termAt(index: number): number | null {
    if (index === this.snapshotIndex) return this.#snapshot?.meta.term ?? 0;
    return this.#entries[index - this.snapshotIndex - 1]?.term ?? null;
  }

  /** Entries from `from` on, within the bounds, at least one if there is one. */
  slice(from: number, countMax: number, bytesMax: number): Entry[] {
    if (from <= this.snapshotIndex) broken(`entry ${from} was compacted away`);
    const slice: Entry[] = [];
    let bytes = 0;
    for (let at = from - this.snapshotIndex - 1; at < this.#entries.length && slice.length < countMax; at++) {
      const entry = this.#entries[at]!;
      bytes += entry.data.length;
      if (slice.length > 0 && bytes > bytesMax) break;
      slice.push(entry);
    }
    return slice;
  }

  append(entries: readonly Entry[]): void {
    for (const entry of entries) {
      if (entry.index !== this.lastIndex + 1) broken(`entry ${entry.index} does not follow ${this.lastIndex}`);
      if (entry.term < this.lastTerm) broken(`term of entry ${entry.index} goes back`);
      this.#entries.push(entry);
    }
  }

  /** Drops `index` and everything after it. */
  truncateFrom(index: number): void {
    invariant(index > this.snapshotIndex, `entry ${index} is part of the snapshot`);
    this.#entries.length = Math.min(this.#entries.length, index - this.snapshotIndex - 1);
  }

  /** Forgets entries up to `meta.index`; what follows stays. */
  compact(meta: SnapshotMeta, data: Uint8Array): void {
    if (meta.index <= this.snapshotIndex) return;
    invariant(this.termAt(meta.index) === meta.term, "a snapshot must be of this log");
    this.#entries = this.#entries.slice(meta.index - this.snapshotIndex);
    this.#snapshot = { meta, data };
  }

  /** Replaces everything by another node's snapshot. */
  reset(meta: SnapshotMeta, data: Uint8Array): void {
    this.#entries = [];
    this.#snapshot = { meta, data };
  }

  /** Thesis 5.4.1: whose last entry has the later term, or the same and the higher index. */
  isUpToDate(lastIndex: number, lastTerm: number): boolean {
    return lastTerm > this.lastTerm || (lastTerm === this.lastTerm && lastIndex >= this.lastIndex);
  }

  /** The highest index ≤ `index` whose term is ≤ `term`: both sides skip a whole conflicting term at a time with it (thesis 5.3). */
  agreeAtMost(index: number, term: number): { readonly index: number; readonly term: number } {
    let at = Math.min(index, this.lastIndex);
    while (at > this.snapshotIndex && this.termAt(at)! > term) at--;
    return { index: at, term: this.termAt(at) ?? 0 };
  }
}
