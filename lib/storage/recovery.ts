/**
 * From what a stopped or killed node left to logs that can be served: checkpoint, then the WAL behind it. That is copied forward into a fresh file,
 * which is synced and named by the checkpoint before anything of it is replayed into the logs (HAZARDS W1: what was read may never have reached the
 * disk, while what it deletes would be gone). Idempotent: a crash during recovery is followed by the same recovery. Memory stays bounded by one frame
 * and the tail.
 */
import { type Deadline, DeadlineExceeded, type Io, IoFailed } from "../io/mod.ts";
import type { Uuid } from "../protocol/ids.ts";
import type { LogChange, LogDump } from "./log/log_state.ts";
import type { StoredLog } from "./log/partition_log.ts";
import type { Manifest } from "./manifest.ts";
import type { StoredRaft } from "./raft_store.ts";
import { forEachEntry, type WalEntry } from "./wal/entry.ts";
import { alignFrame, FRAME_HEADER_BYTES, readFrameHeader, sealFrame, type WalPosition } from "./wal/frame.ts";
import type { WalFile, WalFiles } from "./wal/file.ts";
import { endsTooEarly, type ScannedFrame, scanWal } from "./wal/scan.ts";
import { isUuidDirectory, uuidOfDirectory } from "./log_directory.ts";

export interface RecoveryNeeds {
  readonly io: Io;
  readonly nodeId: number;
  readonly topicsDirectory: string;
  readonly files: WalFiles;
  readonly raft: StoredRaft;
  readonly fileMs: number;
  find(topicId: Uuid, partition: number): StoredLog | null;
  /** A log that is on disk or in the WAL. */
  open(topicId: Uuid, partition: number, exists: boolean): StoredLog;
  forget(log: StoredLog): void;
  /** Makes the checkpoint say that the WAL begins with the copy, which ends at `at`; before this, nothing of the logs is changed. */
  copied(at: WalPosition): Promise<void>;
  /** Moves what was replayed to its segments, and waits while memory is full. @throws what a write failed with. */
  relieve(): Promise<void>;
}

export interface Recovered {
  readonly file: WalFile;
  readonly at: WalPosition;
  readonly replayedFrames: number;
  readonly replayedBytes: number;
  /** No later than `at`: older ones can be used again once the checkpoint says so. */
  readonly oldGenerations: readonly number[];
}

/** @param manifest null: a new directory, or one whose checkpoint cannot be trusted; then every segment is read. */
export async function recover(needs: RecoveryNeeds, manifest: Manifest | null): Promise<Recovered> {
  const generations = await needs.files.list();
  if (manifest === null) await rebuildLogs(needs);
  else {
    for (const dump of manifest.logs) needs.open(dump.topicId, dump.partition, dump.segments.some(([, size]) => size > 0)).restore(dump);
  }
  const isClean = isCleanStop(manifest, generations);
  await needs.raft.load(deadlineOf(needs, "raft.load"), manifest?.raftIndex ?? 0, isClean);
  const oldest = generations[0] ?? 0;
  const from = manifest?.wal ?? await startOf(needs, oldest);
  const copy = new ForwardCopy(needs, (generations.at(-1) ?? from.generation) + 1);
  const replay = new Replay(needs);
  const replays = !isClean && (generations.length > 0 || manifest !== null);
  const source = { io: needs.io, nodeId: needs.nodeId, generations, path: (generation: number) => needs.files.path(generation) };
  let oldGenerations: readonly number[] = generations;
  let isNamed = false;
  try {
    if (replays) {
      // Damage must be known before anything is changed: replaying cuts segments back to the checkpoint, and what is behind it there may be the
      // last copy of what a damaged frame held. Raft's entries change no file, and some of them may not fit to the others: they are taken now.
      const end = await scanWal(source, from, async (frame) => {
        replay.raft(frame);
        await copy.frame(frame, from);
      });
      if (end.sequence < (manifest?.sequence ?? 0)) throw endsTooEarly(needs.files.path(end.generation), end, manifest!.sequence!);
    }
    needs.raft.checkCommitted();
    const { file, at } = await copy.finish(from);
    if (manifest !== null && copy.frames > 0) {
      // Whether it succeeds or not: the checkpoint may name it.
      isNamed = true;
      await needs.copied(at);
      for (const generation of generations) await needs.files.free(generation);
      oldGenerations = [];
    }
    for (const dump of manifest?.logs ?? []) if (dump.pending !== undefined) await replay.pending(dump, dump.pending);
    if (copy.frames > 0) {
      // From the page cache, mostly.
      const start = { ...from, generation: at.generation, position: 0 };
      await scanWal({ ...source, generations: [at.generation] }, start, (frame) => replay.frame(frame));
      needs.io.mark("storage.recovery.replayed");
    }
    return { file, at, oldGenerations, replayedFrames: copy.frames, replayedBytes: copy.bytes };
  } catch (error) {
    await copy.abandon(isNamed);
    throw error;
  }
}

/**
 * After a clean stop there is nothing to look for, and looking means reading a whole file. Every start begins a new file: one that is newer than the
 * checkpoint says that something was written since, and that the checkpoint is an old one that somebody put back.
 */
const isCleanStop = (manifest: Manifest | null, generations: readonly number[]): boolean =>
  manifest?.clean === true && generations.every((generation) => generation <= manifest.wal.generation);

/** Where the oldest file begins: its first frame says what it follows. */
async function startOf({ io, files }: RecoveryNeeds, generation: number): Promise<WalPosition> {
  const at: WalPosition = { generation, position: 0, sequence: 1, previousCrc: 0 };
  if (generation === 0) return at;

  const deadline = io.deadlines.in("wal.recover", 30_000);
  const file = await io.disk.open(files.path(generation), { mode: "read" }, deadline);
  try {
    const bytes = new Uint8Array(FRAME_HEADER_BYTES);
    const count = await file.read(bytes, 0, deadline);
    const header = count === bytes.length ? readFrameHeader(bytes, 0) : null;
    return header?.generation === generation ? { ...at, sequence: header.sequence, previousCrc: header.previousCrc } : at;
  } finally {
    await file.close(deadline);
  }
}

type LogEntry = Exclude<WalEntry, { kind: "hardState" | "raftEntry" }>;
const isOfRaft = (entry: WalEntry): entry is Exclude<WalEntry, LogEntry> => entry.kind === "hardState" || entry.kind === "raftEntry";

/** Each occupies a thread of the shared pool. */
const OPENED_TOGETHER = 16;

/** Gives each entry of the WAL to whom it belongs. */
class Replay {
  readonly #needs: RecoveryNeeds;
  /** Logs whose files were brought back to what the checkpoint says: behind it nothing is trusted but the WAL. */
  readonly #prepared = new Set<StoredLog>();

  constructor(needs: RecoveryNeeds) {
    this.#needs = needs;
  }

  /** A change whose entry in the WAL comes before all that is read. */
  async pending({ topicId, partition }: LogDump, change: LogChange): Promise<void> {
    this.#needs.io.mark("storage.recovery.pending");
    await this.#log({ topicId, partition, ...change });
  }

  /** Raft's part of a frame. @throws {CorruptLog} when it does not follow what came before. */
  raft({ entries, batches }: ScannedFrame): void {
    forEachEntry(entries, batches, (entry) => {
      if (isOfRaft(entry)) this.#needs.raft.replay(entry);
    });
  }

  /** The logs' part of it. */
  async frame({ entries, batches }: ScannedFrame): Promise<void> {
    const list: LogEntry[] = [];
    forEachEntry(entries, batches, (entry) => {
      if (!isOfRaft(entry)) list.push(entry);
    });
    await this.#openNew(list);
    for (const entry of list) {
      if (entry.kind === "append") {
        // Nearly all entries, and of logs that are known: without waiting.
        const log = this.#needs.find(entry.topicId, entry.partition);
        if (log !== null && this.#prepared.has(log)) {
          log.replayAppend(entry.bytes, entry.baseOffset);
          continue;
        }
      }
      await this.#log(entry);
    }
    await this.#needs.relieve();
  }

  async #log(entry: LogEntry): Promise<void> {
    const { find, open } = this.#needs;
    const { topicId, partition } = entry;
    let log = find(topicId, partition);
    if (entry.kind === "delete") {
      if (log !== null) await this.#delete(log);
      return;
    }
    if (log === null) {
      if (entry.kind !== "append") return;
      log = await this.#emptied(open(topicId, partition, false));
    }
    if (!this.#prepared.has(log)) {
      this.#prepared.add(log);
      await log.repair.trimToCheckpoint();
    }
    switch (entry.kind) {
      case "append":
        return log.replayAppend(entry.bytes, entry.baseOffset);
      case "logStart":
        log.moveStart(entry.offset);
        await log.dropBelowStart();
        return;
      case "truncate":
        return await log.cut(entry.offset);
      case "swap":
        return await log.repair.replaySwap(entry.replaced, JSON.parse(entry.segment));
    }
  }

  /** The logs that begin in this frame: thousands of them may, and what each has to wait for, all wait for at the same time. */
  async #openNew(list: readonly LogEntry[]): Promise<void> {
    const others = new Set<string>();
    const made: StoredLog[] = [];
    for (const entry of list) {
      const { topicId, partition } = entry;
      if (this.#needs.find(topicId, partition) !== null) continue;
      // What is said of a log before its first batch is said of none.
      if (entry.kind !== "append") others.add(`${topicId}-${partition}`);
      else if (!others.has(`${topicId}-${partition}`)) made.push(this.#needs.open(topicId, partition, false));
    }
    for (let at = 0; at < made.length; at += OPENED_TOGETHER) {
      await Promise.all(made.slice(at, at + OPENED_TOGETHER).map((log) => this.#emptied(log)));
    }
  }

  /** Files of a log that the checkpoint does not know hold nothing that the WAL does not. */
  async #emptied(log: StoredLog): Promise<StoredLog> {
    await log.store.removeOthers([], false);
    this.#prepared.add(log);
    return log;
  }

  #delete(log: StoredLog): Promise<void> {
    log.close();
    this.#needs.forget(log);
    // Some of it may be on its way to its segments.
    return log.inTurn(async () => {
      log.discard();
      await this.#needs.io.disk.removeDirectory(log.store.directory, deadlineOf(this.#needs, "log.remove"));
    });
  }
}

/** Writes the replayed frames into the fresh file, one after the other under their new place. */
class ForwardCopy {
  frames = 0;
  bytes = 0;
  readonly #needs: RecoveryNeeds;
  readonly #generation: number;
  #file: WalFile | null = null;
  #at: WalPosition | null = null;

  constructor(needs: RecoveryNeeds, generation: number) {
    this.#needs = needs;
    this.#generation = generation;
  }

  async frame({ entries, batches }: ScannedFrame, from: WalPosition): Promise<void> {
    const { file } = await this.#begin();
    const at = this.#at ??= { ...from, generation: this.#generation, position: 0 };
    const head = new Uint8Array(FRAME_HEADER_BYTES + entries.length);
    head.set(entries, FRAME_HEADER_BYTES);
    const previousCrc = sealFrame(head, at, batches.length, this.#needs.nodeId);
    await file.write(batches.length > 0 ? [head, batches] : [head], at.position, deadlineOf(this.#needs, "wal.copy"));
    const byteLength = head.length + batches.length;
    this.#at = { ...at, position: alignFrame(at.position + byteLength), sequence: at.sequence + 1, previousCrc };
    this.frames++;
    this.bytes += byteLength;
  }

  async finish(from: WalPosition): Promise<{ readonly file: WalFile; readonly at: WalPosition }> {
    const file = await this.#begin();
    if (this.frames > 0) await file.file.sync(deadlineOf(this.#needs, "wal.copy"));
    return { file, at: this.#at ?? { ...from, generation: this.#generation, position: 0 } };
  }

  /** The start is refused. Without removing the copy, one that is tried again and again would fill the disk. @param keeps the checkpoint names it. */
  async abandon(keeps: boolean): Promise<void> {
    const file = this.#file;
    if (file === null) return;
    try {
      await this.#needs.files.close(file);
      if (keeps) return;
      await this.#needs.io.disk.removeFile(file.path, deadlineOf(this.#needs, "wal.remove"));
    } catch (error) {
      // What the start is refused for is told; the next one ignores the copy.
      if (!(error instanceof IoFailed || error instanceof DeadlineExceeded)) throw error;
    }
  }

  async #begin(): Promise<WalFile> {
    return this.#file ??= await this.#needs.files.take(this.#generation);
  }
}

/** Without a checkpoint: every directory under topics is a log, and all of it is read. */
async function rebuildLogs(needs: RecoveryNeeds): Promise<void> {
  const { io, topicsDirectory } = needs;
  for (const topic of await listOrNothing(needs, topicsDirectory)) {
    if (topic.kind !== "directory" || !isUuidDirectory(topic.name)) continue;
    const topicDirectory = `${topicsDirectory}/${topic.name}`;
    for (const { name, kind } of await listOrNothing(needs, topicDirectory)) {
      if (kind !== "directory" || !/^\d+$/.test(name)) continue;
      const files = await io.disk.list(`${topicDirectory}/${name}`, deadlineOf(needs, "log.list"));
      const bases = files.flatMap((file) => /^\d{20}\.log$/.test(file.name) ? [parseInt(file.name)] : []);
      if (bases.length === 0) continue;
      io.mark("storage.recovery.rebuild");
      await needs.open(uuidOfDirectory(topic.name), Number(name), true).repair.rebuild(bases);
    }
  }
}

async function listOrNothing(needs: RecoveryNeeds, path: string) {
  try {
    return await needs.io.disk.list(path, deadlineOf(needs, "log.list"));
  } catch (error) {
    if (error instanceof IoFailed && error.code === "ENOENT") return [];
    throw error;
  }
}

function deadlineOf({ io, fileMs }: RecoveryNeeds, op: string): Deadline {
  return io.deadlines.in(op, fileMs);
}
