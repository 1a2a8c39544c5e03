/**
 * A log whose disk a test holds in its hand: nothing is durable before `sync()`. For what only shows between an append and its
 * commit; everything else is tested over the real storage on the memory disk.
 */
import { Closed, type Lease, unpooled } from "../../lib/io/mod.ts";
import type { TopicIdPartition, Uuid } from "../../lib/protocol/mod.ts";
import { batchSize, lastOffsetOf, patchBaseOffset, patchLeaderEpoch, readBatchHeader } from "../../lib/protocol/records/mod.ts";
import { OffsetOutOfRange } from "../../lib/storage/errors.ts";
import type {
  ActiveProducer,
  EpochEnd,
  LogRead,
  LogSettings,
  PartitionLog,
  SequenceCheck,
  TimestampOffset,
} from "../../lib/storage/types.ts";

interface Stored {
  readonly base: number;
  readonly last: number;
  readonly epoch: number;
  readonly maxTimestamp: number;
  readonly bytes: Uint8Array;
}

interface Sequence {
  readonly epoch: number;
  readonly first: number;
  readonly last: number;
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly timestamp: number;
}

export class MemoryLog implements PartitionLog {
  readonly topicId: Uuid;
  readonly partition: number;
  readonly batches: Stored[] = [];
  readonly producerStates = new Map<number, Sequence[]>();
  logStartOffset = 0;
  logEndOffset = 0;
  durableEndOffset = 0;
  closed = false;
  offlineReason: string | null = null;
  /** Settings as last configured. */
  settings: LogSettings;
  /** Thrown by the next append. */
  appendError: Error | null = null;
  /** Reads that are under way wait for `resumeReads()`. */
  reads = 0;
  releasedReads = 0;
  #waiting: { readonly offset: number; readonly done: (error: Error | null) => void }[] = [];

  constructor({ topicId, partition }: TopicIdPartition, settings: LogSettings) {
    this.topicId = topicId;
    this.partition = partition;
    this.settings = settings;
  }

  get latestEpoch(): number {
    return this.batches.at(-1)?.epoch ?? -1;
  }
  get sizeBytes(): number {
    return this.batches.reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
  }
  get firstUnstableOffset(): number {
    return this.logEndOffset;
  }

  /** The commit round ends: all that was appended is on disk. */
  sync(upTo = this.logEndOffset): void {
    this.durableEndOffset = Math.max(this.durableEndOffset, upTo);
    const due = this.#waiting.filter(({ offset }) => offset < this.durableEndOffset);
    this.#waiting = this.#waiting.filter(({ offset }) => offset >= this.durableEndOffset);
    for (const { done } of due) done(null);
  }

  /** The commit round failed. */
  failSync(error: Error): void {
    for (const { done } of this.#waiting.splice(0)) done(error);
  }

  checkSequence(batch: Uint8Array): SequenceCheck {
    const { producerId, producerEpoch, baseSequence, lastOffsetDelta } = readBatchHeader(batch);
    const known = this.producerStates.get(producerId) ?? [];
    const latest = known.at(-1);
    if (latest === undefined) return { kind: "append" };
    if (producerEpoch < latest.epoch) return { kind: "invalidEpoch", detail: `epoch is ${latest.epoch}, batch has ${producerEpoch}` };
    if (producerEpoch > latest.epoch) {
      return baseSequence === 0
        ? { kind: "append" }
        : { kind: "outOfOrder", detail: `a new epoch begins with 0, batch has ${baseSequence}` };
    }
    const again = known.find((at) => at.first === baseSequence && at.last === baseSequence + lastOffsetDelta);
    if (again !== undefined) {
      return { kind: "duplicate", baseOffset: again.baseOffset, lastOffset: again.lastOffset, timestamp: again.timestamp };
    }
    return baseSequence === latest.last + 1
      ? { kind: "append" }
      : { kind: "outOfOrder", detail: `expected ${latest.last + 1}, batch has ${baseSequence}` };
  }

  append(bytes: Uint8Array, _lease: Lease, leaderEpoch: number): { readonly baseOffset: number; readonly lastOffset: number } {
    if (this.closed) throw new Closed("log");
    if (this.appendError !== null) {
      const error = this.appendError;
      this.appendError = null;
      throw error;
    }
    const stored = bytes.slice(0, batchSize(bytes));
    patchBaseOffset(stored, 0, this.logEndOffset);
    patchLeaderEpoch(stored, 0, leaderEpoch);
    const base = this.logEndOffset;
    const last = lastOffsetOf(stored);
    const header = readBatchHeader(stored);
    this.batches.push({ base, last, epoch: leaderEpoch, maxTimestamp: header.maxTimestamp, bytes: stored });
    this.logEndOffset = last + 1;
    if (header.producerId >= 0) {
      const known = (this.producerStates.get(header.producerId) ?? []).filter(({ epoch }) => epoch === header.producerEpoch);
      const first = header.baseSequence;
      const next = {
        epoch: header.producerEpoch,
        first,
        last: first + header.lastOffsetDelta,
        baseOffset: base,
        lastOffset: last,
        timestamp: header.maxTimestamp,
      };
      this.producerStates.set(header.producerId, [...known, next].slice(-5));
    }
    return { baseOffset: base, lastOffset: last };
  }

  whenDurable(offset: number, done: (error: Error | null) => void): void {
    this.#waiting.push({ offset, done });
  }

  async read(fromOffset: number, endOffset: number, maxBytes: number, atLeastOne: boolean): Promise<LogRead> {
    if (fromOffset < this.logStartOffset || fromOffset > this.logEndOffset) {
      throw new OffsetOutOfRange(fromOffset, this.logStartOffset, this.logEndOffset);
    }
    this.reads++;
    const chunks: Uint8Array[] = [];
    let byteLength = 0;
    for (const { base, last, bytes } of this.batches) {
      if (last < fromOffset) continue;
      if (base >= endOffset || (byteLength + bytes.byteLength > maxBytes && !(atLeastOne && chunks.length === 0))) break;
      chunks.push(bytes);
      byteLength += bytes.byteLength;
    }
    return { chunks, byteLength, lease: byteLength === 0 ? unpooled : { retain() {}, release: () => void this.releasedReads++ } };
  }

  async findTimestamp(target: number, endOffset: number): Promise<TimestampOffset | null> {
    const found = this.batches.find(({ base, maxTimestamp }) => maxTimestamp >= target && base < endOffset && base >= this.logStartOffset);
    return found === undefined ? null : { timestamp: found.maxTimestamp, offset: found.base, leaderEpoch: found.epoch };
  }

  async maxTimestamp(endOffset: number): Promise<TimestampOffset | null> {
    let most: TimestampOffset | null = null;
    for (const { base, last, maxTimestamp, epoch } of this.batches) {
      if (base < endOffset && (most === null || maxTimestamp > most.timestamp)) {
        most = { timestamp: maxTimestamp, offset: last, leaderEpoch: epoch };
      }
    }
    return most;
  }

  epochEnd(leaderEpoch: number): EpochEnd {
    const upTo = this.batches.filter(({ epoch }) => epoch <= leaderEpoch).at(-1);
    return upTo === undefined ? { leaderEpoch: -1, endOffset: -1 } : { leaderEpoch: upTo.epoch, endOffset: upTo.last + 1 };
  }

  epochAt(offset: number): number {
    return this.batches.find(({ base, last }) => offset >= base && offset <= last)?.epoch ?? -1;
  }

  producers(): readonly ActiveProducer[] {
    return [...this.producerStates].map(([producerId, known]) => {
      const { epoch, last, timestamp } = known.at(-1)!;
      return {
        producerId,
        producerEpoch: epoch,
        lastSequence: last,
        lastTimestamp: timestamp,
        coordinatorEpoch: -1,
        currentTxnStartOffset: -1,
      };
    });
  }

  async advanceLogStart(offset: number): Promise<void> {
    this.logStartOffset = Math.max(this.logStartOffset, offset);
  }

  async truncateTo(offset: number): Promise<void> {
    while (this.batches.length > 0 && this.batches.at(-1)!.last >= offset) this.batches.pop();
    this.logEndOffset = offset;
  }

  configure(settings: LogSettings): void {
    this.settings = settings;
  }
}

/** Storage of such logs. */
export class MemoryStorage {
  readonly byId = new Map<string, MemoryLog>();
  /** What was deleted, as `topicId-partition`. */
  readonly deleted: string[] = [];
  deleteError: Error | null = null;

  logs(): Iterable<MemoryLog> {
    return this.byId.values();
  }
  log(topicId: Uuid, partition: number): MemoryLog | null {
    return this.byId.get(`${topicId}-${partition}`) ?? null;
  }
  createLog(id: TopicIdPartition, settings: LogSettings): MemoryLog {
    const log = new MemoryLog(id, settings);
    this.byId.set(`${id.topicId}-${id.partition}`, log);
    return log;
  }
  async deleteLog({ topicId, partition }: TopicIdPartition): Promise<void> {
    if (this.deleteError !== null) throw this.deleteError;
    const key = `${topicId}-${partition}`;
    this.byId.get(key)!.closed = true;
    this.byId.delete(key);
    this.deleted.push(key);
  }
  async usage(): Promise<{ readonly path: string; readonly totalBytes: number; readonly usableBytes: number }> {
    return { path: "/data", totalBytes: 1_000, usableBytes: 600 };
  }
  /** The commit round of all logs ends. */
  sync(): void {
    for (const log of this.byId.values()) log.sync();
  }
}
