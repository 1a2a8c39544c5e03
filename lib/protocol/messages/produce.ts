/**
 * Appends record batches to partitions.
 * Source: KIP-98 (batch format), KIP-467 (record errors), KIP-516 (topic ids), KIP-951 (leader hints).
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
  records,
  since,
  string,
  tagged,
  until,
  uuid,
} from "../schema/mod.ts";
import { currentLeader, nodeEndpoints } from "./leader_hints.ts";

export const ProduceRequest = message({
  name: "ProduceRequest",
  apiKey: 0,
  versions: [3, 13],
  flexible: 9,
  fields: {
    transactionalId: optional(nullable(string), null),
    /** -1 waits for every in-sync replica, 1 for the leader's disk, 0 for nothing: then there is no reply. */
    acks: int16,
    timeoutMs: int32,
    topicData: array({
      name: until(12, string),
      topicId: since(13, uuid),
      partitionData: array({ index: int32, records: nullable(records) }),
    }),
  },
});
export type ProduceRequest = Infer<typeof ProduceRequest>;

export const ProduceResponse = message({
  name: "ProduceResponse",
  apiKey: 0,
  versions: [3, 13],
  flexible: 9,
  fields: {
    responses: array({
      name: until(12, string),
      topicId: since(13, uuid),
      partitionResponses: array({
        index: int32,
        errorCode: int16,
        baseOffset: int64,
        /** -1 unless the topic's `message.timestamp.type` is LogAppendTime. */
        logAppendTimeMs: optional(int64, -1),
        logStartOffset: since(5, int64, -1),
        /** Which records made the whole batch be refused. */
        recordErrors: since(8, array({ batchIndex: int32, batchIndexErrorMessage: optional(nullable(string), null) }), []),
        errorMessage: since(8, nullable(explanation), null),
        currentLeader: tagged(0, 10, currentLeader),
      }),
    }),
    throttleTimeMs: optional(int32, 0),
    nodeEndpoints: tagged(0, 10, nodeEndpoints),
  },
});
export type ProduceResponse = Draft<typeof ProduceResponse>;

/** Versions 0-2 are listed but refused: librdkafka switches compression off when they are missing (KAFKA-18659). */
export const Produce = api("Produce", ProduceRequest, ProduceResponse, { advertisedMinVersion: 0 });
