/**
 * Where a leader epoch ends in the log: how truncation is found.
 * Source: KIP-101, KIP-279, KIP-320.
 */
import { api, array, type Draft, type Infer, int16, int32, int64, message, optional, since, string } from "../schema/mod.ts";

export const OffsetForLeaderEpochRequest = message({
  name: "OffsetForLeaderEpochRequest",
  apiKey: 23,
  versions: [2, 4],
  flexible: 4,
  fields: {
    /** -1 for consumers, -2 for debugging. */
    replicaId: since(3, int32, -2),
    topics: array({
      topic: string,
      partitions: array({ partition: int32, currentLeaderEpoch: optional(int32, -1), leaderEpoch: int32 }),
    }),
  },
});
export type OffsetForLeaderEpochRequest = Infer<typeof OffsetForLeaderEpochRequest>;

export const OffsetForLeaderEpochResponse = message({
  name: "OffsetForLeaderEpochResponse",
  apiKey: 23,
  versions: [2, 4],
  flexible: 4,
  fields: {
    throttleTimeMs: optional(int32, 0),
    topics: array({
      topic: string,
      partitions: array({
        errorCode: int16,
        partition: int32,
        leaderEpoch: optional(int32, -1),
        /** First offset after the epoch, -1 when not known. */
        endOffset: optional(int64, -1),
      }),
    }),
  },
});
export type OffsetForLeaderEpochResponse = Draft<typeof OffsetForLeaderEpochResponse>;

export const OffsetForLeaderEpoch = api("OffsetForLeaderEpoch", OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse);
