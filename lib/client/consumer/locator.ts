/**
 * Finds what must be known before a partition can be fetched: its leader, where reading begins, and, when another leader took over, whether
 * that place still is on the log. Works in the background until nothing is missing; fetches nothing.
 *
 * When the log was cut below the position (KIP-320), reading goes on where the logs part, unless `autoOffsetReset` is `"none"`.
 */
import type { Deadline, Io } from "../../io/mod.ts";
import { errorName, type KafkaErrorName, ListOffsets, OffsetForLeaderEpoch, type Uuid } from "../../protocol/mod.ts";
import { failureOf, KafkaError } from "../errors.ts";
import type { Cluster, OffsetAndMetadata, Position } from "../types.ts";
import type { AssignedPartition } from "./assigned_partition.ts";
import { Loop } from "./bell.ts";
import { byTopic, type OffsetCommits } from "./offset_commits.ts";
import type { ConsumerSettings } from "./settings.ts";

/** Timestamps that mean a place (KIP-79). */
const LATEST = -1;
const EARLIEST = -2;
const CONSUMER = -1;

export interface LocatorContext {
  readonly io: Io;
  readonly cluster: Cluster;
  readonly settings: ConsumerSettings;
  /** Null without a group. */
  readonly commits: OffsetCommits | null;
  assigned(): Iterable<AssignedPartition>;
  /** Something was found. */
  onFound(): void;
  /** The next read is to throw this. */
  onError(error: unknown): void;
}

export class Locator {
  readonly #context: LocatorContext;
  readonly #loop: Loop;
  /** Partitions that wait for somebody to deal with an error. */
  readonly #givenUp = new Map<AssignedPartition, number>();

  constructor(context: LocatorContext) {
    this.#context = context;
    this.#loop = new Loop(context.io, context.settings.client, () => this.#step(), (error) => context.onError(error));
  }

  kick(): void {
    this.#loop.kick();
  }

  stop(): void {
    this.#loop.stop();
  }

  /** What is believed of the partition's leader turned out to be wrong. */
  forgetRoute(partition: AssignedPartition): void {
    partition.route = null;
    this.#context.cluster.forgetTopic(partition.topic);
  }

  /** What reading does where there is no place to begin or to go on. */
  reset(partition: AssignedPartition, why: string): void {
    const { autoOffsetReset } = this.#context.settings;
    if (autoOffsetReset !== "none") return partition.seek(autoOffsetReset);
    const name = `${partition.topic}-${partition.partition}`;
    this.#givenUp.set(partition, partition.run);
    this.#context.onError(
      new KafkaError("OFFSET_OUT_OF_RANGE", `Cannot read "${name}": ${why}, and "autoOffsetReset" is "none": seek to where it is to begin`),
    );
  }

  /** It has no place to read from, the application was told, and nobody has done anything about it since. */
  isGivenUp(partition: AssignedPartition): boolean {
    return this.#givenUp.get(partition) === partition.run;
  }

  /** The application reads on: who was told of what is missing may have dealt with it, or is told again. */
  reconsider(): void {
    this.#loop.resume();
    if (this.#givenUp.size === 0) return;
    this.#givenUp.clear();
    this.kick();
  }

  async #step(): Promise<"done" | "failed"> {
    const all = [...this.#context.assigned()].filter((partition) => !this.isGivenUp(partition));
    const deadline = this.#context.io.deadlines.in("locate partitions", this.#context.settings.client.requestTimeoutMs);
    const outcomes = [
      await this.#tried(() => this.#findRoutes(all, deadline)),
      await this.#tried(() => this.#findCommitted(all.filter(({ sought }) => sought === "committed"), deadline)),
      await this.#tried(() => this.#findOffsets(all, deadline)),
      await this.#tried(() => this.#check(all.filter(({ needsCheck }) => needsCheck), deadline)),
    ];
    this.#context.onFound();
    return outcomes.every((ok) => ok) ? "done" : "failed";
  }

  /** False: try again later. */
  async #tried(work: () => Promise<boolean>): Promise<boolean> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof KafkaError && error.retriable) return false;
      throw error;
    }
  }

  async #findRoutes(all: readonly AssignedPartition[], deadline: Deadline): Promise<boolean> {
    const missing = all.filter(({ route }) => route === null || route.leader < 0);
    if (missing.length === 0) return true;
    const { cluster } = this.#context;
    for (const { topic, route } of missing) if (route !== null) cluster.forgetTopic(topic);
    const topics = await cluster.topics([...new Set(missing.map(({ topic }) => topic))], deadline);
    let complete = true;
    for (const partition of missing) {
      const found = topics.get(partition.topic);
      if (found instanceof KafkaError && !found.retriable) throw found;
      const view = found === undefined || found instanceof Error
        ? undefined
        : found.partitions.find((one) => one.partition === partition.partition);
      if (view === undefined || found === undefined || found instanceof Error) complete = false;
      else {
        partition.route = { leader: view.leader, leaderEpoch: view.leaderEpoch, topicId: found.topicId as Uuid };
        if (view.leader < 0) complete = false;
      }
      // What the cache holds is as old as what we had: the next try is to ask.
      if (partition.route === null || partition.route.leader < 0) cluster.forgetTopic(partition.topic);
    }
    return complete;
  }

  async #findCommitted(partitions: readonly AssignedPartition[], deadline: Deadline): Promise<boolean> {
    if (partitions.length === 0) return true;
    const runs = partitions.map(({ run }) => run);
    const found: ReadonlyMap<string, OffsetAndMetadata> = await this.#context.commits?.committed(partitions, deadline) ?? new Map();
    partitions.forEach((partition, i) => {
      if (partition.run !== runs[i]) return;
      const at = found.get(partition.key);
      if (at === undefined) return this.reset(partition, "its group has no committed offset");
      partition.moveTo(at.offset, at.leaderEpoch ?? -1);
      partition.committedOffset = at.offset;
    });
    return true;
  }

  async #findOffsets(all: readonly AssignedPartition[], deadline: Deadline): Promise<boolean> {
    const seeking = all.filter(({ sought }) => sought !== null && sought !== "committed");
    return await this.#perLeader(seeking, async (node, partitions) => {
      const timestamps = new Map(partitions.map((partition) => [partition, timestampOf(partition.sought as Position)]));
      const runs = new Map(partitions.map((partition) => [partition, partition.run]));
      const reply = await this.#context.cluster.call(node, ListOffsets, {
        replicaId: CONSUMER,
        isolationLevel: this.#context.settings.isCommittedOnly ? 1 : 0,
        topics: byTopic(partitions).map(([name, list]) => ({
          name,
          partitions: list.map((partition) => ({
            partitionIndex: partition.partition,
            currentLeaderEpoch: partition.route?.leaderEpoch ?? -1,
            timestamp: timestamps.get(partition)!,
          })),
        })),
        timeoutMs: this.#context.settings.client.requestTimeoutMs,
      }, { deadline });
      let complete = true;
      for (const { name, partitions: rows } of reply.topics) {
        for (const { partitionIndex, errorCode, offset } of rows) {
          const partition = partitions.find((one) => one.topic === name && one.partition === partitionIndex);
          if (partition === undefined || partition.run !== runs.get(partition)) continue;
          if (errorCode !== 0) complete = this.#refused(partition, errorName(errorCode), "find an offset of") && complete;
          else if (offset >= 0) partition.moveTo(offset, -1);
          else {
            // No record is that young: reading begins with the next one.
            partition.seek("latest");
          }
        }
      }
      return complete && partitions.every(({ sought }) => sought === null);
    });
  }

  async #check(partitions: readonly AssignedPartition[], deadline: Deadline): Promise<boolean> {
    return await this.#perLeader(partitions, async (node, list) => {
      const asked = new Map(list.map((partition) => [partition, { run: partition.run, epoch: partition.route!.leaderEpoch }]));
      const reply = await this.#context.cluster.call(node, OffsetForLeaderEpoch, {
        replicaId: CONSUMER,
        topics: byTopic(list).map(([topic, rows]) => ({
          topic,
          partitions: rows.map((partition) => ({
            partition: partition.partition,
            currentLeaderEpoch: partition.route!.leaderEpoch,
            leaderEpoch: partition.epoch,
          })),
        })),
      }, { deadline });
      let complete = true;
      for (const { topic, partitions: rows } of reply.topics) {
        for (const { partition: index, errorCode, leaderEpoch, endOffset } of rows) {
          const partition = list.find((one) => one.topic === topic && one.partition === index);
          const then = partition && asked.get(partition);
          if (partition === undefined || then === undefined || partition.run !== then.run) continue;
          if (errorCode !== 0) complete = this.#refused(partition, errorName(errorCode), "check the position in") && complete;
          else if (endOffset < 0 || leaderEpoch < 0) this.reset(partition, `nothing is left of leader epoch ${partition.epoch}`);
          else if (partition.position !== null && endOffset < partition.position) this.#truncated(partition, endOffset, leaderEpoch);
          else partition.checkedEpoch = then.epoch;
        }
      }
      // Also when the reply left something out.
      return complete && list.every((one) => !one.needsCheck || this.isGivenUp(one));
    });
  }

  #truncated(partition: AssignedPartition, endOffset: number, leaderEpoch: number): void {
    if (this.#context.settings.autoOffsetReset !== "none") return partition.moveTo(endOffset, leaderEpoch);
    this.reset(partition, `its log was cut to offset ${endOffset}, below the position ${partition.position}`);
  }

  /** A row of a reply failed. False: try again later. */
  #refused(partition: AssignedPartition, error: KafkaErrorName, action: string): boolean {
    const failure = failureOf(error, `${action} "${partition.topic}-${partition.partition}"`);
    if (!failure.retriable) throw failure;
    if (error !== "OFFSET_NOT_AVAILABLE") this.forgetRoute(partition);
    return false;
  }

  /** In parallel; those without a leader wait. False: some of it is to be tried again. */
  async #perLeader(
    partitions: readonly AssignedPartition[],
    ask: (node: number, partitions: readonly AssignedPartition[]) => Promise<boolean>,
  ): Promise<boolean> {
    const leaders = new Map<number, AssignedPartition[]>();
    let complete = true;
    for (const partition of partitions) {
      const leader = partition.route?.leader ?? -1;
      if (leader < 0) complete = false;
      else if (leaders.has(leader)) leaders.get(leader)!.push(partition);
      else leaders.set(leader, [partition]);
    }
    const outcomes = await Promise.all(Array.from(leaders, ([node, list]) =>
      this.#tried(() => ask(node, list)).then((ok) => {
        // Whether the leader is still there, or still leads, is to be asked before the next try.
        if (!ok) { for (const partition of list) this.forgetRoute(partition); }
        return ok;
      })));
    return complete && outcomes.every((ok) => ok);
  }
}

function timestampOf(position: Position): number {
  if (position === "earliest") return EARLIEST;
  if (position === "latest") return LATEST;
  return typeof position === "number" ? position : position.timestamp;
}
