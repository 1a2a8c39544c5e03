/**
 * Reads record batches, with incremental sessions; what followers use to replicate, too.
 * Source: KIP-74 (size limits), KIP-227 (sessions), KIP-320 (leader epochs), KIP-392 (racks), KIP-516 (topic ids), KIP-903, KIP-951, KIP-1166.
 */
import {
  api,
  array,
  type Draft,
  type Infer,
  int16,
  int32,
  int64,
  int8,
  message,
  nullable,
  optional,
  records,
  since,
  string,
  struct,
  tagged,
  until,
  uuid,
} from "../schema/mod.ts";
import { currentLeader, nodeEndpoints } from "./leader_hints.ts";

export const FetchRequest = message({
  name: "FetchRequest",
  apiKey: 1,
  versions: [4, 18],
  flexible: 12,
  fields: {
    /** Of a follower or observer that knows its cluster. */
    clusterId: tagged(0, 12, nullable(string), null),
    /** -1 for consumers. */
    replicaId: until(14, int32, -1),
    replicaState: tagged(1, 15, struct({ replicaId: optional(int32, -1), replicaEpoch: optional(int64, -1) })),
    maxWaitMs: int32,
    minBytes: int32,
    /** Over all partitions; the first batch is sent even if it is larger. */
    maxBytes: optional(int32, 0x7fffffff),
    /** 0 reads to the high watermark, 1 (committed) to the last stable offset. */
    isolationLevel: optional(int8, 0),
    sessionId: since(7, int32, 0),
    /** -1 without a session, 0 begins one, above 0 is the next increment. */
    sessionEpoch: since(7, int32, -1),
    topics: array({
      topic: until(12, string),
      topicId: since(13, uuid),
      partitions: array({
        partition: int32,
        currentLeaderEpoch: since(9, int32, -1),
        fetchOffset: int64,
        /** -1 when not known; otherwise the broker checks for divergence. */
        lastFetchedEpoch: since(12, int32, -1),
        logStartOffset: since(5, int64, -1),
        partitionMaxBytes: int32,
        replicaDirectoryId: tagged(0, 17, uuid),
        /** The largest int64 means that the follower does not tell. */
        highWatermark: tagged(1, 18, int64, 2 ** 63),
      }),
    }),
    /** Partitions that leave the session. */
    forgottenTopicsData: since(7, array({ topic: until(12, string), topicId: since(13, uuid), partitions: array(int32) }), []),
    rackId: since(11, string, ""),
  },
});
export type FetchRequest = Infer<typeof FetchRequest>;

export const FetchResponse = message({
  name: "FetchResponse",
  apiKey: 1,
  versions: [4, 18],
  flexible: 12,
  fields: {
    throttleTimeMs: optional(int32, 0),
    errorCode: since(7, int16),
    /** 0 when there is no session. */
    sessionId: since(7, int32, 0),
    responses: array({
      topic: until(12, string),
      topicId: since(13, uuid),
      partitions: array({
        partitionIndex: int32,
        errorCode: int16,
        highWatermark: int64,
        lastStableOffset: optional(int64, -1),
        logStartOffset: since(5, int64, -1),
        /** Where the follower's log parts from the leader's. */
        divergingEpoch: tagged(0, 12, struct({ epoch: optional(int32, -1), endOffset: optional(int64, -1) })),
        currentLeader: tagged(1, 12, currentLeader),
        snapshotId: tagged(2, 12, struct({ endOffset: optional(int64, -1), epoch: optional(int32, -1) })),
        /** Only for committed reads, sorted by first offset. */
        abortedTransactions: nullable(array({ producerId: int64, firstOffset: int64 })),
        /** -1: stay here. */
        preferredReadReplica: since(11, int32, -1),
        records: nullable(records),
      }),
    }),
    nodeEndpoints: tagged(0, 16, nodeEndpoints),
  },
});
export type FetchResponse = Draft<typeof FetchResponse>;

export const Fetch = api("Fetch", FetchRequest, FetchResponse);
