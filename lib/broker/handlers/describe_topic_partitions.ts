/**
 * DescribeTopicPartitions, version 0: topics in the order of their names, a page of partitions at a time (KIP-966).
 * - No topics asked: all. The page ends at the smaller of the client's limit and ours, and the cursor says where to go on.
 * - The cursor's topic must be among those asked; when all were asked and it is gone, the page begins with the next one.
 * - A topic that does not exist is told with all operations, as by Kafka: nothing would forbid them.
 * Not done: eligible leader replicas; the lists are empty, because the Java admin client fails on null.
 */
import {
  DescribeTopicPartitions,
  type DescribeTopicPartitionsRequest,
  type DescribeTopicPartitionsResponse,
  errorCode,
  type KafkaErrorName,
  ZERO_UUID,
} from "../../protocol/mod.ts";
import { isInternalTopic, type MetadataImage, type PartitionImage, topicNameProblem } from "../../state/mod.ts";
import { ALL_ON_TOPIC } from "../authorized_operations.ts";
import { handler } from "../handler.ts";

type TopicRow = DescribeTopicPartitionsResponse["topics"][number];
type Cursor = DescribeTopicPartitionsRequest["cursor"];

/** Kafka's `max.request.partition.size.limit`. */
const PARTITIONS_MAX = 2_000;

export const describeTopicPartitions = handler<DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse>({
  api: DescribeTopicPartitions,

  handle(request, { services }) {
    const { cursor } = request;
    if (cursor !== null && cursor.partitionIndex < 0) {
      return this.refuse(request, "INVALID_REQUEST", `Cannot go on at partition ${cursor.partitionIndex} of "${cursor.topicName}"`);
    }
    if (cursor !== null && request.topics.length > 0 && !request.topics.some(({ name }) => name === cursor.topicName)) {
      return this.refuse(request, "INVALID_REQUEST", `Cannot go on at "${cursor.topicName}": it is not among the topics asked for`);
    }
    const { image } = services.controller;
    const all = request.topics.length === 0;
    const asked = all ? [...image.topics.keys()] : request.topics.map(({ name }) => name);
    const names = [...new Set(asked)].filter((name) => cursor === null || name >= cursor.topicName).sort();
    return page(image, names, cursor, Math.max(1, Math.min(request.responsePartitionLimit, PARTITIONS_MAX)));
  },

  refuse: (request, error) => ({
    topics: request.topics.map(({ name }) => errorRow(name, error)),
    nextCursor: null,
  }),
});

function page(image: MetadataImage, names: readonly string[], cursor: Cursor, limit: number): DescribeTopicPartitionsResponse {
  const topics: TopicRow[] = [];
  let left = limit;
  for (const topicName of names) {
    const topic = image.topics.get(topicName);
    if (topic === undefined) {
      const error = topicNameProblem(topicName) === null ? "UNKNOWN_TOPIC_OR_PARTITION" : "INVALID_TOPIC_EXCEPTION";
      topics.push({ ...errorRow(topicName, error), topicAuthorizedOperations: ALL_ON_TOPIC });
      continue;
    }
    const from = cursor?.topicName === topicName ? cursor.partitionIndex : 0;
    if (left === 0) return { topics, nextCursor: { topicName, partitionIndex: from } };
    const shown = topic.partitions.slice(from, from + left);
    left -= shown.length;
    topics.push({
      errorCode: 0,
      name: topicName,
      topicId: topic.topicId,
      isInternal: topic.internal,
      partitions: shown.map((partition) => partitionRow(partition, image)),
      topicAuthorizedOperations: ALL_ON_TOPIC,
    });
    const next = from + shown.length;
    if (next < topic.partitions.length) return { topics, nextCursor: { topicName, partitionIndex: next } };
  }
  return { topics, nextCursor: null };
}

function partitionRow(partition: PartitionImage, image: MetadataImage): TopicRow["partitions"][number] {
  return {
    errorCode: errorCode(partition.leader === -1 ? "LEADER_NOT_AVAILABLE" : "NONE"),
    partitionIndex: partition.partition,
    leaderId: partition.leader,
    leaderEpoch: partition.leaderEpoch,
    replicaNodes: partition.replicas,
    isrNodes: partition.isr,
    eligibleLeaderReplicas: [],
    lastKnownElr: [],
    offlineReplicas: partition.replicas.filter((id) => image.brokers.get(id)?.fenced ?? true),
  };
}

function errorRow(name: string, error: KafkaErrorName): TopicRow {
  return { errorCode: errorCode(error), name, topicId: ZERO_UUID, isInternal: isInternalTopic(name), partitions: [] };
}
