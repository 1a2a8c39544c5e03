/**
 * Moves the log start of partitions forward.
 * Source: KIP-107.
 */
import { api, array, type Draft, type Infer, int16, int32, int64, message, optional, string } from "../schema/mod.ts";

export const DeleteRecordsRequest = message({
  name: "DeleteRecordsRequest",
  apiKey: 21,
  versions: [0, 2],
  flexible: 2,
  fields: {
    topics: array({
      name: string,
      partitions: array({
        partitionIndex: int32,
        /** -1 for the high watermark. */
        offset: int64,
      }),
    }),
    timeoutMs: int32,
  },
});
export type DeleteRecordsRequest = Infer<typeof DeleteRecordsRequest>;

export const DeleteRecordsResponse = message({
  name: "DeleteRecordsResponse",
  apiKey: 21,
  versions: [0, 2],
  flexible: 2,
  fields: {
    throttleTimeMs: optional(int32, 0),
    topics: array({
      name: string,
      partitions: array({
        partitionIndex: int32,
        /** The log start afterwards. */
        lowWatermark: int64,
        errorCode: int16,
      }),
    }),
  },
});
export type DeleteRecordsResponse = Draft<typeof DeleteRecordsResponse>;

export const DeleteRecords = api("DeleteRecords", DeleteRecordsRequest, DeleteRecordsResponse);
