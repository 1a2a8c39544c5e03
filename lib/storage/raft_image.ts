/**
 * What Raft's log and hard state come to after a row of writes: the same rules for what is being written, what is durable of it, and what the WAL
 * replays. Pure; holds references to the entries, which Raft keeps since the last snapshot anyway.
 */
import type { Entry, HardState, SnapshotMeta } from "../raft/types.ts";

/** The index of an entry that does not follow the others. */
export class EntryGap extends Error {
  override readonly name = "EntryGap";
  constructor(readonly index: number) {
    super(`Entry ${index} does not follow`);
  }
}

export class RaftImage {
  hardState: HardState | null = null;
  /** Contiguous; the first one follows the snapshot. */
  entries: Entry[] = [];
  /** Entries up to here are in the snapshot. */
  snapshotIndex = 0;
  snapshotTerm = 0;
  /**
   * Whether what the log holds at the snapshot's end is what the snapshot ends with: only then what follows there belongs to it. Another
   * node's snapshot may take the place of entries that were never committed.
   */
  agrees = true;

  copy(): RaftImage {
    return Object.assign(new RaftImage(), this, { entries: [...this.entries] });
  }

  /** @throws {EntryGap} */
  take(hardState: HardState | null, entries: readonly Entry[]): void {
    if (hardState !== null) this.hardState = hardState;
    const { snapshotIndex } = this;
    for (const entry of entries) {
      if (entry.index <= snapshotIndex) {
        // Written before the snapshot was, or in its place: everything after it was cut off then.
        this.agrees = entry.index === snapshotIndex && entry.term === this.snapshotTerm;
        this.entries.length = 0;
        continue;
      }
      if (!this.agrees) continue;
      const first = this.entries[0]?.index ?? entry.index;
      const at = entry.index - first;
      if (at < 0 || at > this.entries.length || this.entries.length === 0 && entry.index > snapshotIndex + 1) {
        throw new EntryGap(entry.index);
      }
      this.entries.length = at;
      this.entries.push(entry);
    }
  }

  /** @returns whether the log had what the snapshot ends with; if not, nothing of it follows the snapshot. */
  takeSnapshot({ index, term }: SnapshotMeta): boolean {
    const agrees = this.termAt(index) === term;
    this.entries = agrees ? this.entries.filter((entry) => entry.index > index) : [];
    this.snapshotIndex = index;
    this.snapshotTerm = term;
    return agrees;
  }

  get lastIndex(): number {
    return this.entries.at(-1)?.index ?? this.snapshotIndex;
  }

  /** Entries behind it may still be cut off by another leader. */
  get committedIndex(): number {
    return Math.max(this.snapshotIndex, Math.min(this.hardState?.commit ?? 0, this.lastIndex));
  }

  termAt(index: number): number | null {
    if (index === this.snapshotIndex) return this.snapshotTerm;
    return this.entries[index - this.snapshotIndex - 1]?.term ?? null;
  }
}
