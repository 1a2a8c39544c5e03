/**
 * OffsetForLeaderEpoch, versions 2-4: where an epoch ended, so that a consumer or follower can tell whether its log diverged.
 * Answers the largest epoch that is not above the asked one and its end offset; -1 and -1 for what is not known yet (KIP-101,
 * KIP-279, KIP-320). Only the leader answers.
 */
import {
  errorCode,
  type KafkaErrorName,
  OffsetForLeaderEpoch,
  type OffsetForLeaderEpochRequest,
  type OffsetForLeaderEpochResponse,
} from "../../protocol/mod.ts";
import { handler, type RequestContext } from "../handler.ts";
import { missingPartition } from "../missing_partition.ts";

type PartitionRequest = OffsetForLeaderEpochRequest["topics"][number]["partitions"][number];
type PartitionResponse = OffsetForLeaderEpochResponse["topics"][number]["partitions"][number];

export const offsetForLeaderEpoch = handler<OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse>({
  api: OffsetForLeaderEpoch,

  handle: (request, context) => ({
    throttleTimeMs: 0,
    topics: request.topics.map(({ topic, partitions }) => ({ topic, partitions: partitions.map((at) => endOf(topic, at, context)) })),
  }),

  refuse: (request, error) => ({
    throttleTimeMs: 0,
    topics: request.topics.map(({ topic, partitions }) => ({ topic, partitions: partitions.map((at) => errorRow(at, error)) })),
  }),
});

function endOf(topic: string, at: PartitionRequest, { services }: RequestContext): PartitionResponse {
  const partition = services.partitions.byName(topic, at.partition);
  if (partition === null) return errorRow(at, missingPartition(services, topic, at.partition));
  const refused = partition.checkEpoch(at.currentLeaderEpoch);
  if (refused !== null) return errorRow(at, refused);
  return { errorCode: 0, partition: at.partition, ...partition.epochEnd(at.leaderEpoch) };
}

function errorRow(at: PartitionRequest, error: KafkaErrorName): PartitionResponse {
  return { errorCode: errorCode(error), partition: at.partition, leaderEpoch: -1, endOffset: -1 };
}
