/**
 * What members do between rebalances: ask for their assignment, send heartbeats, leave; and what happens when they fall silent.
 * Source: KIP-62, KIP-345 (batched leave), KIP-559 (protocol in SyncGroup).
 */
import type { KafkaErrorName } from "../../protocol/errors.ts";
import type { ClassicGroup } from "./group.ts";
import { EMPTY_BYTES, type Member } from "./member.ts";
import {
  completeIfAllJoined,
  completeJoin,
  forgetPending,
  goOnWithout,
  joinTimerFired,
  prepareRebalance,
  removeMember,
  syncTimerFired,
} from "./rebalance.ts";
import { heartbeatReply, syncRefused, type TimerTarget, type Turn } from "./state.ts";
import type { HeartbeatCommand, LeaveCommand, LeaveReply, MemberFence, SyncCommand } from "./types.ts";

export function sync(turn: Turn, command: SyncCommand): void {
  const group = turn.state.groups.get(command.groupId);
  const refusal = command.groupId === "" ? "INVALID_GROUP_ID" : refuseSync(group, command);
  const member = group?.member(command.memberId) ?? null;
  if (refusal !== null || group === undefined || member === null) {
    return turn.reply(command.ticket, syncRefused(refusal ?? "UNKNOWN_MEMBER_ID"));
  }
  if (group.state === "PreparingRebalance") return turn.reply(command.ticket, syncRefused("REBALANCE_IN_PROGRESS"));

  group.pendingSync.delete(member.memberId);
  if (group.pendingSync.size === 0) turn.cancel(group.syncTimer);
  if (group.state === "Stable") return turn.reply(command.ticket, assignmentOf(group, member));

  // The first of two requests of one member has no listener any more.
  turn.answerSync(member, syncRefused("REBALANCE_IN_PROGRESS"));
  member.awaitingSync = command.ticket;
  // A leader that asks twice has assigned already: what is stored and what is handed out must be the same.
  if (group.leader === member.memberId && group.assigning !== group.generation) storeAssignment(turn, group, command);
}

function refuseSync(group: ClassicGroup | undefined, command: SyncCommand): KafkaErrorName | null {
  if (group === undefined || group.state === "Empty") return "UNKNOWN_MEMBER_ID";
  const fenced = fence(group, command);
  if (fenced !== null) return fenced;
  const differs = (said: string | null, is: string | null) => said !== null && is !== null && said !== is;
  const inconsistent = differs(command.protocolType, group.protocolType) || differs(command.protocolName, group.protocolName);
  return inconsistent ? "INCONSISTENT_GROUP_PROTOCOL" : null;
}

/** The leader's assignment counts once it is durable; the members get theirs then. */
function storeAssignment(turn: Turn, group: ClassicGroup, command: SyncCommand): void {
  const assigned = new Map(command.assignments.map(({ memberId, assignment }) => [memberId, assignment]));
  const { generation } = group;
  group.assigning = generation;
  const stored = group.store((member) => assigned.get(member.memberId) ?? EMPTY_BYTES);
  turn.append([{ kind: "group", groupId: group.groupId, value: stored }], (later, error) => {
    if (group.assigning === generation) group.assigning = -1;
    // A rebalance that began meanwhile has sent everybody back already.
    if (group.state !== "CompletingRebalance" || group.generation !== generation) return;
    for (const member of group.members) member.assignment = error === null ? assigned.get(member.memberId) ?? EMPTY_BYTES : EMPTY_BYTES;
    if (error === null) group.moveTo("Stable", later.now.wall);
    for (const member of group.members) {
      // Its session may have run out while it waited, which did not count then.
      if (later.answerSync(member, error === null ? assignmentOf(group, member) : syncRefused(error))) later.keepAlive(member);
    }
    if (error !== null) prepareRebalance(later, group);
  });
}

function assignmentOf(group: ClassicGroup, member: Member) {
  return { error: "NONE", protocolType: group.protocolType, protocolName: group.protocolName, assignment: member.assignment } as const;
}

export function heartbeat(turn: Turn, command: HeartbeatCommand): void {
  const group = turn.state.groups.get(command.groupId);
  const member = group?.member(command.memberId) ?? null;
  if (command.groupId === "") return turn.reply(command.ticket, heartbeatReply("INVALID_GROUP_ID"));
  if (group === undefined) return turn.reply(command.ticket, heartbeatReply("UNKNOWN_MEMBER_ID"));
  const fenced = fence(group, command);
  if (fenced !== null || member === null) return turn.reply(command.ticket, heartbeatReply(fenced ?? "UNKNOWN_MEMBER_ID"));
  turn.keepAlive(member);
  turn.reply(command.ticket, heartbeatReply(group.state === "PreparingRebalance" ? "REBALANCE_IN_PROGRESS" : "NONE"));
}

/** Member, instance, generation, in Kafka's order; null when all hold. */
function fence(group: ClassicGroup, { memberId, instanceId, generation }: MemberFence): KafkaErrorName | null {
  if (group.state === "Dead") return "COORDINATOR_NOT_AVAILABLE";
  return group.fence(memberId, instanceId) ?? (generation === group.generation ? null : "ILLEGAL_GENERATION");
}

export function leave(turn: Turn, command: LeaveCommand): void {
  if (command.groupId === "") return turn.reply(command.ticket, { error: "INVALID_GROUP_ID", members: [] } satisfies LeaveReply);
  const group = turn.state.groups.get(command.groupId);
  if (group?.state === "Dead") return turn.reply(command.ticket, { error: "COORDINATOR_NOT_AVAILABLE", members: [] } satisfies LeaveReply);
  const members = command.members.map(({ memberId, instanceId }) => ({
    memberId,
    instanceId,
    error: group === undefined ? "UNKNOWN_MEMBER_ID" as const : leaveOne(turn, group, memberId, instanceId),
  }));
  turn.reply(command.ticket, { error: "NONE", members } satisfies LeaveReply);
  if (group === undefined || members.every(({ error }) => error !== "NONE")) return;
  if (group.state === "PreparingRebalance") completeIfAllJoined(turn, group);
  else goOnWithout(turn, group);
}

function leaveOne(turn: Turn, group: ClassicGroup, memberId: string, instanceId: string | null): KafkaErrorName {
  if (memberId !== "" && forgetPending(turn, group, memberId)) return "NONE";
  // Administrators name the instance alone.
  const leaving = memberId === "" && instanceId !== null ? group.staticMemberId(instanceId) : memberId;
  if (leaving === null) return "UNKNOWN_MEMBER_ID";
  const fenced = group.fence(leaving, instanceId);
  const member = group.member(leaving);
  if (fenced !== null || member === null) return fenced ?? "UNKNOWN_MEMBER_ID";
  removeMember(turn, group, member);
  return "NONE";
}

/** A timer ran out. */
export function expired(turn: Turn, target: TimerTarget): void {
  const { group } = target;
  switch (target.kind) {
    case "join":
      return joinTimerFired(turn, group);
    case "sync":
      return syncTimerFired(turn, group);
    case "pendingMember":
      if (group.pendingJoin.delete(target.memberId) && group.state === "PreparingRebalance" && group.allJoined) completeJoin(turn, group);
      return;
    case "session": {
      const member = group.member(target.memberId);
      // Who waits for us is not silent; a member that never had an answer is forgotten all the same, because its client may be gone.
      if (member === null || (!member.isNew && (member.awaitingJoin !== null || member.awaitingSync !== null))) return;
      removeMember(turn, group, member);
      return goOnWithout(turn, group);
    }
  }
}
