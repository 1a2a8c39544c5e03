/**
 * The partition as the broker sees it: appends with Kafka's checks, reads bounded by reader, waiters. With one replica the high
 * watermark is the durable end offset; with more it is the in-sync rule. Callers never touch the log itself.
 */
import type { Deadline } from "../io/deadline.ts";
import type { Lease } from "../io/buffers.ts";
import type { KafkaErrorName } from "../protocol/errors.ts";
import type { Uuid } from "../protocol/ids.ts";
import type { ActiveProducer, EpochEnd, LogRead, TimestampOffset } from "../storage/types.ts";

export interface RecordError {
  /** Index of the batch's record, from 0. */
  readonly batchIndex: number;
  readonly message: string | null;
}

export interface AppendOptions {
  /** Written by the broker itself: may go to internal topics and hold control batches. */
  readonly internal: boolean;
  /** -1 (the default) also asks for `min.insync.replicas` in-sync replicas before anything is written. */
  readonly acks?: -1 | 0 | 1;
  /** Of the Produce request: older versions may not carry every codec (KIP-110). */
  readonly produceVersion?: number;
}

export type AppendResult =
  | {
    readonly ok: true;
    readonly baseOffset: number;
    readonly lastOffset: number;
    /** -1 unless `message.timestamp.type` is LogAppendTime. */
    readonly logAppendTimeMs: number;
    readonly logStartOffset: number;
  }
  | { readonly ok: false; readonly error: KafkaErrorName; readonly message: string | null; readonly recordErrors: readonly RecordError[] };

/** Who waits. One object may wait for many appends: `tag` says which one is told. No promise per append, a request can have thousands. */
export interface AcknowledgementWaiter {
  /** Called once. `error` is null when acknowledged; REQUEST_TIMED_OUT means that the outcome is unknown. */
  acknowledged(tag: number, error: KafkaErrorName | null): void;
}

export type Reader = "consumer" | "committed" | "replica";

export interface ReadRequest {
  readonly fetchOffset: number;
  readonly maxBytes: number;
  readonly atLeastOne: boolean;
  /** `consumer`: to the high watermark; `committed`: to the last stable offset; `replica`: to the log end. */
  readonly reader: Reader;
}

export interface PartitionRead {
  readonly records: LogRead;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  readonly logStartOffset: number;
  /** Transactions aborted in the range, sorted by first offset; null unless `committed`. */
  readonly abortedTransactions: readonly { readonly producerId: number; readonly firstOffset: number }[] | null;
}

export interface Partition {
  readonly topicId: Uuid;
  readonly topic: string;
  readonly partition: number;
  readonly leaderEpoch: number;
  readonly isLeader: boolean;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  readonly sizeBytes: number;
  /**
   * Bytes of all batches that passed below the high watermark since this partition was opened. Only differences mean something: a
   * parked fetch adds what came since it read, exactly and without touching the log.
   */
  readonly readableBytes: number;

  /**
   * Validates (KIP-98 batches, CRC-32C, sizes, timestamps, keys on compacted topics, producer sequence), patches and appends.
   * Runs to the end without awaiting, so arrival order is log order. Retains `lease` for as long as the log needs the bytes.
   */
  append(records: Uint8Array, lease: Lease, options: AppendOptions): AppendResult;
  /** `acks` 1: on this disk; -1: below the high watermark. */
  isAcknowledged(lastOffset: number, acks: 1 | -1): boolean;
  /**
   * Tells `waiter` once when the append is acknowledged, perhaps before this returns; or an error name when the deadline passed
   * (REQUEST_TIMED_OUT: outcome unknown) or leadership was lost.
   */
  whenAcknowledged(lastOffset: number, acks: 1 | -1, deadline: Deadline, waiter: AcknowledgementWaiter, tag: number): void;
  /** @throws {OffsetOutOfRange} @throws {CorruptLog} */
  read(request: ReadRequest, deadline: Deadline): Promise<PartitionRead>;
  /** 0 when a reader at `offset` could have nothing now; otherwise a lower bound of what it could have. Touches no disk. */
  availableBytes(offset: number, reader: Reader): number;
  /** Calls `changed` after every move of high watermark, last stable offset or log start, and when the partition closes. */
  subscribe(changed: () => void): { cancel(): void };
  /** `CURRENT_LEADER_EPOCH` check of KIP-320; -1 skips it. */
  checkEpoch(currentLeaderEpoch: number): KafkaErrorName | null;
  epochEnd(leaderEpoch: number): EpochEnd;
  epochAt(offset: number): number;
  findTimestamp(timestamp: number, deadline: Deadline): Promise<TimestampOffset | null>;
  maxTimestamp(deadline: Deadline): Promise<TimestampOffset | null>;
  /** -1 means the high watermark. @throws {OffsetOutOfRange} above the high watermark. Resolves to the new log start. */
  deleteRecords(offset: number, deadline: Deadline): Promise<number>;
  producers(): readonly ActiveProducer[];
}

/** All partitions that this node hosts. */
export interface Partitions {
  /** By name, as old versions ask; null when this node does not host it. */
  byName(topic: string, partition: number): Partition | null;
  byId(topicId: Uuid, partition: number): Partition | null;
  all(): Iterable<Partition>;
}
