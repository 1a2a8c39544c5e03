/** A durable place for Raft in memory, for tests of the driver: what `persist` resolved survives, the rest may be lost. */
import type { Deadline } from "../../lib/io/mod.ts";
import type { Entry, HardState, SnapshotMeta } from "../../lib/raft/mod.ts";
import type { RaftStore } from "../../lib/storage/types.ts";

export class MemoryRaftStore implements RaftStore {
  #hardState: HardState | null = null;
  #entries: Entry[] = [];
  #snapshot: { readonly meta: SnapshotMeta; readonly data: Uint8Array } | null = null;
  /** Number of entries of each `persist` that had any. */
  readonly writes: number[] = [];
  snapshots = 0;
  /** Set to make writes wait for `release`, or fail. */
  held: (() => void)[] | null = null;
  failure: Error | null = null;
  /** Only snapshots fail. */
  snapshotFailure: Error | null = null;

  get recovered(): RaftStore["recovered"] {
    return { hardState: this.#hardState, entries: [...this.#entries], snapshot: this.#snapshot };
  }

  async persist(hardState: HardState | null, entries: readonly Entry[], _deadline: Deadline): Promise<void> {
    await this.#gate();
    if (hardState !== null) this.#hardState = hardState;
    if (entries.length === 0) return;
    this.writes.push(entries.length);
    this.#entries = [...this.#entries.filter((entry) => entry.index < entries[0]!.index), ...entries];
  }

  async saveSnapshot(meta: SnapshotMeta, data: Uint8Array, _deadline: Deadline): Promise<void> {
    await this.#gate();
    if (this.snapshotFailure !== null) throw this.snapshotFailure;
    this.snapshots++;
    this.#snapshot = { meta, data };
    this.#entries = this.#entries.filter((entry) => entry.index > meta.index);
  }

  release(): void {
    const held = this.held ?? [];
    this.held = null;
    for (const go of held) go();
  }

  async #gate(): Promise<void> {
    await null;
    if (this.held !== null) await new Promise<void>((resolve) => this.held?.push(resolve));
    if (this.failure !== null) throw this.failure;
  }
}
