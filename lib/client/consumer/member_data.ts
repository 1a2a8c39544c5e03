/**
 * The opaque bytes of JoinGroup and SyncGroup as values. Never fails on a newer version: it is read as the newest that we know.
 * Source: KIP-429, KIP-792, KIP-881.
 */
import {
  ConsumerProtocolAssignment,
  ConsumerProtocolSubscription,
  DecodeError,
  decodePart,
  encode,
  type Message,
  Reader,
  Writer,
} from "../../protocol/mod.ts";
import type { PartitionsByTopic, Subscription } from "./assignors/types.ts";

/** The type of group that all this is about. */
export const PROTOCOL_TYPE = "consumer";

export function encodeSubscription(subscription: Subscription): Uint8Array {
  return encodeBlob(ConsumerProtocolSubscription, {
    topics: subscription.topics,
    userData: subscription.userData,
    ownedPartitions: rows(subscription.owned),
    generationId: subscription.generation,
    rackId: subscription.rackId,
  });
}

/** @throws {DecodeError} */
export function decodeSubscription(bytes: Uint8Array): Subscription {
  const { topics, userData, ownedPartitions, generationId, rackId } = decodeBlob(ConsumerProtocolSubscription, bytes);
  return { topics, userData, owned: byTopic(ownedPartitions), generation: generationId, rackId };
}

export function encodeAssignment(partitions: PartitionsByTopic): Uint8Array {
  return encodeBlob(ConsumerProtocolAssignment, { assignedPartitions: rows(partitions), userData: null });
}

/** No bytes at all: the leader did not know us, which is an empty assignment. @throws {DecodeError} */
export function decodeAssignment(bytes: Uint8Array): PartitionsByTopic {
  return bytes.length === 0 ? new Map() : byTopic(decodeBlob(ConsumerProtocolAssignment, bytes).assignedPartitions);
}

function encodeBlob<Written>(of: Message<unknown, Written>, value: Written): Uint8Array {
  const writer = new Writer(1024);
  writer.int16(of.maxVersion);
  encode(of, of.maxVersion, value, writer);
  return writer.finishJoined();
}

function decodeBlob<Read>(of: Message<Read, never>, bytes: Uint8Array): Read {
  const reader = new Reader(bytes);
  reader.context = of.name;
  const version = reader.int16();
  if (version < 0) throw new DecodeError(of.name, "version", `is ${version}`, 0);
  return decodePart(of, Math.min(version, of.maxVersion), reader);
}

type Rows = readonly { readonly topic: string; readonly partitions: readonly number[] }[];

const rows = (partitions: PartitionsByTopic): Rows => Array.from(partitions, ([topic, list]) => ({ topic, partitions: list }));

function byTopic(rows: Rows): PartitionsByTopic {
  const lists = new Map<string, readonly number[]>();
  for (const { topic, partitions } of rows) lists.set(topic, [...(lists.get(topic) ?? []), ...partitions]);
  return lists;
}
