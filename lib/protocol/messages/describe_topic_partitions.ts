/**
 * Topics and partitions, a page at a time.
 * Source: KIP-966.
 */
import {
  api,
  array,
  bool,
  type Draft,
  type Infer,
  int16,
  int32,
  message,
  nullable,
  optional,
  string,
  struct,
  uuid,
} from "../schema/mod.ts";

export const DescribeTopicPartitionsRequest = message({
  name: "DescribeTopicPartitionsRequest",
  apiKey: 75,
  versions: [0, 0],
  flexible: 0,
  fields: {
    /** Empty: all. */
    topics: array({ name: string }),
    responsePartitionLimit: optional(int32, 2000),
    /** Where the page before ended. */
    cursor: optional(nullable(struct({ topicName: string, partitionIndex: int32 })), null),
  },
});
export type DescribeTopicPartitionsRequest = Infer<typeof DescribeTopicPartitionsRequest>;

export const DescribeTopicPartitionsResponse = message({
  name: "DescribeTopicPartitionsResponse",
  apiKey: 75,
  versions: [0, 0],
  flexible: 0,
  fields: {
    throttleTimeMs: optional(int32, 0),
    topics: array({
      errorCode: int16,
      name: nullable(string),
      topicId: uuid,
      isInternal: optional(bool, false),
      partitions: array({
        errorCode: int16,
        partitionIndex: int32,
        leaderId: int32,
        leaderEpoch: optional(int32, -1),
        replicaNodes: array(int32),
        isrNodes: array(int32),
        eligibleLeaderReplicas: optional(nullable(array(int32)), null),
        lastKnownElr: optional(nullable(array(int32)), null),
        offlineReplicas: array(int32),
      }),
      topicAuthorizedOperations: optional(int32, -2147483648),
    }),
    /** Null on the last page. */
    nextCursor: optional(nullable(struct({ topicName: string, partitionIndex: int32 })), null),
  },
});
export type DescribeTopicPartitionsResponse = Draft<typeof DescribeTopicPartitionsResponse>;

export const DescribeTopicPartitions = api("DescribeTopicPartitions", DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse);
