/**
 * JoinGroup: who may come in, under which id, and whether that starts a rebalance. Answers at once only what needs no rebalance; the
 * others wait in the group. Source: KIP-345 (static members), KIP-389 (size), KIP-394 (known member id), KIP-814 (skipped assignment).
 */
import { expiry } from "./expiry_queue.ts";
import { ClassicGroup } from "./group.ts";
import { EMPTY_BYTES, type Member, sameProtocols } from "./member.ts";
import {
  completeIfAllJoined,
  currentGeneration,
  emptyGroup,
  forgetPending,
  prepareRebalance,
  rebalanceOrComplete,
  removeMember,
} from "./rebalance.ts";
import { joinRefused, syncRefused, type TimerTarget, type Turn } from "./state.ts";
import type { JoinCommand } from "./types.ts";

export function join(turn: Turn, command: JoinCommand): void {
  const { settings, groups } = turn.state;
  const refuse = (error: Parameters<typeof joinRefused>[0], memberId = command.memberId) =>
    turn.reply(command.ticket, joinRefused(error, memberId));

  if (command.groupId === "") return refuse("INVALID_GROUP_ID");
  if (command.sessionTimeoutMs < settings.minSessionTimeoutMs || command.sessionTimeoutMs > settings.maxSessionTimeoutMs) {
    return refuse("INVALID_SESSION_TIMEOUT");
  }
  const known = groups.get(command.groupId);
  if (known === undefined && command.memberId !== "") return refuse("UNKNOWN_MEMBER_ID");
  const group = known ?? new ClassicGroup(command.groupId, turn.now.wall);
  if (group.state === "Dead") return refuse("COORDINATOR_NOT_AVAILABLE");
  if (!hasRoom(group, command, settings.maxSize)) {
    // One too many of a group that is above a lowered limit: the last to come back are turned away.
    const member = group.member(command.memberId);
    if (member !== null) removeMember(turn, group, member);
    forgetPending(turn, group, command.memberId);
    refuse("GROUP_MAX_SIZE_REACHED", "");
    return completeIfAllJoined(turn, group);
  }
  if (!group.supports(command.protocolType, command.protocols)) return refuse("INCONSISTENT_GROUP_PROTOCOL");

  if (known === undefined) {
    groups.set(group.groupId, group);
    turn.append([{ kind: "group", groupId: group.groupId, value: emptyGroup(group) }], () => {});
  }
  if (command.memberId === "") joinNew(turn, group, command);
  else joinKnown(turn, group, command);
}

/**
 * During a rebalance those count who have joined it, so that a group above a lowered limit shrinks to it; else all members do. Ids given
 * out but not used yet have the same limit for themselves.
 */
function hasRoom(group: ClassicGroup, command: JoinCommand, maxSize: number): boolean {
  const member = group.member(command.memberId);
  if (group.state === "Empty") return group.pendingJoin.has(command.memberId) || group.pendingJoin.size < maxSize;
  if (group.state === "PreparingRebalance") return (member !== null && member.awaitingJoin !== null) || group.awaitingJoinCount < maxSize;
  return member !== null || group.size < maxSize;
}

function joinNew(turn: Turn, group: ClassicGroup, command: JoinCommand): void {
  if (command.instanceId !== null) {
    const current = group.staticMemberId(command.instanceId);
    const member = current === null ? null : group.member(current);
    if (member === null) addMember(turn, group, command, command.newMemberId);
    else replaceStatic(turn, group, member, command);
  } else if (command.requireKnownMemberId) {
    if (group.pendingJoin.size >= turn.state.settings.maxSize) {
      return turn.reply(command.ticket, joinRefused("GROUP_MAX_SIZE_REACHED", ""));
    }
    const timer = expiry<TimerTarget>({ kind: "pendingMember", group, memberId: command.newMemberId });
    group.pendingJoin.set(command.newMemberId, timer);
    turn.schedule(timer, command.sessionTimeoutMs);
    turn.reply(command.ticket, joinRefused("MEMBER_ID_REQUIRED", command.newMemberId));
  } else {
    addMember(turn, group, command, command.newMemberId);
  }
}

function joinKnown(turn: Turn, group: ClassicGroup, command: JoinCommand): void {
  if (command.instanceId === null && group.pendingJoin.has(command.memberId)) {
    return addMember(turn, group, command, command.memberId);
  }
  const fenced = group.fence(command.memberId, command.instanceId);
  const member = group.member(command.memberId);
  if (fenced !== null || member === null) return turn.reply(command.ticket, joinRefused(fenced ?? "UNKNOWN_MEMBER_ID", command.memberId));

  switch (group.state) {
    case "PreparingRebalance":
      return rejoin(turn, group, member, command);
    case "CompletingRebalance":
      // Unchanged: it probably missed the answer to its join.
      if (sameProtocols(member.protocols, command.protocols)) break;
      return rejoin(turn, group, member, command);
    case "Stable":
      // The leader joins again to have everybody's assignment made anew; others only when what they say has changed.
      if (group.leader !== member.memberId && sameProtocols(member.protocols, command.protocols)) break;
      return rejoin(turn, group, member, command);
    default:
      return turn.reply(command.ticket, joinRefused("UNKNOWN_MEMBER_ID", command.memberId));
  }
  turn.reply(command.ticket, currentGeneration(group, member, false));
}

function rejoin(turn: Turn, group: ClassicGroup, member: Member, command: JoinCommand): void {
  giveUpOldJoin(turn, group, member);
  group.update(member, command, command.ticket);
  rebalanceOrComplete(turn, group);
}

/** The same member asks a second time, over a new connection: nobody listens to the first answer, but it must not wait for ever. */
function giveUpOldJoin(turn: Turn, group: ClassicGroup, member: Member): void {
  turn.answerJoin(group, member, joinRefused("REBALANCE_IN_PROGRESS", member.memberId));
}

function addMember(turn: Turn, group: ClassicGroup, command: JoinCommand, memberId: string): void {
  forgetPending(turn, group, memberId);
  const member: Member = {
    memberId,
    instanceId: command.instanceId,
    clientId: command.clientId,
    clientHost: command.clientHost,
    rebalanceTimeoutMs: command.rebalanceTimeoutMs,
    sessionTimeoutMs: command.sessionTimeoutMs,
    protocols: command.protocols,
    assignment: EMPTY_BYTES,
    awaitingJoin: command.ticket,
    awaitingSync: null,
    isNew: true,
    session: expiry<TimerTarget>({ kind: "session", group, memberId }),
  };
  if (group.initialDelay !== null) group.initialDelay.memberAdded = true;
  group.add(member, command.protocolType);
  // It cannot send heartbeats before it has its answer, and a client that gave up would otherwise leave a member behind at each try.
  turn.schedule(member.session, turn.state.settings.newMemberJoinTimeoutMs);
  rebalanceOrComplete(turn, group);
}

/** A static member is back under a new id: whoever still uses the old one is fenced. */
function replaceStatic(turn: Turn, group: ClassicGroup, old: Member, command: JoinCommand): void {
  const previousLeader = group.leader;
  turn.answerJoin(group, old, joinRefused("FENCED_INSTANCE_ID", old.memberId));
  turn.answerSync(old, syncRefused("FENCED_INSTANCE_ID"));
  turn.cancel(old.session);
  const member = group.replaceStatic(old, command.newMemberId);
  turn.keepAlive(member);
  const { protocols, rebalanceTimeoutMs, sessionTimeoutMs } = member;
  group.update(member, command, command.ticket);

  if (group.state === "CompletingRebalance") {
    // The leader may be assigning to the old id at this moment: only a new generation puts that right.
    return prepareRebalance(turn, group);
  }
  if (group.state !== "Stable") return completeIfAllJoined(turn, group);
  if (group.electProtocol() !== group.protocolName) return rebalanceOrComplete(turn, group);

  // Nothing changes for the others: the new id is stored and no rebalance takes place.
  turn.append([{ kind: "group", groupId: group.groupId, value: group.store((each) => each.assignment) }], (later, error) => {
    // A rebalance, a removal or another replacement may have overtaken the write; each has answered the join.
    if (group.member(member.memberId) !== member || member.awaitingJoin !== command.ticket || group.state !== "Stable") return;
    later.keepAlive(member);
    if (error === null) {
      const skip = command.canSkipAssignment && group.leader === member.memberId;
      // Before v9 a client cannot be told to skip: naming the old id as leader keeps it from assigning.
      const told = currentGeneration(group, member, skip);
      return later.answerJoin(group, member, command.canSkipAssignment ? told : { ...told, leader: previousLeader ?? "", members: [] });
    }
    group.update(member, { protocols, rebalanceTimeoutMs, sessionTimeoutMs }, command.ticket);
    later.answerJoin(group, member, joinRefused(error, ""));
    later.cancel(member.session);
    later.keepAlive(group.replaceStatic(member, old.memberId));
  });
}
