/**
 * Raft's durable state: entries and hard state ride in the WAL's next round; each checkpoint writes them to a file of their own, so that
 * the WAL can be trimmed; snapshots are files. Interprets no entry.
 */
import { type Deadline, invariant, type Io } from "../io/mod.ts";
import { readInt32, writeInt32 } from "../protocol/records/mod.ts";
import type { Entry, HardState, SnapshotMeta } from "../raft/types.ts";
import { jsonOf, readWholeFile, replaceFile } from "./durable_file.ts";
import { CorruptLog } from "./errors.ts";
import { EntryGap, RaftImage } from "./raft_image.ts";
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

type WalRecorder = (write: (round: Round) => void, becameDurable: () => void) => Promise<void>;

/** What Raft has on disk, kept in step with what is written: Raft keeps the entries since the last snapshot in memory anyway. */
export class StoredRaft implements RaftStore {
  readonly #io: Io;
  readonly #directory: string;
  #record: WalRecorder | null = null;
  /** What is durable: what a checkpoint may hold without the WAL. */
  readonly #durable = new RaftImage();
  /** With what is on its way to the WAL. */
  #given = this.#durable;
  #snapshot: Snapshot | null = null;
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
    const { snapshotIndex: index, snapshotTerm: term } = this.#given;
    // Stands for the snapshot's last entry, and cuts off what the WAL holds after it.
    const list = this.#restarts ? [{ index, term, kind: "noop", data: NO_BATCHES } as const, ...entries] : entries;
    this.#take(this.#given, hardState, list);
    this.#restarts = false;
    const written = this.#record!(
      ({ entries: buffer }) => {
        if (hardState !== null) buffer.hardState(hardState);
        for (const entry of list) buffer.raftEntry(entry);
      },
      () => this.#take(this.#durable, hardState, list),
    );
    await this.#io.deadlines.guard(deadline, "wal", written);
  }

  async saveSnapshot(meta: SnapshotMeta, data: Uint8Array, deadline: Deadline): Promise<void> {
    await this.#writeSnapshot({ meta, data }, deadline);
    const { snapshotIndex } = this.#given;
    if (meta.index < snapshotIndex) throw new Error(`Snapshot ${meta.index} comes after snapshot ${snapshotIndex}`);
    if (!this.#given.takeSnapshot(meta)) this.#restarts = true;
    this.#durable.takeSnapshot(meta);
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
      this.#durable.takeSnapshot(meta);
    }
    const state = await readWholeFile(this.#io, `${this.#directory}/${STATE_FILE}`, deadline);
    if (state === "damaged") throw this.#damaged(STATE_FILE);
    if (state !== null && !areValidEntries(state, NO_BATCHES)) throw this.#damaged(STATE_FILE);
    if (state !== null) forEachEntry(state, NO_BATCHES, (entry) => this.replay(entry));
    if (this.#durable.lastIndex < atLeast) throw this.#tooOld(state === null && snapshot === null, atLeast);
    // Behind a crash it may have been read from memory only, and be lost with the power: written again, or not relied on until the next save.
    if (!isClean && this.#snapshot !== null) await this.#writeSnapshot(this.#snapshot, deadline);
    this.#dirty = !isClean;
    this.#savedIndex = isClean ? this.#durable.committedIndex : atLeast;
  }

  replay(entry: WalEntry): void {
    if (entry.kind === "hardState") this.#take(this.#durable, entry.hardState, []);
    else if (entry.kind === "raftEntry") this.#take(this.#durable, null, [entry.entry]);
  }

  /** All is replayed that there is. @throws {CorruptLog} when committed entries are not among it: a commit index is never written before them. */
  checkCommitted(): void {
    const { hardState, lastIndex } = this.#durable;
    const commit = hardState?.commit ?? 0;
    if (lastIndex >= commit) return;
    throw new CorruptLog(
      `Cannot recover Raft: "${this.#directory}" is too old: entries up to ${commit} were committed, there are ${lastIndex}. ` +
        `Put the folder back as it was, or restore this node's data from a backup or a peer; nothing was changed`,
    );
  }

  /** Recovery is over. @param record gives the WAL a round's entries, and tells at once when they are durable. */
  start(record: WalRecorder): void {
    this.#record = record;
    const { hardState, entries, agrees } = this.#durable;
    this.#restarts = !agrees;
    this.#durable.agrees = true;
    this.#given = this.#durable.copy();
    this.#recovered = { hardState, entries: [...entries], snapshot: this.#snapshot };
    // Raft takes it from here; holding a second copy of the snapshot would only cost memory.
    this.#snapshot = null;
  }

  /**
   * Makes everything that went through the WAL so far durable outside of it. Raft may write meanwhile: what is not durable there yet is left out,
   * or a crash would leave a part of it, the hard state without the entries.
   */
  async save(deadline: Deadline): Promise<void> {
    if (!this.#dirty) return;
    this.#dirty = false;
    const buffer = new EntryBuffer(0);
    const { hardState, entries, committedIndex } = this.#durable;
    if (hardState !== null) buffer.hardState(hardState);
    for (const entry of entries) buffer.raftEntry(entry);
    try {
      await this.#makeDirectory(deadline);
      await replaceFile(this.#io, this.#directory, STATE_FILE, [buffer.bytes], deadline);
      this.#savedIndex = committedIndex;
    } catch (error) {
      this.#dirty = true;
      throw error;
    }
  }

  #take(image: RaftImage, hardState: HardState | null, entries: readonly Entry[]): void {
    this.#dirty = true;
    try {
      image.take(hardState, entries);
    } catch (error) {
      if (!(error instanceof EntryGap)) throw error;
      throw new CorruptLog(
        `Cannot recover Raft: entry ${error.index} does not follow entry ${image.lastIndex}: "${this.#directory}" lacks what is between. ` +
          `Put the folder back as it was, or restore this node's data from a backup or a peer; nothing was changed`,
      );
    }
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
      `Cannot recover Raft: ${what}: the checkpoint relies on entry ${atLeast}, there are ${this.#durable.lastIndex}. ` +
        `Put the folder back as it was, or restore this node's data from a backup or a peer; nothing was changed`,
    );
  }

  #damaged(name: string): CorruptLog {
    return new CorruptLog(
      `Cannot recover Raft: "${this.#directory}/${name}" is damaged. Restore this node's data from a backup or a peer; nothing was changed`,
    );
  }
}
