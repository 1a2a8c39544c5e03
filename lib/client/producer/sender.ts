/**
 * Brings batches to the leaders of their partitions: several in one request, several requests under way for each node, and what fails in a
 * way that may pass once more until its time is over. Does not fill batches. Source: KIP-98, KIP-360, KIP-467.
 */
import type { Io } from "../../io/mod.ts";
import { errorName, type KafkaErrorName, Produce } from "../../protocol/mod.ts";
import { failureOf, KafkaError } from "../errors.ts";
import { backoffMs } from "../retry.ts";
import type { Cluster } from "../types.ts";
import { ProducerIdentity } from "./identity.ts";
import {
  BY_NAME_MAX,
  draftOf,
  haveIds,
  learnLeader,
  type ProduceReply,
  type ProduceRow,
  rowsOf,
  type Shipment,
  ZSTD_SINCE,
} from "./requests.ts";
import type { ProducerSettings } from "./settings.ts";
import type { PartitionQueue } from "./partition_queue.ts";
import type { Topic } from "./topic.ts";
import { mayBeWrittenAfter, verdictOf } from "./verdict.ts";

/** Batches are joined into one request up to this; one alone may be larger. */
const REQUEST_BYTES_MAX = 1024 * 1024;

export class Sender {
  readonly #io: Io;
  readonly #cluster: Cluster;
  readonly #settings: ProducerSettings;
  readonly #acks: number;
  readonly #identity: ProducerIdentity;
  readonly #refresh: (topic: Topic) => Promise<void>;
  readonly #close: (topic: Topic, queue: PartitionQueue) => void;
  /** Queues that may have something to send, in turn. */
  readonly #offered = new Map<PartitionQueue, Topic>();
  readonly #underWay = new Map<number, number>();
  #pumpPlanned = false;
  #isRenewing = false;

  /**
   * @param refresh asks for the topic's metadata again, and resolves when it has come or failed.
   * @param close seals the open batch of a queue and moves it to those that wait.
   */
  constructor(
    io: Io,
    cluster: Cluster,
    settings: ProducerSettings,
    refresh: (topic: Topic) => Promise<void>,
    close: (topic: Topic, queue: PartitionQueue) => void,
  ) {
    this.#io = io;
    this.#cluster = cluster;
    this.#settings = settings;
    this.#acks = settings.acks === "all" ? -1 : settings.acks;
    this.#identity = new ProducerIdentity(cluster);
    this.#refresh = refresh;
    this.#close = close;
  }

  /** There is something to send, or may be again. What is offered in one turn goes together. */
  offer(topic: Topic, queue: PartitionQueue): void {
    this.#offered.set(queue, topic);
    if (this.#pumpPlanned) return;
    this.#pumpPlanned = true;
    Promise.resolve().then(() => {
      this.#pumpPlanned = false;
      this.#pump();
    });
  }

  #pump(): void {
    const now = this.#io.clock.mono();
    const byLeader = new Map<number, [PartitionQueue, Topic][]>();
    for (const [queue, topic] of this.#offered) {
      if (!queue.isSendable(now)) {
        this.#offered.delete(queue);
        continue;
      }
      const leader = topic.leaderOf(queue.partition);
      if (leader < 0) this.#pause(topic, queue, 1, true);
      else if (byLeader.get(leader)?.push([queue, topic]) === undefined) byLeader.set(leader, [[queue, topic]]);
    }
    if (byLeader.size === 0 || !this.#hasIdentity([...byLeader.values()].flat())) return;
    for (const [leader, queues] of byLeader) {
      while ((this.#underWay.get(leader) ?? 0) < this.#settings.inFlightMax && this.#sendSome(leader, queues, now));
    }
  }

  /** One request with one batch of each queue that has one; false when none has. */
  #sendSome(leader: number, queues: readonly (readonly [PartitionQueue, Topic])[], now: number): boolean {
    const shipments: Shipment[] = [];
    let bytes = 0;
    for (const [queue, topic] of queues) {
      if (!queue.isSendable(now)) continue;
      if (queue.waiting.length === 0) this.#close(topic, queue);
      bytes += queue.waiting[0]!.byteLength;
      if (shipments.length > 0 && bytes > REQUEST_BYTES_MAX) break;
      shipments.push({ topic, queue, batch: queue.take(this.#identity.current) });
      // Behind the others, for the next request.
      this.#offered.delete(queue);
      this.#offered.set(queue, topic);
    }
    if (shipments.length === 0) return false;
    this.#underWay.set(leader, (this.#underWay.get(leader) ?? 0) + 1);
    this.#send(leader, shipments).finally(() => {
      this.#underWay.set(leader, this.#underWay.get(leader)! - 1);
      // Also those that waited only for this node to have room.
      for (const { topic, queue } of shipments) this.offer(topic, queue);
    });
    return true;
  }

  async #send(leader: number, shipments: readonly Shipment[]): Promise<void> {
    const timeoutMs = this.#cluster.options.requestTimeoutMs;
    const options = {
      deadline: this.#io.deadlines.in("produce", timeoutMs),
      ...haveIds(shipments) ? {} : { maxVersion: BY_NAME_MAX },
      ...this.#settings.compression === "zstd" ? { minVersion: ZSTD_SINCE } : {},
    };
    const request = draftOf(shipments, this.#acks, timeoutMs);
    let reply: ProduceReply | null = null;
    try {
      if (this.#acks === 0) await this.#cluster.tell(leader, Produce, request, options);
      else reply = await this.#cluster.call(leader, Produce, request, options);
    } catch (error) {
      const failure = asKafkaError(error);
      for (const shipment of shipments) this.#onLost(shipment, failure);
      return;
    }
    if (reply === null) return this.#onTold(shipments);
    const rows = rowsOf(shipments, reply);
    for (let i = 0; i < shipments.length; i++) this.#onRow(shipments[i]!, rows[i], reply);
  }

  /** Nobody will say what became of them. */
  #onTold(shipments: readonly Shipment[]): void {
    for (const { queue, batch } of shipments) {
      queue.acknowledged(batch);
      batch.succeed(-1, -1);
    }
  }

  /** Whether batches can be given sequences; otherwise an identity is on its way, and what is offered stays offered. */
  #hasIdentity(queues: readonly (readonly [PartitionQueue, Topic])[]): boolean {
    if (!this.#settings.idempotent) return true;
    const { current } = this.#identity;
    if (current !== null && !queues.some(([queue]) => queue.needsIdentity(current))) return true;
    if (!this.#isRenewing) void this.#renew();
    return false;
  }

  async #renew(): Promise<void> {
    this.#isRenewing = true;
    this.#io.mark("client.producer.new_identity");
    try {
      await this.#identity.renew(this.#io.deadlines.in("get a producer id", this.#settings.deliveryTimeoutMs));
    } catch (error) {
      const failure = asKafkaError(error);
      for (const queue of this.#offered.keys()) for (const batch of [...queue.waiting]) this.#giveUp(queue, batch, failure);
    }
    this.#isRenewing = false;
    for (const [queue, topic] of [...this.#offered]) this.offer(topic, queue);
  }

  /** No reply, or none that can be read. */
  #onLost(shipment: Shipment, error: KafkaError): void {
    const { topic, queue, batch } = shipment;
    if (error.isOutcomeUnknown) batch.mayBeWritten = true;
    if (batch.isSettled || !error.retriable) return this.#giveUp(queue, batch, error);
    queue.again(batch);
    this.#pause(topic, queue, batch.tries, true);
  }

  #onRow(shipment: Shipment, row: ProduceRow | undefined, reply: ProduceReply): void {
    const { topic, queue, batch } = shipment;
    const error: KafkaErrorName = row === undefined ? "UNKNOWN_SERVER_ERROR" : errorName(row.errorCode);
    if (row !== undefined && error === "NONE") {
      queue.acknowledged(batch);
      return batch.succeed(row.baseOffset, row.logAppendTimeMs);
    }
    batch.mayBeWritten = mayBeWrittenAfter(error, batch.mayBeWritten);
    const verdict = verdictOf(error, this.#settings.idempotent);
    if (verdict === "duplicate") {
      queue.acknowledged(batch);
      return batch.succeed(-1, -1);
    }
    const isFinal = verdict === "fatal" || (verdict === "too-large" && batch.count === 1);
    if (isFinal || batch.isSettled || row === undefined) return this.#refuse(shipment, error, row);
    switch (verdict) {
      case "too-large":
        return queue.splitInto(batch, batch.split(this.#settings.compression));
      case "out-of-order":
        return queue.again(batch, queue.isFirst(batch) ? "epoch" : "none");
      case "forgotten":
        return queue.again(batch, "epoch");
      case "refused-identity":
        return queue.again(batch, "identity");
      default:
        queue.again(batch);
        this.#pause(topic, queue, batch.tries, !learnLeader(this.#cluster, shipment, row, reply));
    }
  }

  /** Tells each record why: the ones that are to blame in the broker's words, the others that they were in the same batch (KIP-467). */
  #refuse({ queue, batch }: Shipment, error: KafkaErrorName, row: ProduceRow | undefined): void {
    const action = `send to "${queue.topic}-${queue.partition}"`;
    const why = row === undefined ? "the broker left the partition out of its answer" : row.errorMessage;
    const toBlame = new Map(row?.recordErrors.map(({ batchIndex, batchIndexErrorMessage }) => [batchIndex, batchIndexErrorMessage]));
    const failure = (why: string | null): KafkaError => withOutcome(failureOf(error, action, why), batch.mayBeWritten);
    const whole = failure(why);
    queue.gaveUp(batch);
    batch.fail((index) => {
      if (toBlame.size === 0) return whole;
      const own = toBlame.get(index);
      return own !== undefined ? failure(own ?? why) : failure(`the record is fine, but others of its batch were refused: ${why ?? error}`);
    });
  }

  #giveUp(queue: PartitionQueue, batch: Parameters<PartitionQueue["gaveUp"]>[0], error: KafkaError): void {
    queue.gaveUp(batch);
    batch.fail(() => withOutcome(error, batch.mayBeWritten));
  }

  /** Nothing of this queue for a while, which grows with the tries; meanwhile the metadata may be asked for again. */
  #pause(topic: Topic, queue: PartitionQueue, tries: number, isMetadataOld: boolean): void {
    this.#offered.delete(queue);
    const ms = backoffMs(tries, this.#cluster.options, this.#io.random("client").float());
    const until = queue.notBefore = this.#io.clock.mono() + ms;
    if (isMetadataOld) this.#cluster.forgetTopic(topic.name);
    const refreshed = this.#refresh(topic);
    this.#io.timers.after(ms, () =>
      void refreshed.then(() => {
        if (queue.notBefore === until) queue.notBefore = 0;
        this.offer(topic, queue);
      }));
  }
}

/** What is no failure of Kafka's (a full queue, a fault of ours) is one for the records all the same. */
const asKafkaError = (error: unknown): KafkaError =>
  error instanceof KafkaError ? error : new KafkaError("UNKNOWN_SERVER_ERROR", `Cannot send: ${String(error)}`, { cause: error });

const withOutcome = (error: KafkaError, isOutcomeUnknown: boolean): KafkaError =>
  error.isOutcomeUnknown === isOutcomeUnknown
    ? error
    : new KafkaError(error.error, error.message, { cause: error.cause, retriable: error.retriable, isOutcomeUnknown });
