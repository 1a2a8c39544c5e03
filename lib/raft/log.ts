/**
 * The log since the last snapshot, in memory: metadata is small, so the core never has to read old entries from disk, and a
 * replica that is further behind gets the snapshot. It must not know what is durable or committed; `state.ts` does.
 */
import { broken, invariant } from "./invariant.ts";
import type { Entry, SnapshotMeta } from "./types.ts";

export class RaftLog {
  /** Entries `snapshotIndex + 1 …`, dense. */
  #entries: Entry[] = [];
  #snapshotIndex: number;
  #snapshot: { readonly meta: SnapshotMeta; readonly data: Uint8Array } | null;

  constructor(snapshot: { readonly meta: SnapshotMeta; readonly data: Uint8Array } | null, entries: readonly Entry[]) {
    this.#snapshot = snapshot;
    this.#snapshotIndex = snapshot?.meta.index ?? 0;
    this.append(entries.filter((entry) => entry.index > this.snapshotIndex));
  }

  get snapshot(): { readonly meta: SnapshotMeta; readonly data: Uint8Array } | null {
    return this.#snapshot;
  }
  get snapshotIndex(): number {
    return this.#snapshotIndex;
  }
  get lastIndex(): number {
    return this.#snapshotIndex + this.#entries.length;
  }
  get lastTerm(): number {
    const entries = this.#entries;
    return entries.length > 0 ? entries[entries.length - 1]!.term : this.#snapshotTerm;
  }
  get #snapshotTerm(): number {
    return this.#snapshot === null ? 0 : this.#snapshot.meta.term;
  }

  /** null when `index` was compacted away or is not there yet. */
  termAt(index: number): number | null {
    const at = index - this.#snapshotIndex - 1;
    if (at === -1) return this.#snapshotTerm;
    return at >= 0 && at < this.#entries.length ? this.#entries[at]!.term : null;
  }

  /** Entries from `from` on, within the bounds, at least one if there is one. */
  slice(from: number, countMax: number, bytesMax: number): Entry[] {
    if (from <= this.#snapshotIndex) broken(`entry ${from} was compacted away`);
    const entries = this.#entries;
    const first = from - this.#snapshotIndex - 1;
    const end = Math.min(entries.length, first + countMax);
    let at = first;
    for (let bytes = 0; at < end; at++) {
      bytes += entries[at]!.data.length;
      if (at > first && bytes > bytesMax) break;
    }
    return entries.slice(first, at);
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
    this.#entries = this.#entries.slice(meta.index - this.#snapshotIndex);
    this.#setSnapshot(meta, data);
  }

  /** Replaces everything by another node's snapshot. */
  reset(meta: SnapshotMeta, data: Uint8Array): void {
    this.#entries = [];
    this.#setSnapshot(meta, data);
  }

  #setSnapshot(meta: SnapshotMeta, data: Uint8Array): void {
    this.#snapshot = { meta, data };
    this.#snapshotIndex = meta.index;
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
