/**
 * A producer of one partition that this node leads, through `Partition.append` as the broker does it: several batches in flight, refused ones
 * again, and an idempotent one also repeats what it does not know, in order and under the same sequence, across restarts.
 */
import type { KafkaErrorName } from "../../protocol/errors.ts";
import type { Partition } from "../../replication/mod.ts";
import { markOf } from "../disk/types.ts";
import { Violation } from "../world.ts";
import { Actor } from "./actor.ts";
import { makeBatch } from "./batches.ts";
import type { KeptBatch, NewBatch, PartitionModel } from "./partition_model.ts";
import type { Serving, StorageRun } from "./run.ts";
import type { Knobs } from "./settings.ts";
import type { TopicModel } from "./topics.ts";

interface Wanted {
  readonly batch: NewBatch;
  readonly topic: TopicModel;
  readonly sequence: number;
  readonly epoch: number;
  /** Waits to be told. */
  inFlight: boolean;
  /** What is told of an earlier one was lost. */
  attempt: number;
}

const AGAIN_MS = 1;
const BURST_MS = 0.02;
const BACKOFF_MS = 60;
/** Refusals that pass: nothing was appended. */
const RETRIABLE: ReadonlySet<KafkaErrorName> = new Set(["NOT_ENOUGH_REPLICAS", "KAFKA_STORAGE_ERROR", "NOT_LEADER_OR_FOLLOWER"]);

/** Faults that make an append take longer than its time. */
const SLOW = ["syncStalls", "diskSlow", "diskFull", "pause", "drift"];

export class Writer extends Actor {
  readonly #topicName: string;
  readonly #partition: number;
  readonly #knobs: Knobs;
  readonly #producerId: number;
  /** Oldest first. */
  #wanted: Wanted[] = [];
  #topic: TopicModel;
  #sequence = 0;
  #epoch = 0;
  #nextAt = 0;
  #burst = 0;
  readonly #thinkMs: number;

  constructor(run: StorageRun, topicName: string, number: number, operations: number, knobs: Knobs) {
    super(run, "write", `${topicName}/${number}`, operations, knobs);
    this.#topicName = topicName;
    this.#knobs = knobs;
    this.#thinkMs = knobs["thinkMs"] ?? 20;
    this.#partition = number % (knobs["partitions"] ?? 1);
    this.#producerId = knobs["idempotent"] === 1 ? 1000 + number : -1;
    this.#topic = run.topics.byName(topicName);
  }

  protected get isBusy(): boolean {
    return this.#wanted.length > 0;
  }

  protected override lost(): void {
    for (const wanted of this.#wanted) wanted.inFlight = false;
    // Who is not idempotent does not know, and cannot ask again.
    if (this.#producerId < 0) this.#wanted = [];
  }

  protected override act(node: Serving): number | void {
    this.#followTopic();
    const model = this.#topic.partitions[this.#partition]!;
    if (model.isBroken || model.isOffline && this.isFinishing) {
      this.#wanted = [];
      this.left = 0;
      return;
    }
    const partition = node.replicas.byName(this.#topicName, this.#partition)!;
    if (this.#wanted.length > 1 && this.#producerId >= 0 && this.draws.chance(this.#knobs["lostReplies"] ?? 0)) this.#loseReplies();
    const again = this.#wanted.find(({ inFlight }) => !inFlight);
    if (again !== undefined) return this.#send(node, partition, model, again) ? AGAIN_MS : BACKOFF_MS;
    // One that was refused takes its time for the next one too.
    if (this.left === 0 || this.#wanted.length >= (this.#knobs["inFlight"] ?? 5)) return;
    const now = this.run.world.now;
    if (now < this.#nextAt && !this.isFinishing) return this.#nextAt - now;
    // Now and then as many at once as may be in flight.
    this.#burst = this.#burst > 0 ? this.#burst - 1 : this.draws.chance(0.1) ? 5 : 0;
    this.#nextAt = this.#burst > 0 ? now : now + this.#thinkMs * 2 * this.draws.float();
    this.left--;
    const wanted = this.#make(node);
    this.#wanted.push(wanted);
    if (!this.#send(node, partition, model, wanted)) return BACKOFF_MS;
    if (this.#burst > 0) return BURST_MS;
  }

  #make(node: Serving): Wanted {
    const producer = this.#producerId < 0
      ? null
      : { producerId: this.#producerId, producerEpoch: this.#epoch, baseSequence: this.#sequence };
    const batch = makeBatch(this.draws, this.#knobs, node.io.clock.wall(), () => this.run.nextMark(), producer);
    const wanted = { batch, topic: this.#topic, sequence: this.#sequence, epoch: this.#epoch, inFlight: false, attempt: 0 };
    this.#sequence += batch.marks.length;
    return wanted;
  }

  /** False when it was refused. */
  #send(node: Serving, partition: Partition, model: PartitionModel, wanted: Wanted): boolean {
    const { counts } = this.run;
    const { batch } = wanted;
    const bytes = batch.bytes.slice();
    this.run.largestBatchBytes = Math.max(this.run.largestBatchBytes, bytes.length);
    const lease = node.frames.lend(bytes);
    const endBefore = partition.logEndOffset;
    const acks = this.#knobs["acksOne"] === 1 ? 1 : -1;
    const result = partition.append(bytes, lease, { internal: false, acks });
    if (!result.ok) {
      lease.release();
      counts.refused++;
      // The disk that lied has lost a file, which storage looks for only once it serves.
      if (this.run.isWeak && node.storage.log(this.#topic.topicId, this.#partition)?.offlineReason != null) model.isBroken = true;
      this.#refused(result.error, result.message ?? "", wanted);
      return false;
    }
    const isDuplicate = result.baseOffset < endBefore;
    let kept = model.placeOf(batch);
    if (isDuplicate) {
      counts.duplicates++;
      if (kept === null && this.run.isWeak && result.baseOffset < model.start) {
        // The model knows only what the disk that lied has left, and this was deleted from it.
        lease.release();
        this.#forget(wanted);
        return true;
      }
      const last = kept;
      // Where its producer may have been forgotten it is there more than once, and replaying finds the producer of the first again.
      while (this.#mayForget() && kept !== null && kept.base > result.baseOffset) kept = kept.earlier;
      if (kept === null || kept.base !== result.baseOffset) {
        throw new Violation(
          `${model.name}: a new batch is taken for a repetition of offset ${result.baseOffset}, was at ${last?.base ?? "none"}`,
        );
      }
    } else {
      counts.appended++;
      if (kept !== null && !this.#mayForget()) {
        throw new Violation(
          `${model.name}: the batch of offset ${kept.base} is appended again at ${result.baseOffset}, sequence ${wanted.sequence}`,
        );
      }
      kept = model.appended(batch, result.baseOffset, partition.leaderEpoch, bytes.slice());
    }
    lease.release();
    wanted.inFlight = true;
    const attempt = ++wanted.attempt;
    const appendMs = this.run.knob("appendMs", 5000);
    const askedAt = this.run.world.now;
    const deadline = node.io.deadlines.in("append", appendMs);
    const place = kept;
    partition.whenAcknowledged(result.lastOffset, acks, deadline, {
      acknowledged: (_, error) =>
        this.run.guard(() => {
          if (node.incarnation.alive && wanted.attempt === attempt) {
            this.#told(model, wanted, place, isDuplicate, error, askedAt + appendMs);
          }
        }),
    }, 0);
    return true;
  }

  #told(
    model: PartitionModel,
    wanted: Wanted,
    kept: KeptBatch,
    isDuplicate: boolean,
    error: KafkaErrorName | null,
    deadlineAt: number,
  ): void {
    if (!wanted.inFlight) return;
    wanted.inFlight = false;
    if (error !== null) {
      if (this.run.world.now >= deadlineAt && !SLOW.some((kind) => this.run.happened.has(kind))) {
        throw new Violation(`${model.name}: offset ${kept.base} is not acknowledged in time, and nothing is slow`);
      }
      // Unknown: an idempotent producer asks again.
      if (this.#producerId < 0) this.#forget(wanted);
      return;
    }
    this.run.counts.acknowledged++;
    this.#forget(wanted);
    if (wanted.topic !== this.run.topics.byName(this.#topicName)) return;
    model.promise(kept.last + 1);
    if (isDuplicate || this.run.happened.has("syncLies") || kept.last < Math.max(model.startAsked, model.start) || model.isRetained) return;
    if (kept.isTombstone) return;
    for (const mark of [kept.marks[0]!, kept.marks.at(-1)!]) {
      if (!this.run.disk.isDurable(markOf(mark))) throw new Violation(`${model.name}: offset ${kept.base} is acknowledged and not durable`);
    }
  }

  /** The connection breaks: everything that was in flight is sent again, the oldest first. */
  #loseReplies(): void {
    for (const wanted of this.#wanted) {
      if (!wanted.inFlight) continue;
      wanted.inFlight = false;
      wanted.attempt++;
    }
  }

  #refused(error: KafkaErrorName, message: string, wanted: Wanted): void {
    if (RETRIABLE.has(error)) {
      // One that is not idempotent may as well ask with another batch.
      if (this.#producerId < 0 && !this.isFinishing) this.#forget(wanted);
      return;
    }
    if (error !== "OUT_OF_ORDER_SEQUENCE_NUMBER" || !this.#mayForget() && !this.run.isWeak) {
      throw new Violation(`${this.#topicName}-${this.#partition} refuses sequence ${wanted.sequence}: ${error}, ${message}`);
    }
    this.#wanted = [];
    this.#restartSequence();
  }

  #forget(wanted: Wanted): void {
    this.#wanted.splice(this.#wanted.indexOf(wanted), 1);
  }

  /** The topic was deleted and made again: nobody is told about what was under way. */
  #followTopic(): void {
    const topic = this.run.topics.byName(this.#topicName);
    if (topic === this.#topic) return;
    this.#topic = topic;
    this.#wanted = [];
    this.#restartSequence();
  }

  #restartSequence(): void {
    this.#epoch++;
    this.#sequence = 0;
  }

  /** The plan lets storage forget producers that still repeat their batches. */
  #mayForget(): boolean {
    return this.run.isWeak || this.run.forgetsProducers;
  }
}
