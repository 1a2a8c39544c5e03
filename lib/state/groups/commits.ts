/**
 * Committing and deleting offsets, and deleting groups. Checks who may and what fits; a commit is visible and answered once it is durable.
 * Whether topics exist is not known here. Source: KIP-211 (retention), KIP-320 (leader epochs), KIP-496 (OffsetDelete), KIP-848 (topic ids).
 */
import type { KafkaErrorName } from "../../protocol/errors.ts";
import type { Uuid } from "../../protocol/ids.ts";
import type { ClassicGroup } from "./group.ts";
import { offsetTombstone } from "./offset_table.ts";
import { forgetPending } from "./rebalance.ts";
import type { Turn } from "./state.ts";
import type {
  CommitCommand,
  CommitReply,
  DeleteGroupsCommand,
  DeleteGroupsReply,
  DeleteOffsetsCommand,
  DeleteOffsetsReply,
  GroupRecord,
} from "./types.ts";

export function commit(turn: Turn, command: CommitCommand): void {
  const group = turn.state.groups.get(command.groupId);
  const refusal = refuseCommit(group, command);
  if (refusal !== null) return turn.reply(command.ticket, { error: refusal, topics: [] } satisfies CommitReply);
  const member = group?.member(command.memberId) ?? null;
  // A commit shows that the member lives, as a heartbeat does.
  if (member !== null && (group?.state === "Stable" || group?.state === "PreparingRebalance")) turn.keepAlive(member);

  const records: GroupRecord[] = [];
  const topics = command.topics.map(({ topic, topicId, partitions }) => ({
    topic,
    partitions: partitions.map(({ partition, offset, leaderEpoch, metadata }) => {
      const note = metadata ?? "";
      if (note.length > turn.state.settings.offsetMetadataMaxSize) return { partition, error: "OFFSET_METADATA_TOO_LARGE" as const };
      const commitTimestampMs = turn.now.wall;
      const expireTimestampMs = command.retentionMs === -1 ? -1 : commitTimestampMs + command.retentionMs;
      const value = { offset, leaderEpoch, metadata: note, commitTimestampMs, expireTimestampMs, topicId };
      records.push({ kind: "offset", groupId: command.groupId, topic, partition, value });
      return { partition, error: "NONE" as const };
    }),
  }));
  const reply: CommitReply = { error: "NONE", topics };
  if (records.length === 0) return turn.reply(command.ticket, reply);
  turn.append(records, (later, error) => later.reply(command.ticket, error === null ? reply : { error, topics: [] }));
}

function refuseCommit(group: ClassicGroup | undefined, command: CommitCommand): KafkaErrorName | null {
  const { memberId, instanceId, generation } = command;
  // Without a generation: an administrator, or a consumer that assigns itself. That is fine while the group has no members.
  const outside = generation < 0;
  if (group === undefined) return outside ? null : command.knowsGroupIdNotFound ? "GROUP_ID_NOT_FOUND" : "ILLEGAL_GENERATION";
  if (group.state === "Dead") return "COORDINATOR_NOT_AVAILABLE";
  if (outside && group.state === "Empty") return null;
  if (outside && memberId === "" && instanceId === null) return "UNKNOWN_MEMBER_ID";
  const fenced = group.fence(memberId, instanceId);
  if (fenced !== null) return fenced;
  if (generation !== group.generation) return "ILLEGAL_GENERATION";
  // The member knows the generation, but nobody owns a partition in it yet.
  return group.state === "CompletingRebalance" ? "REBALANCE_IN_PROGRESS" : null;
}

export function deleteOffsets(turn: Turn, command: DeleteOffsetsCommand): void {
  const refuse = (error: KafkaErrorName) => turn.reply(command.ticket, { error, topics: [] } satisfies DeleteOffsetsReply);
  if (command.groupId === "") return refuse("INVALID_GROUP_ID");
  const group = turn.state.groups.get(command.groupId);
  if (group === undefined) return refuse("GROUP_ID_NOT_FOUND");
  if (group.state === "Dead") return onceSettled(turn, (later) => deleteOffsets(later, command));
  // Who is subscribed to what can only be seen in groups of consumers.
  if (group.state !== "Empty" && !group.isConsumerGroup) return refuse("NON_EMPTY_GROUP");
  const records: GroupRecord[] = [];
  const topics = command.topics.map(({ topic, partitions }) => {
    const error: KafkaErrorName = group.isSubscribedTo(topic) ? "GROUP_SUBSCRIBED_TO_TOPIC" : "NONE";
    for (const partition of partitions) {
      if (error === "NONE" && turn.state.offsets.has(command.groupId, topic, partition)) {
        records.push(offsetTombstone(command.groupId, topic, partition));
      }
    }
    return { topic, partitions: partitions.map((partition) => ({ partition, error })) };
  });
  const reply: DeleteOffsetsReply = { error: "NONE", topics };
  if (records.length === 0) return turn.reply(command.ticket, reply);
  turn.append(records, (later, error) => later.reply(command.ticket, error === null ? reply : { error, topics: [] }));
}

export function deleteGroups(turn: Turn, command: DeleteGroupsCommand): void {
  if (command.groupIds.some((groupId) => turn.state.groups.get(groupId)?.state === "Dead")) {
    return onceSettled(turn, (later) => deleteGroups(later, command));
  }
  const rows = command.groupIds.map((groupId) => {
    const group = turn.state.groups.get(groupId);
    const error: KafkaErrorName = group === undefined ? "GROUP_ID_NOT_FOUND" : group.state === "Empty" ? "NONE" : "NON_EMPTY_GROUP";
    if (group !== undefined && error === "NONE") bury(turn, group, turn.state.offsets.tombstones(groupId));
    return { groupId, error };
  });
  if (rows.every(({ error }) => error !== "NONE")) return turn.reply(command.ticket, rows satisfies DeleteGroupsReply);
  turn.append([], (later, failed) => {
    later.reply(command.ticket, rows.map((row) => row.error === "NONE" && failed !== null ? { ...row, error: failed } : row));
  });
}

/** Goes on when it is known what became of everything that is on its way to the disk: what has not gone for certain cannot be said to be gone. */
function onceSettled(turn: Turn, goOn: (later: Turn) => void): void {
  turn.append([], goOn);
}

/** Dead until the tombstones are durable, so that nobody joins what is about to vanish; empty again if they could not be written. */
function bury(turn: Turn, group: ClassicGroup, offsets: readonly GroupRecord[]): void {
  const { stateTimestampMs } = group;
  for (const memberId of [...group.pendingJoin.keys()]) forgetPending(turn, group, memberId);
  group.moveTo("Dead", stateTimestampMs);
  turn.append([...offsets, { kind: "group", groupId: group.groupId, value: null }], (later, error) => {
    if (error === null) later.state.groups.delete(group.groupId);
    else group.moveTo("Empty", stateTimestampMs);
  });
}

/** Offsets of topics that are gone. */
export function forgetTopics(turn: Turn, topics: readonly { readonly topic: string; readonly topicId: Uuid }[]): void {
  const records = topics.flatMap(({ topic, topicId }) => turn.state.offsets.topicTombstones(topic, topicId));
  if (records.length > 0) turn.append(records, () => {});
}

/**
 * A process that ended between the deletion of a topic and the tombstones of its offsets left these behind. They would be told again when the next
 * topic of the name is gone, too.
 */
export function forgetOtherTopics(turn: Turn, topics: ReadonlyMap<string, { readonly topicId: Uuid }>): void {
  const records = turn.state.offsets.tombstonesOfOthers(topics);
  if (records.length > 0) turn.append(records, () => {});
}

/** Offsets past their retention go; a group without members goes with its last offset (KIP-211). */
export function cleanUp(turn: Turn): void {
  const { groups, offsets } = turn.state;
  for (const group of groups.values()) {
    if (group.state === "Dead") continue;
    const tombstones: GroupRecord[] = [];
    let kept = 0;
    for (const { topic, partitions } of offsets.all(group.groupId)) {
      for (const { partition, committed, isChanging } of partitions) {
        const base = idleSince(group, topic, committed.commitTimestampMs);
        const isExpired = base !== null &&
          (committed.expireTimestampMs === -1
            ? turn.now.wall - base >= turn.state.settings.offsetsRetentionMs
            : turn.now.wall >= committed.expireTimestampMs);
        // Behind a commit that is on its way, a tombstone would take the new offset and not the old one.
        if (isExpired && !isChanging) tombstones.push(offsetTombstone(group.groupId, topic, partition));
        else kept++;
      }
    }
    const isAbandoned = kept === 0 && group.state === "Empty" && group.pendingJoin.size === 0;
    // A commit on its way keeps the group, although it cannot be seen yet.
    if (isAbandoned && !hasCommitInFlight(turn, group, tombstones.length)) bury(turn, group, tombstones);
    else if (tombstones.length > 0) turn.append(tombstones, () => {});
  }
}

/** When an offset's retention began to run; null while it does not run. */
function idleSince(group: ClassicGroup, topic: string, commitTimestampMs: number): number | null {
  if (group.isSubscribedTo(topic)) return null;
  if (group.protocolType === null) return commitTimestampMs;
  if (group.state === "Empty") return group.stateTimestampMs === -1 ? commitTimestampMs : group.stateTimestampMs;
  return group.state === "Stable" && group.isConsumerGroup && group.knowsSubscriptions ? commitTimestampMs : null;
}

function hasCommitInFlight(turn: Turn, group: ClassicGroup, durableCount: number): boolean {
  return turn.state.offsets.tombstones(group.groupId).length > durableCount;
}
