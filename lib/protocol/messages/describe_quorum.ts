/**
 * The Raft group of the cluster's metadata as its leader sees it.
 * Source: KIP-595, KIP-836 (lag in time), KIP-853 (directory ids).
 */
import {
  api,
  array,
  type Draft,
  explanation,
  type Infer,
  int16,
  int32,
  int64,
  message,
  nullable,
  since,
  string,
  uint16,
  uuid,
} from "../schema/mod.ts";

export const DescribeQuorumRequest = message({
  name: "DescribeQuorumRequest",
  apiKey: 55,
  versions: [0, 2],
  flexible: 0,
  fields: {
    topics: array({ topicName: string, partitions: array({ partitionIndex: int32 }) }),
  },
});
export type DescribeQuorumRequest = Infer<typeof DescribeQuorumRequest>;

export const DescribeQuorumResponse = message({
  name: "DescribeQuorumResponse",
  apiKey: 55,
  versions: [0, 2],
  flexible: 0,
  fields: {
    errorCode: int16,
    errorMessage: since(2, nullable(explanation)),
    topics: array({
      topicName: string,
      partitions: array({
        partitionIndex: int32,
        errorCode: int16,
        errorMessage: since(2, nullable(explanation)),
        leaderId: int32,
        leaderEpoch: int32,
        highWatermark: int64,
        currentVoters: array({
          replicaId: int32,
          replicaDirectoryId: since(2, uuid),
          logEndOffset: int64,
          lastFetchTimestamp: since(1, int64, -1),
          lastCaughtUpTimestamp: since(1, int64, -1),
        }),
        observers: array({
          replicaId: int32,
          replicaDirectoryId: since(2, uuid),
          logEndOffset: int64,
          lastFetchTimestamp: since(1, int64, -1),
          lastCaughtUpTimestamp: since(1, int64, -1),
        }),
      }),
    }),
    nodes: since(2, array({ nodeId: int32, listeners: array({ name: string, host: string, port: uint16 }) })),
  },
});
export type DescribeQuorumResponse = Draft<typeof DescribeQuorumResponse>;

export const DescribeQuorum = api("DescribeQuorum", DescribeQuorumRequest, DescribeQuorumResponse);
