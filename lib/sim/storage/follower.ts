/** The fetcher of a partition that another node leads: writes what it gets as it comes, and cuts a suffix when there is a new leader. */
import { Closed } from "../../io/mod.ts";
import { DiskFull } from "../../storage/mod.ts";
import type { PartitionLog } from "../../storage/mod.ts";
import { markOf } from "../disk/types.ts";
import { Violation } from "../world.ts";
import { Actor } from "./actor.ts";
import { makeBatch } from "./batches.ts";
import type { KeptBatch, PartitionModel } from "./partition_model.ts";
import type { Serving, StorageRun } from "./run.ts";
import type { Knobs } from "./settings.ts";
import type { TopicModel } from "./topics.ts";

const CUT_MS = 10_000;
const CHECKPOINT_CHANCE = 0.5;

export class Follower extends Actor {
  readonly #topicName: string;
  readonly #partition: number;
  readonly #knobs: Knobs;
  #waiting = 0;
  #cutting = false;
  #epoch = 1;

  constructor(run: StorageRun, topicName: string, partition: number, operations: number, knobs: Knobs) {
    super(run, "follow", `${topicName}/${partition}`, operations, knobs);
    this.#topicName = topicName;
    this.#partition = partition;
    this.#knobs = knobs;
  }

  protected get isBusy(): boolean {
    return this.#waiting > 0 || this.#cutting;
  }
  protected override lost(): void {
    this.#waiting = 0;
    this.#cutting = false;
  }
  protected override resumed(): void {
    this.#epoch++;
  }

  protected override act(node: Serving): void {
    if (this.#cutting || this.left === 0) return;
    const topic = this.run.topics.byName(this.#topicName);
    const model = topic.partitions[this.#partition]!;
    const log = node.storage.log(topic.topicId, this.#partition)!;
    if (model.isBroken || model.isOffline) {
      if (this.isFinishing) this.left = 0;
      return;
    }
    if (!this.isFinishing && this.draws.chance(this.#knobs["cutChance"] ?? 0.05)) return this.#cut(node, model, log);
    if (this.#waiting >= 5) return;
    this.#append(node, topic, model, log);
  }

  #append(node: Serving, topic: TopicModel, model: PartitionModel, log: PartitionLog): void {
    const nowMs = node.io.clock.wall();
    const batch = makeBatch(this.draws, this.#knobs, nowMs, () => this.run.nextMark(), null);
    const bytes = batch.bytes.slice();
    this.run.largestBatchBytes = Math.max(this.run.largestBatchBytes, bytes.length);
    const lease = node.frames.lend(bytes);
    let kept: KeptBatch;
    try {
      const { baseOffset } = log.append(bytes, lease, this.#epoch, nowMs, true);
      kept = model.appended(batch, baseOffset, this.#epoch, bytes.slice());
      this.run.counts.appended++;
      this.left--;
    } catch (error) {
      if (error instanceof Violation || error instanceof DiskFull) throw error;
      this.run.counts.refused++;
      return this.#failed(error, model, log);
    } finally {
      lease.release();
    }
    this.#waiting++;
    const { cuts } = model;
    log.whenDurable(kept.last, (error) =>
      this.run.guard(() => {
        if (this.node !== node) return;
        this.#waiting--;
        if (error !== null) {
          if (model.cuts === cuts) this.#failed(error, model, log);
          return;
        }
        if (model.cuts !== cuts || topic !== this.run.topics.byName(this.#topicName)) return;
        this.run.counts.acknowledged++;
        model.promise(kept.last + 1);
        if (this.run.happened.has("syncLies") || kept.last < model.startAsked || this.run.disk.isDurable(markOf(kept.marks[0]!))) return;
        throw new Violation(`${model.name}: offset ${kept.base} is told to be durable and is not`);
      }));
  }

  #cut(node: Serving, model: PartitionModel, log: PartitionLog): void {
    const end = log.logEndOffset;
    const least = Math.max(log.logStartOffset, model.startAsked);
    if (end <= least) return;
    const offset = Math.max(least, this.draws.chance(0.7) ? end - this.draws.below(8) : least + this.draws.below(end - least));
    if (offset >= end) return;
    this.#cutting = true;
    model.cutAsked(offset);
    if (this.draws.chance(CHECKPOINT_CHANCE)) this.#checkpointMeanwhile(node);
    this.watch(node, log.truncateTo(offset, node.io.deadlines.in("truncate", CUT_MS)), () => {
      this.#cutting = false;
      this.run.counts.cuts++;
      this.#epoch++;
      if (this.run.topics.byName(this.#topicName).partitions.includes(model)) model.cutDone(log.logEndOffset);
    }, (error) => {
      this.#cutting = false;
      if (!(error instanceof Closed)) this.#failed(error, model, log);
    });
  }

  /** One that finds the cut announced and not done: it begins when the sync ends that the cut waits for, about. */
  #checkpointMeanwhile({ storage, incarnation }: Serving): void {
    const { run, draws } = this;
    run.disk.kernel.aim((delayMs) => {
      run.world.after(delayMs + draws.between(-0.15, 0.15), "checkpoint", incarnation, () => {
        run.watch(incarnation, storage.checkpoint(), () => {}, (error) => run.fail(error));
      });
    });
  }

  #failed(error: unknown, model: PartitionModel, log: PartitionLog): void {
    if (log.offlineReason !== null && this.run.isExplained(error)) model.isOffline = true;
    const { name } = error as Error;
    if (name === "Overloaded" || name === "Closed" || this.run.isExplained(error)) return;
    throw new Violation(`${model.name}: a follower's write fails: ${(error as Error).stack}`);
  }
}
