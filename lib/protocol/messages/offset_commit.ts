/**
 * Stores a group's offsets.
 * Source: KIP-211 (retention), KIP-320 (leader epochs), KIP-345 (static members), KIP-848 (member epochs), KIP-516 (topic ids).
 */
import {
  api,
  array,
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

export const OffsetCommitRequest = message({
  name: "OffsetCommitRequest",
  apiKey: 8,
  versions: [2, 10],
  flexible: 8,
  fields: {
    groupId: string,
    /** -1 for a commit from outside of the group. */
    generationIdOrMemberEpoch: optional(int32, -1),
    memberId: string,
    groupInstanceId: since(7, nullable(string), null),
    /** -1 for the broker's setting. */
    retentionTimeMs: until(4, int64, -1),
    topics: array({
      name: until(9, string),
      topicId: since(10, uuid),
      partitions: array({
        partitionIndex: int32,
        committedOffset: int64,
        committedLeaderEpoch: since(6, int32, -1),
        committedMetadata: nullable(string),
      }),
    }),
  },
});
export type OffsetCommitRequest = Infer<typeof OffsetCommitRequest>;

export const OffsetCommitResponse = message({
  name: "OffsetCommitResponse",
  apiKey: 8,
  versions: [2, 10],
  flexible: 8,
  fields: {
    throttleTimeMs: since(3, int32, 0),
    topics: array({
      name: until(9, string),
      topicId: since(10, uuid),
      partitions: array({ partitionIndex: int32, errorCode: int16 }),
    }),
  },
});
export type OffsetCommitResponse = Draft<typeof OffsetCommitResponse>;

export const OffsetCommit = api("OffsetCommit", OffsetCommitRequest, OffsetCommitResponse);
