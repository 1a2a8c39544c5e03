/**
 * Group records as bytes, in the versions that Apache Kafka 4.3.1 writes, so that lag exporters and Kafka's own tools read them. Knows
 * nothing of batches. Records of kinds that are not classic groups' are skipped, because a newer broker may have written them.
 */
import {
  decode,
  DecodeError,
  encode,
  GROUP_METADATA_KEY_TYPE,
  GroupMetadataKey,
  GroupMetadataValue,
  OFFSET_COMMIT_KEY_TYPES,
  OffsetCommitKey,
  OffsetCommitValue,
  Reader,
  Writer,
} from "../../protocol/mod.ts";
import type { CommittedOffset, GroupRecord, StoredGroup } from "./types.ts";

const OFFSET_VALUE_VERSION = 4;
/** The only version with room for a retention of its own. */
const EXPIRING_OFFSET_VALUE_VERSION = 1;
const GROUP_VALUE_VERSION = 3;

export interface RecordBytes {
  readonly key: Uint8Array;
  readonly value: Uint8Array | null;
}

/** @throws {EncodeError} for a text that is too long for the record. */
export function encodeGroupRecord(record: GroupRecord): RecordBytes {
  const writer = new Writer(256);
  if (record.kind === "offset") {
    writer.int16(OFFSET_COMMIT_KEY_TYPES.current);
    encode(OffsetCommitKey, 0, { group: record.groupId, topic: record.topic, partition: record.partition }, writer);
    return { key: writer.finishJoined(), value: record.value === null ? null : offsetValue(record.value, writer) };
  }
  writer.int16(GROUP_METADATA_KEY_TYPE);
  encode(GroupMetadataKey, 0, { group: record.groupId }, writer);
  return { key: writer.finishJoined(), value: record.value === null ? null : groupValue(record.value, writer) };
}

function offsetValue(committed: CommittedOffset, writer: Writer): Uint8Array {
  const version = committed.expireTimestampMs === -1 ? OFFSET_VALUE_VERSION : EXPIRING_OFFSET_VALUE_VERSION;
  writer.int16(version);
  encode(OffsetCommitValue, version, {
    offset: committed.offset,
    leaderEpoch: committed.leaderEpoch,
    metadata: committed.metadata,
    commitTimestamp: committed.commitTimestampMs,
    expireTimestamp: committed.expireTimestampMs,
    topicId: committed.topicId,
  }, writer);
  return writer.finishJoined();
}

function groupValue(group: StoredGroup, writer: Writer): Uint8Array {
  writer.int16(GROUP_VALUE_VERSION);
  encode(GroupMetadataValue, GROUP_VALUE_VERSION, {
    protocolType: group.protocolType,
    generation: group.generation,
    protocol: group.protocolName,
    leader: group.leader,
    currentStateTimestamp: group.stateTimestampMs,
    members: group.members.map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.instanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      rebalanceTimeout: member.rebalanceTimeoutMs,
      sessionTimeout: member.sessionTimeoutMs,
      subscription: member.subscription,
      assignment: member.assignment,
    })),
  }, writer);
  return writer.finishJoined();
}

/**
 * Null for a record of a kind or version that this broker does not know.
 * @throws {DecodeError} for a known kind with damaged bytes.
 */
export function decodeGroupRecord(key: Uint8Array, value: Uint8Array | null): GroupRecord | null {
  const reader = new Reader(key);
  const type = reader.int16();
  if (type === OFFSET_COMMIT_KEY_TYPES.legacy || type === OFFSET_COMMIT_KEY_TYPES.current) {
    const { group: groupId, topic, partition } = decode(OffsetCommitKey, 0, reader);
    if (value === null) return { kind: "offset", groupId, topic, partition, value: null };
    const body = new Reader(value);
    const version = versionOf(OffsetCommitValue, body);
    if (version === null) return null;
    const stored = decode(OffsetCommitValue, version, body);
    return {
      kind: "offset",
      groupId,
      topic,
      partition,
      value: {
        offset: stored.offset,
        leaderEpoch: stored.leaderEpoch,
        metadata: stored.metadata,
        commitTimestampMs: stored.commitTimestamp,
        expireTimestampMs: stored.expireTimestamp,
        topicId: stored.topicId,
      },
    };
  }
  if (type !== GROUP_METADATA_KEY_TYPE) return null;
  const { group: groupId } = decode(GroupMetadataKey, 0, reader);
  if (value === null) return { kind: "group", groupId, value: null };
  const body = new Reader(value);
  const version = versionOf(GroupMetadataValue, body);
  if (version === null) return null;
  const stored = decode(GroupMetadataValue, version, body);
  return {
    kind: "group",
    groupId,
    value: {
      protocolType: stored.protocolType,
      generation: stored.generation,
      protocolName: stored.protocol,
      leader: stored.leader,
      stateTimestampMs: stored.currentStateTimestamp,
      members: stored.members.map((member) => ({
        memberId: member.memberId,
        instanceId: member.groupInstanceId,
        clientId: member.clientId,
        clientHost: member.clientHost,
        rebalanceTimeoutMs: member.rebalanceTimeout,
        sessionTimeoutMs: member.sessionTimeout,
        subscription: member.subscription,
        assignment: member.assignment,
      })),
    },
  };
}

/** Null when a newer broker wrote it. @throws {DecodeError} for a version that none has. */
function versionOf({ name, minVersion, maxVersion }: typeof OffsetCommitValue | typeof GroupMetadataValue, body: Reader): number | null {
  const version = body.int16();
  if (version < minVersion) throw new DecodeError(name, "version", `is ${version}`, 0);
  return version > maxVersion ? null : version;
}
