/**
 * Raft's durable state: entries and hard state ride in the WAL's next round; each checkpoint writes them to a file of their own, so that
 * the WAL can be trimmed; snapshots are files. Interprets no entry.
 */
import { type Deadline, invariant, type Io } from "../io/mod.ts";
import { readInt32, writeInt32 } from "../protocol/records/mod.ts";
import type { Entry, HardState, SnapshotMeta } from "../raft/types.ts";
import { jsonOf, readWholeFile, replaceFile } from "./durable_file.ts";
import { CorruptLog } from "./errors.ts";
import type { RaftStore } from "./types.ts";
import { areValidEntries, EntryBuffer, forEachEntry, type WalEntry } from "./wal/entry.ts";
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
  #snapshotTerm = 0;
  /**
   * Whether what the log holds at the snapshot's end is what the snapshot ends with: only then what follows there belongs to it. Another
   * node's snapshot may take the place of entries that were never committed.
   */
  #agrees = true;
  /** The WAL behind the snapshot is of another log: what is written next says where the right one begins. */
  #restarts = false;
  #recovered: RaftStore["recovered"] | null = null;
  /** Something since the last `save`. */
  #dirty = false;
  /** Last entry in the files that nobody can cut off any more. */
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
    const restarts = this.#restarts;
    this.#restarts = false;
    const written = this.#record!(({ entries: buffer }) => {
      if (hardState !== null) buffer.hardState(hardState);
      // Stands for the snapshot's last entry, and cuts off what the WAL holds after it.
      if (restarts) buffer.raftEntry({ index: this.#snapshotIndex, term: this.#snapshotTerm, kind: "noop", data: NO_BATCHES });
      for (const entry of entries) buffer.raftEntry(entry);
    });
    await this.#io.deadlines.guard(deadline, "wal", written);
  }

  async saveSnapshot(meta: SnapshotMeta, data: Uint8Array, deadline: Deadline): Promise<void> {
    await this.#writeSnapshot({ meta, data }, deadline);
    if (meta.index < this.#snapshotIndex) throw new Error(`Snapshot ${meta.index} comes after snapshot ${this.#snapshotIndex}`);
    const agrees = this.#termAt(meta.index) === meta.term;
    this.#entries = agrees ? this.#entries.filter((entry) => entry.index > meta.index) : [];
    this.#restarts ||= !agrees;
    this.#snapshotIndex = meta.index;
    this.#snapshotTerm = meta.term;
    this.#dirty = true;
  }

  /** What a checkpoint that is written now may rely on. */
  get savedIndex(): number {
    return this.#savedIndex;
  }

  /**
   * What the checkpoint saved. The WAL behind it follows by `replay`.
   * @param atLeast the index that the checkpoint relies on: with less, topics would be forgotten and their logs deleted.
   * @param isClean the directory was closed in good order.
   * @throws {CorruptLog}
   */
  async load(deadline: Deadline, atLeast: number, isClean: boolean): Promise<void> {
    const snapshot = await readWholeFile(this.#io, `${this.#directory}/${SNAPSHOT_FILE}`, deadline);
    if (snapshot === "damaged" || snapshot?.length === 0) throw this.#damaged(SNAPSHOT_FILE);
    if (snapshot !== null) {
      const metaBytes = snapshot.length < 4 ? -1 : readInt32(snapshot, 0);
      const meta = metaBytes < 0 ? null : jsonOf(snapshot.subarray(4, 4 + metaBytes)) as SnapshotMeta | null;
      // Whole, but another file under this name.
      if (typeof meta?.index !== "number" || typeof meta.term !== "number") throw this.#damaged(SNAPSHOT_FILE);
      this.#snapshot = { meta, data: snapshot.slice(4 + metaBytes) };
      this.#snapshotIndex = meta.index;
      this.#snapshotTerm = meta.term;
    }
    const state = await readWholeFile(this.#io, `${this.#directory}/${STATE_FILE}`, deadline);
    if (state === "damaged") throw this.#damaged(STATE_FILE);
    if (state !== null && !areValidEntries(state, NO_BATCHES)) throw this.#damaged(STATE_FILE);
    if (state !== null) forEachEntry(state, NO_BATCHES, (entry) => this.replay(entry));
    if (this.#lastIndex < atLeast) throw this.#tooOld(state === null && snapshot === null, atLeast);
    // Behind a crash it may have been read from memory only, and be lost with the power: written again, or not relied on until the next save.
    if (!isClean && this.#snapshot !== null) await this.#writeSnapshot(this.#snapshot, deadline);
    this.#dirty = !isClean;
    this.#savedIndex = isClean ? this.#committedIndex : atLeast;
  }

  replay(entry: WalEntry): void {
    if (entry.kind === "hardState") this.#take(entry.hardState, []);
    else if (entry.kind === "raftEntry") this.#take(null, [entry.entry]);
  }

  /** All is replayed that there is. @throws {CorruptLog} when committed entries are not among it: a commit index is never written before them. */
  checkCommitted(): void {
    const commit = this.#hardState?.commit ?? 0;
    if (this.#lastIndex >= commit) return;
    throw new CorruptLog(
      `Cannot recover Raft: "${this.#directory}" is too old: entries up to ${commit} were committed, there are ${this.#lastIndex}. ` +
        `Put the folder back as it was, or restore this node's data from a backup or a peer; nothing was changed`,
    );
  }

  /** Recovery is over. */
  start(record: (write: (round: Round) => void) => Promise<void>): void {
    this.#record = record;
    this.#restarts = !this.#agrees;
    this.#agrees = true;
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
    const savedIndex = this.#committedIndex;
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
      if (entry.index <= snapshotIndex) {
        // Written before the snapshot was, or in its place: everything after it was cut off then.
        this.#agrees = entry.index === snapshotIndex && entry.term === this.#snapshotTerm;
        this.#entries.length = 0;
        continue;
      }
      if (!this.#agrees) continue;
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

  /** Entries behind it may still be cut off by another leader: no checkpoint relies on them. */
  get #committedIndex(): number {
    return Math.max(this.#snapshotIndex, Math.min(this.#hardState?.commit ?? 0, this.#lastIndex));
  }

  #termAt(index: number): number | null {
    if (index === this.#snapshotIndex) return this.#snapshotTerm;
    return this.#entries[index - this.#snapshotIndex - 1]?.term ?? null;
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

  #tooOld(isMissing: boolean, atLeast: number): CorruptLog {
    const what = isMissing ? `"${this.#directory}/${STATE_FILE}" is missing` : `"${this.#directory}" is too old`;
    return new CorruptLog(
      `Cannot recover Raft: ${what}: the checkpoint relies on entry ${atLeast}, there are ${this.#lastIndex}. ` +
        `Put the folder back as it was, or restore this node's data from a backup or a peer; nothing was changed`,
    );
  }

  #damaged(name: string): CorruptLog {
    return new CorruptLog(
      `Cannot recover Raft: "${this.#directory}/${name}" is damaged. Restore this node's data from a backup or a peer; nothing was changed`,
    );
  }
}
