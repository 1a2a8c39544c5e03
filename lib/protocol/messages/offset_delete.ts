/**
 * Deletes a group's offsets of topics to which it is not subscribed.
 * Source: KIP-496.
 */
import { api, array, type Draft, type Infer, int16, int32, message, optional, string } from "../schema/mod.ts";

export const OffsetDeleteRequest = message({
  name: "OffsetDeleteRequest",
  apiKey: 47,
  versions: [0, 0],
  fields: {
    groupId: string,
    topics: array({ name: string, partitions: array({ partitionIndex: int32 }) }),
  },
});
export type OffsetDeleteRequest = Infer<typeof OffsetDeleteRequest>;

export const OffsetDeleteResponse = message({
  name: "OffsetDeleteResponse",
  apiKey: 47,
  versions: [0, 0],
  fields: {
    errorCode: int16,
    throttleTimeMs: optional(int32, 0),
    topics: array({ name: string, partitions: array({ partitionIndex: int32, errorCode: int16 }) }),
  },
});
export type OffsetDeleteResponse = Draft<typeof OffsetDeleteResponse>;

export const OffsetDelete = api("OffsetDelete", OffsetDeleteRequest, OffsetDeleteResponse);
