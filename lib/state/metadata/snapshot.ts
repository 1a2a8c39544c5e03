/**
 * The whole state as the shortest list of records that makes it, in one order: equal states have equal bytes, so the same bytes serve
 * as snapshot and, digested, for comparing nodes. It must not contain anything that is not replicated.
 */
import { producerId, ZERO_UUID } from "../../protocol/mod.ts";
import type { ConfigResourceType } from "./image.ts";
import { byKey, decodeRecords, encodeRecords, type MetadataRecord } from "./records.ts";
import { MetadataState } from "./state.ts";

const overridable: readonly ConfigResourceType[] = ["broker", "group", "client-metrics"];

export function encodeSnapshot(state: MetadataState): Uint8Array {
  return encodeRecords([...records(state)]);
}

/** @param index Raft index that the snapshot stands for. @throws {UnreadableMetadata} */
export function decodeSnapshot(bytes: Uint8Array, index: number): MetadataState {
  const state = new MetadataState();
  for (const record of decodeRecords(bytes)) state.replay(record);
  state.index = index;
  state.takeDelta();
  return state;
}

function* records(state: MetadataState): Iterable<MetadataRecord> {
  if (state.clusterId !== ZERO_UUID) yield { type: "clusterCreated", clusterId: state.clusterId };
  for (const [feature, level] of [...state.features].sort(byKey)) yield { type: "featureSet", feature, level };
  for (const broker of [...state.brokers.values()].sort((a, b) => a.id - b.id)) yield { type: "brokerRegistered", broker };
  if (state.nextProducerId > 0) yield { type: "producerIdsReserved", next: producerId(state.nextProducerId) };
  for (const [, topic] of [...state.topics].sort(byKey)) yield { type: "topicCreated", topic };
  for (const resource of overridable) {
    for (const name of [...state.configured(resource)].sort()) {
      yield { type: "configsChanged", resource, name, changes: [...state.configs(resource, name)].sort(byKey) };
    }
  }
}

/** 32 hexadecimal digits that are equal for equal states. */
export const stateHash = (state: MetadataState): string => snapshotHash(encodeSnapshot(state));

/**
 * What `stateHash` says of the state of which this is the snapshot: FNV-1a over its bytes, four lanes in turns, each of which also takes from the
 * one before it. Not for secrets.
 */
export function snapshotHash(bytes: Uint8Array): string {
  const { length } = bytes;
  let [one, two, three, four] = [0x811c9dc5 | 0, 0x01000193, 0x9e3779b9 | 0, 0x85ebca6b | 0];
  for (let at = 0; at < length; at += 4) {
    one = Math.imul(one ^ bytes[at]! ^ (four >>> 15), PRIME);
    if (at + 1 < length) two = Math.imul(two ^ bytes[at + 1]! ^ (one >>> 15), PRIME);
    if (at + 2 < length) three = Math.imul(three ^ bytes[at + 2]! ^ (two >>> 15), PRIME);
    if (at + 3 < length) four = Math.imul(four ^ bytes[at + 3]! ^ (three >>> 15), PRIME);
  }
  return [one, two, three, four].map((lane) => (lane >>> 0).toString(16).padStart(8, "0")).join("");
}

const PRIME = 0x01000193;
