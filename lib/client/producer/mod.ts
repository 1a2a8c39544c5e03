/**
 * The producer: takes records, gathers them into batches by partition, and answers when they are where `acks` says. Bounded: above
 * `bufferBytes` records wait in order. What becomes of a batch is the sender's. Owns its pool.
 */
import type { Io } from "../../io/mod.ts";
import { KafkaError } from "../errors.ts";
import { openCluster } from "../pool.ts";
import type { Cluster, OutgoingRecord, ProducerApi, ProducerOptions, RecordMetadata } from "../types.ts";
import { type Arrival, Arrivals } from "./arrivals.ts";
import { Batch, type Delivery, partsOf } from "./batch.ts";
import { ManyRecords, OneRecord } from "./deliveries.ts";
import { Lingering } from "./lingering.ts";
import type { PartitionQueue } from "./partition_queue.ts";
import { Sender } from "./sender.ts";
import { type ProducerSettings, producerSettings } from "./settings.ts";
import type { Topic } from "./topic.ts";
import { Topics } from "./topics.ts";

/** Opens nothing yet: the first record dials. @param cluster is the producer's from now on. @throws {KafkaError} `INVALID_CONFIG` */
export function openProducer(io: Io, options: ProducerOptions, cluster: Cluster = openCluster(io, options)): ProducerApi {
  return new Producer(io, cluster, producerSettings(options));
}

class Producer implements ProducerApi {
  readonly #io: Io;
  readonly #cluster: Cluster;
  readonly #settings: ProducerSettings;
  readonly #topics: Topics;
  readonly #sender: Sender;
  readonly #lingering: Lingering;
  /** Records for which the buffer has no room. */
  readonly #blocked: Arrivals;
  /** Bytes of keys, values and headers without an outcome, blocked ones not counted. */
  #bufferedBytes = 0;
  /** Told when there is room again. */
  #awaitingRoom: (() => void)[] = [];
  #closing: Promise<void> | null = null;

  constructor(io: Io, cluster: Cluster, settings: ProducerSettings) {
    this.#io = io;
    this.#cluster = cluster;
    this.#settings = settings;
    this.#topics = new Topics(io, cluster, settings, {
      place: (arrival, topic) => this.#place(arrival, topic),
      onGone: ({ parts }) => this.#free(parts.bytes),
    });
    this.#sender = new Sender(io, cluster, settings, (topic) => this.#topics.refresh(topic), (topic, queue) => this.#close(topic, queue));
    this.#lingering = new Lingering(io, settings.lingerMs, (topic, queue) => this.#ripen(topic, queue));
    this.#blocked = new Arrivals(io.deadlines, "the buffer is full of records that were not acknowledged");
  }

  send(record: OutgoingRecord): Promise<RecordMetadata> {
    const delivery = new OneRecord();
    this.#accept(record, delivery, 0);
    return delivery.result;
  }

  async sendAll(records: Iterable<OutgoingRecord> | AsyncIterable<OutgoingRecord>): Promise<readonly RecordMetadata[]> {
    const all = new ManyRecords();
    let count = 0;
    const give = (record: OutgoingRecord): Promise<void> | null => {
      this.#accept(record, all, count++);
      return this.#isFull ? new Promise((resolve) => this.#awaitingRoom.push(resolve)) : null;
    };
    if (Symbol.iterator in records) {
      for (const record of records) {
        const room = give(record);
        if (room !== null) await room;
        if (all.error !== null) break;
      }
    } else {
      for await (const record of records) {
        await give(record);
        if (all.error !== null) break;
      }
    }
    all.finish(count);
    return await all.result;
  }

  async flush(): Promise<void> {
    this.#ripenAll();
    await this.#blocked.whenLeft();
    await Promise.all([...this.#topics.all()].map(({ arrivals }) => arrivals.whenLeft()));
    this.#ripenAll();
    const batches = [...this.#topics.all()].flatMap(({ queues }) =>
      queues.flatMap(({ underWay, waiting, open }) => [...underWay, ...waiting, ...open === null ? [] : [open]])
    );
    await Promise.all(batches.map((batch) => new Promise<void>((resolve) => batch.whenSettled(resolve))));
  }

  close(): Promise<void> {
    return this.#closing ??= this.flush().finally(() => this.#cluster.close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  get #isFull(): boolean {
    return this.#bufferedBytes >= this.#settings.bufferBytes;
  }

  #accept(record: OutgoingRecord, delivery: Delivery, token: number): void {
    if (this.#closing !== null) {
      return delivery.onFailed(token, new KafkaError("NETWORK_EXCEPTION", "Cannot send: the producer is closed", { retriable: false }));
    }
    const deadlineAt = this.#io.clock.mono() + this.#settings.deliveryTimeoutMs;
    const arrival = { record, parts: partsOf(record), delivery, token, deadlineAt };
    if (this.#blocked.length === 0 && !this.#isFull) return this.#admit(arrival);
    this.#blocked.push(arrival);
    // Nothing lingers while others wait for its room.
    this.#ripenAll();
  }

  #admit(arrival: Arrival): void {
    this.#bufferedBytes += arrival.parts.bytes;
    const topic = this.#topics.get(arrival.record.topic);
    if (topic.view === null) topic.arrivals.push(arrival);
    else this.#place(arrival, topic);
  }

  #place(arrival: Arrival, topic: Topic): void {
    const { record, parts, delivery, token, deadlineAt } = arrival;
    const timestamp = record.timestamp ?? this.#io.clock.wall();
    try {
      for (;;) {
        const queue = topic.queueFor(record);
        const batch = queue.open ?? this.#open(topic, queue, deadlineAt);
        if (batch.append(parts, timestamp, delivery, token)) return;
        // Full. A record without a key may go to another partition then.
        this.#close(topic, queue);
        this.#sender.offer(topic, queue);
      }
    } catch (error) {
      this.#free(parts.bytes);
      const failure = error instanceof KafkaError
        ? error
        : new KafkaError("INVALID_RECORD", `Cannot send a record: ${String(error)}`, { cause: error });
      delivery.onFailed(token, failure);
    }
  }

  #open(topic: Topic, queue: PartitionQueue, deadlineAt: number): Batch {
    const batch = queue.open = new Batch(queue.topic, queue.partition, this.#settings.batchBytes, deadlineAt);
    this.#lingering.add(topic, queue, batch);
    const waker = this.#io.deadlines.wake({ op: "deliver", at: deadlineAt }, () => this.#onLate(queue, batch));
    batch.whenSettled(() => {
      waker.cancel();
      this.#free(batch.payloadBytes);
    });
    return batch;
  }

  /** The open batch of a partition takes no more records. */
  #close(topic: Topic, queue: PartitionQueue): void {
    const batch = queue.open;
    if (batch === null) return;
    batch.seal(this.#settings.compression);
    queue.close(batch);
    topic.batchEnded(queue.partition);
  }

  /** The open batch of a partition goes as soon as its broker takes another request; until then it grows. */
  #ripen(topic: Topic, queue: PartitionQueue): void {
    if (queue.open === null) return;
    queue.isRipe = true;
    this.#sender.offer(topic, queue);
  }

  #ripenAll(): void {
    for (const topic of this.#topics.all()) for (const queue of topic.queues) this.#ripen(topic, queue);
  }

  /** The time of a batch's records is over, wherever it is. One that is under way stays in its place until its reply comes. */
  #onLate(queue: PartitionQueue, batch: Batch): void {
    for (const half of batch.halves) this.#onLate(queue, half);
    if (batch.isSettled) return;
    const isUnderWay = queue.underWay.includes(batch);
    const isOutcomeUnknown = isUnderWay || batch.mayBeWritten;
    const end = isOutcomeUnknown ? "whether the broker has written them is unknown" : "they were not written";
    const why = `Cannot deliver records to "${batch.topic}-${batch.partition}" in ${this.#settings.deliveryTimeoutMs} ms: ${end}`;
    if (!isUnderWay) queue.gaveUp(batch);
    batch.fail(() => new KafkaError("REQUEST_TIMED_OUT", why, { isOutcomeUnknown }));
  }

  #free(bytes: number): void {
    this.#bufferedBytes -= bytes;
    while (!this.#isFull) {
      const next = this.#blocked.shift();
      if (next === null) break;
      this.#admit(next);
    }
    if (this.#isFull || this.#awaitingRoom.length === 0) return;
    const told = this.#awaitingRoom;
    this.#awaitingRoom = [];
    for (const tell of told) tell();
  }
}
