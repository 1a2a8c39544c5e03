/**
 * The group coordinator of a node: finds the shard of a group, opens and closes shards with the leadership of their partitions, and
 * turns questions into commands. Holds no group itself. Source: KIP-62; sharding by partition as in Kafka.
 */
import type { Controller } from "../controller/types.ts";
import { type Deadline, DeadlineExceeded, type Io, type Random, type Timer } from "../io/mod.ts";
import type { KafkaErrorName } from "../protocol/errors.ts";
import { type NodeId, nodeId, ZERO_UUID } from "../protocol/mod.ts";
import type { Partitions } from "../replication/types.ts";
import type {
  CommitReply,
  CommittedOffset,
  DeleteGroupsReply,
  DeleteOffsetsReply,
  DescribedGroup,
  GroupStateName,
  HeartbeatReply,
  JoinReply,
  LeaveReply,
  ListedGroup,
  SyncReply,
} from "../state/groups/mod.ts";
import type { MetadataDelta } from "../state/metadata/image.ts";
import { type Log, logOf } from "../telemetry/mod.ts";
import { memberId } from "./member_id.ts";
import { OFFSETS_TOPIC, OffsetsTopic } from "./offsets_topic.ts";
import { partitionFor } from "./partition_for.ts";
import { ShardHost } from "./shard_host.ts";
import { UNKNOWN_OUTCOME } from "./tickets.ts";
import type { CoordinatorSettings, FetchedOffsets, GroupCoordinator, GroupStats, PartitionLag, RebalancedGroup } from "./types.ts";

/** Logs that are read at the same time when the node starts; the others wait their turn. */
const LOADS_MAX = 4;
/** A log that could not be read is not tried again before this. */
const RELOAD_AFTER_MS = 5_000;
const NO_BYTES = new Uint8Array(0);

export interface GroupCoordinatorOptions {
  readonly io: Io;
  readonly controller: Controller;
  readonly partitions: Partitions;
  readonly settings: CoordinatorSettings;
  /** Where lines go; the log by default. */
  readonly log?: Log;
}

export class Groups implements GroupCoordinator {
  readonly #io: Io;
  readonly #random: Random;
  readonly #controller: Controller;
  readonly #partitions: Partitions;
  readonly #settings: CoordinatorSettings;
  readonly #topic: OffsetsTopic;
  readonly #log: Log;
  readonly #hosts = new Map<number, ShardHost>();
  readonly #toLoad: ShardHost[] = [];
  readonly #retryAt = new Map<number, number>();
  readonly #watching: { cancel(): void };
  #rebalancedListeners: ((group: RebalancedGroup) => void)[] = [];
  #rebalances = 0;
  #loading = 0;
  #cleanUp: Timer;
  #isClosed = false;

  /** Starts to read the groups of every partition that this node leads. */
  constructor({ io, controller, partitions, settings, log = logOf("coordinator") }: GroupCoordinatorOptions) {
    this.#io = io;
    this.#random = io.random("member-id");
    this.#controller = controller;
    this.#partitions = partitions;
    this.#settings = settings;
    this.#topic = new OffsetsTopic(controller, settings);
    this.#log = log;
    this.#watching = controller.onApplied((delta) => this.#applied(delta));
    this.#cleanUp = this.#cleanUpLater();
    this.#openAll();
  }

  /** The node stops: what is appended is still acknowledged, until the deadline; then whoever waits for other members is sent away. */
  async stop(deadline: Deadline): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const waker = this.#io.deadlines.wake(deadline, resolve);
    void Promise.all([...this.#hosts.values()].map((host) => host.drained())).then(() => resolve());
    await promise;
    waker.cancel();
    this.close();
  }

  /** Sends whoever waits away. Nothing is written: the log has everything that counts. */
  close(): void {
    this.#isClosed = true;
    this.#watching.cancel();
    this.#cleanUp.cancel();
    for (const host of this.#hosts.values()) host.close();
    this.#hosts.clear();
  }

  partitionFor(groupId: string): number {
    return partitionFor(groupId, this.#topic.partitionCount);
  }

  async locate(groupId: string, deadline: Deadline): Promise<{ readonly error: KafkaErrorName; readonly nodeId: NodeId | null }> {
    const error = await this.#topic.ensure(deadline);
    const leader = this.#topic.image?.partitions[this.partitionFor(groupId)]?.leader ?? -1;
    if (error !== "NONE" || leader === -1) return { error: "COORDINATOR_NOT_AVAILABLE", nodeId: null };
    return { error: "NONE", nodeId: nodeId(leader) };
  }

  join(question: Parameters<GroupCoordinator["join"]>[0], deadline: Deadline): Promise<JoinReply> {
    const newMemberId = memberId(question.instanceId ?? question.clientId, this.#random);
    return this.#ask(
      question.groupId,
      (ticket) => ({ ...question, kind: "join", ticket, newMemberId }),
      (error): JoinReply => ({
        error,
        memberId: question.memberId,
        generation: -1,
        protocolType: null,
        protocolName: null,
        leader: "",
        skipAssignment: false,
        members: [],
      }),
      "REBALANCE_IN_PROGRESS",
      deadline,
    );
  }

  sync(question: Parameters<GroupCoordinator["sync"]>[0], deadline: Deadline): Promise<SyncReply> {
    const refuse = (error: KafkaErrorName): SyncReply => ({ error, protocolType: null, protocolName: null, assignment: NO_BYTES });
    return this.#ask(question.groupId, (ticket) => ({ ...question, kind: "sync", ticket }), refuse, "REBALANCE_IN_PROGRESS", deadline);
  }

  heartbeat(question: Parameters<GroupCoordinator["heartbeat"]>[0], deadline: Deadline): Promise<HeartbeatReply> {
    // While the groups are being read nobody can have been silent for too long.
    const refuse = (error: KafkaErrorName): HeartbeatReply => ({ error: error === "COORDINATOR_LOAD_IN_PROGRESS" ? "NONE" : error });
    return this.#ask(
      question.groupId,
      (ticket) => ({ ...question, kind: "heartbeat", ticket }),
      refuse,
      "COORDINATOR_NOT_AVAILABLE",
      deadline,
    );
  }

  leave(question: Parameters<GroupCoordinator["leave"]>[0], deadline: Deadline): Promise<LeaveReply> {
    const refuse = (error: KafkaErrorName): LeaveReply => ({ error, members: [] });
    return this.#ask(question.groupId, (ticket) => ({ ...question, kind: "leave", ticket }), refuse, "COORDINATOR_NOT_AVAILABLE", deadline);
  }

  commit(question: Parameters<GroupCoordinator["commit"]>[0], deadline: Deadline): Promise<CommitReply> {
    const refuse = (error: KafkaErrorName): CommitReply => ({ error, topics: [] });
    return this.#ask(
      question.groupId,
      (ticket) => ({ ...question, kind: "commit", ticket }),
      refuse,
      UNKNOWN_OUTCOME,
      deadline,
    );
  }

  async fetch(
    groupId: string,
    topics: readonly { readonly topic: string; readonly partitions: readonly number[] }[] | null,
    requireStable: boolean,
    deadline: Deadline,
  ): Promise<FetchedOffsets> {
    const host = this.#host(groupId);
    if (typeof host === "string") return { error: host, topics: [] };
    if (requireStable && !await this.#isDrained(host, deadline)) return { error: "NOT_COORDINATOR", topics: [] };
    if (topics === null) {
      const all = host.groups.allCommitted(groupId).map(({ topic, partitions }) => ({
        topic,
        partitions: partitions.filter(({ committed }) => this.#isCurrent(topic, committed)),
      }));
      return { error: "NONE", topics: all.filter(({ partitions }) => partitions.length > 0) };
    }
    return {
      error: "NONE",
      topics: topics.map(({ topic, partitions }) => ({
        topic,
        partitions: partitions.map((partition) => {
          const committed = host.groups.committed(groupId, topic, partition);
          return { partition, committed: committed !== null && this.#isCurrent(topic, committed) ? committed : null };
        }),
      })),
    };
  }

  async deleteGroups(groupIds: readonly string[], deadline: Deadline): Promise<DeleteGroupsReply> {
    const unique = [...new Set(groupIds)];
    const byShard = Map.groupBy(unique, (groupId) => this.partitionFor(groupId));
    const replies = await Promise.all([...byShard.values()].map((ids) => {
      const refuse = (error: KafkaErrorName): DeleteGroupsReply => ids.map((groupId) => ({ groupId, error }));
      return this.#ask(
        ids[0]!,
        (ticket) => ({ kind: "deleteGroups", ticket, groupIds: ids }),
        refuse,
        UNKNOWN_OUTCOME,
        deadline,
      );
    }));
    const rows = new Map(replies.flat().map((row) => [row.groupId, row]));
    return unique.map((groupId) => rows.get(groupId) ?? { groupId, error: "UNKNOWN_SERVER_ERROR" });
  }

  deleteOffsets(question: Parameters<GroupCoordinator["deleteOffsets"]>[0], deadline: Deadline): Promise<DeleteOffsetsReply> {
    const refuse = (error: KafkaErrorName): DeleteOffsetsReply => ({ error, topics: [] });
    return this.#ask(
      question.groupId,
      (ticket) => ({ ...question, kind: "deleteOffsets", ticket }),
      refuse,
      UNKNOWN_OUTCOME,
      deadline,
    );
  }

  list(): { readonly error: KafkaErrorName; readonly groups: readonly ListedGroup[] } {
    this.#openAll();
    const hosts = [...this.#hosts.values()].filter(({ state }) => state !== "closed");
    if (hosts.some(({ state }) => state === "loading")) return { error: "COORDINATOR_LOAD_IN_PROGRESS", groups: [] };
    return { error: "NONE", groups: hosts.flatMap(({ groups }) => groups.list()) };
  }

  describe(groupId: string): { readonly error: KafkaErrorName; readonly group: DescribedGroup | null } {
    const host = this.#host(groupId);
    if (typeof host === "string") return { error: host, group: null };
    return { error: "NONE", group: host.groups.describe(groupId) };
  }

  async lag(
    groupId: string,
    deadline: Deadline,
  ): Promise<{ readonly error: KafkaErrorName; readonly partitions: readonly PartitionLag[] }> {
    const fetched = await this.fetch(groupId, null, true, deadline);
    const partitions = fetched.topics.flatMap(({ topic, partitions }) =>
      partitions.flatMap(({ partition, committed }): PartitionLag[] => {
        if (committed === null) return [];
        const endOffset = this.#partitions.byName(topic, partition)?.highWatermark ?? null;
        return [{ topic, partition, committed, endOffset, lag: endOffset === null ? null : Math.max(endOffset - committed.offset, 0) }];
      })
    );
    return { error: fetched.error, partitions };
  }

  stats(): GroupStats {
    const hosts = [...this.#hosts.values()];
    const groups = new Map<GroupStateName, number>();
    for (const host of hosts) for (const { state } of host.groups.list()) groups.set(state, (groups.get(state) ?? 0) + 1);
    return {
      loading: hosts.filter(({ state }) => state === "loading").length,
      active: hosts.filter(({ state }) => state === "active").length,
      groups,
      waiting: hosts.reduce((sum, host) => sum + host.waitingCount, 0),
      rebalances: this.#rebalances,
    };
  }

  onRebalanced(listener: (group: RebalancedGroup) => void): { cancel(): void } {
    this.#rebalancedListeners = [...this.#rebalancedListeners, listener];
    return { cancel: () => void (this.#rebalancedListeners = this.#rebalancedListeners.filter((other) => other !== listener)) };
  }

  #rebalanced(group: RebalancedGroup): void {
    this.#rebalances++;
    for (const listener of this.#rebalancedListeners) listener(group);
  }

  #ask<Reply>(
    groupId: string,
    command: Parameters<ShardHost["ask"]>[0],
    refuse: (error: KafkaErrorName) => Reply,
    late: KafkaErrorName,
    deadline: Deadline,
  ): Promise<Reply> {
    const host = this.#host(groupId);
    return typeof host === "string" ? Promise.resolve(refuse(host)) : host.ask(command, refuse, late, deadline);
  }

  /** An offset of an earlier topic of the same name says nothing about this one. */
  #isCurrent(topic: string, committed: CommittedOffset): boolean {
    const current = this.#controller.image.topics.get(topic)?.topicId ?? ZERO_UUID;
    return committed.topicId === ZERO_UUID || current === ZERO_UUID || committed.topicId === current;
  }

  async #isDrained(host: ShardHost, deadline: Deadline): Promise<boolean> {
    try {
      await this.#io.deadlines.guard(deadline, OFFSETS_TOPIC, host.drained());
      return host.state === "active";
    } catch (error) {
      if (error instanceof DeadlineExceeded) return false;
      throw error;
    }
  }

  /** The shard that answers for the group, or why none does. */
  #host(groupId: string): ShardHost | KafkaErrorName {
    const host = this.#open(this.partitionFor(groupId));
    if (typeof host !== "string" && host.state === "loading") return "COORDINATOR_LOAD_IN_PROGRESS";
    return host;
  }

  #openAll(): void {
    for (let index = 0; index < (this.#topic.image?.partitions.length ?? 0); index++) this.#open(index);
  }

  /** Opens the shard if its partition is led here and it is not open; drops it if the partition is another one by now. */
  #open(index: number): ShardHost | KafkaErrorName {
    const known = this.#hosts.get(index);
    const partition = this.#partitions.byName(OFFSETS_TOPIC, index);
    if (known !== undefined && known.partition === partition && known.state !== "closed") return known;
    known?.close();
    this.#hosts.delete(index);
    if (this.#isClosed || partition === null || !partition.isLeader) return "NOT_COORDINATOR";
    if (this.#io.clock.mono() < (this.#retryAt.get(index) ?? -Infinity)) return "COORDINATOR_NOT_AVAILABLE";
    const host = new ShardHost(this.#io, partition, this.#settings, (group) => this.#rebalanced(group));
    this.#hosts.set(index, host);
    // Once its log has been read. Whoever committed there knew no more topics than we do: leadership came to us later, in the same metadata log.
    host.tell({ kind: "topicsThere", topics: this.#controller.image.topics });
    this.#toLoad.push(host);
    this.#loadNext();
    return host;
  }

  #loadNext(): void {
    while (this.#loading < LOADS_MAX) {
      const host = this.#toLoad.shift();
      if (host === undefined) return;
      if (host.state !== "loading" || host.loadIfEmpty()) continue;
      this.#loading++;
      void this.#load(host).finally(() => {
        this.#loading--;
        this.#loadNext();
      });
    }
  }

  async #load(host: ShardHost): Promise<void> {
    const { partition } = host.partition;
    const startedAt = this.#io.clock.mono();
    const elapsedMs = () => Math.round(this.#io.clock.mono() - startedAt);
    try {
      await host.load();
      const records = host.partition.logEndOffset - host.partition.logStartOffset;
      this.#log("debug", "Read the groups of a partition", { partition, records, groups: host.groups.groupCount, elapsedMs: elapsedMs() });
    } catch (error) {
      host.close();
      this.#retryAt.set(partition, this.#io.clock.mono() + RELOAD_AFTER_MS);
      const properties = { partition, error: String(error), elapsedMs: elapsedMs(), againInMs: RELOAD_AFTER_MS };
      this.#log("warn", "Cannot read the groups of a partition: they are not available", properties);
    }
  }

  #applied(delta: MetadataDelta): void {
    if (delta.topicsDeleted.length > 0) {
      const topics = delta.topicsDeleted.map(({ name, topicId }) => ({ topic: name, topicId }));
      for (const host of this.#hosts.values()) host.tell({ kind: "topicsDeleted", topics });
    }
    const touched = [...delta.topicsCreated, ...delta.topicsChanged, ...delta.topicsDeleted];
    if (touched.some(({ name }) => name === OFFSETS_TOPIC)) {
      for (const index of [...this.#hosts.keys()]) this.#open(index);
      this.#openAll();
    }
  }

  #cleanUpLater(): Timer {
    return this.#io.timers.after(this.#settings.offsetsRetentionCheckIntervalMs, () => {
      for (const host of this.#hosts.values()) host.tell({ kind: "cleanUp" });
      this.#cleanUp = this.#cleanUpLater();
    });
  }
}
