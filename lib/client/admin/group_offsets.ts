/**
 * Committed offsets of groups, read and changed from outside. Speaks versions by topic name: ids would be no help to somebody who resets
 * the offsets of a topic that is gone.
 */
import { OffsetCommit, OffsetDelete, OffsetFetch, ZERO_UUID } from "../../protocol/mod.ts";
import { expectNoError, failureOf } from "../errors.ts";
import { atCoordinator } from "../routes.ts";
import type { OffsetAndMetadata, Outcome, PartitionOutcome, TopicPartition } from "../types.ts";
import { byTopic, partitionKey } from "./at_leaders.ts";
import type { AdminContext } from "./context.ts";
import { eachOutcome, noAnswer, outcomeOf } from "./outcomes.ts";

/** The last version in which topics have names. */
const BY_NAME_MAX = 9;
/** Up to this version a request is for one group. */
const SEVERAL_GROUPS_SINCE = 8;

export async function listGroupOffsets(
  admin: AdminContext,
  group: string,
  partitions: readonly TopicPartition[] | null,
): Promise<readonly (TopicPartition & OffsetAndMetadata)[]> {
  const { cluster } = admin;
  const deadline = admin.deadline("list group offsets");
  const topics = partitions === null ? null : byTopic(partitions).map(([name, rows]) => ({
    name,
    topicId: ZERO_UUID,
    partitionIndexes: rows.map((row) => row.partition),
  }));
  return await atCoordinator(cluster, "group", group, deadline, async (node) => {
    const version = await cluster.versionOf(node, OffsetFetch, deadline) ?? OffsetFetch.maxVersion;
    const reply = await cluster.call(node, OffsetFetch, { groupId: group, topics, groups: [{ groupId: group, topics }] }, {
      deadline,
      maxVersion: BY_NAME_MAX,
    });
    const one = version >= SEVERAL_GROUPS_SINCE ? reply.groups.find(({ groupId }) => groupId === group) : reply;
    if (one === undefined) throw failureOf("UNKNOWN_SERVER_ERROR", `list the offsets of group "${group}"`, "the broker left it out");
    expectNoError(one.errorCode, `list the offsets of group "${group}"`);
    return one.topics.flatMap(({ name: topic, partitions }) =>
      partitions.filter(({ errorCode, committedOffset, partitionIndex }) => {
        expectNoError(errorCode, `read the offset of group "${group}" in "${topic}-${partitionIndex}"`);
        return committedOffset >= 0;
      }).map(({ partitionIndex: partition, committedOffset: offset, committedLeaderEpoch: leaderEpoch, metadata }) => ({
        topic,
        partition,
        offset,
        ...leaderEpoch >= 0 ? { leaderEpoch } : {},
        metadata: metadata ?? "",
      }))
    );
  });
}

export function alterGroupOffsets(
  admin: AdminContext,
  group: string,
  offsets: readonly (TopicPartition & OffsetAndMetadata)[],
): Promise<readonly PartitionOutcome<void>[]> {
  return atGroup(admin, group, "set", offsets, async (node, pending, deadline) => {
    const { topics } = await admin.cluster.call(node, OffsetCommit, {
      groupId: group,
      memberId: "",
      topics: byTopic(pending).map(([name, rows]) => ({
        name,
        topicId: ZERO_UUID,
        partitions: rows.map(({ partition, offset, leaderEpoch = -1, metadata = "" }) => ({
          partitionIndex: partition,
          committedOffset: offset,
          committedLeaderEpoch: leaderEpoch,
          committedMetadata: metadata,
        })),
      })),
    }, { deadline, maxVersion: BY_NAME_MAX });
    return topics;
  });
}

export function deleteGroupOffsets(
  admin: AdminContext,
  group: string,
  partitions: readonly TopicPartition[],
): Promise<readonly PartitionOutcome<void>[]> {
  return atGroup(admin, group, "delete", partitions, async (node, pending, deadline) => {
    const { errorCode, topics } = await admin.cluster.call(node, OffsetDelete, {
      groupId: group,
      topics: byTopic(pending).map(([name, rows]) => ({ name, partitions: rows.map((row) => ({ partitionIndex: row.partition })) })),
    }, { deadline });
    expectNoError(errorCode, `delete offsets of group "${group}"`);
    return topics;
  });
}

type TopicRows = readonly {
  readonly name: string;
  readonly partitions: readonly { readonly partitionIndex: number; readonly errorCode: number }[];
}[];

/** A change of a group's offsets, by partition, tried again for those whose failure may pass. */
async function atGroup<Item extends TopicPartition>(
  admin: AdminContext,
  group: string,
  verb: "set" | "delete",
  items: readonly Item[],
  ask: (node: number, items: readonly Item[], deadline: { readonly op: string; readonly at: number }) => Promise<TopicRows>,
): Promise<readonly PartitionOutcome<void>[]> {
  const { cluster } = admin;
  const deadline = admin.deadline(`${verb} group offsets`);
  const outcomes = await eachOutcome(cluster, deadline, items, async (pending) => {
    const topics = await atCoordinator(cluster, "group", group, deadline, (node) => ask(node, pending, deadline));
    const codes = new Map(
      topics.flatMap(({ name: topic, partitions }) =>
        partitions.map(({ partitionIndex: partition, errorCode }) => [partitionKey({ topic, partition }), errorCode] as const)
      ),
    );
    return pending.map((item): Outcome<void> => {
      const action = `${verb} the offset of group "${group}" in "${item.topic}-${item.partition}"`;
      const code = codes.get(partitionKey(item));
      if (code === undefined) return noAnswer(action);
      const outcome = outcomeOf(code, action, null, () => undefined);
      if (!outcome.ok && outcome.error.retriable) cluster.forgetCoordinator("group", group);
      return outcome;
    });
  });
  return items.map(({ topic, partition }, i) => ({ topic, partition, ...outcomes[i]! }));
}
