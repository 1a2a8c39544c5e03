/**
 * From buffers to records, in the order in which they are handed out: batch by batch, the partitions in turn, so that a full one does not
 * keep the others waiting. Moves positions; fetches nothing and commits nothing.
 */
import type { Io } from "../../io/mod.ts";
import { KafkaError } from "../errors.ts";
import type { IncomingRecord } from "../types.ts";
import type { AssignedPartition } from "./assigned_partition.ts";
import type { OpenedBatch } from "./fetched_batches.ts";
import type { ConsumerSettings } from "./settings.ts";

export interface RecordQueueContext {
  readonly io: Io;
  readonly settings: ConsumerSettings;
  assigned(): ReadonlyMap<string, AssignedPartition>;
  /** A batch left a buffer. */
  took(partition: AssignedPartition, bytes: number): void;
}

export class RecordQueue {
  readonly #context: RecordQueueContext;
  #current: AssignedPartition | null = null;
  /** Handed out, and not followed by another read: the one of the last record, and those of the last `takeAll`. */
  #last: AssignedPartition | null = null;
  readonly #unsettled = new Set<AssignedPartition>();

  constructor(context: RecordQueueContext) {
    this.#context = context;
  }

  get hasRecords(): boolean {
    for (const partition of this.#context.assigned().values()) if (partition.isReady) return true;
    return false;
  }

  /** A read begins: what was handed out before it counts as done. */
  settle(): void {
    this.#last?.settle();
    this.#last = null;
    if (this.#unsettled.size === 0) return;
    for (const partition of this.#unsettled) partition.settle();
    this.#unsettled.clear();
  }

  /** The next record of the batch at hand; null: `fill` first. */
  pop(): IncomingRecord | null {
    const partition = this.#current;
    const opened = partition?.opened;
    if (!partition || !opened || partition.isPaused) return null;
    const record = opened.records[partition.openedIndex++]!;
    if (partition.openedIndex < opened.records.length) partition.advance(record.offset + 1, record.leaderEpoch);
    else {
      partition.opened = null;
      partition.advance(opened.nextOffset, opened.leaderEpoch);
    }
    this.#last = partition;
    return record;
  }

  /** Everything that is buffered, as far as it may be read; bounded by the buffer. @throws {KafkaError} */
  async takeAll(): Promise<readonly IncomingRecord[]> {
    const records: IncomingRecord[] = [];
    let bytes = 0;
    try {
      while (bytes < this.#context.settings.bufferBytes && (this.#current?.opened || await this.fill())) {
        const partition = this.#current!;
        if (partition.isPaused || partition.opened === null) {
          this.#current = null;
          continue;
        }
        const opened = partition.opened;
        bytes += opened.bytes;
        for (let i = partition.openedIndex; i < opened.records.length; i++) records.push(opened.records[i]!);
        partition.opened = null;
        partition.advance(opened.nextOffset, opened.leaderEpoch);
        this.#unsettled.add(partition);
      }
    } catch (error) {
      // What was taken before it is handed out; the damage is met again by the next read.
      if (records.length === 0) throw error;
    }
    return records;
  }

  /**
   * Opens the next batch with records in it, of the next partition in turn. False: nothing is buffered.
   * @throws {KafkaError} `CORRUPT_MESSAGE`: the partition's buffer was let go of and will be fetched again.
   */
  async fill(): Promise<boolean> {
    for (const partition of this.#inTurn()) {
      while (partition.isReady) {
        if (partition.opened === null) {
          const step = this.#open(partition);
          const opened = step instanceof Promise ? await step : step;
          if (opened === null) break;
        }
        if (partition.opened === null) continue;
        this.#current = partition;
        return true;
      }
    }
    this.#current = null;
    return false;
  }

  /** Null: there is nothing to open, or it was sought away from meanwhile. A batch without records moves the position only. */
  #open(partition: AssignedPartition): OpenedBatch | null | Promise<OpenedBatch | null> {
    const { io, settings } = this.#context;
    const { run, first } = partition;
    if (first === undefined) return null;
    try {
      const opened = first.open(io, io.deadlines.in("decompress records", settings.client.requestTimeoutMs));
      if (!(opened instanceof Promise)) return this.#opened(partition, opened);
      return opened.then((batch) => partition.run === run && partition.first === first ? this.#opened(partition, batch) : null, (error) => {
        if (partition.run !== run || partition.first !== first) return null;
        return this.#damaged(partition, error);
      });
    } catch (error) {
      return this.#damaged(partition, error);
    }
  }

  #opened(partition: AssignedPartition, opened: OpenedBatch | null): OpenedBatch | null {
    if (opened === null) {
      partition.took(0);
      return null;
    }
    if (opened.records.length > 0) {
      partition.opened = opened;
      partition.openedIndex = 0;
    } else {
      partition.advance(opened.nextOffset, opened.leaderEpoch);
      // Nothing was handed out that would have to be settled before it.
      if (partition !== this.#last && !this.#unsettled.has(partition)) partition.settle();
    }
    partition.took(opened.bytes);
    this.#context.took(partition, opened.bytes);
    return opened;
  }

  #damaged(partition: AssignedPartition, error: unknown): never {
    const { io, settings } = this.#context;
    partition.discard();
    if (error instanceof KafkaError) partition.notBefore = io.clock.mono() + settings.client.retryBackoffMs;
    this.#context.took(partition, 0);
    throw error;
  }

  /** All partitions, those behind the present one first. */
  #inTurn(): readonly AssignedPartition[] {
    const all = [...this.#context.assigned().values()];
    const at = this.#current === null ? -1 : all.indexOf(this.#current);
    return [...all.slice(at + 1), ...all.slice(0, at + 1)];
  }
}
