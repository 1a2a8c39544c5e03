/**
 * The rebalance of a classic group: collect the members, start a generation, wait until all have asked for their assignment. Called by
 * the rules for joining, syncing, leaving and expiring; never answers a request itself except those that wait in the group.
 * Source: KIP-62 (rebalance timeout), KIP-134 (initial delay), KIP-345 (absent static members stay), KIP-389 (size).
 */
import type { ClassicGroup } from "./group.ts";
import { EMPTY_BYTES, type Member } from "./member.ts";
import { joinRefused, syncRefused, type Turn } from "./state.ts";
import type { JoinReply, StoredGroup } from "./types.ts";

/** Starts a rebalance if none runs; else ends the one that runs if this was the last that it waited for. */
export function rebalanceOrComplete(turn: Turn, group: ClassicGroup): void {
  if (group.canRebalance) prepareRebalance(turn, group);
  else completeIfAllJoined(turn, group);
}

export function prepareRebalance(turn: Turn, group: ClassicGroup): void {
  if (group.state === "CompletingRebalance") cancelAssignment(turn, group);
  group.pendingSync.clear();
  turn.cancel(group.syncTimer);
  const fromEmpty = group.state === "Empty";
  group.moveTo("PreparingRebalance", turn.now.wall);
  if (fromEmpty) {
    const delayMs = turn.state.settings.initialRebalanceDelayMs;
    group.initialDelay = { delayMs, remainingMs: Math.max(group.rebalanceTimeoutMs - delayMs, 0), memberAdded: false };
    turn.schedule(group.joinTimer, delayMs);
  } else if (group.allJoined) {
    completeJoin(turn, group);
  } else {
    turn.schedule(group.joinTimer, group.rebalanceTimeoutMs);
  }
}

/** Ends the collecting phase early when everybody is there. The first rebalance of an empty group keeps its delay. */
export function completeIfAllJoined(turn: Turn, group: ClassicGroup): void {
  if (group.state === "PreparingRebalance" && group.initialDelay === null && group.allJoined) completeJoin(turn, group);
}

/** The join timer fired: the initial delay is extended while members keep coming, or the rebalance timeout has passed. */
export function joinTimerFired(turn: Turn, group: ClassicGroup): void {
  if (group.state !== "PreparingRebalance") return;
  const delay = group.initialDelay;
  if (delay === null || !delay.memberAdded || delay.remainingMs === 0) return completeJoin(turn, group);
  const delayMs = Math.min(turn.state.settings.initialRebalanceDelayMs, delay.remainingMs);
  group.initialDelay = { delayMs, remainingMs: Math.max(delay.remainingMs - delay.delayMs, 0), memberAdded: false };
  turn.schedule(group.joinTimer, delayMs);
}

/** Some of a generation never asked for their assignment: they are out, and the others start again. */
export function syncTimerFired(turn: Turn, group: ClassicGroup): void {
  if (group.pendingSync.size === 0 || (group.state !== "CompletingRebalance" && group.state !== "Stable")) return;
  for (const memberId of [...group.pendingSync]) {
    const member = group.member(memberId);
    if (member !== null) removeMember(turn, group, member);
  }
  prepareRebalance(turn, group);
}

/** Takes the member out and answers what it waited for. Whether the group goes on is the caller's business. */
export function removeMember(turn: Turn, group: ClassicGroup, member: Member): void {
  turn.cancel(member.session);
  // A member without an answer yet starts over when it is still there.
  turn.answerJoin(group, member, joinRefused("UNKNOWN_MEMBER_ID", ""));
  turn.answerSync(member, syncRefused("UNKNOWN_MEMBER_ID"));
  group.remove(member.memberId);
}

/** Takes back an id that was given out but not used. False when there is none such. */
export function forgetPending(turn: Turn, group: ClassicGroup, memberId: string): boolean {
  const timer = group.pendingJoin.get(memberId);
  if (timer === undefined) return false;
  turn.cancel(timer);
  return group.pendingJoin.delete(memberId);
}

/** After removals: starts or ends a rebalance as the group's state asks for. */
export function goOnWithout(turn: Turn, group: ClassicGroup): void {
  if (group.state === "Stable" || group.state === "CompletingRebalance") prepareRebalance(turn, group);
  else if (group.state === "PreparingRebalance" && group.allJoined) completeJoin(turn, group);
}

export function completeJoin(turn: Turn, group: ClassicGroup): void {
  turn.cancel(group.joinTimer);
  for (const member of [...group.members]) {
    // Static members keep their place until their session ends, even when they did not come back in time (KIP-345).
    if (member.awaitingJoin === null && member.instanceId === null) removeMember(turn, group, member);
  }
  if (group.size > 0 && !group.ensureLeaderJoined()) {
    // Only absent static members are left: wait until they return or their sessions end.
    turn.schedule(group.joinTimer, group.rebalanceTimeoutMs);
    return;
  }
  group.startGeneration(turn.now.wall);
  if (group.state === "Empty") {
    // If this is lost, the generation before comes back at the next start and its members time out: nobody is harmed.
    turn.append([{ kind: "group", groupId: group.groupId, value: group.store(() => EMPTY_BYTES) }], () => {});
    return;
  }
  for (const member of group.members) {
    turn.answerJoin(group, member, currentGeneration(group, member, false));
    turn.keepAlive(member);
    member.isNew = false;
    group.pendingSync.add(member.memberId);
  }
  turn.schedule(group.syncTimer, group.rebalanceTimeoutMs);
}

/** The generation as the member is told of it: the leader learns who takes part. */
export function currentGeneration(group: ClassicGroup, member: Member, skipAssignment: boolean): JoinReply {
  return {
    error: "NONE",
    memberId: member.memberId,
    generation: group.generation,
    protocolType: group.protocolType,
    protocolName: group.protocolName,
    leader: group.leader ?? "",
    skipAssignment,
    members: group.leader !== member.memberId
      ? []
      : [...group.members].map((each) => ({ memberId: each.memberId, instanceId: each.instanceId, metadata: group.metadataOf(each) })),
  };
}

/** Who waits for an assignment of the generation that is given up joins again. */
function cancelAssignment(turn: Turn, group: ClassicGroup): void {
  for (const member of group.members) {
    member.assignment = EMPTY_BYTES;
    if (turn.answerSync(member, syncRefused("REBALANCE_IN_PROGRESS"))) turn.keepAlive(member);
  }
}

/** The record of a group nobody has joined to the end yet. */
export function emptyGroup(group: ClassicGroup): StoredGroup {
  return {
    protocolType: "",
    generation: 0,
    protocolName: null,
    leader: null,
    stateTimestampMs: group.stateTimestampMs,
    members: [],
  };
}
