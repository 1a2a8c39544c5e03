/**
 * Reads the committed offsets of one group (up to v7) or several (from v8).
 * Source: KIP-320 (leader epochs), KIP-447 (stable offsets), KIP-709 (several groups), KIP-848 (member epochs), KIP-516 (topic ids).
 */
import {
  api,
  array,
  between,
  bool,
  type Draft,
  type Infer,
  int16,
  int32,
  int64,
  message,
  nullable,
  optional,
  since,
  string,
  until,
  uuid,
} from "../schema/mod.ts";

export const OffsetFetchRequest = message({
  name: "OffsetFetchRequest",
  apiKey: 9,
  versions: [1, 10],
  flexible: 6,
  fields: {
    groupId: until(7, string, ""),
    /** Null is everything that the group has. */
    topics: until(7, nullable(array({ name: string, partitionIndexes: array(int32) }), 2), []),
    groups: since(
      8,
      array({
        groupId: string,
        memberId: since(9, nullable(string), null),
        memberEpoch: since(9, int32, -1),
        /** Null is everything that the group has. */
        topics: nullable(array({ name: until(9, string), topicId: since(10, uuid), partitionIndexes: array(int32) })),
      }),
      [],
    ),
    /** Wait for open transactions instead of answering with older offsets. */
    requireStable: since(7, bool, false),
  },
});
export type OffsetFetchRequest = Infer<typeof OffsetFetchRequest>;

export const OffsetFetchResponse = message({
  name: "OffsetFetchResponse",
  apiKey: 9,
  versions: [1, 10],
  flexible: 6,
  fields: {
    throttleTimeMs: since(3, int32, 0),
    topics: until(
      7,
      array({
        name: string,
        partitions: array({
          partitionIndex: int32,
          committedOffset: int64,
          committedLeaderEpoch: since(5, int32, -1),
          metadata: nullable(string),
          errorCode: int16,
        }),
      }),
      [],
    ),
    errorCode: between(2, 7, int16, 0),
    groups: since(
      8,
      array({
        groupId: string,
        topics: array({
          name: until(9, string),
          topicId: since(10, uuid),
          partitions: array({
            partitionIndex: int32,
            committedOffset: int64,
            committedLeaderEpoch: optional(int32, -1),
            metadata: nullable(string),
            errorCode: int16,
          }),
        }),
        errorCode: optional(int16, 0),
      }),
      [],
    ),
  },
});
export type OffsetFetchResponse = Draft<typeof OffsetFetchResponse>;

export const OffsetFetch = api("OffsetFetch", OffsetFetchRequest, OffsetFetchResponse);
