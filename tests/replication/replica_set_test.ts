import { expect, test } from "bun:test";
import { unpooled } from "../../lib/io/mod.ts";
import { nodeId } from "../../lib/protocol/mod.ts";
import { ReplicaSet } from "../../lib/replication/mod.ts";
import type { Storage } from "../../lib/storage/types.ts";
import { ManualTime } from "./manual_time.ts";
import { MemoryStorage } from "./memory_log.ts";
import { metadataDelta, metadataImage, topicId, topicImage } from "./metadata.ts";
import { acknowledged, batch, LOG_SETTINGS, NODE, partitionState, SETTINGS, timeOnly } from "./partition_setup.ts";

function replicas(storage = new MemoryStorage()) {
  const time = new ManualTime();
  const lines: string[] = [];
  const replicaSet = new ReplicaSet({
    io: timeOnly(time),
    nodeId: NODE,
    storage: storage as unknown as Storage,
    settingsOf: (topic) => ({ ...SETTINGS, minInsyncReplicas: Number(topic.configs.get("min.insync.replicas") ?? 1) }),
    warn: (line) => lines.push(line),
  });
  return { replicaSet, storage, time, lines };
}

test("ReplicaSet.apply() opens the partitions of a new topic, under its name and its id", () => {
  const { replicaSet } = replicas();
  const orders = topicImage("orders", 1, 3);
  replicaSet.apply(metadataDelta({ topicsCreated: [orders] }), metadataImage([orders]));
  expect(replicaSet.size).toBe(3);
  expect(replicaSet.byName("orders", 2)).toBe(replicaSet.byId(topicId(1), 2));
  expect([replicaSet.byName("orders", 3), replicaSet.byName("other", 0), replicaSet.byId(topicId(2), 0)]).toEqual([null, null, null]);
  expect([...replicaSet.all()].map(({ partition }) => partition)).toEqual([0, 1, 2]);
});

test("ReplicaSet.apply() hosts only what this node replicates", () => {
  const { replicaSet, storage } = replicas();
  const elsewhere = partitionState({ partition: 1, leader: 2, replicas: [nodeId(2)], isr: [nodeId(2)] });
  const orders = topicImage("orders", 1, 1);
  const spread = { ...orders, partitions: [...orders.partitions, elsewhere] };
  replicaSet.apply(metadataDelta({ topicsCreated: [spread] }), metadataImage([spread]));
  expect([replicaSet.size, storage.byId.size]).toEqual([1, 1]);
  expect(replicaSet.byName("orders", 1)).toBeNull();
});

test("ReplicaSet.apply() deletes the logs of a deleted topic and tells who waits", async () => {
  const { replicaSet, storage, time } = replicas();
  const orders = topicImage("orders", 1, 1);
  replicaSet.apply(metadataDelta({ topicsCreated: [orders] }), metadataImage([orders]));
  const partition = replicaSet.byName("orders", 0)!;
  partition.append(batch(), unpooled, { internal: false });
  const told = acknowledged(partition, 0, -1, time.deadlines.in("produce", 1_000));
  replicaSet.apply(metadataDelta({ topicsDeleted: [orders] }), metadataImage([]));
  expect(await told).toBe("UNKNOWN_TOPIC_OR_PARTITION");
  expect(replicaSet.byName("orders", 0)).toBeNull();
  expect(replicaSet.byId(topicId(1), 0)).toBeNull();
  await replicaSet.close();
  expect(storage.deleted).toEqual([`${topicId(1)}-0`]);
});

test("ReplicaSet.close() tells who waits for a batch that nobody knows what becomes of it", async () => {
  const { replicaSet, time } = replicas();
  const orders = topicImage("orders", 1, 1);
  replicaSet.apply(metadataDelta({ topicsCreated: [orders] }), metadataImage([orders]));
  const partition = replicaSet.byName("orders", 0)!;
  partition.append(batch(), unpooled, { internal: false });
  const told = acknowledged(partition, 0, -1, time.deadlines.in("produce", 1_000));
  await replicaSet.close();
  expect(await told).toBe("REQUEST_TIMED_OUT");
});

test("ReplicaSet.apply() keeps a topic apart from an older one of the same name, also in one entry", () => {
  const { replicaSet } = replicas();
  const old = topicImage("orders", 1, 1);
  const young = topicImage("orders", 2, 1);
  replicaSet.apply(metadataDelta({ topicsCreated: [old] }), metadataImage([old]));
  replicaSet.apply(metadataDelta({ topicsDeleted: [old], topicsCreated: [young] }), metadataImage([young]));
  expect(replicaSet.byName("orders", 0)?.topicId).toBe(topicId(2));
  expect(replicaSet.size).toBe(1);
});

test("ReplicaSet.apply() adds partitions, updates leaders and settings of a changed topic", () => {
  const { replicaSet } = replicas();
  const orders = topicImage("orders", 1, 1);
  replicaSet.apply(metadataDelta({ topicsCreated: [orders] }), metadataImage([orders]));
  const changed = {
    ...orders,
    partitions: [partitionState({ leader: 2, leaderEpoch: 5 }), partitionState({ partition: 1 })],
    configs: new Map([["min.insync.replicas", "2"]]),
  };
  replicaSet.apply(metadataDelta({ topicsChanged: [changed] }), metadataImage([changed]));
  expect(replicaSet.byName("orders", 0)).toMatchObject({ isLeader: false, leaderEpoch: 5 });
  expect(replicaSet.byName("orders", 1)).toMatchObject({ isLeader: true });
  expect([...replicaSet.all()].map(({ settings }) => settings.minInsyncReplicas)).toEqual([2, 2]);
});

test("ReplicaSet.apply() resolves all settings anew when the broker's change", () => {
  const storage = new MemoryStorage();
  const { replicaSet } = replicas(storage);
  const orders = topicImage("orders", 1, 1);
  replicaSet.apply(metadataDelta({ topicsCreated: [orders] }), metadataImage([orders]));
  const changed = { ...orders, configs: new Map([["min.insync.replicas", "3"]]) };
  replicaSet.apply(metadataDelta({ configsChanged: [{ type: "broker", name: "" }] }), metadataImage([changed]));
  expect([...replicaSet.all()].map(({ settings }) => settings.minInsyncReplicas)).toEqual([3]);
});

test("ReplicaSet.start() takes up the logs on disk and deletes those that no topic owns, with a line each", async () => {
  const storage = new MemoryStorage();
  const kept = storage.createLog({ topicId: topicId(1), partition: 0 }, LOG_SETTINGS);
  kept.append(batch(3), unpooled, 0);
  kept.sync();
  storage.createLog({ topicId: topicId(9), partition: 4 }, LOG_SETTINGS);
  const { replicaSet, lines } = replicas(storage);
  replicaSet.start(metadataImage([topicImage("orders", 1, 2)]));
  await replicaSet.close();
  expect(replicaSet.byName("orders", 0)?.highWatermark).toBe(3);
  expect(storage.deleted).toEqual([`${topicId(9)}-4`]);
  expect(lines).toEqual(["Deleting a log that no topic owns"]);
});

test("ReplicaSet.start() keeps every log while there is no metadata at all", () => {
  const storage = new MemoryStorage();
  storage.createLog({ topicId: topicId(9), partition: 4 }, LOG_SETTINGS);
  const { replicaSet, lines } = replicas(storage);
  replicaSet.start(metadataImage([], [], 0));
  expect([storage.deleted, storage.byId.size, lines.length]).toEqual([[], 1, 1]);
});

test("ReplicaSet says when a log cannot be deleted, and goes on", async () => {
  const { replicaSet, storage, lines } = replicas();
  const orders = topicImage("orders", 1, 1);
  replicaSet.apply(metadataDelta({ topicsCreated: [orders] }), metadataImage([orders]));
  storage.deleteError = new Error("EBUSY");
  replicaSet.apply(metadataDelta({ topicsDeleted: [orders] }), metadataImage([]));
  await replicaSet.close();
  expect(lines).toEqual(["Cannot delete a log: the next start tries again"]);
});
