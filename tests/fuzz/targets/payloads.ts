/**
 * Bytes inside of bytes: entries and snapshots of the metadata, records of groups, what consumers tell each other through the broker, and replies
 * with their headers. Whatever they are, a reader answers with a value that stays the same when it is written and read again, or with its one error.
 */
import { assignedPartitions } from "../../../lib/admin/v1/groups/assignment.ts";
import { decodeAssignment, decodeSubscription, encodeAssignment, encodeSubscription } from "../../../lib/client/consumer/member_data.ts";
import { decodeGroupRecord, encodeGroupRecord } from "../../../lib/state/groups/mod.ts";
import { subscribedTopics } from "../../../lib/state/groups/subscription.ts";
import {
  decodeRecords,
  decodeSnapshot,
  encodeRecords,
  encodeSnapshot,
  MetadataState,
  stateHash,
  UnreadableMetadata,
} from "../../../lib/state/metadata/mod.ts";
import * as schemas from "../../../lib/state/metadata/schemas.ts";
import type { Draws } from "../../../lib/sim/random.ts";
import { encodedMessage, type Flavour, withOtherLength } from "../message_values.ts";
import { mutate, spliced } from "../mutate.ts";
import {
  type AnyMessage,
  APIS,
  ConsumerProtocolAssignment,
  ConsumerProtocolSubscription,
  DecodeError,
  decodeResponse,
  encode,
  GROUP_METADATA_KEY_TYPE,
  GroupMetadataKey,
  GroupMetadataValue,
  OFFSET_COMMIT_KEY_TYPES,
  OffsetCommitKey,
  OffsetCommitValue,
  Writer,
  writeResponseHeader,
} from "../protocol.ts";
import { type Input, must, type Target } from "../target.ts";

/** In the order of their ids, which begin with 1. */
const METADATA: readonly AnyMessage[] = [
  schemas.clusterCreated,
  schemas.brokerRegistered,
  schemas.topicCreated,
  schemas.topicDeleted,
  schemas.partitionsAdded,
  schemas.configsChanged,
  schemas.producerIdsReserved,
  schemas.featureSet,
];
const KEYS: readonly (readonly [type: number, key: AnyMessage, value: AnyMessage])[] = [
  [OFFSET_COMMIT_KEY_TYPES.legacy, OffsetCommitKey, OffsetCommitValue],
  [OFFSET_COMMIT_KEY_TYPES.current, OffsetCommitKey, OffsetCommitValue],
  [GROUP_METADATA_KEY_TYPE, GroupMetadataKey, GroupMetadataValue],
];
const MEMBER_DATA: readonly AnyMessage[] = [ConsumerProtocolSubscription, ConsumerProtocolAssignment];
const CORRELATION_ID = 7;

/** Small numbers, so that records are about the same brokers and partitions. */
const FLAVOUR: Flavour = {
  text: (draws) => draws.pick(["orders", "payments", "retention.ms", "", "h", "broker"]),
  records: (draws) => draws.bytes(draws.below(20)),
  int32: (draws) => draws.chance(0.8) ? draws.below(4) : null,
};

const READERS: Readonly<Record<string, { make(draws: Draws): Uint8Array; read(bytes: Uint8Array, about: Input["about"]): void }>> = {
  metadata: { make: someMetadata, read: readMetadata },
  groups: { make: someGroupRecord, read: readGroupRecord },
  members: { make: (draws) => versioned(draws.pick(MEMBER_DATA), draws), read: readMemberData },
  replies: { make: (draws) => draws.bytes(draws.below(20)), read: readReply },
};
const NAMES = Object.keys(READERS);

export const payloads: Target = {
  name: "payloads",
  inputsInTest: 3_000,
  generate(draws) {
    const what = draws.pick(NAMES);
    if (what === "replies") return someReply(draws);
    const made = READERS[what]!.make(draws);
    return { about: { what }, bytes: draws.chance(0.4) ? made : mutate(made, draws, 1 + draws.below(2)) };
  },
  check: ({ about, bytes }) => READERS[String(about["what"])]!.read(bytes, about),
};

function damagedMessage(message: AnyMessage, draws: Draws): Uint8Array {
  const version = message.minVersion + draws.below(message.maxVersion - message.minVersion + 1);
  const encoded = encodedMessage(message, version, draws, FLAVOUR);
  return draws.chance(0.8) ? encoded.bytes : withOtherLength(encoded, draws);
}

function someMetadata(draws: Draws): Uint8Array {
  const records = Array.from({ length: 1 + draws.below(6) }, () => {
    const type = draws.below(METADATA.length);
    const body = damagedMessage(METADATA[type]!, draws);
    return {
      type: draws.chance(0.97) ? type + 1 : draws.pick([0, 9, -1, 32_767]),
      version: draws.chance(0.97) ? 0 : draws.pick([-1, 1, 32_767]),
      required: draws.chance(0.8),
      body: draws.chance(0.9) ? body : mutate(body, draws, 1),
    };
  });
  const writer = new Writer();
  encode(schemas.entrySchema, 0, { records }, writer);
  return writer.finishJoined();
}

function readMetadata(bytes: Uint8Array): void {
  try {
    const records = decodeRecords(bytes);
    const again = decodeRecords(encodeRecords(records));
    must(Bun.deepEquals(records, again, true), () => `Reads ${show(records)}, writes it, and then reads ${show(again)}`);
  } catch (error) {
    if (!(error instanceof UnreadableMetadata)) throw error;
    must(error.message.length > 30, "Refused without a reason");
    return;
  }
  const state = decodeSnapshot(bytes, 5);
  must(state instanceof MetadataState && state.index === 5, "No state");
  const hash = stateHash(state);
  must(stateHash(decodeSnapshot(encodeSnapshot(state), 5)) === hash, "A state is another one after it was written and read");
}

function someGroupRecord(draws: Draws): Uint8Array {
  const [type, key, value] = draws.pick(KEYS);
  const version = draws.chance(0.95)
    ? value.minVersion + draws.below(value.maxVersion - value.minVersion + 1)
    : draws.pick([-1, 99, 32_767]);
  const known = Math.max(value.minVersion, Math.min(version, value.maxVersion));
  const keyBytes = spliced(damagedMessage(key, draws), 0, 0, int16(draws.chance(0.97) ? type : draws.pick([-1, 3, 99])));
  const valueBytes = spliced(encodedMessage(value, known, draws, FLAVOUR).bytes, 0, 0, int16(version));
  const both = spliced(keyBytes, keyBytes.length, 0, draws.chance(0.9) ? valueBytes : new Uint8Array(0));
  return spliced(both, 0, 0, int16(keyBytes.length));
}

/** Length of the key, key, value; no value is a tombstone. */
function readGroupRecord(bytes: Uint8Array): void {
  const keyBytes = bytes.length < 2 ? 0 : bytes[0]! << 8 | bytes[1]!;
  const key = bytes.slice(2, 2 + keyBytes);
  const value = bytes.length <= 2 + keyBytes ? null : bytes.slice(2 + keyBytes);
  const record = decoded(() => decodeGroupRecord(key, value));
  if (record === null) return;
  const written = encodeGroupRecord(record);
  const again = decodeGroupRecord(written.key, written.value);
  const rewritten = encodeGroupRecord(again!);
  must(
    Bun.deepEquals(written, rewritten, true),
    () => `Reads ${show(record)}, writes it, and then reads ${show(again)}`,
  );
}

function versioned(message: AnyMessage, draws: Draws): Uint8Array {
  const version = message.minVersion + draws.below(message.maxVersion - message.minVersion + 1);
  const encoded = encodedMessage(message, version, draws, FLAVOUR);
  const body = draws.chance(0.7) ? encoded.bytes : withOtherLength(encoded, draws);
  return spliced(body, 0, 0, int16(draws.chance(0.9) ? version : draws.pick([-1, 4, 99, 32_767])));
}

function readMemberData(bytes: Uint8Array): void {
  const subscription = decoded(() => decodeSubscription(bytes));
  if (subscription !== null) {
    const again = decodeSubscription(encodeSubscription(subscription));
    must(Bun.deepEquals(subscription, again, true), () => `Reads ${show(subscription)}, writes it, and then reads ${show(again)}`);
    must(subscribedTopics(bytes) !== null, "A subscription of which the broker does not find the topics");
  }
  const assignment = decoded(() => decodeAssignment(bytes));
  if (assignment !== null) {
    const again = decodeAssignment(encodeAssignment(assignment));
    must(Bun.deepEquals(assignment, again, true), () => `Reads ${show(assignment)}, writes it, and then reads ${show(again)}`);
  }
  // Both say null to what they cannot read, and take no more than there is.
  must((subscribedTopics(bytes)?.length ?? 0) <= bytes.length / 2, "More topics than bytes");
  must((assignedPartitions(bytes)?.length ?? 0) <= bytes.length / 2, "More topics than bytes");
}

function someReply(draws: Draws): Input {
  const api = draws.pick(APIS);
  const version = api.minVersion + draws.below(api.maxVersion - api.minVersion + 1);
  const writer = new Writer();
  writeResponseHeader(writer, api, version, draws.chance(0.95) ? CORRELATION_ID : draws.pick([0, -1, 8]));
  const frame = spliced(damagedMessage(api.response as AnyMessage, draws), 0, 0, writer.finishJoined());
  return { about: { what: "replies", key: api.key, version }, bytes: draws.chance(0.3) ? frame : mutate(frame, draws, 1) };
}

function readReply(bytes: Uint8Array, about: Input["about"]): void {
  const api = APIS.find(({ key }) => key === about["key"])!;
  decoded(() => decodeResponse(api, Number(about["version"]), CORRELATION_ID, bytes));
}

/** Null when the bytes are refused as they should be. */
function decoded<T>(work: () => T): T | null {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return null;
  }
}

const int16 = (value: number): Uint8Array => Uint8Array.of(value >> 8, value);
const show = (value: unknown): string => Bun.inspect(value, { depth: 5 }).slice(0, 500);
