/**
 * What storage offers to the rooms above: a log per partition, a durable place for Raft, and one group commit under both.
 *
 * Order of a write: `append` is synchronous (offsets are given in call order) and joins the next commit round; the round is
 * one vectored write and one fdatasync of the WAL for everybody who waits; then `durableEndOffset` moves and the waiters wake.
 * Nothing is readable, counted or acknowledged before that (law 3).
 */
import type { Deadline } from "../io/deadline.ts";
import type { Lease } from "../io/buffers.ts";
import type { TopicIdPartition, Uuid } from "../protocol/ids.ts";
import type { Entry, HardState, SnapshotMeta } from "../raft/types.ts";
import type { HistogramCounts } from "../telemetry/mod.ts";

/** Settings of one log, already resolved (topic config > broker config > default). Changed live by `configure`. */
export interface LogSettings {
  readonly segmentBytes: number;
  readonly segmentMs: number;
  /** -1: no limit. */
  readonly retentionBytes: number;
  /** -1: no limit. */
  readonly retentionMs: number;
  readonly indexIntervalBytes: number;
  readonly cleanupPolicy: { readonly delete: boolean; readonly compact: boolean };
  readonly minCompactionLagMs: number;
  readonly maxCompactionLagMs: number;
  readonly minCleanableDirtyRatio: number;
  readonly deleteRetentionMs: number;
  readonly fileDeleteDelayMs: number;
}

export interface EpochEnd {
  /** -1 when unknown. */
  readonly leaderEpoch: number;
  readonly endOffset: number;
}

export interface TimestampOffset {
  readonly timestamp: number;
  readonly offset: number;
  readonly leaderEpoch: number;
}

/** Last sequence state of one producer in one partition (KIP-98); what DescribeProducers shows. */
export interface ActiveProducer {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly lastSequence: number;
  readonly lastTimestamp: number;
  readonly coordinatorEpoch: number;
  /** First offset of the open transaction, -1 when none. */
  readonly currentTxnStartOffset: number;
}

/** The answer of the sequence check, before an append (HAZARDS E1). */
export type SequenceCheck =
  | { readonly kind: "append" }
  /** One of the last five batches of this producer came again: answer as the first time, write nothing. */
  | { readonly kind: "duplicate"; readonly baseOffset: number; readonly lastOffset: number; readonly timestamp: number }
  | { readonly kind: "outOfOrder" | "invalidEpoch" | "duplicateSequence" | "unknownProducer"; readonly detail: string };

/** Bytes of whole batches in offset order. Release the lease when the bytes have left. */
export interface LogRead {
  readonly chunks: readonly Uint8Array[];
  readonly byteLength: number;
  readonly lease: Lease;
}

export interface PartitionLog extends TopicIdPartition {
  /** First offset that may be read; moves by DeleteRecords and retention, never back. */
  readonly logStartOffset: number;
  /** Next offset to be given. Ahead of `durableEndOffset` by what is in the commit round. */
  readonly logEndOffset: number;
  /** Everything below is fdatasync'ed. */
  readonly durableEndOffset: number;
  /** -1 when the log has no epoch yet. */
  readonly latestEpoch: number;
  readonly sizeBytes: number;
  /** Why this log is refused although others serve (a missing segment, bytes that fail their checksum); null when it is well. */
  readonly offlineReason: string | null;

  /** The sequence check for a batch with a producer id; pure look-up, sees batches that are not durable yet. */
  checkSequence(batch: Uint8Array): SequenceCheck;
  /**
   * Appends one or more whole, valid batches (CRC and sequence are the caller's business) that lie in `bytes` one after the
   * other. Their base offset and leader epoch are patched in place; the bytes are otherwise kept verbatim. Retains `lease`
   * until WAL and segment have the bytes.
   * @param internal the broker's own records (offsets, follower copies): they use the reserved share of the queue and go on
   *   when the disk is nearly full.
   * @throws {Overloaded} when the commit queue is full; @throws {DiskFull}; @throws {Closed}; @throws {StorageFenced};
   *   @throws {CorruptLog} when this log is offline. Nothing is appended then.
   */
  append(
    bytes: Uint8Array,
    lease: Lease,
    leaderEpoch: number,
    nowWallMs: number,
    internal?: boolean,
  ): { readonly baseOffset: number; readonly lastOffset: number };
  /** Calls back once when `durableEndOffset > offset` (null) or when storage failed (the error: outcome unknown). Order of calls = order of offsets. */
  whenDurable(offset: number, done: (error: Error | null) => void): void;
  /**
   * Whole batches from the one that contains `fromOffset`, up to `endOffset` (exclusive), at most `maxBytes`, but at least one batch
   * when `atLeastOne`. Empty when there is nothing. Each batch's CRC is checked once per read path (HAZARDS W4).
   * @throws {OffsetOutOfRange} @throws {CorruptLog}
   */
  read(fromOffset: number, endOffset: number, maxBytes: number, atLeastOne: boolean, deadline: Deadline): Promise<LogRead>;
  /** First record with `timestamp >= target` at or after log start and below `endOffset`; null when none. */
  findTimestamp(target: number, endOffset: number, deadline: Deadline): Promise<TimestampOffset | null>;
  /** The record with the largest timestamp (KIP-734); null when the log is empty. */
  maxTimestamp(endOffset: number, deadline: Deadline): Promise<TimestampOffset | null>;
  /** End offset of the largest epoch ≤ the asked one (KIP-101, KIP-279). */
  epochEnd(leaderEpoch: number): EpochEnd;
  /** Epoch in which `offset` was written; -1 when unknown. */
  epochAt(offset: number): number;
  producers(): readonly ActiveProducer[];
  /** Offset of the first record of an open transaction, or `logEndOffset`: the last stable offset is bounded by it (pure fold over the log). */
  readonly firstUnstableOffset: number;
  /** DeleteRecords: durable when it resolves. */
  advanceLogStart(offset: number, deadline: Deadline): Promise<void>;
  /** A follower's divergent suffix, never below the high watermark. Durable when it resolves. */
  truncateTo(offset: number, deadline: Deadline): Promise<void>;
  configure(settings: LogSettings): void;
}

/** Durable state of Raft. Entries and hard state go through the same WAL round as partition appends. */
export interface RaftStore {
  /** What was durable at start. */
  readonly recovered: {
    readonly hardState: HardState | null;
    readonly entries: readonly Entry[];
    readonly snapshot: { readonly meta: SnapshotMeta; readonly data: Uint8Array } | null;
  };
  /**
   * Durable when it resolves; from then on `entries` is the caller's again. Calls are made one after the other. A rejection means the outcome is
   * unknown: fence the node.
   */
  persist(hardState: HardState | null, entries: readonly Entry[], deadline: Deadline): Promise<void>;
  /**
   * Temporary file, sync, rename, sync of the directory; then entries up to `meta.index` may leave the WAL. Entries after it stay if the one at
   * `meta.index` is of `meta.term`; otherwise they are of another log, and gone.
   */
  saveSnapshot(meta: SnapshotMeta, data: Uint8Array, deadline: Deadline): Promise<void>;
}

export interface StorageHealth {
  readonly state: "ok" | "stalled" | "full" | "failed";
  /** Milliseconds the outstanding sync has been running; 0 when none. */
  readonly syncRunningMs: number;
  readonly reason: string | null;
}

/** The commit queue's word to whoever feeds it: above the high mark reading from sockets pauses, below the low mark it goes on. */
export interface Backpressure {
  readonly paused: boolean;
  onChange(listener: (paused: boolean) => void): void;
}

/** For metrics: numbers that storage keeps anyway. */
export interface StorageStats {
  /** Seconds of each commit round, and the bytes they wrote. */
  readonly commitSeconds: HistogramCounts;
  readonly writtenBytes: number;
  /** Bytes that wait for a round; that are durable and not yet in their segment; of loaded indexes. */
  readonly queuedBytes: number;
  readonly unwrittenBytes: number;
  readonly indexBytes: number;
  readonly openFiles: number;
}

export interface Storage {
  readonly stats: StorageStats;
  readonly backpressure: Backpressure;
  /** The logs found on disk at start, recovered, keyed by topic id and partition. */
  logs(): Iterable<PartitionLog>;
  log(topicId: Uuid, partition: number): PartitionLog | null;
  /** Creates in memory at once; directory and files are made by the first append (creating 1,000 topics touches no disk). */
  createLog(id: TopicIdPartition, settings: LogSettings): PartitionLog;
  /** Renames to `.deleted` and removes later; the log is closed at once. */
  deleteLog(id: TopicIdPartition, deadline: Deadline): Promise<void>;
  readonly raft: RaftStore;
  readonly health: StorageHealth;
  onHealth(listener: (health: StorageHealth) => void): void;
  /** Bytes under the data directory and free space, for DescribeLogDirs. */
  usage(deadline: Deadline): Promise<{ readonly path: string; readonly totalBytes: number; readonly usableBytes: number }>;
  /** Commits what waits, syncs dirty segments, writes a clean checkpoint, closes files, releases the lock. */
  close(deadline: Deadline): Promise<void>;
}
