/**
 * Raft's durable state: entries and hard state ride in the WAL's next round; each checkpoint writes them to a file of their own, so that
 * the WAL can be trimmed; snapshots are files. Interprets no entry.
 */
import { type Deadline, invariant, type Io } from "../io/mod.ts";
import { readInt32, writeInt32 } from "../protocol/records/mod.ts";
import type { Entry, HardState, SnapshotMeta } from "../raft/types.ts";
import { readWholeFile, replaceFile } from "./durable_file.ts";
import { CorruptLog } from "./errors.ts";
import type { RaftStore } from "./types.ts";
import { EntryBuffer, forEachEntry, type WalEntry } from "./wal/entry.ts";
import type { Round } from "./wal/round.ts";

const STATE_FILE = "state";
const SNAPSHOT_FILE = "snapshot";
const NO_BATCHES = new Uint8Array(0);

export interface Snapshot {
  readonly meta: SnapshotMeta;
  readonly data: Uint8Array;
}

/** What Raft has on disk, kept in step with what is written: Raft keeps the entries since the last snapshot in memory anyway. */
export class StoredRaft implements RaftStore {
  readonly #io: Io;
  readonly #directory: string;
  #record: ((write: (round: Round) => void) => Promise<void>) | null = null;
  #hardState: HardState | null = null;
  /** Contiguous; the first one follows the snapshot. */
  #entries: Entry[] = [];
  #snapshot: Snapshot | null = null;
  /** Entries up to here are in the snapshot. */
  #snapshotIndex = 0;
  #recovered: RaftStore["recovered"] | null = null;
  /** Something since the last `save`. */
  #dirty = false;
  /** Last entry that the files hold, without the WAL behind them. */
  #savedIndex = 0;
  /** The directory is there for good. */
  #isMade = false;

  constructor(io: Io, directory: string) {
    this.#io = io;
    this.#directory = directory;
  }

  get recovered(): RaftStore["recovered"] {
    invariant(this.#recovered !== null, "Raft is started after recovery");
    return this.#recovered;
  }

  async persist(hardState: HardState | null, entries: readonly Entry[], deadline: Deadline): Promise<void> {
    if (hardState === null && entries.length === 0) return;
    this.#take(hardState, entries);
    const written = this.#record!(({ entries: buffer }) => {
      if (hardState !== null) buffer.hardState(hardState);
      for (const entry of entries) buffer.raftEntry(entry);
    });
    await this.#io.deadlines.guard(deadline, "wal", written);
  }

  async saveSnapshot(meta: SnapshotMeta, data: Uint8Array, deadline: Deadline): Promise<void> {
    await this.#writeSnapshot({ meta, data }, deadline);
    this.#snapshot = { meta, data };
    this.#forget(meta.index);
    this.#dirty = true;
  }

  /** What a checkpoint that is written now may rely on. */
  get savedIndex(): number {
    return this.#savedIndex;
  }

  /**
   * What the checkpoint saved. The WAL behind it follows by `replay`.
   * @param atLeast the index that the checkpoint relies on: with less, topics would be forgotten and their logs deleted.
   * @throws {CorruptLog}
   */
  async load(deadline: Deadline, atLeast: number): Promise<void> {
    const snapshot = await readWholeFile(this.#io, `${this.#directory}/${SNAPSHOT_FILE}`, deadline);
    if (snapshot === "damaged") throw this.#damaged(SNAPSHOT_FILE);
    if (snapshot !== null) {
      const metaBytes = readInt32(snapshot, 0);
      const meta = JSON.parse(new TextDecoder().decode(snapshot.subarray(4, 4 + metaBytes))) as SnapshotMeta;
      this.#snapshot = { meta, data: snapshot.slice(4 + metaBytes) };
      this.#snapshotIndex = meta.index;
    }
    const state = await readWholeFile(this.#io, `${this.#directory}/${STATE_FILE}`, deadline);
    if (state === "damaged") throw this.#damaged(STATE_FILE);
    if (state !== null) forEachEntry(state, NO_BATCHES, (entry) => this.replay(entry));
    this.#dirty = false;
    this.#savedIndex = this.#lastIndex;
    if (this.#savedIndex >= atLeast) return;
    const what = state === null && snapshot === null ? `"${this.#directory}/${STATE_FILE}" is missing` : `"${this.#directory}" is too old`;
    throw new CorruptLog(
      `Cannot recover Raft: ${what}: the checkpoint relies on entry ${atLeast}, there are ${this.#savedIndex}. ` +
        `Put the folder back as it was, or restore this node's data from a backup or a peer; nothing was changed`,
    );
  }

  replay(entry: WalEntry): void {
    if (entry.kind === "hardState") this.#take(entry.hardState, []);
    else if (entry.kind === "raftEntry") this.#take(null, [entry.entry]);
  }

  /** Recovery is over. */
  start(record: (write: (round: Round) => void) => Promise<void>): void {
    this.#record = record;
    this.#recovered = { hardState: this.#hardState, entries: [...this.#entries], snapshot: this.#snapshot };
    // Raft takes it from here; holding a second copy of the snapshot would only cost memory.
    this.#snapshot = null;
  }

  /** Makes everything that went through the WAL so far durable outside of it. Raft may write meanwhile. */
  async save(deadline: Deadline): Promise<void> {
    if (!this.#dirty) return;
    this.#dirty = false;
    const buffer = new EntryBuffer(0);
    if (this.#hardState !== null) buffer.hardState(this.#hardState);
    for (const entry of this.#entries) buffer.raftEntry(entry);
    const savedIndex = this.#lastIndex;
    try {
      await this.#makeDirectory(deadline);
      await replaceFile(this.#io, this.#directory, STATE_FILE, [buffer.bytes], deadline);
      this.#savedIndex = savedIndex;
    } catch (error) {
      this.#dirty = true;
      throw error;
    }
  }

  #take(hardState: HardState | null, entries: readonly Entry[]): void {
    this.#dirty = true;
    if (hardState !== null) this.#hardState = hardState;
    const snapshotIndex = this.#snapshotIndex;
    for (const entry of entries) {
      if (entry.index <= snapshotIndex) continue;
      const first = this.#entries[0]?.index ?? entry.index;
      const at = entry.index - first;
      if (at < 0 || at > this.#entries.length || this.#entries.length === 0 && entry.index > snapshotIndex + 1) {
        throw new CorruptLog(
          `Cannot recover Raft: entry ${entry.index} does not follow entry ${this.#lastIndex}: "${this.#directory}" lacks what is between. ` +
            `Put the folder back as it was, or restore this node's data from a backup or a peer; nothing was changed`,
        );
      }
      this.#entries.length = at;
      this.#entries.push(entry);
    }
  }

  get #lastIndex(): number {
    return this.#entries.at(-1)?.index ?? this.#snapshotIndex;
  }

  #forget(index: number): void {
    this.#snapshotIndex = Math.max(this.#snapshotIndex, index);
    const keepFrom = this.#entries.findIndex((entry) => entry.index > index);
    this.#entries = keepFrom < 0 ? [] : this.#entries.slice(keepFrom);
  }

  async #writeSnapshot({ meta, data }: Snapshot, deadline: Deadline): Promise<void> {
    const text = new TextEncoder().encode(JSON.stringify(meta));
    const length = new Uint8Array(4);
    writeInt32(length, 0, text.length);
    await this.#makeDirectory(deadline);
    await replaceFile(this.#io, this.#directory, SNAPSHOT_FILE, [length, text, data], deadline);
  }

  /** With a name that survives the loss of power: a snapshot may be the first thing in it, long before a checkpoint. */
  async #makeDirectory(deadline: Deadline): Promise<void> {
    if (this.#isMade) return;
    await this.#io.disk.makeDirectory(this.#directory, deadline);
    await this.#io.disk.syncDirectory(this.#directory.slice(0, this.#directory.lastIndexOf("/")), deadline);
    this.#isMade = true;
  }

  #damaged(name: string): CorruptLog {
    return new CorruptLog(
      `Cannot recover Raft: "${this.#directory}/${name}" is damaged. Restore this node's data from a backup or a peer; nothing was changed`,
    );
  }
}
