/**
 * Keys and values of the records in `__consumer_offsets`, which monitoring tools read, too. A key is an int16 that says its type
 * and then the struct; a value is an int16 version and then the struct; a null value deletes. Source: KIP-211, KIP-320, KIP-345, KIP-848.
 */
import {
  array,
  between,
  bytes,
  type Draft,
  type Infer,
  int32,
  int64,
  message,
  nullable,
  since,
  string,
  tagged,
  uuid,
} from "../schema/mod.ts";

/** The int16 at the beginning of a key. Type 0 is an older `OffsetCommitKey` of the same layout. */
export const OFFSET_COMMIT_KEY_TYPES = { legacy: 0, current: 1 } as const;
export const GROUP_METADATA_KEY_TYPE = 2;

export const OffsetCommitKey = message({
  name: "OffsetCommitKey",
  versions: [0, 0],
  fields: { group: string, topic: string, partition: int32 },
});
export type OffsetCommitKey = Infer<typeof OffsetCommitKey>;

export const OffsetCommitValue = message({
  name: "OffsetCommitValue",
  versions: [0, 4],
  flexible: 4,
  fields: {
    offset: int64,
    leaderEpoch: since(3, int32, -1),
    metadata: string,
    commitTimestamp: int64,
    /** Only for offsets with a retention of their own, which clients before OffsetCommit v5 could ask for. */
    expireTimestamp: between(1, 1, int64, -1),
    topicId: tagged(0, 4, uuid),
  },
});
export type OffsetCommitValue = Infer<typeof OffsetCommitValue>;
export type OffsetCommitValueDraft = Draft<typeof OffsetCommitValue>;

export const GroupMetadataKey = message({
  name: "GroupMetadataKey",
  versions: [0, 0],
  fields: { group: string },
});
export type GroupMetadataKey = Infer<typeof GroupMetadataKey>;

export const GroupMetadataValue = message({
  name: "GroupMetadataValue",
  versions: [0, 4],
  flexible: 4,
  fields: {
    protocolType: string,
    generation: int32,
    protocol: nullable(string),
    leader: nullable(string),
    currentStateTimestamp: since(2, int64, -1),
    members: array({
      memberId: string,
      groupInstanceId: since(3, nullable(string), null),
      clientId: string,
      clientHost: string,
      rebalanceTimeout: since(1, int32, -1),
      sessionTimeout: int32,
      subscription: bytes,
      assignment: bytes,
    }),
  },
});
export type GroupMetadataValue = Infer<typeof GroupMetadataValue>;
export type GroupMetadataValueDraft = Draft<typeof GroupMetadataValue>;
