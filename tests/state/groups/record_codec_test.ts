/** `tests/golden/groups/consumer_offsets_kafka_4.3.1.segment` is partition 42 as Apache Kafka 4.3.1 wrote it: a group's life from its first join to its deletion. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { decodeBatch, forEachBatch } from "../../../lib/protocol/records/mod.ts";
import { decodeGroupRecord, encodeGroupRecord, GroupsMachine } from "../../../lib/state/groups/mod.ts";
import { SETTINGS } from "./scenario.ts";

const log = new Uint8Array(readFileSync(join(import.meta.dir, "../../golden/groups/consumer_offsets_kafka_4.3.1.segment")));
const stored: { key: Uint8Array; value: Uint8Array | null }[] = [];
forEachBatch(log, (at) => {
  for (const { key, value } of decodeBatch(log, at, 1 << 20)) stored.push({ key: key!, value });
});

test("decodeGroupRecord() reads what Apache Kafka 4.3.1 wrote", () => {
  const records = stored.map(({ key, value }) => decodeGroupRecord(key, value));
  expect(records.map((record) => record && `${record.kind} ${record.value === null ? "tombstone" : "value"}`)).toEqual([
    "group value",
    "group value",
    "offset value",
    "offset value",
    "group value",
    "offset value",
    "offset value",
    "offset tombstone",
    "offset tombstone",
    "group tombstone",
  ]);
  const group = records[1];
  expect(group).toMatchObject({
    kind: "group",
    groupId: "g1",
    value: {
      protocolType: "consumer",
      generation: 1,
      protocolName: "range",
      members: [{ clientId: "me", clientHost: "/127.0.0.1", instanceId: null, rebalanceTimeoutMs: 300_000, sessionTimeoutMs: 45_000 }],
    },
  });
  expect(records[3]).toMatchObject({
    kind: "offset",
    topic: "t",
    partition: 0,
    value: { offset: 5, leaderEpoch: 0, metadata: "", expireTimestampMs: -1, topicId: "UFKJBfivR7aCCpvo5-U70Q" },
  });
});

test("encodeGroupRecord() writes the bytes that Apache Kafka 4.3.1 writes", () => {
  for (const { key, value } of stored) {
    const again = encodeGroupRecord(decodeGroupRecord(key, value)!);
    expect(again.key).toEqual(new Uint8Array(key));
    expect(again.value).toEqual(value === null ? null : new Uint8Array(value));
  }
});

test("GroupsMachine.replay() has the group as Apache Kafka had it, record by record", () => {
  const machine = new GroupsMachine(SETTINGS);
  const states = stored.map(({ key, value }) => {
    machine.replay(decodeGroupRecord(key, value)!);
    const group = machine.describe("g1");
    return `${group?.state ?? "gone"} ${group?.members.length ?? 0} ${machine.committed("g1", "t", 0)?.offset ?? "-"}`;
  });
  expect(states).toEqual([
    "Empty 0 -",
    "Stable 1 -",
    "Stable 1 -",
    "Stable 1 5",
    "Empty 0 5",
    "Empty 0 5",
    "Empty 0 0",
    "Empty 0 -",
    "Empty 0 -",
    "gone 0 -",
  ]);
});

test("encodeGroupRecord() uses the one value version that can expire when an offset does", () => {
  const record = {
    kind: "offset",
    groupId: "g",
    topic: "t",
    partition: 1,
    value: { offset: 9, leaderEpoch: -1, metadata: "m", commitTimestampMs: 1, expireTimestampMs: 2, topicId: "AAAAAAAAAAAAAAAAAAAAAA" },
  } as const;
  const { key, value } = encodeGroupRecord(record as never);
  expect(value!.subarray(0, 2)).toEqual(new Uint8Array([0, 1]));
  expect(decodeGroupRecord(key, value)).toEqual(record as never);
});

test("decodeGroupRecord() passes over kinds and versions that it does not know", () => {
  expect(decodeGroupRecord(new Uint8Array([0, 3, 0, 1, 0x67]), null)).toBeNull();
  const { key } = stored[0]!;
  expect(decodeGroupRecord(key, new Uint8Array([0, 99, 1, 2, 3]))).toBeNull();
});
