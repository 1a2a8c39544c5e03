/** A consumer: reads at odd places in pieces of odd sizes, holds on to what it was given for a while, and asks for timestamps. */
import { type PartitionLog } from "../../storage/mod.ts";
import { Closed } from "../../io/mod.ts";
import { OffsetOutOfRange } from "../../storage/mod.ts";
import type { Partition, PartitionRead } from "../../replication/mod.ts";
import { Violation } from "../world.ts";
import { Actor } from "./actor.ts";
import type { PartitionModel } from "./partition_model.ts";
import type { Serving, StorageRun } from "./run.ts";
import type { Knobs } from "./settings.ts";

const SIZES = [1, 100, 400, 2_000, 20_000, 1_000_000];
const READ_MS = 10_000;

export class Reader extends Actor {
  readonly #topicName: string;
  readonly #partitions: number;
  readonly #isReplica: boolean;
  #reading = 0;

  constructor(run: StorageRun, topicName: string, number: number, operations: number, knobs: Knobs) {
    super(run, "read", `${topicName}/${number}`, operations, { thinkMs: knobs["readThinkMs"] ?? 100 });
    this.#topicName = topicName;
    this.#partitions = knobs["partitions"] ?? 1;
    this.#isReplica = knobs["followed"] === 1;
  }

  protected get isBusy(): boolean {
    return this.#reading > 0;
  }
  protected override lost(): void {
    this.#reading = 0;
  }

  protected override act(node: Serving): void {
    if (this.left === 0 || this.#reading > 2) return;
    this.left--;
    const number = this.draws.below(this.#partitions);
    const topic = this.run.topics.byName(this.#topicName);
    const model = topic.partitions[number]!;
    const partition = node.replicas.byName(this.#topicName, number)!;
    const log = node.storage.log(topic.topicId, number)!;
    if (model.isBroken || model.isOffline || model.isCutting) return;
    if (!this.#isReplica && !model.isCompacted && this.draws.chance(0.15)) {
      if (this.draws.chance(0.3)) this.#findLargest(node, partition, log, model);
      else this.#findTimestamp(node, partition, model);
    } else this.#read(node, partition, log, model);
  }

  #read(node: Serving, partition: Partition, log: PartitionLog, model: PartitionModel): void {
    const { draws } = this;
    const start = log.logStartOffset, end = log.durableEndOffset;
    model.sawStart(start);
    const nearEnd = draws.chance(0.3);
    const fetchOffset = Math.min(end, nearEnd ? Math.max(start, end - draws.below(4)) : start + draws.below(end - start + 1));
    const maxBytes = draws.pick(SIZES);
    const atLeastOne = draws.chance(0.8);
    const reader = this.#isReplica ? "replica" : draws.chance(0.5) ? "consumer" : "committed";
    const cuts = model.cuts;
    this.#reading++;
    node.heldReads++;
    const reading = partition.read({ fetchOffset, maxBytes, atLeastOne, reader }, node.io.deadlines.in("read", READ_MS));
    this.watch(node, reading, (read) => {
      this.run.counts.read++;
      // What a follower has may be cut while it is read.
      if (model.cuts !== cuts) return this.#release(node, read);
      const limit = this.#isReplica ? log.durableEndOffset : read.highWatermark;
      const { chunks, byteLength } = read.records;
      model.checkRead(chunks, fetchOffset, limit);
      if (byteLength === 0 && atLeastOne && fetchOffset < end && !model.isCompacted) {
        throw new Violation(`${model.name}: nothing is served at offset ${fetchOffset}, the log is durable up to ${end}`);
      }
      if (draws.chance(0.5)) return this.#release(node, read);
      this.run.world.after(draws.skewed(1, 500), "release", node.incarnation, () => {
        if (model.cuts === cuts) model.checkRead(chunks, fetchOffset, limit);
        this.#release(node, read);
      });
    }, (error) => {
      this.#settled(node);
      node.heldReads--;
      if (error instanceof OffsetOutOfRange && (fetchOffset < log.logStartOffset || model.cuts !== cuts)) return;
      this.#failed(error, model, log, `read of offset ${fetchOffset}`);
    });
  }

  #release(node: Serving, read: PartitionRead): void {
    read.records.lease.release();
    node.heldReads--;
    this.#settled(node);
  }

  #settled(node: Serving): void {
    if (this.node === node) this.#reading--;
  }

  #findTimestamp(node: Serving, partition: Partition, model: PartitionModel): void {
    const { draws } = this;
    const start = partition.logStartOffset, end = partition.highWatermark;
    const target = draws.chance(0.1) ? 0 : model.timestampNear(start + draws.below(end - start + 1)) + draws.below(3) - 1;
    this.#reading++;
    const log = node.storage.log(this.run.topics.byName(this.#topicName).topicId, partition.partition)!;
    this.watch(node, partition.findTimestamp(target, node.io.deadlines.in("timestamp", READ_MS)), (found) => {
      this.#settled(node);
      const startAfter = partition.logStartOffset, endAfter = partition.highWatermark;
      const least = model.firstAt(target, startAfter, end);
      if (found === null) {
        if (least >= 0) throw new Violation(`${model.name}: no record is found at ${target}, offset ${least} is not older`);
        return;
      }
      const fits = found.offset === model.firstAt(target, startAfter, endAfter) ||
        found.offset < startAfter && found.offset === model.firstAt(target, start, endAfter);
      if (!fits) throw new Violation(`${model.name}: offset ${found.offset} is found at ${target}, should be ${least}`);
    }, (error) => {
      this.#settled(node);
      this.#failed(error, model, log, "look for a timestamp");
    });
  }

  #findLargest(node: Serving, partition: Partition, log: PartitionLog, model: PartitionModel): void {
    const start = partition.logStartOffset, end = partition.highWatermark;
    this.#reading++;
    this.watch(node, partition.maxTimestamp(node.io.deadlines.in("timestamp", READ_MS)), (found) => {
      this.#settled(node);
      const offset = found?.offset ?? -1;
      // The log may have lost its beginning while it was looked through, more than once: what was right for one of its starts is.
      const startAfter = partition.logStartOffset;
      const largest = model.largestIn(offset >= start && offset < startAfter ? offset : startAfter, end);
      if (offset !== largest) throw new Violation(`${model.name}: offset ${offset} is said to be of the largest time, it is ${largest}`);
    }, (error) => {
      this.#settled(node);
      this.#failed(error, model, log, "look for the largest timestamp");
    });
  }

  #failed(error: Error, model: PartitionModel, log: PartitionLog, what: string): void {
    const isDeleted = !this.run.topics.byName(this.#topicName).partitions.includes(model);
    if (error instanceof Closed && (isDeleted || this.node === null)) return;
    if (log.offlineReason !== null && this.run.happened.has("readFails")) model.isOffline = true;
    if (!this.run.isExplained(error) || error instanceof Closed) throw new Violation(`${model.name}: ${what} fails: ${error.stack}`);
  }
}
