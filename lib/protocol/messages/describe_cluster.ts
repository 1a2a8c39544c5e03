/**
 * Cluster id, controller and brokers.
 * Source: KIP-700, KIP-919 (endpoint types), KIP-1073 (fenced brokers).
 */
import {
  api,
  array,
  bool,
  type Draft,
  explanation,
  type Infer,
  int16,
  int32,
  int8,
  message,
  nullable,
  optional,
  since,
  string,
} from "../schema/mod.ts";

export const DescribeClusterRequest = message({
  name: "DescribeClusterRequest",
  apiKey: 60,
  versions: [0, 2],
  flexible: 0,
  fields: {
    includeClusterAuthorizedOperations: bool,
    /** 1 brokers, 2 controllers. */
    endpointType: since(1, int8, 1),
    includeFencedBrokers: since(2, bool, false),
  },
});
export type DescribeClusterRequest = Infer<typeof DescribeClusterRequest>;

export const DescribeClusterResponse = message({
  name: "DescribeClusterResponse",
  apiKey: 60,
  versions: [0, 2],
  flexible: 0,
  fields: {
    throttleTimeMs: optional(int32, 0),
    errorCode: int16,
    errorMessage: optional(nullable(explanation), null),
    endpointType: since(1, int8, 1),
    clusterId: string,
    controllerId: optional(int32, -1),
    brokers: array({
      brokerId: int32,
      host: string,
      port: int32,
      rack: optional(nullable(string), null),
      isFenced: since(2, bool),
    }),
    clusterAuthorizedOperations: optional(int32, -2147483648),
  },
});
export type DescribeClusterResponse = Draft<typeof DescribeClusterResponse>;

export const DescribeCluster = api("DescribeCluster", DescribeClusterRequest, DescribeClusterResponse);
