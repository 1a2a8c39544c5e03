/**
 * OffsetFetch, versions 1-10: what groups have committed.
 * - v0-7 ask for one group, v8+ for several. No topics (null, v2+) means everything. v10 names topics by id (KIP-848).
 * - Nothing committed, or no such group: offset -1, no error. v7+ can ask to wait for commits on their way (KIP-447).
 * - An error of the group stands in the group's row (v8+), on top (v2-7), or in every partition (v1).
 */
import type { Deadline } from "../../io/mod.ts";
import type { FetchedOffsets } from "../../coordinator/mod.ts";
import type { CommittedOffset } from "../../state/groups/mod.ts";
import {
  errorCode,
  type KafkaErrorName,
  OffsetFetch,
  type OffsetFetchRequest,
  type OffsetFetchResponse,
  ZERO_UUID,
} from "../../protocol/mod.ts";
import { handler, type RequestContext } from "../handler.ts";

const GROUP_ERROR_SINCE = 2;
const MANY_GROUPS_SINCE = 8;
const TOPIC_IDS_SINCE = 10;

type GroupRequest = OffsetFetchRequest["groups"][number];
type GroupResponse = NonNullable<OffsetFetchResponse["groups"]>[number];
type PartitionResponse = GroupResponse["topics"][number]["partitions"][number];

export const offsetFetch = handler<OffsetFetchRequest, OffsetFetchResponse>({
  api: OffsetFetch,

  async handle(request, context) {
    if (context.apiVersion >= MANY_GROUPS_SINCE) {
      return { groups: await Promise.all(request.groups.map((group) => fetchGroup(group, request.requireStable, context))) };
    }
    const { groupId, topics, requireStable } = request;
    const fetched = await context.services.groups.fetch(
      groupId,
      topics === null ? null : topics.map(namedTopic),
      requireStable,
      context.deadline,
    );
    if (fetched.error !== "NONE") return refuseOne(request, fetched.error, context.apiVersion);
    return {
      topics: fetched.topics.map(({ topic, partitions }) => ({
        name: topic,
        partitions: partitions.map(({ partition, committed }) => partitionRow(partition, committed, "NONE")),
      })),
    };
  },

  refuse: (request, error) => ({
    ...refuseOne(request, error, 1),
    groups: request.groups.map(({ groupId }) => ({ groupId, topics: [], errorCode: errorCode(error) })),
  }),
});

async function fetchGroup(group: GroupRequest, requireStable: boolean, context: RequestContext): Promise<GroupResponse> {
  const { groupId, topics } = group;
  const byId = context.apiVersion >= TOPIC_IDS_SINCE;
  const { groups, controller } = context.services;
  const deadline: Deadline = context.deadline;
  const refused = (error: KafkaErrorName): GroupResponse => ({ groupId, topics: [], errorCode: errorCode(error) });

  if (topics === null) {
    const fetched = await groups.fetch(groupId, null, requireStable, deadline);
    if (fetched.error !== "NONE") return refused(fetched.error);
    const rows = fetched.topics.map((topic) => ({ ...topic, topicId: controller.image.topics.get(topic.topic)?.topicId ?? ZERO_UUID }));
    // By id, an offset of a topic that is gone cannot be named.
    const nameable = byId ? rows.filter(({ topicId }) => topicId !== ZERO_UUID) : rows;
    return { groupId, topics: nameable.map((topic) => topicRow(topic, topic.topicId)) };
  }

  const resolved = topics.map(({ name, topicId, partitionIndexes }) => ({
    topic: byId ? controller.image.topicById(topicId)?.name ?? null : name,
    partitions: partitionIndexes,
  }));
  const known = resolved.flatMap(({ topic, partitions }) => topic === null ? [] : [{ topic, partitions }]);
  const fetched = await groups.fetch(groupId, known, requireStable, deadline);
  if (fetched.error !== "NONE") return refused(fetched.error);
  const rows = fetched.topics[Symbol.iterator]();
  return {
    groupId,
    topics: topics.map(({ topicId, partitionIndexes }, i) => {
      if (resolved[i]!.topic !== null) return topicRow(rows.next().value!, topicId);
      return { name: "", topicId, partitions: partitionIndexes.map((partition) => partitionRow(partition, null, "UNKNOWN_TOPIC_ID")) };
    }),
  };
}

function namedTopic({ name, partitionIndexes }: { readonly name: string; readonly partitionIndexes: readonly number[] }) {
  return { topic: name, partitions: partitionIndexes };
}

function topicRow({ topic, partitions }: FetchedOffsets["topics"][number], topicId: GroupResponse["topics"][number]["topicId"]) {
  return { name: topic, topicId, partitions: partitions.map(({ partition, committed }) => partitionRow(partition, committed, "NONE")) };
}

function partitionRow(partitionIndex: number, committed: CommittedOffset | null, error: KafkaErrorName): PartitionResponse {
  return {
    partitionIndex,
    committedOffset: committed?.offset ?? -1,
    committedLeaderEpoch: committed?.leaderEpoch ?? -1,
    metadata: committed?.metadata ?? "",
    errorCode: errorCode(error),
  };
}

function refuseOne(request: OffsetFetchRequest, error: KafkaErrorName, apiVersion: number): OffsetFetchResponse {
  if (apiVersion >= GROUP_ERROR_SINCE) return { errorCode: errorCode(error) };
  return {
    errorCode: errorCode(error),
    topics: (request.topics ?? []).map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((partition) => partitionRow(partition, null, error)),
    })),
  };
}
