/**
 * A node's storage: the logs, the WAL under them, and the background tasks, wired to each other. Every decision lives in one of
 * those; here is only who tells whom.
 */
import { BufferPool, type BufferPoolStats, type Deadline, type Io, IoFailed } from "../io/mod.ts";
import type { TopicIdPartition, Uuid } from "../protocol/ids.ts";
import { Checkpoint } from "./checkpoint.ts";
import type { DataDirectory } from "./data_directory.ts";
import { DiskFull } from "./errors.ts";
import { syncFreshDirectories } from "./fresh_directories.ts";
import { FileCache } from "./file_cache.ts";
import { healthLog } from "./health_log.ts";
import { IndexCache } from "./log/index_cache.ts";
import type { LogNeeds } from "./log/log_needs.ts";
import { StoredLog } from "./log/partition_log.ts";
import { keyOf, topicDirectoryName, uuidOfDirectory } from "./log_directory.ts";
import { Maintenance } from "./maintenance.ts";
import type { Manifest } from "./manifest.ts";
import { StoredRaft } from "./raft_store.ts";
import { Removals } from "./removals.ts";
import { recover } from "./recovery.ts";
import { DEFAULT_LOG_SETTINGS, type StorageSettings } from "./settings.ts";
import { Space } from "./space.ts";
import type { Backpressure, LogSettings, Storage, StorageHealth, StorageStats } from "./types.ts";
import { WalFiles } from "./wal/file.ts";
import type { WalPosition } from "./wal/frame.ts";
import type { Round } from "./wal/round.ts";
import { Wal } from "./wal/wal.ts";
import { Writeback } from "./writeback.ts";

const FILE_MS = 30_000;

export class NodeStorage implements Storage {
  readonly raft: StoredRaft;
  readonly #io: Io;
  readonly #settings: StorageSettings;
  readonly #directory: string;
  readonly #claim: DataDirectory;
  readonly #logs = new Map<string, StoredLog>();
  readonly #files: FileCache;
  readonly #walFiles: WalFiles;
  readonly #writeback: Writeback;
  readonly #checkpoint: Checkpoint;
  readonly #space: Space;
  readonly #maintenance: Maintenance;
  readonly #removals: Removals;
  readonly #logNeeds: LogNeeds & { readonly pool: BufferPool };
  readonly #healthListeners: ((health: StorageHealth) => void)[];
  #wal: Wal | null = null;
  /** The WAL files in use, oldest first; the last ones may be missing here until the next trim. */
  #generations: number[] = [];
  #inspection: Promise<void> = Promise.resolve();
  #closing = false;

  constructor(io: Io, settings: StorageSettings, directory: string, claim: DataDirectory) {
    this.#io = io;
    this.#settings = settings;
    this.#directory = directory;
    this.#claim = claim;
    this.#healthListeners = [healthLog(io.clock, settings.log)];
    this.#files = new FileCache(io, settings.openFilesMax, settings.log);
    this.#walFiles = new WalFiles(io, `${directory}/wal`, {
      fileBytes: settings.walFileBytes,
      preallocate: settings.walPreallocate,
      sparesMax: settings.walSparesMax,
      durableWrites: settings.durableWriteBytesMax > 0,
    });
    this.raft = new StoredRaft(io, `${directory}/raft`);
    this.#space = new Space(io, directory, settings.minFreeBytes, () => this.#spaceChanged());
    this.#writeback = new Writeback(io, settings, {
      drained: () => this.#wal?.wake(),
      failed: (error) => this.#backgroundFailed("segment.write", error),
    });
    this.#checkpoint = new Checkpoint({
      io,
      directory,
      raft: this.raft,
      settings,
      logs: () => this.#logs.values(),
      walPosition: () => this.#wal!.position,
      syncDirectories: (logs) => syncFreshDirectories(io, `${directory}/topics`, logs),
      flush: () => this.#writeback.flush(),
      // After a sync that failed, the next one would say that all is well.
      // After a sync that failed, the next one would say that all is well.
      verify: () => this.#wal?.fenced ? Promise.reject(this.#wal.fenced) : claim.verify(io.deadlines.in("checkpoint.verify", FILE_MS)),
      trim: (before) => this.#trim(before),
      failed: (error) => this.#backgroundFailed("checkpoint", error),
    });
    this.#removals = new Removals(io, settings.log, `${directory}/topics`);
    this.#logNeeds = {
      io,
      settings,
      files: this.#files,
      pool: new BufferPool({ idleBytesMax: settings.idleBufferBytes }),
      indexes: new IndexCache(settings.indexCacheBytes),
      admit: (byteLength, internal) => this.#admit(byteLength, internal),
      commit: (log, baseOffset, end, bytes) => this.#wal!.append(log, baseOffset, end, bytes),
      record: (write, becameDurable) => this.#record(write, becameDurable),
      unwritten: (log, byteLength, held) => this.#writeback.unwritten(log, byteLength, held),
      written: (byteLength, held) => this.#writeback.written(byteLength, held),
      changed: (log) => this.#checkpoint.changed(log),
      removeLater: (delayMs, what, remove) => this.#removals.later(delayMs, what, remove),
    };
    this.#maintenance = new Maintenance({
      io,
      settings,
      logs: () => this.#logs.values(),
      checkpoint: (logs) => {
        // A segment that was begun, and has nothing durable yet, is no change by itself. Without it a restart would write on in the one before.
        for (const log of logs) this.#checkpoint.changed(log);
        return this.#checkpoint.runAnew();
      },
      failed: (error) => this.#backgroundFailed("maintenance", error),
    });
  }

  get health(): StorageHealth {
    const wal = this.#wal;
    const state = wal === null || wal.state === "ok" ? this.#space.isFull ? "full" : "ok" : wal.state;
    return { state, syncRunningMs: wal?.runningMs ?? 0, reason: this.#reason(state) };
  }

  get backpressure(): Backpressure {
    const wal = this.#wal!;
    return {
      get paused() {
        return wal.paused;
      },
      onChange: (listener) => wal.onPause(listener),
    };
  }

  get stats(): StorageStats {
    const wal = this.#wal!;
    return {
      commitSeconds: wal.commitSeconds.counts(),
      writtenBytes: wal.writtenBytes,
      queuedBytes: wal.queuedBytes,
      unwrittenBytes: this.#writeback.bytes,
      indexBytes: this.#logNeeds.indexes.bytes,
      openFiles: this.#files.size,
    };
  }

  /** Of reads and copies: none is leased any more once everything was read and closed. */
  get buffers(): BufferPoolStats {
    return this.#logNeeds.pool.stats;
  }

  onHealth(listener: (health: StorageHealth) => void): void {
    this.#healthListeners.push(listener);
  }

  logs(): Iterable<StoredLog> {
    return this.#logs.values();
  }

  log(topicId: Uuid, partition: number): StoredLog | null {
    return this.#logs.get(keyOf(topicId, partition)) ?? null;
  }

  createLog({ topicId, partition }: TopicIdPartition, settings: LogSettings): StoredLog {
    const found = this.log(topicId, partition);
    if (found !== null) {
      found.configure(settings);
      return found;
    }
    return this.#openLog(topicId, partition, settings, false);
  }

  async deleteLog({ topicId, partition }: TopicIdPartition, deadline: Deadline): Promise<void> {
    const log = this.log(topicId, partition);
    if (log === null) return;
    log.close();
    this.#forget(log);
    if (log.logEndOffset === 0 && !log.store.isMade) return;
    await this.#io.deadlines.guard(deadline, "wal", this.#record((round) => round.entries.delete(log.walId)));
    await log.inTurn(async () => {
      log.discard();
      await this.#removeDirectory(log, deadline);
    });
  }

  /** Kafka's cluster id, once it is known: the directory is this cluster's from then on. @throws {DataDirectoryRefused} */
  setClusterId(clusterId: string, deadline: Deadline): Promise<void> {
    return this.#claim.setClusterId(clusterId, deadline);
  }

  async usage(deadline: Deadline): Promise<{ readonly path: string; readonly totalBytes: number; readonly usableBytes: number }> {
    const { totalBytes, freeBytes } = await this.#io.disk.space(this.#directory, deadline);
    return { path: this.#directory, totalBytes, usableBytes: freeBytes };
  }

  /** One round of retention and compaction now; the timer calls the same. */
  maintain(): Promise<void> {
    return this.#maintenance.run();
  }

  /** Writes a checkpoint now. */
  async checkpoint(): Promise<void> {
    await this.#checkpoint.run();
  }

  /** Resolves when the background look at every log's directory after the start is done. */
  get inspected(): Promise<void> {
    return this.#inspection;
  }

  async close(deadline: Deadline): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    this.#maintenance.stop();
    const closed = this.#close();
    await this.#io.deadlines.guard(deadline, this.#directory, closed);
  }

  /** @internal Called once by `openStorage`. */
  async start(manifest: Manifest | null): Promise<void> {
    const startedAt = this.#io.clock.mono();
    const recovered = await recover({
      io: this.#io,
      nodeId: this.#settings.nodeId,
      topicsDirectory: `${this.#directory}/topics`,
      files: this.#walFiles,
      raft: this.raft,
      fileMs: FILE_MS,
      find: (topicId, partition) => this.log(topicId, partition),
      open: (topicId, partition, exists) => this.#openLog(topicId, partition, DEFAULT_LOG_SETTINGS, exists),
      forget: (log) => this.#forget(log),
      // The old checkpoint goes on to hold, only that the WAL behind it begins in the fresh file.
      copied: (at) => this.#checkpoint.restart({ ...manifest!.wal, generation: at.generation, position: 0 }, manifest!, at.sequence),
      relieve: () => this.#writeback.room(),
    }, manifest);
    for (const log of this.#logs.values()) log.repair.endRecovery();
    const { file, at, replayedFrames, replayedBytes, oldGenerations } = recovered;
    this.#generations = [at.generation];
    this.#wal = new Wal(this.#io, this.#settings, this.#walFiles, file, at, {
      mayCommit: () => !this.#writeback.isFull,
      excessBytes: () => this.#writeback.excessBytes,
      committed: (bytes) => {
        this.#space.wrote(bytes);
        this.#writeback.look();
        this.#checkpoint.committed(bytes);
      },
      outOfSpace: () => this.#space.ranOut(),
      healthChanged: () => this.#healthChanged(),
    });
    this.raft.start((write, becameDurable) => this.#record(write, becameDurable, true));
    // What was replayed over a checkpoint is in none yet: the copied WAL holds it until the next one.
    if (manifest === null) await this.#checkpoint.run();
    else if (replayedFrames === 0) await this.#checkpoint.writeStart({ ...at });
    for (const generation of oldGenerations) await this.#walFiles.free(generation);
    if (replayedFrames > 0) {
      const ms = Math.round(this.#io.clock.mono() - startedAt);
      this.#settings.log("info", "Recovered what the last run had not checkpointed", { frames: replayedFrames, bytes: replayedBytes, ms });
    }
    this.#inspection = this.#inspect();
    this.#maintenance.start();
    await this.#space.check();
  }

  /** @internal The start was refused: no file stays open. */
  async abandon(): Promise<void> {
    await this.#writeback.abandon();
    await this.#files.close();
  }

  async #inspect(): Promise<void> {
    for (const log of [...this.#logs.values()]) {
      if (this.#closing) return;
      try {
        await log.inspect();
      } catch (error) {
        log.takeOffline(error instanceof Error ? error.message : String(error));
      }
    }
    await this.#removals.sweep(
      (topic, partition) => this.log(uuidOfDirectory(topic), Number(partition)) !== null,
      (topic) => Array.from(this.#logs.values()).some(({ topicId }) => topicDirectoryName(topicId) === topic),
    ).catch((cause: unknown) => {
      this.#settings.log("warn", "Cannot remove what was deleted before the start: the next start tries again", { cause: String(cause) });
    });
  }

  async #close(): Promise<void> {
    try {
      await this.#removals.stop();
      await this.#inspection;
      await this.#maintenance.idle();
      // Looked after until here: what waits for room is committed once there is some.
      await this.#wal!.close();
      await this.#checkpoint.stop();
      if (this.#wal!.fenced === null) await this.#checkpoint.last();
    } finally {
      this.#space.stop();
      this.#writeback.stop();
      for (const log of this.#logs.values()) {
        log.close();
        log.discard();
      }
      await this.#files.close();
      this.#claim.release();
    }
  }

  #openLog(topicId: Uuid, partition: number, settings: LogSettings, exists: boolean): StoredLog {
    const directory = `${this.#directory}/topics/${topicDirectoryName(topicId)}/${partition}`;
    const log = new StoredLog(this.#logNeeds, topicId, partition, settings, directory, exists);
    this.#logs.set(keyOf(topicId, partition), log);
    return log;
  }

  #forget(log: StoredLog): void {
    this.#logs.delete(keyOf(log.topicId, log.partition));
    this.#checkpoint.forget(log);
    this.#writeback.forget(log);
  }

  /** @throws {DiskFull} @throws {Overloaded} @throws {Closed} @throws {StorageFenced} */
  #admit(byteLength: number, internal: boolean): void {
    this.#wal!.admit(byteLength, internal);
    if (this.#space.isFull && !internal) {
      throw new DiskFull(
        `Cannot append: "${this.#directory}" is nearly full. Delete records or topics, or free space; it goes on by itself`,
      );
    }
  }

  #record(write: (round: Round) => void, becameDurable?: () => void, isUrgent = false): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = (error: Error | null): void => {
        if (error !== null) return reject(error);
        becameDurable?.();
        resolve();
      };
      if (isUrgent) this.#wal!.recordUrgent(write, done);
      else this.#wal!.record(write, done);
    });
  }

  async #removeDirectory(log: StoredLog, deadline: Deadline): Promise<void> {
    const { directory } = log.store;
    log.store.forgetFiles(log.segments);
    if (!log.store.isMade) return;
    const retired = `${directory}.${this.#wal!.position.sequence}.deleted`;
    try {
      await this.#io.disk.rename(directory, retired, deadline);
    } catch (error) {
      if (error instanceof IoFailed && error.code === "ENOENT") return;
      throw error;
    }
    this.#removals.directoryLater(retired, log.settings.fileDeleteDelayMs);
  }

  async #trim(before: WalPosition): Promise<void> {
    const current = this.#wal!.position.generation;
    for (let generation = (this.#generations.at(-1) ?? 0) + 1; generation <= current; generation++) this.#generations.push(generation);
    while (this.#generations.length > 0 && this.#generations[0]! < before.generation) await this.#walFiles.free(this.#generations.shift()!);
  }

  #backgroundFailed(what: string, error: unknown): void {
    if (this.#wal?.fenced != null) return;
    if (error instanceof IoFailed && error.code === "ENOSPC" && !error.op.startsWith("sync")) return this.#space.ranOut();
    this.#settings.log("error", "Cannot go on", { what, cause: String(error) });
    // A sync that failed may have lost what it covered, and a write that hangs may still happen: neither is tried again (HAZARDS W1).
    // Before there is a WAL to fence, who recovers is told of it by the write that it waits for.
    this.#wal?.fence(`${what} failed: ${error instanceof Error ? error.message : String(error)}`);
  }

  #spaceChanged(): void {
    this.#removals.diskIsFull(this.#space.isFull);
    this.#healthChanged();
    this.#wal?.wake();
    this.#writeback.look();
  }

  #healthChanged(): void {
    const { health } = this;
    for (const listener of this.#healthListeners) listener(health);
  }

  #reason(state: StorageHealth["state"]): string | null {
    switch (state) {
      case "ok":
        return null;
      case "full":
        return `"${this.#directory}" is nearly full`;
      case "stalled":
        return `The disk under "${this.#directory}" does not finish a sync`;
      case "failed":
        return this.#wal?.fenced?.message ?? null;
    }
  }
}
