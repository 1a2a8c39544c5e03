/** DescribeProducers, version 0: the idempotent producers that a partition remembers (KIP-664). Only the leader answers. */
import {
  DescribeProducers,
  type DescribeProducersRequest,
  type DescribeProducersResponse,
  errorCode,
  type KafkaErrorName,
} from "../../protocol/mod.ts";
import { topicNameProblem } from "../../state/mod.ts";
import { handler, type RequestContext } from "../handler.ts";
import { ledPartition } from "../led_partition.ts";

type PartitionResponse = DescribeProducersResponse["topics"][number]["partitions"][number];

export const describeProducers = handler<DescribeProducersRequest, DescribeProducersResponse>({
  api: DescribeProducers,

  handle: (request, context) => ({
    throttleTimeMs: 0,
    topics: request.topics.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((index) => describe(name, index, context)),
    })),
  }),

  refuse: (request, error, message) => ({
    throttleTimeMs: 0,
    topics: request.topics.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((index) => errorRow(index, error, message)),
    })),
  }),
});

function describe(topic: string, partitionIndex: number, { services }: RequestContext): PartitionResponse {
  const problem = topicNameProblem(topic);
  if (problem !== null) return errorRow(partitionIndex, "INVALID_TOPIC_EXCEPTION", problem);
  if (!services.controller.image.topics.has(topic)) {
    return errorRow(partitionIndex, "UNKNOWN_TOPIC_OR_PARTITION", `Cannot describe the producers of "${topic}": the topic does not exist`);
  }
  const partition = ledPartition(services, topic, partitionIndex);
  if (!partition.ok) return errorRow(partitionIndex, partition.error, null);
  return { partitionIndex, errorCode: 0, errorMessage: null, activeProducers: partition.value.producers() };
}

function errorRow(partitionIndex: number, error: KafkaErrorName, errorMessage: string | null): PartitionResponse {
  return { partitionIndex, errorCode: errorCode(error), errorMessage, activeProducers: [] };
}
