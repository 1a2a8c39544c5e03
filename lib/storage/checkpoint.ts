/**
 * The background task that makes the WAL short again: writes memory to segments, syncs what is dirty, replaces the checkpoint file, and only
 * then lets go of WAL files. One sync at a time, so that commit rounds keep their place at the disk. Triggered by WAL bytes and by
 * the age of the first change; an idle node has no timer.
 */
import { type Deadline, type Io, IoFailed, type Timer } from "../io/mod.ts";
import type { StoredLog } from "./log/partition_log.ts";
import { type Manifest, writeManifest } from "./manifest.ts";
import type { StoredRaft } from "./raft_store.ts";
import type { WalPosition } from "./wal/frame.ts";

export interface CheckpointNeeds {
  readonly io: Io;
  readonly directory: string;
  readonly raft: StoredRaft;
  readonly settings: { readonly checkpointWalBytes: number; readonly checkpointMs: number };
  logs(): Iterable<StoredLog>;
  walPosition(): WalPosition;
  /** Names of directories that were made since the last call are durable when it resolves. */
  syncDirectories(logs: readonly StoredLog[]): Promise<void>;
  flush(): Promise<void>;
  /**
   * @throws when no checkpoint may be written any more: a sync has failed, or the data directory is not there, would be made again, and hold nothing
   * of what it had.
   */
  verify(): Promise<void>;
  /** WAL files before this one may go. */
  trim(before: WalPosition): Promise<void>;
  failed(error: unknown): void;
}

const CHECKPOINT_MS = 60_000;

export class Checkpoint {
  readonly #needs: CheckpointNeeds;
  /** Each log as JSON, as long as nothing has changed. */
  readonly #dumps = new Map<StoredLog, string>();
  readonly #changed = new Set<StoredLog>();
  #bytes = 0;
  #timer: Timer | null = null;
  #running: Promise<boolean> | null = null;
  #stopped = false;

  constructor(needs: CheckpointNeeds) {
    this.#needs = needs;
  }

  changed(log: StoredLog): void {
    this.#changed.add(log);
  }

  forget(log: StoredLog): void {
    this.#changed.delete(log);
    this.#dumps.delete(log);
  }

  /** The WAL has grown. */
  committed(bytes: number): void {
    this.#bytes += bytes;
    if (this.#running === null) this.#plan();
  }

  /** One at a time; resolves when the one that runs, or a new one, is done: to false when it could not be written, or none is any more. */
  run(): Promise<boolean> {
    this.#timer?.cancel();
    this.#timer = null;
    // Two would write the same file at the same time.
    if (this.#stopped && this.#running === null) return Promise.resolve(false);
    return this.#running ??= this.#write(false).then(() => true, (error: unknown) => {
      this.#needs.io.mark("storage.checkpoint.failed");
      this.#needs.failed(error);
      return false;
    }).then((isDone) => {
      this.#running = null;
      // What came while it ran is not in it, and perhaps nothing comes after.
      if (this.#bytes > 0) this.#plan(isDone);
      return isDone;
    });
  }

  /** One that covers everything which is durable now. */
  async runAnew(): Promise<boolean> {
    await this.#running;
    return await this.run();
  }

  /** Lets a running one end and starts no more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#timer = null;
    await this.#running;
  }

  /** The last one, after which nothing is written. @throws what the disk throws */
  async last(): Promise<void> {
    await this.#write(true);
  }

  /** Writes where the WAL begins now; no log has changed since the checkpoint that recovery started from. */
  async writeStart(wal: WalPosition): Promise<void> {
    for (const log of this.#needs.logs()) this.#dumps.set(log, JSON.stringify(log.dump()));
    await this.#save(wal, false, [...this.#dumps.values()]);
  }

  /**
   * The same for a start that is about to replay: what `manifest` says of the logs still holds, only the WAL behind it was copied to `wal`.
   * @param sequence of the frame after the last one of the copy.
   */
  async restart(wal: WalPosition, { logs }: Manifest, sequence: number): Promise<void> {
    const dumpOf = new Map(logs.map((dump) => [`${dump.topicId}/${dump.partition}`, JSON.stringify(dump)]));
    for (const log of this.#needs.logs()) this.#dumps.set(log, dumpOf.get(`${log.topicId}/${log.partition}`)!);
    await this.#save(wal, false, dumpOf.values(), sequence);
  }

  /** @param atOnce false: after a failure, which the next one would meet as well. */
  #plan(atOnce = true): void {
    if (this.#stopped) return;
    if (atOnce && this.#bytes >= this.#needs.settings.checkpointWalBytes) void this.run();
    else this.#timer ??= this.#needs.io.timers.after(this.#needs.settings.checkpointMs, () => void this.run(), false);
  }

  async #write(clean: boolean): Promise<void> {
    const { raft, walPosition, flush, verify, syncDirectories, trim } = this.#needs;
    await verify();
    // What is told of indexes below is in their files, and what they are told of in the segments'.
    await flush();
    for (const log of [...this.#changed]) await log.writeIndexes();
    // In one turn of the loop: position and logs say the same.
    const wal = walPosition();
    const changed = [...this.#changed];
    const bytes = this.#bytes;
    this.#changed.clear();
    this.#bytes = 0;
    const ends = changed.map((log) => ({ log, end: log.durableEndOffset, cuts: log.cuts }));
    for (const log of changed) this.#dumps.set(log, JSON.stringify(log.dump()));
    const dumps = [...this.#dumps.values()];
    try {
      await flush();
      const behind = ends.find(({ log, end, cuts }) => !log.isClosed && log.cuts === cuts && log.writtenEnd < end);
      if (behind !== undefined) throw new IoFailed("write", behind.log.store.directory, "ENOSPC");
      for (const log of changed) await log.syncFiles();
      await syncDirectories(changed);
      await raft.save(this.#deadline("raft.save"));
      await this.#save(wal, clean, dumps);
    } catch (error) {
      for (const log of changed) this.#changed.add(log);
      this.#bytes += bytes;
      throw error;
    }
    await trim(wal);
  }

  #save(wal: WalPosition, clean: boolean, logs: Iterable<string>, sequence = this.#needs.walPosition().sequence): Promise<void> {
    const { io, directory, raft } = this.#needs;
    const head = { wal, clean, sequence, raftIndex: raft.savedIndex };
    return writeManifest(io, directory, { ...head, logs }, this.#deadline("checkpoint.write"));
  }

  #deadline(op: string): Deadline {
    return this.#needs.io.deadlines.in(op, CHECKPOINT_MS);
  }
}
