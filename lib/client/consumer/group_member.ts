/**
 * Drives the membership machine: sends what it asks for to the group's coordinator, keeps its session alive with heartbeats, and steps out
 * when the application stops reading. Decides nothing of the protocol itself; what the application must be told is the consumer's.
 */
import type { Deadline, Io, Timer } from "../../io/mod.ts";
import {
  DecodeError,
  errorName,
  Heartbeat,
  type Infer,
  JoinGroup,
  type KafkaErrorName,
  LeaveGroup,
  SyncGroup,
} from "../../protocol/mod.ts";
import { logOf } from "../../telemetry/mod.ts";
import { KafkaError } from "../errors.ts";
import type { Assignor, Cluster } from "../types.ts";
import { ASSIGNORS, isCooperative } from "./assignors/by_name.ts";
import type { AssignorMember, PartitionsByTopic } from "./assignors/types.ts";
import { Loop } from "./bell.ts";
import { type GroupAction, GroupSession, isPassing, type Joined } from "./group_session.ts";
import { decodeAssignment, decodeSubscription, encodeAssignment, encodeSubscription, PROTOCOL_TYPE } from "./member_data.ts";
import type { Committer } from "./offset_commits.ts";
import type { ConsumerSettings } from "./settings.ts";

/** What a join may take beyond the rebalance timeout: the coordinator answers when that has passed. */
const JOIN_GRACE_MS = 5_000;

export interface GroupMemberContext {
  readonly io: Io;
  readonly cluster: Cluster;
  readonly settings: ConsumerSettings;
  readonly groupId: string;
  /** Counts up with every record that is handed out; two looks with the same count in between and nobody reading mean standstill. */
  progress(): { readonly reads: number; readonly isReading: boolean };
  /** Something is to be done in a read. */
  onChange(): void;
  onError(error: unknown): void;
}

export class GroupMember {
  readonly session: GroupSession;
  readonly #context: GroupMemberContext;
  readonly #loop: Loop;
  readonly #log = logOf("client");
  #timer: Timer | null = null;
  #isBeating = false;
  #isClosed = false;
  #lastReads = -1;
  #lastProgressAt = 0;
  /** As the leader: topics of the whole group and how many partitions they had when they were assigned. */
  #assignedCounts: ReadonlyMap<string, number> | null = null;

  constructor(context: GroupMemberContext) {
    this.#context = context;
    this.session = new GroupSession(isCooperative(context.settings.assignors));
    this.#loop = new Loop(context.io, context.settings.client, () => this.#step(), (error) => context.onError(error));
  }

  start(topics: readonly string[], reason: string): void {
    this.session.start(topics, reason);
    this.#lastProgressAt = this.#context.io.clock.mono();
    this.#timer ??= this.#nextBeat();
    this.kick();
  }

  /** The machine's state changed. */
  kick(): void {
    this.#loop.kick();
  }

  /** After an error that the application was told of. */
  resume(): void {
    this.#loop.resume();
  }

  get committer(): Committer {
    const { memberId, generation } = this.session;
    return { memberId, generation, groupInstanceId: this.#context.settings.groupInstanceId };
  }

  /** A commit was refused. True: it is worth another try, because a round ends without the application's help; null: as the error says. */
  commitRefused(error: KafkaErrorName, as: Committer): boolean | null {
    const isNewer = as.generation !== this.session.generation && this.session.generation >= 0;
    const wasRejoining = this.session.isRejoining;
    this.session.heard(error, as.memberId, as.generation);
    this.kick();
    if (error === "REBALANCE_IN_PROGRESS") return this.session.isRejoining || isNewer;
    return error === "ILLEGAL_GENERATION" ? wasRejoining || isNewer : null;
  }

  /** As the leader of a group that asks for a topic which is not there. */
  get hasMissingTopics(): boolean {
    return this.session.isLeader && [...this.#assignedCounts?.values() ?? []].includes(0);
  }

  /** As the leader: begins a round when the topics of the group have other partitions than those that were assigned. */
  async checkTopics(deadline: Deadline): Promise<void> {
    const assigned = this.#assignedCounts;
    if (assigned === null || !this.session.isLeader) return;
    for (const topic of assigned.keys()) this.#context.cluster.forgetTopic(topic);
    const counts = await this.#partitionCounts([...assigned.keys()], deadline);
    const changed = [...assigned.keys()].filter((topic) => assigned.get(topic) !== counts.get(topic));
    if (changed.length === 0 || this.#assignedCounts !== assigned) return;
    this.#assignedCounts = counts;
    this.session.rejoin(`topics changed: ${changed.slice(0, 3).join(", ")}`);
    this.kick();
  }

  /** Leaves; a static member stays known until its session ends (KIP-345). Never throws: the coordinator finds out in any case. */
  async close(deadline: Deadline): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#loop.stop();
    await this.#sendLeave("the consumer closes", deadline);
    this.session.leave();
  }

  /** Steps out of the group; `start` enters it again. */
  async leave(deadline: Deadline): Promise<void> {
    this.#timer?.cancel();
    this.#timer = null;
    const left = this.#sendLeave("the subscription ends", deadline);
    this.session.leave();
    await left;
  }

  async #step(): Promise<"done" | "again" | "failed"> {
    const { turn } = this.session;
    const action = this.session.next();
    let error: KafkaErrorName = "NONE";
    switch (action.do) {
      case "join":
        error = await this.#join(turn, action);
        break;
      case "assign":
        error = await this.#assign(turn, action);
        break;
      case "sync":
        error = await this.#sync(turn, action);
        break;
      default:
        this.#context.onChange();
        return "done";
    }
    const isToRepeat = isPassing(error) || (action.do === "join" && error === "REBALANCE_IN_PROGRESS");
    if (!isToRepeat) return "again";
    this.#moved(error);
    this.#log("debug", "A step of the group's rebalance has to be repeated", { group: this.#context.groupId, step: action.do, error });
    return "failed";
  }

  async #join(turn: number, action: GroupAction & { readonly do: "join" }): Promise<KafkaErrorName> {
    const { io, settings, groupId } = this.#context;
    const { memberId } = this.session;
    const deadline = io.deadlines.in("join group", settings.maxPollIntervalMs + JOIN_GRACE_MS);
    const reply = await this.#ask(deadline, (node) =>
      this.#context.cluster.call(node, JoinGroup, {
        groupId,
        sessionTimeoutMs: settings.sessionTimeoutMs,
        rebalanceTimeoutMs: settings.maxPollIntervalMs,
        memberId,
        groupInstanceId: settings.groupInstanceId,
        protocolType: PROTOCOL_TYPE,
        protocols: settings.assignors.map((name) => ({ name, metadata: this.#metadata(name, action) })),
        reason: action.reason,
      }, { deadline, lane: "group" }));
    if (typeof reply === "string") {
      this.session.joined(turn, reply, null);
      return reply;
    }
    const error = errorName(reply.errorCode);
    if (error === "NONE" && !settings.assignors.includes(reply.protocolName as Assignor)) {
      this.session.joined(turn, "INCONSISTENT_GROUP_PROTOCOL", null);
      return "NONE";
    }
    this.session.joined(turn, error, joinedOf(reply));
    if (error === "NONE") this.#joined(reply);
    return error;
  }

  /** A leader that is told to skip the assignment still watches the topics. */
  #joined(reply: Infer<typeof JoinGroup.response>): void {
    this.#assignedCounts = null;
    if (reply.leader === reply.memberId && reply.skipAssignment) {
      const topics = joinedOf(reply).members.flatMap(({ subscription }) => subscription.topics);
      const deadline = this.#context.io.deadlines.in("note topics", this.#context.settings.client.requestTimeoutMs);
      this.#partitionCounts([...new Set(topics)], deadline).then(
        (counts) => this.#assignedCounts = counts,
        (error) => this.#log("debug", "Cannot note the topics of the group", { group: this.#context.groupId, cause: String(error) }),
      );
    }
  }

  #metadata(name: Assignor, { topics, owned, previous }: GroupAction & { readonly do: "join" }): Uint8Array {
    return encodeSubscription({
      topics,
      owned,
      generation: previous.generation,
      userData: ASSIGNORS[name].userData(previous),
      rackId: this.#context.settings.rackId || null,
    });
  }

  async #assign(turn: number, { protocol, members }: GroupAction & { readonly do: "assign" }): Promise<KafkaErrorName> {
    const { io, settings } = this.#context;
    const deadline = io.deadlines.in("assign partitions", settings.client.requestTimeoutMs);
    const topics = [...new Set(members.flatMap(({ subscription }) => subscription.topics))];
    try {
      const counts = await this.#partitionCounts(topics, deadline);
      this.#assignedCounts = counts;
      const existing = new Map([...counts].filter(([, count]) => count > 0));
      this.session.assigned(turn, ASSIGNORS[protocol as Assignor].assign(members, existing));
      return "NONE";
    } catch (error) {
      if (error instanceof KafkaError && error.retriable) return "COORDINATOR_LOAD_IN_PROGRESS";
      throw error;
    }
  }

  async #sync(turn: number, { assignment }: GroupAction & { readonly do: "sync" }): Promise<KafkaErrorName> {
    const { io, settings, groupId, cluster } = this.#context;
    const { memberId, generation, protocol } = this.session;
    const deadline = io.deadlines.in("sync group", settings.maxPollIntervalMs + JOIN_GRACE_MS);
    const reply = await this.#ask(deadline, (node) =>
      cluster.call(node, SyncGroup, {
        ...{ groupId, generationId: generation, memberId, groupInstanceId: settings.groupInstanceId },
        protocolType: PROTOCOL_TYPE,
        protocolName: protocol,
        assignments: Array.from(assignment ?? [], ([id, partitions]) => ({ memberId: id, assignment: encodeAssignment(partitions) })),
      }, { deadline, lane: "group" }));
    const error = typeof reply === "string" ? reply : errorName(reply.errorCode);
    let partitions: PartitionsByTopic = new Map();
    if (typeof reply !== "string" && error === "NONE") partitions = decodeAssignment(reply.assignment);
    this.session.synced(turn, error, partitions);
    return error;
  }

  /** 0 for a topic that is not there. */
  async #partitionCounts(topics: readonly string[], deadline: Deadline): Promise<ReadonlyMap<string, number>> {
    const views = await this.#context.cluster.topics(topics, deadline);
    return new Map(topics.map((topic) => {
      const view = views.get(topic);
      return [topic, view === undefined || view instanceof Error ? 0 : view.partitions.length];
    }));
  }

  #nextBeat(): Timer {
    return this.#context.io.timers.after(this.#context.settings.heartbeatIntervalMs, () => {
      this.#timer = this.#nextBeat();
      this.#watchReading();
      void this.#beat();
    }, false);
  }

  #watchReading(): void {
    const { io, settings } = this.#context;
    const now = io.clock.mono();
    const { reads, isReading } = this.#context.progress();
    if (isReading || reads !== this.#lastReads) {
      this.#lastReads = reads;
      this.#lastProgressAt = now;
      return;
    }
    if (now - this.#lastProgressAt <= settings.maxPollIntervalMs || this.session.memberId === "") return;
    this.#log("warn", "The consumer leaves its group: the application has not read for too long", {
      ...{ group: this.#context.groupId, maxPollIntervalMs: settings.maxPollIntervalMs },
    });
    void this.#sendLeave("the application has stopped reading", io.deadlines.in("leave group", settings.client.requestTimeoutMs));
    this.session.giveUp("the application reads again");
    this.kick();
  }

  async #beat(): Promise<void> {
    if (this.#isBeating || !this.session.needsHeartbeat) return;
    this.#isBeating = true;
    const { io, settings, groupId, cluster } = this.#context;
    const { memberId, generation } = this.session;
    const deadline = io.deadlines.in("heartbeat", Math.min(settings.sessionTimeoutMs, settings.client.requestTimeoutMs));
    try {
      const reply = await this.#ask(deadline, (node) =>
        cluster.call(
          node,
          Heartbeat,
          { groupId, generationId: generation, memberId, groupInstanceId: settings.groupInstanceId },
          { deadline },
        ));
      const error = typeof reply === "string" ? reply : errorName(reply.errorCode);
      this.#moved(error);
      this.session.heard(error, memberId, generation);
      this.kick();
    } catch (error) {
      if (!this.#isClosed) this.#context.onError(error);
    } finally {
      this.#isBeating = false;
    }
  }

  async #sendLeave(reason: string, deadline: Deadline): Promise<void> {
    const { settings, groupId, cluster } = this.#context;
    const { memberId } = this.session;
    if (memberId === "" || settings.groupInstanceId !== null) return;
    try {
      await this.#ask(
        deadline,
        (node) => cluster.call(node, LeaveGroup, { groupId, memberId, members: [{ memberId, reason }] }, { deadline }),
      );
    } catch (error) {
      this.#log("debug", "Cannot leave the group: its coordinator finds out when the session ends", {
        group: groupId,
        cause: String(error),
      });
    }
  }

  /** The name of the error when the coordinator cannot be asked at the moment. @throws what no further try can cure. */
  async #ask<T extends object>(deadline: Deadline, ask: (node: number) => Promise<T>): Promise<T | KafkaErrorName> {
    try {
      return await ask(await this.#context.cluster.coordinator("group", this.#context.groupId, deadline));
    } catch (error) {
      if (!(error instanceof KafkaError) || this.#isClosed) throw error;
      if (error.retriable) return isPassing(error.error) ? error.error : "NETWORK_EXCEPTION";
      if (error.error === "GROUP_AUTHORIZATION_FAILED") return error.error;
      throw error;
    }
  }

  #moved(error: KafkaErrorName): void {
    if (isPassing(error) && error !== "COORDINATOR_LOAD_IN_PROGRESS") {
      this.#context.cluster.forgetCoordinator("group", this.#context.groupId);
    }
  }
}

function joinedOf(reply: Infer<typeof JoinGroup.response>): Joined {
  const isLeader = reply.leader === reply.memberId;
  return {
    ...{ generation: reply.generationId, memberId: reply.memberId, protocol: reply.protocolName ?? "" },
    ...{ isLeader, skipAssignment: reply.skipAssignment },
    members: isLeader ? reply.members.map(memberOf) : [],
  };
}

/** Another client's member whose words we cannot read gets nothing, and the others go on. */
function memberOf(row: Infer<typeof JoinGroup.response>["members"][number]): AssignorMember {
  const identity = { memberId: row.memberId, instanceId: row.groupInstanceId };
  try {
    return { ...identity, subscription: decodeSubscription(row.metadata) };
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return { ...identity, subscription: { topics: [], userData: null, owned: new Map(), generation: -1, rackId: null } };
  }
}
