/**
 * OffsetCommit, versions 2-10: stores how far a group has read; answered once that is durable.
 * - Topics and partitions must exist: UNKNOWN_TOPIC_OR_PARTITION, from v10 (topic ids, KIP-848) UNKNOWN_TOPIC_ID.
 * - v9+ tell GROUP_ID_NOT_FOUND for a member of a group that is gone, older ones ILLEGAL_GENERATION.
 * - v2-4 may ask for a retention of their own. An error of the group stands in every row.
 */
import {
  errorCode,
  type KafkaErrorName,
  OffsetCommit,
  type OffsetCommitRequest,
  type OffsetCommitResponse,
  type Uuid,
} from "../../protocol/mod.ts";
import { groupWriteError } from "../error_mapping.ts";
import { handler, type RequestContext } from "../handler.ts";

const GROUP_ID_NOT_FOUND_SINCE = 9;
const TOPIC_IDS_SINCE = 10;

type TopicRequest = OffsetCommitRequest["topics"][number];

export const offsetCommit = handler<OffsetCommitRequest, OffsetCommitResponse>({
  api: OffsetCommit,

  async handle(request, context) {
    const { services, deadline, apiVersion } = context;
    const asked = request.topics.map((topic) => resolve(topic, context));
    const topics = asked.flatMap(({ name, topicId, known }) => known.length === 0 ? [] : [{ topic: name, topicId, partitions: known }]);
    if (topics.length === 0) return { topics: asked.map((topic) => row(topic, () => topic.missing)) };

    const reply = await services.groups.commit({
      groupId: request.groupId,
      memberId: request.memberId,
      instanceId: request.groupInstanceId,
      generation: request.generationIdOrMemberEpoch,
      knowsGroupIdNotFound: apiVersion >= GROUP_ID_NOT_FOUND_SINCE,
      retentionMs: request.retentionTimeMs,
      topics,
    }, deadline);
    const outcomes = reply.topics[Symbol.iterator]();
    return {
      topics: asked.map((topic) => {
        if (topic.known.length === 0) return row(topic, () => topic.missing);
        const partitions = reply.error === "NONE" ? outcomes.next().value?.partitions ?? [] : [];
        const errors = new Map(partitions.map(({ partition, error }) => [partition, error]));
        const known = new Set(topic.known.map(({ partition }) => partition));
        return row(topic, (partition) => !known.has(partition) ? topic.missing : groupWriteError(errors.get(partition) ?? reply.error));
      }),
    };
  },

  refuse: (request, error) => ({
    topics: request.topics.map((topic) => row({ name: topic.name, topicId: topic.topicId, request: topic }, () => error)),
  }),
});

interface Resolved {
  readonly name: string;
  readonly topicId: Uuid;
  readonly request: TopicRequest;
}

/** The topic by name and id, and which of its partitions exist. `missing` is what the others are told. */
function resolve(topic: TopicRequest, { services, apiVersion }: RequestContext) {
  const byId = apiVersion >= TOPIC_IDS_SINCE;
  const { image } = services.controller;
  const found = byId ? image.topicById(topic.topicId) : image.topics.get(topic.name) ?? null;
  const count = found?.partitions.length ?? 0;
  const missing: KafkaErrorName = byId && found === null ? "UNKNOWN_TOPIC_ID" : "UNKNOWN_TOPIC_OR_PARTITION";
  return {
    name: found?.name ?? topic.name,
    topicId: found?.topicId ?? topic.topicId,
    request: topic,
    missing,
    known: topic.partitions.filter(({ partitionIndex }) => partitionIndex >= 0 && partitionIndex < count).map((partition) => ({
      partition: partition.partitionIndex,
      offset: partition.committedOffset,
      leaderEpoch: partition.committedLeaderEpoch,
      metadata: partition.committedMetadata,
    })),
  };
}

function row({ name, topicId, request }: Resolved, errorOf: (partition: number) => KafkaErrorName): OffsetCommitResponse["topics"][number] {
  return {
    name,
    topicId,
    partitions: request.partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: errorCode(errorOf(partitionIndex)) })),
  };
}
