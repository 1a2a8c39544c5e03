/**
 * One partition that this node leads: appends with Kafka's checks, reads bounded by reader, acknowledgements, epochs. The high
 * watermark follows the in-sync rule over durable ends, also with one replica. Opens no file and decides nothing about leadership.
 * Sources: KIP-98 (sequences), KIP-101 and KIP-320 (epochs), KIP-966 (min.insync).
 */
import type { TopicConfig } from "../config/mod.ts";
import type { Lease } from "../io/buffers.ts";
import { unpooled } from "../io/mod.ts";
import type { Deadline } from "../io/deadline.ts";
import type { Io } from "../io/io.ts";
import type { KafkaErrorName } from "../protocol/errors.ts";
import type { NodeId, Uuid } from "../protocol/ids.ts";
import { validateProduceBatch } from "../protocol/records/mod.ts";
import type { PartitionImage } from "../state/metadata/image.ts";
import { OffsetOutOfRange } from "../storage/mod.ts";
import type { ActiveProducer, EpochEnd, LogRead, PartitionLog, SequenceCheck, TimestampOffset } from "../storage/types.ts";
import { Acknowledgements } from "./acknowledgements.ts";
import { appendRefusal, RecordsNotDeletable } from "./errors.ts";
import { hasEnoughReplicas, nextHighWatermark } from "./in_sync.ts";
import type { AcknowledgementWaiter, AppendOptions, AppendResult, Partition, PartitionRead, Reader, ReadRequest } from "./types.ts";
import { Watchers } from "./watchers.ts";

const NOTHING: LogRead = { chunks: [], byteLength: 0, lease: unpooled };
const NO_ABORTED: readonly never[] = [];
/** Any batch has at least its header. */
const BATCH_BYTES_MIN = 61;

export class LocalPartition implements Partition {
  readonly topicId: Uuid;
  readonly topic: string;
  readonly partition: number;
  readonly #io: Io;
  readonly #nodeId: NodeId;
  readonly #log: PartitionLog;
  readonly #watchers = new Watchers();
  readonly #onDisk: Acknowledgements;
  readonly #replicated: Acknowledgements;
  /** End offset and length by turns of each append above the high watermark, in offset order; before `#unreadableHead` they have passed. */
  readonly #unreadable: number[] = [];
  #unreadableHead = 0;
  #readableBytes = 0;
  #settings: TopicConfig;
  #leaderEpoch: number;
  #isLeader: boolean;
  #closed = false;
  #inSyncCount: number;
  #replicaCount: number;
  /** One durable end per other member of the in-sync set: unknown ones hold the high watermark where it is. */
  #followerEnds: readonly number[];
  /** 0 ≤ high watermark ≤ durable end; never goes back. */
  #highWatermark: number;
  /** The log will call back about the first append that is not durable; it is asked again then for what came meanwhile. */
  #asksLog = false;
  readonly #durable = (error: Error | null) => this.#durableMoved(error);

  /** @param io clock and deadlines only. */
  constructor(io: Io, nodeId: NodeId, topic: string, log: PartitionLog, state: PartitionImage, settings: TopicConfig) {
    this.#io = io;
    this.#nodeId = nodeId;
    this.#log = log;
    this.topicId = log.topicId;
    this.topic = topic;
    this.partition = log.partition;
    this.#settings = settings;
    this.#onDisk = new Acknowledgements(io.clock, io.deadlines);
    this.#replicated = new Acknowledgements(io.clock, io.deadlines);
    this.#leaderEpoch = state.leaderEpoch;
    this.#isLeader = state.leader === nodeId;
    this.#inSyncCount = state.isr.length;
    this.#replicaCount = state.replicas.length;
    this.#followerEnds = this.#endsOf(state);
    this.#highWatermark = log.logStartOffset;
    this.#advance();
  }

  get leaderEpoch(): number {
    return this.#leaderEpoch;
  }
  get isLeader(): boolean {
    return this.#isLeader;
  }
  get highWatermark(): number {
    return this.#highWatermark;
  }
  get lastStableOffset(): number {
    return Math.min(this.#highWatermark, this.#log.firstUnstableOffset);
  }
  get logStartOffset(): number {
    return this.#log.logStartOffset;
  }
  get logEndOffset(): number {
    return this.#log.logEndOffset;
  }
  get sizeBytes(): number {
    return this.#log.sizeBytes;
  }
  get readableBytes(): number {
    return this.#readableBytes;
  }
  get settings(): TopicConfig {
    return this.#settings;
  }
  /** Parked readers and others that subscribed. */
  get watcherCount(): number {
    return this.#watchers.size;
  }
  get waiterCount(): number {
    return this.#onDisk.size + this.#replicated.size;
  }

  append(records: Uint8Array, lease: Lease, options: AppendOptions): AppendResult {
    if (!this.#isLeader) return this.#refuse("NOT_LEADER_OR_FOLLOWER", "this node does not lead it");
    const acks = options.acks ?? -1;
    const settings = this.#settings;
    if (acks === -1 && !hasEnoughReplicas(this.#inSyncCount, settings.minInsyncReplicas, this.#replicaCount)) {
      return this.#refuse("NOT_ENOUGH_REPLICAS", `${this.#inSyncCount} replicas are in sync, "min.insync.replicas" asks for more`);
    }
    const nowMs = this.#io.clock.wall();
    const checked = validateProduceBatch(records, settings.batch, { nowMs, ...options });
    if (!checked.ok) return checked;
    const batch = checked.records;
    if (checked.producerId >= 0) {
      const sequence = this.#log.checkSequence(batch);
      if (sequence.kind === "duplicate") {
        return {
          ok: true,
          baseOffset: sequence.baseOffset,
          lastOffset: sequence.lastOffset,
          logAppendTimeMs: checked.logAppendTimeMs < 0 ? -1 : sequence.timestamp,
          logStartOffset: this.#log.logStartOffset,
        };
      }
      if (sequence.kind !== "append") return this.#refuse(SEQUENCE_ERRORS[sequence.kind], sequence.detail);
    }
    let lastOffset: number, baseOffset: number;
    try {
      // A batch under another codec than the producer's is a buffer of its own, which no frame owns.
      ({ baseOffset, lastOffset } = this.#log.append(
        batch,
        batch === records ? lease : unpooled,
        this.#leaderEpoch,
        nowMs,
        options.internal,
      ));
    } catch (error) {
      const refusal = appendRefusal(error);
      return this.#refuse(refusal.error, refusal.message);
    }
    this.#unreadable.push(lastOffset + 1, batch.byteLength);
    this.#askLog();
    return { ok: true, baseOffset, lastOffset, logAppendTimeMs: checked.logAppendTimeMs, logStartOffset: this.#log.logStartOffset };
  }

  isAcknowledged(lastOffset: number, acks: 1 | -1): boolean {
    return (acks === 1 ? this.#log.durableEndOffset : this.#highWatermark) > lastOffset;
  }

  whenAcknowledged(lastOffset: number, acks: 1 | -1, deadline: Deadline, waiter: AcknowledgementWaiter, tag: number): void {
    if (this.isAcknowledged(lastOffset, acks)) waiter.acknowledged(tag, null);
    else (acks === 1 ? this.#onDisk : this.#replicated).wait(lastOffset, deadline, waiter, tag);
  }

  async read(request: ReadRequest, deadline: Deadline): Promise<PartitionRead> {
    const { fetchOffset, reader } = request;
    const log = this.#log;
    // Taken before the read, so that what they say was true of the records that follow.
    const { highWatermark, lastStableOffset, logStartOffset } = this;
    if (fetchOffset < logStartOffset || fetchOffset > log.logEndOffset) {
      throw new OffsetOutOfRange(fetchOffset, logStartOffset, log.logEndOffset);
    }
    const end = this.#bound(reader);
    const records = fetchOffset >= end ? NOTHING : await log.read(fetchOffset, end, request.maxBytes, request.atLeastOne, deadline);
    // No transaction can have aborted: transactional batches are refused before they reach a log.
    return { records, highWatermark, lastStableOffset, logStartOffset, abortedTransactions: reader === "committed" ? NO_ABORTED : null };
  }

  availableBytes(offset: number, reader: Reader): number {
    return offset < this.#bound(reader) ? BATCH_BYTES_MIN : 0;
  }

  subscribe(changed: () => void): { cancel(): void } {
    return this.#watchers.subscribe(changed);
  }

  checkEpoch(currentLeaderEpoch: number): KafkaErrorName | null {
    if (currentLeaderEpoch >= 0) {
      if (currentLeaderEpoch < this.#leaderEpoch) return "FENCED_LEADER_EPOCH";
      if (currentLeaderEpoch > this.#leaderEpoch) return "UNKNOWN_LEADER_EPOCH";
    }
    if (!this.#isLeader) return "NOT_LEADER_OR_FOLLOWER";
    return this.#log.offlineReason === null ? null : "KAFKA_STORAGE_ERROR";
  }

  epochEnd(leaderEpoch: number): EpochEnd {
    if (leaderEpoch < 0 || leaderEpoch > this.#leaderEpoch) return { leaderEpoch: -1, endOffset: -1 };
    // The present epoch ends where the log does, also before its first batch.
    if (leaderEpoch === this.#leaderEpoch) return { leaderEpoch, endOffset: this.#log.logEndOffset };
    return this.#log.epochEnd(leaderEpoch);
  }

  epochAt(offset: number): number {
    // What will be written next belongs to the present epoch, which the log only knows from its first batch on.
    return offset >= this.#log.logEndOffset ? this.#leaderEpoch : this.#log.epochAt(offset);
  }

  findTimestamp(timestamp: number, deadline: Deadline): Promise<TimestampOffset | null> {
    return this.#log.findTimestamp(timestamp, this.#highWatermark, deadline);
  }

  maxTimestamp(deadline: Deadline): Promise<TimestampOffset | null> {
    return this.#log.maxTimestamp(this.#highWatermark, deadline);
  }

  async deleteRecords(offset: number, deadline: Deadline): Promise<number> {
    if (!this.#settings.log.cleanupPolicy.delete) throw new RecordsNotDeletable(this.topic, this.partition);
    const target = offset === -1 ? this.#highWatermark : offset;
    if (target < 0 || target > this.#highWatermark) throw new OffsetOutOfRange(target, this.#log.logStartOffset, this.#highWatermark);
    if (target > this.#log.logStartOffset) {
      await this.#log.advanceLogStart(target, deadline);
      this.#watchers.notify();
    }
    return this.#log.logStartOffset;
  }

  producers(): readonly ActiveProducer[] {
    return this.#log.producers();
  }

  /** A new state from the metadata log. An older leader epoch than the present one changes nothing. */
  update(state: PartitionImage): void {
    if (this.#closed || state.leaderEpoch < this.#leaderEpoch) return;
    const led = this.#isLeader;
    this.#leaderEpoch = state.leaderEpoch;
    this.#isLeader = state.leader === this.#nodeId;
    this.#inSyncCount = state.isr.length;
    this.#replicaCount = state.replicas.length;
    this.#followerEnds = this.#endsOf(state);
    if (led && !this.#isLeader) this.#failWaiters("NOT_LEADER_OR_FOLLOWER");
    this.#advance();
    this.#watchers.notify();
  }

  configure(settings: TopicConfig): void {
    this.#settings = settings;
    this.#log.configure(settings.log);
    this.#advance();
  }

  /** Deleted or moved away: whoever waits is told `reason`, and nothing is accepted any more. The log is the caller's to close. */
  close(reason: KafkaErrorName): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#isLeader = false;
    this.#failWaiters(reason);
    this.#watchers.notify();
  }

  #bound(reader: Reader): number {
    // A follower may have what is above the high watermark, but nothing that this disk does not hold (law 3).
    if (reader === "replica") return this.#log.durableEndOffset;
    return reader === "committed" ? this.lastStableOffset : this.#highWatermark;
  }

  /** For the next commit round that has anything of this log: later ones may take long, or wait for room on the disk. */
  #askLog(): void {
    if (this.#asksLog) return;
    this.#asksLog = true;
    this.#log.whenDurable(this.#log.durableEndOffset, this.#durable);
  }

  #durableMoved(error: Error | null): void {
    this.#asksLog = false;
    if (error !== null) {
      // Whether the batch is on disk is unknown; an error that clients read as "not written" would make them duplicate it.
      this.#failWaiters("REQUEST_TIMED_OUT");
      return;
    }
    const { durableEndOffset, logEndOffset } = this.#log;
    if (durableEndOffset < logEndOffset) this.#askLog();
    this.#onDisk.passed(durableEndOffset);
    this.#advance();
  }

  #advance(): void {
    if (this.#closed) return;
    const next = nextHighWatermark({
      highWatermark: this.#highWatermark,
      leaderEnd: this.#log.durableEndOffset,
      followerEnds: this.#followerEnds,
      minInsyncReplicas: this.#settings.minInsyncReplicas,
      replicaCount: this.#replicaCount,
    });
    if (next === this.#highWatermark) return;
    this.#highWatermark = next;
    this.#countReadable(next);
    this.#replicated.passed(next);
    this.#watchers.notify();
  }

  #countReadable(highWatermark: number): void {
    const queue = this.#unreadable;
    while (this.#unreadableHead < queue.length && queue[this.#unreadableHead]! <= highWatermark) {
      this.#readableBytes += queue[this.#unreadableHead + 1]!;
      this.#unreadableHead += 2;
    }
    if (this.#unreadableHead === queue.length) {
      queue.length = 0;
      this.#unreadableHead = 0;
    } else if (this.#unreadableHead >= 1024) {
      queue.splice(0, this.#unreadableHead);
      this.#unreadableHead = 0;
    }
  }

  #endsOf(state: PartitionImage): readonly number[] {
    return state.isr.filter((id) => id !== this.#nodeId).map(() => this.#log.logStartOffset);
  }

  #failWaiters(error: KafkaErrorName): void {
    this.#onDisk.failAll(error);
    this.#replicated.failAll(error);
  }

  #refuse(error: KafkaErrorName, why: string): AppendResult {
    return { ok: false, error, message: `Cannot append to "${this.topic}-${this.partition}": ${why}`, recordErrors: [] };
  }
}

const SEQUENCE_ERRORS: Record<Exclude<SequenceCheck["kind"], "append" | "duplicate">, KafkaErrorName> = {
  outOfOrder: "OUT_OF_ORDER_SEQUENCE_NUMBER",
  invalidEpoch: "INVALID_PRODUCER_EPOCH",
  duplicateSequence: "DUPLICATE_SEQUENCE_NUMBER",
  unknownProducer: "UNKNOWN_PRODUCER_ID",
};
