/**
 * Finds offsets by timestamp, or by one of the special timestamps: -1 latest, -2 earliest, -3 of the largest timestamp, -4 earliest local,
 * -5 latest tiered, -6 earliest pending upload.
 * Source: KIP-79, KIP-320 (leader epochs), KIP-405, KIP-734, KIP-1005, KIP-1075 (timeout), KIP-1023.
 */
import { api, array, type Draft, type Infer, int16, int32, int64, int8, message, optional, since, string } from "../schema/mod.ts";

export const ListOffsetsRequest = message({
  name: "ListOffsetsRequest",
  apiKey: 2,
  versions: [1, 11],
  flexible: 6,
  fields: {
    /** -1 for consumers, -2 for debugging. */
    replicaId: int32,
    isolationLevel: since(2, int8, 0),
    topics: array({
      name: string,
      partitions: array({
        partitionIndex: int32,
        currentLeaderEpoch: since(4, int32, -1),
        /** Milliseconds, or a special timestamp. */
        timestamp: int64,
      }),
    }),
    timeoutMs: since(10, int32, 0),
  },
});
export type ListOffsetsRequest = Infer<typeof ListOffsetsRequest>;

export const ListOffsetsResponse = message({
  name: "ListOffsetsResponse",
  apiKey: 2,
  versions: [1, 11],
  flexible: 6,
  fields: {
    throttleTimeMs: since(2, int32, 0),
    topics: array({
      name: string,
      partitions: array({
        partitionIndex: int32,
        errorCode: int16,
        timestamp: optional(int64, -1),
        /** -1 when nothing was found. */
        offset: optional(int64, -1),
        leaderEpoch: since(4, int32, -1),
      }),
    }),
  },
});
export type ListOffsetsResponse = Draft<typeof ListOffsetsResponse>;

export const ListOffsets = api("ListOffsets", ListOffsetsRequest, ListOffsetsResponse);
