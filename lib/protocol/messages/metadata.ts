/**
 * Brokers, topics and leaders: how a client finds its way.
 * Source: KIP-4 (creation on request), KIP-320 (leader epochs), KIP-430 (operations), KIP-516 (topic ids), KIP-1102 (rebootstrap).
 */
import { api, array, between, bool, type Draft, type Infer, int16, int32, message, nullable, since, string, uuid } from "../schema/mod.ts";

export const MetadataRequest = message({
  name: "MetadataRequest",
  apiKey: 3,
  versions: [0, 13],
  flexible: 9,
  fields: {
    /** Null is all topics; in v0, where null cannot be said, an empty list is. */
    topics: nullable(
      array({
        /** Zero to ask by name. */
        topicId: since(10, uuid),
        name: nullable(string, 10),
      }),
      1,
    ),
    allowAutoTopicCreation: since(4, bool, true),
    includeClusterAuthorizedOperations: between(8, 10, bool, false),
    includeTopicAuthorizedOperations: since(8, bool, false),
  },
});
export type MetadataRequest = Infer<typeof MetadataRequest>;

export const MetadataResponse = message({
  name: "MetadataResponse",
  apiKey: 3,
  versions: [0, 13],
  flexible: 9,
  fields: {
    throttleTimeMs: since(3, int32, 0),
    brokers: array({ nodeId: int32, host: string, port: int32, rack: since(1, nullable(string), null) }),
    clusterId: since(2, nullable(string), null),
    /** -1 when not known. */
    controllerId: since(1, int32, -1),
    topics: array({
      errorCode: int16,
      /** Null when asked by an id that is not known. */
      name: nullable(string, 12),
      topicId: since(10, uuid),
      isInternal: since(1, bool, false),
      partitions: array({
        errorCode: int16,
        partitionIndex: int32,
        /** -1 when there is none. */
        leaderId: int32,
        leaderEpoch: since(7, int32, -1),
        replicaNodes: array(int32),
        isrNodes: array(int32),
        offlineReplicas: since(5, array(int32)),
      }),
      /** Bit field; the lowest int32 when it was not asked for. */
      topicAuthorizedOperations: since(8, int32, -2147483648),
    }),
    clusterAuthorizedOperations: between(8, 10, int32, -2147483648),
    errorCode: since(13, int16, 0),
  },
});
export type MetadataResponse = Draft<typeof MetadataResponse>;

export const Metadata = api("Metadata", MetadataRequest, MetadataResponse);
