/**
 * A classic group's members and where it stands, with the bookkeeping that must agree: counts, static ids, votes, leader. Answers
 * nobody and starts no rebalance: that is `rebalance.ts`. Source: KIP-62, KIP-345, KIP-394.
 */
import type { KafkaErrorName } from "../../protocol/errors.ts";
import { type Expiry, expiry } from "./expiry_queue.ts";
import { type Member, metadataFor } from "./member.ts";
import type { TimerTarget } from "./state.ts";
import { subscribedTopics } from "./subscription.ts";
import type { GroupStateName, MemberProtocol, StoredGroup, Ticket } from "./types.ts";

/** The protocol type of ordinary consumers, whose join metadata the broker can read. */
const CONSUMER = "consumer";

export class ClassicGroup {
  readonly groupId: string;
  /** Runs while a rebalance collects its members. */
  readonly joinTimer: Expiry<TimerTarget>;
  /** Runs while members of a new generation have not asked for their assignment. */
  readonly syncTimer: Expiry<TimerTarget>;
  /** Given an id by MEMBER_ID_REQUIRED, not seen since (KIP-394). Disjoint from `members`. */
  readonly pendingJoin = new Map<string, Expiry<TimerTarget>>();
  /** Members of this generation that have not sent SyncGroup yet. Subset of `members`. */
  readonly pendingSync = new Set<string>();
  generation = 0;
  /** The generation whose assignment is on its way to the log; -1: none. */
  assigning = -1;
  /** Null for a group that only stores offsets. */
  protocolType: string | null = null;
  protocolName: string | null = null;
  leader: string | null = null;
  /** While an empty group collects its first members: the delay that runs and what may still be added to it. */
  initialDelay: { readonly delayMs: number; readonly remainingMs: number; memberAdded: boolean } | null = null;
  readonly #members = new Map<string, Member>();
  readonly #static = new Map<string, string>();
  /** How many members support each protocol. */
  readonly #support = new Map<string, number>();
  #state: GroupStateName = "Empty";
  /** Wall ms of the last change of state; -1 when an old record did not say. */
  #stateTimestampMs: number;
  #awaitingJoinCount = 0;
  /** Null: unknown, because the members' metadata is not a consumer's. */
  #subscribed: ReadonlySet<string> | null = null;

  constructor(groupId: string, nowWallMs: number) {
    this.groupId = groupId;
    this.#stateTimestampMs = nowWallMs;
    this.joinTimer = expiry<TimerTarget>({ kind: "join", group: this });
    this.syncTimer = expiry<TimerTarget>({ kind: "sync", group: this });
  }

  /** A group as its record tells: stable when it has members, empty otherwise. */
  static restore(groupId: string, stored: StoredGroup): ClassicGroup {
    const group = new ClassicGroup(groupId, stored.stateTimestampMs);
    group.generation = stored.generation;
    group.protocolType = stored.protocolType === "" ? null : stored.protocolType;
    group.protocolName = stored.protocolName;
    group.leader = stored.leader;
    for (const member of stored.members) {
      group.add({
        memberId: member.memberId,
        instanceId: member.instanceId,
        clientId: member.clientId,
        clientHost: member.clientHost,
        rebalanceTimeoutMs: member.rebalanceTimeoutMs === -1 ? member.sessionTimeoutMs : member.rebalanceTimeoutMs,
        sessionTimeoutMs: member.sessionTimeoutMs,
        protocols: [{ name: stored.protocolName ?? "", metadata: member.subscription }],
        assignment: member.assignment,
        awaitingJoin: null,
        awaitingSync: null,
        isNew: false,
        session: expiry<TimerTarget>({ kind: "session", group, memberId: member.memberId }),
      }, stored.protocolType);
    }
    if (stored.members.length > 0) group.#state = "Stable";
    group.#learnSubscriptions();
    return group;
  }

  get state(): GroupStateName {
    return this.#state;
  }

  get stateTimestampMs(): number {
    return this.#stateTimestampMs;
  }

  get size(): number {
    return this.#members.size;
  }

  get members(): Iterable<Member> {
    return this.#members.values();
  }

  get awaitingJoinCount(): number {
    return this.#awaitingJoinCount;
  }

  /** Nobody more is expected: the rebalance can end. True for a group without members. */
  get allJoined(): boolean {
    return this.#awaitingJoinCount === this.#members.size && this.pendingJoin.size === 0;
  }

  /** The longest of the members'; 0 without members. */
  get rebalanceTimeoutMs(): number {
    let longest = 0;
    for (const member of this.#members.values()) longest = Math.max(longest, member.rebalanceTimeoutMs);
    return longest;
  }

  get canRebalance(): boolean {
    return this.#state === "Stable" || this.#state === "CompletingRebalance" || this.#state === "Empty";
  }

  get isConsumerGroup(): boolean {
    return this.protocolType === CONSUMER;
  }

  /** The topics are known, so offsets of others may expire although the group is active. */
  get knowsSubscriptions(): boolean {
    return this.#subscribed !== null;
  }

  /** Unknown subscriptions of consumers count as subscribed to everything. */
  isSubscribedTo(topic: string): boolean {
    return this.#subscribed === null ? this.isConsumerGroup : this.#subscribed.has(topic);
  }

  moveTo(state: GroupStateName, nowWallMs: number): void {
    this.#state = state;
    this.#stateTimestampMs = nowWallMs;
  }

  member(memberId: string): Member | null {
    return this.#members.get(memberId) ?? null;
  }

  staticMemberId(instanceId: string): string | null {
    return this.#static.get(instanceId) ?? null;
  }

  /** The fence of every request of a member (KIP-345); null when it is the member it says it is. */
  fence(memberId: string, instanceId: string | null): KafkaErrorName | null {
    if (instanceId !== null) {
      const current = this.#static.get(instanceId);
      if (current === undefined) return "UNKNOWN_MEMBER_ID";
      if (current !== memberId) return "FENCED_INSTANCE_ID";
    }
    return this.#members.has(memberId) ? null : "UNKNOWN_MEMBER_ID";
  }

  /** The first member decides the protocol type and leads. */
  add(member: Member, protocolType: string): void {
    if (this.#members.size === 0) this.protocolType = protocolType;
    if (member.instanceId !== null) this.#static.set(member.instanceId, member.memberId);
    this.leader ??= member.memberId;
    this.#members.set(member.memberId, member);
    this.#countSupport(member.protocols, 1);
    if (member.awaitingJoin !== null) this.#awaitingJoinCount++;
  }

  /** The leader's place goes to the member that has been there longest. Timers and tickets of the member are the caller's. */
  remove(memberId: string): void {
    const member = this.#members.get(memberId);
    if (member === undefined) return;
    this.#members.delete(memberId);
    this.#countSupport(member.protocols, -1);
    if (member.awaitingJoin !== null) this.#awaitingJoinCount--;
    if (member.instanceId !== null) this.#static.delete(member.instanceId);
    this.pendingSync.delete(memberId);
    if (this.leader === memberId) this.leader = this.#members.keys().next().value ?? null;
  }

  /** The static member goes on under a new id, with everything but what it waited for. */
  replaceStatic(old: Member, newMemberId: string): Member {
    const wasLeader = this.leader === old.memberId;
    const wasPendingSync = this.pendingSync.has(old.memberId);
    const replacement: Member = {
      ...old,
      memberId: newMemberId,
      awaitingJoin: null,
      awaitingSync: null,
      isNew: false,
      session: expiry<TimerTarget>({ kind: "session", group: this, memberId: newMemberId }),
    };
    this.remove(old.memberId);
    this.add(replacement, this.protocolType ?? "");
    if (wasLeader) this.leader = newMemberId;
    if (wasPendingSync) this.pendingSync.add(newMemberId);
    return replacement;
  }

  /** What the member says when it joins again; it waits for the answer under `ticket`, or for none. */
  update(
    member: Member,
    said: { readonly protocols: readonly MemberProtocol[]; readonly rebalanceTimeoutMs: number; readonly sessionTimeoutMs: number },
    ticket: Ticket | null,
  ): void {
    this.#countSupport(member.protocols, -1);
    member.protocols = said.protocols;
    this.#countSupport(member.protocols, 1);
    member.rebalanceTimeoutMs = said.rebalanceTimeoutMs;
    member.sessionTimeoutMs = said.sessionTimeoutMs;
    this.awaitJoin(member, ticket);
  }

  /** Sets or clears what the member waits for. */
  awaitJoin(member: Member, ticket: Ticket | null): void {
    if (member.awaitingJoin !== null) this.#awaitingJoinCount--;
    member.awaitingJoin = ticket;
    if (ticket !== null) this.#awaitingJoinCount++;
  }

  /** Someone could join with these: one type for all, and one protocol that every member has, also while there is none. */
  supports(protocolType: string, protocols: readonly MemberProtocol[]): boolean {
    if (this.#state === "Empty") return protocolType !== "" && protocols.length > 0;
    return this.protocolType === protocolType && protocols.some(({ name }) => this.#isCommon(name));
  }

  /** The protocol that most members prefer among those that all support; the earlier voter decides a draw. Null without members. */
  electProtocol(): string | null {
    const votes = new Map<string, number>();
    for (const member of this.#members.values()) {
      const vote = member.protocols.find(({ name }) => this.#isCommon(name));
      if (vote !== undefined) votes.set(vote.name, (votes.get(vote.name) ?? 0) + 1);
    }
    let elected: string | null = null;
    for (const [name, count] of votes) {
      if (elected === null || count > votes.get(elected)!) elected = name;
    }
    return elected;
  }

  /** The leader has joined this rebalance, or someone who has takes its place. False: nobody has joined. */
  ensureLeaderJoined(): boolean {
    const leader = this.leader === null ? null : this.member(this.leader);
    if (leader === null) return false;
    if (leader.awaitingJoin !== null) return true;
    for (const member of this.#members.values()) {
      if (member.awaitingJoin === null) continue;
      this.leader = member.memberId;
      return true;
    }
    return false;
  }

  /** Completing when there are members, empty otherwise. */
  startGeneration(nowWallMs: number): void {
    this.generation++;
    this.protocolName = this.electProtocol();
    this.#learnSubscriptions();
    this.pendingSync.clear();
    this.initialDelay = null;
    this.moveTo(this.#members.size > 0 ? "CompletingRebalance" : "Empty", nowWallMs);
  }

  /** The group's record, with `assignmentOf` each member. */
  store(assignmentOf: (member: Member) => Uint8Array): StoredGroup {
    return {
      protocolType: this.protocolType ?? "",
      generation: this.generation,
      protocolName: this.protocolName,
      leader: this.leader,
      stateTimestampMs: this.#stateTimestampMs,
      members: [...this.#members.values()].map((member) => ({
        memberId: member.memberId,
        instanceId: member.instanceId,
        clientId: member.clientId,
        clientHost: member.clientHost,
        rebalanceTimeoutMs: member.rebalanceTimeoutMs,
        sessionTimeoutMs: member.sessionTimeoutMs,
        subscription: this.metadataOf(member),
        assignment: assignmentOf(member),
      })),
    };
  }

  /** The member's metadata for the chosen protocol, which every member supports. */
  metadataOf(member: Member): Uint8Array {
    return metadataFor(member, this.protocolName ?? "") ?? new Uint8Array(0);
  }

  #isCommon(protocol: string): boolean {
    return (this.#support.get(protocol) ?? 0) === this.#members.size;
  }

  #countSupport(protocols: readonly MemberProtocol[], by: 1 | -1): void {
    // A name that a member sends twice counts once, or it could reach the number of members without being common.
    for (const name of new Set(protocols.map((protocol) => protocol.name))) {
      const count = (this.#support.get(name) ?? 0) + by;
      if (count === 0) this.#support.delete(name);
      else this.#support.set(name, count);
    }
  }

  #learnSubscriptions(): void {
    this.#subscribed = null;
    if (!this.isConsumerGroup) return;
    const all = new Set<string>();
    for (const member of this.#members.values()) {
      const topics = subscribedTopics(this.metadataOf(member));
      if (topics === null) return;
      for (const topic of topics) all.add(topic);
    }
    this.#subscribed = all;
  }
}
