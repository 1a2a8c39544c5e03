/**
 * Producers with state in a partition.
 * Source: KIP-664.
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
  optional,
  string,
} from "../schema/mod.ts";

export const DescribeProducersRequest = message({
  name: "DescribeProducersRequest",
  apiKey: 61,
  versions: [0, 0],
  flexible: 0,
  fields: {
    topics: array({ name: string, partitionIndexes: array(int32) }),
  },
});
export type DescribeProducersRequest = Infer<typeof DescribeProducersRequest>;

export const DescribeProducersResponse = message({
  name: "DescribeProducersResponse",
  apiKey: 61,
  versions: [0, 0],
  flexible: 0,
  fields: {
    throttleTimeMs: optional(int32, 0),
    topics: array({
      name: string,
      partitions: array({
        partitionIndex: int32,
        errorCode: int16,
        errorMessage: optional(nullable(explanation), null),
        activeProducers: array({
          producerId: int64,
          producerEpoch: int32,
          lastSequence: optional(int32, -1),
          lastTimestamp: optional(int64, -1),
          coordinatorEpoch: int32,
          currentTxnStartOffset: optional(int64, -1),
        }),
      }),
    }),
  },
});
export type DescribeProducersResponse = Draft<typeof DescribeProducersResponse>;

export const DescribeProducers = api("DescribeProducers", DescribeProducersRequest, DescribeProducersResponse);
