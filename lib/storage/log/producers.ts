/**
 * What a log knows of its idempotent producers: the last five batches of each, its epoch, its open transaction. A pure fold over the
 * batches in offset order, so every replica and every restart comes to the same answers. Source: KIP-98, KIP-360; HAZARDS E1.
 */
import { type BatchHeader, isControl, isTransactional } from "../../protocol/records/mod.ts";
import type { ActiveProducer, SequenceCheck } from "../types.ts";

/** Kafka's clients have at most five requests in flight. */
const BATCHES_KEPT = 5;
const SEQUENCE_MAX = 2 ** 31 - 1;

interface KeptBatch {
  readonly baseSequence: number;
  readonly lastSequence: number;
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly timestamp: number;
}

interface Producer {
  epoch: number;
  /** Oldest first, at most five, all of `epoch`. */
  batches: KeptBatch[];
  lastTimestamp: number;
  coordinatorEpoch: number;
  /** -1: no open transaction. */
  transactionStart: number;
}

/** One producer as numbers: id, epoch, last timestamp, coordinator epoch, transaction start, then five numbers a batch. */
export type ProducerDump = readonly number[];

export const addToSequence = (sequence: number, count: number): number =>
  sequence > SEQUENCE_MAX - count ? count - (SEQUENCE_MAX - sequence) - 1 : sequence + count;

export class ProducerStates {
  readonly #countMax: number;
  /** In the order of their last batch: the first was silent longest. */
  readonly #producers = new Map<number, Producer>();
  #openTransactions = 0;

  constructor(countMax: number) {
    this.#countMax = countMax;
  }

  get size(): number {
    return this.#producers.size;
  }

  /** Whether a batch of a client may be appended now. */
  check(batch: BatchHeader): SequenceCheck {
    const producer = this.#producers.get(batch.producerId);
    if (producer === undefined) return APPEND;
    const { producerEpoch: epoch, baseSequence } = batch;
    if (epoch < producer.epoch) {
      return { kind: "invalidEpoch", detail: `producer ${batch.producerId} has epoch ${producer.epoch}, the batch has ${epoch}` };
    }
    if (epoch > producer.epoch) {
      return baseSequence === 0 ? APPEND : outOfOrder(batch, `the first batch of epoch ${epoch} has sequence ${baseSequence}, not 0`);
    }
    const lastSequence = addToSequence(baseSequence, batch.lastOffsetDelta);
    for (const kept of producer.batches) {
      if (kept.baseSequence === baseSequence && kept.lastSequence === lastSequence) {
        return { kind: "duplicate", baseOffset: kept.baseOffset, lastOffset: kept.lastOffset, timestamp: kept.timestamp };
      }
    }
    const last = producer.batches.at(-1);
    // Only markers so far: whatever came before them is gone with its offsets.
    if (last === undefined || addToSequence(last.lastSequence, 1) === baseSequence) return APPEND;
    return outOfOrder(batch, `sequence ${addToSequence(last.lastSequence, 1)} is next, the batch has ${baseSequence}`);
  }

  /** Takes note of a batch that is in the log. */
  apply(batch: BatchHeader): void {
    const { producerId, baseOffset } = batch;
    if (producerId < 0) return;
    let producer = this.#producers.get(producerId);
    if (producer === undefined) {
      producer = { epoch: batch.producerEpoch, batches: [], lastTimestamp: -1, coordinatorEpoch: -1, transactionStart: -1 };
      this.#makeRoom();
    } else this.#producers.delete(producerId);
    this.#producers.set(producerId, producer);
    if (batch.producerEpoch !== producer.epoch) {
      producer.epoch = batch.producerEpoch;
      producer.batches = [];
    }
    producer.lastTimestamp = batch.maxTimestamp;
    if (isControl(batch)) return this.#endTransaction(producer);
    if (isTransactional(batch) && producer.transactionStart < 0) {
      producer.transactionStart = baseOffset;
      this.#openTransactions++;
    }
    if (batch.baseSequence < 0) return;
    if (producer.batches.length === BATCHES_KEPT) producer.batches.shift();
    producer.batches.push({
      baseSequence: batch.baseSequence,
      lastSequence: addToSequence(batch.baseSequence, batch.lastOffsetDelta),
      baseOffset,
      lastOffset: baseOffset + batch.lastOffsetDelta,
      timestamp: batch.maxTimestamp,
    });
  }

  /** First offset of the oldest open transaction; -1 when none is open. */
  get firstOpenOffset(): number {
    if (this.#openTransactions === 0) return -1;
    let first = Infinity;
    for (const { transactionStart } of this.#producers.values()) {
      if (transactionStart >= 0 && transactionStart < first) first = transactionStart;
    }
    return first;
  }

  /** Forgets who has been silent since before `oldestMs` and has no open transaction. */
  expire(oldestMs: number): number {
    let count = 0;
    for (const [id, producer] of this.#producers) {
      if (producer.lastTimestamp >= oldestMs || producer.transactionStart >= 0) continue;
      this.#producers.delete(id);
      count++;
    }
    return count;
  }

  list(): ActiveProducer[] {
    return Array.from(this.#producers, ([producerId, producer]) => ({
      producerId,
      producerEpoch: producer.epoch,
      lastSequence: producer.batches.at(-1)?.lastSequence ?? -1,
      lastTimestamp: producer.lastTimestamp,
      coordinatorEpoch: producer.coordinatorEpoch,
      currentTxnStartOffset: producer.transactionStart,
    }));
  }

  /** Last offset of each producer's latest batch: compaction keeps the headers of these (their sequences are still asked for). */
  lastOffsets(): ReadonlyMap<number, number> {
    const last = new Map<number, number>();
    for (const [id, { batches }] of this.#producers) if (batches.length > 0) last.set(id, batches.at(-1)!.lastOffset);
    return last;
  }

  clear(): void {
    this.#producers.clear();
    this.#openTransactions = 0;
  }

  /** What is known from batches below `end`. A producer whose every batch lies above it is left out. */
  dump(end: number): ProducerDump[] {
    const all: ProducerDump[] = [];
    for (const [id, { epoch, batches, lastTimestamp, coordinatorEpoch, transactionStart }] of this.#producers) {
      const below = batches.filter(({ lastOffset }) => lastOffset < end);
      if (below.length === 0 && batches.length > 0) continue;
      const row = [id, epoch, lastTimestamp, coordinatorEpoch, transactionStart < end ? transactionStart : -1];
      for (const batch of below) row.push(batch.baseSequence, batch.lastSequence, batch.baseOffset, batch.lastOffset, batch.timestamp);
      all.push(row);
    }
    return all;
  }

  restore(rows: readonly ProducerDump[]): void {
    this.clear();
    for (const row of rows) {
      const [id = -1, epoch = -1, lastTimestamp = -1, coordinatorEpoch = -1, transactionStart = -1] = row;
      const batches: KeptBatch[] = [];
      for (let at = 5; at + 5 <= row.length; at += 5) {
        const [baseSequence = -1, lastSequence = -1, baseOffset = -1, lastOffset = -1, timestamp = -1] = row.slice(at, at + 5);
        batches.push({ baseSequence, lastSequence, baseOffset, lastOffset, timestamp });
      }
      this.#producers.set(id, { epoch, batches, lastTimestamp, coordinatorEpoch, transactionStart });
      if (transactionStart >= 0) this.#openTransactions++;
    }
  }

  #endTransaction(producer: Producer): void {
    if (producer.transactionStart < 0) return;
    producer.transactionStart = -1;
    this.#openTransactions--;
  }

  #makeRoom(): void {
    if (this.#producers.size < this.#countMax) return;
    for (const [id, { transactionStart }] of this.#producers) {
      if (transactionStart >= 0) continue;
      this.#producers.delete(id);
      return;
    }
  }
}

const APPEND: SequenceCheck = { kind: "append" };

function outOfOrder({ producerId }: BatchHeader, why: string): SequenceCheck {
  return { kind: "outOfOrder", detail: `producer ${producerId}: ${why}` };
}
