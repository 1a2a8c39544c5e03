/**
 * A topic as the producer needs it: its partitions' queues, and which one a record goes to. Looks nothing up itself.
 * Source: the Java client's default partitioner; KIP-480 (sticky).
 */
import type { Random } from "../../io/mod.ts";
import { KafkaError } from "../errors.ts";
import type { Bytes, OutgoingRecord, TopicView } from "../types.ts";
import type { Arrivals } from "./arrivals.ts";
import { murmur2, partitionOfHash } from "./murmur2.ts";
import { PartitionQueue } from "./partition_queue.ts";
import type { ProducerSettings } from "./settings.ts";

/** Longer keys are encoded into a buffer of their own. */
const SCRATCH_BYTES = 1024;

export class Topic {
  readonly name: string;
  /** Records that came before the topic was known. */
  readonly arrivals: Arrivals;
  readonly queues: PartitionQueue[] = [];
  view: TopicView | null = null;
  /** On the monotonic clock. */
  loadedAt = -Infinity;
  readonly #settings: ProducerSettings;
  readonly #random: Random;
  readonly #scratch = Buffer.alloc(SCRATCH_BYTES);
  /** Where records without a key go until their batch is full; -1: to be chosen. */
  #sticky = -1;

  constructor(name: string, settings: ProducerSettings, random: Random, arrivals: Arrivals) {
    this.name = name;
    this.arrivals = arrivals;
    this.#settings = settings;
    this.#random = random;
  }

  learn(view: TopicView, now: number): void {
    this.view = view;
    this.loadedAt = now;
    for (let i = this.queues.length; i < view.partitions.length; i++) {
      this.queues.push(new PartitionQueue(this.name, i, this.#settings.inFlightMax));
    }
  }

  /** -1: none at the moment. */
  leaderOf(partition: number): number {
    return this.view?.partitions[partition]?.leader ?? -1;
  }

  /** @throws {KafkaError} for a partition that the topic does not have. */
  queueFor(record: OutgoingRecord): PartitionQueue {
    const partition = this.#partitionOf(record);
    const queue = this.queues[partition];
    if (queue !== undefined) return queue;
    throw new KafkaError(
      "UNKNOWN_TOPIC_OR_PARTITION",
      `Cannot send to "${this.name}-${partition}": the topic has ${this.queues.length} partitions`,
      { retriable: false },
    );
  }

  /** The batch of a partition is full or has gone: the next records without a key go elsewhere. */
  batchEnded(partition: number): void {
    if (partition === this.#sticky) this.#sticky = -1;
  }

  #partitionOf(record: OutgoingRecord): number {
    if (record.partition !== undefined) return record.partition;
    const count = this.queues.length;
    if (this.#settings.partitioner !== null) return this.#settings.partitioner(record, count);
    if (record.key !== undefined && record.key !== null) return partitionOfHash(this.#hash(record.key), count);
    if (this.#sticky < 0) this.#sticky = this.#choose(count);
    return this.#sticky;
  }

  #hash(key: Bytes): number {
    if (typeof key !== "string") return murmur2(key);
    if (key.length * 3 > SCRATCH_BYTES) return murmur2(Buffer.from(key));
    return murmur2(this.#scratch, 0, this.#scratch.write(key, 0, "utf8"));
  }

  /** Any partition with a leader; any at all while none has one. */
  #choose(count: number): number {
    const start = Math.floor(this.#random.float() * count);
    for (let i = 0; i < count; i++) {
      const partition = (start + i) % count;
      if (this.leaderOf(partition) >= 0) return partition;
    }
    return start;
  }
}
