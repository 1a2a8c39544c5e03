import { expect, test } from "bun:test";
import { OFFSETS_TOPIC } from "../../lib/coordinator/mod.ts";
import { type Uuid, ZERO_UUID } from "../../lib/protocol/ids.ts";
import { settle } from "../broker/handlers/broker_setup.ts";
import { topicImage } from "../replication/metadata.ts";
import { joining, PARTITIONS, TestNode } from "./setup.ts";

const OFFSETS = topicImage(OFFSETS_TOPIC, 900, PARTITIONS);
const ORDERS = topicImage("orders", 1, 3);

function committing(groupId: string, offset: number, topicId: Uuid = ORDERS.topicId, topic = "orders") {
  const partitions = [{ partition: 0, offset, leaderEpoch: 3, metadata: "note" }];
  const topics = [{ topic, topicId, partitions }];
  return { groupId, memberId: "", instanceId: null, generation: -1, knowsGroupIdNotFound: true, retentionMs: -1, topics };
}

/** A state that a promise is in, without waiting for it. */
async function outcome<T>(promise: Promise<T>): Promise<T | "waits"> {
  await settle();
  return Promise.race([promise, Promise.resolve("waits" as const)]);
}

async function committedOffset(node: TestNode, groupId: string): Promise<number | string | null> {
  const asked = [{ topic: "orders", partitions: [0] }];
  const { error, topics } = await node.groups.fetch(groupId, asked, false, node.deadline());
  return error === "NONE" ? topics[0]!.partitions[0]!.committed?.offset ?? null : error;
}

test("Groups.locate() makes __consumer_offsets once, however many ask at that moment", async () => {
  const node = new TestNode();
  const { promise, resolve } = Promise.withResolvers<void>();
  node.created = promise;
  const asked = ["a", "b", "c"].map((groupId) => node.groups.locate(groupId, node.deadline()));
  await settle();
  resolve();
  const nodeId = node.image.brokers.keys().next().value!;
  expect(await Promise.all(asked)).toEqual(Array(3).fill({ error: "NONE", nodeId }));
  expect(node.creations).toBe(1);
  expect(node.image.topics.get(OFFSETS_TOPIC)!.partitions.length).toBe(PARTITIONS);
});

test("Groups answers NOT_COORDINATOR for groups of partitions that are not here", async () => {
  const node = new TestNode();
  expect((await node.groups.join(joining("g", "a"), node.deadline())).error).toBe("NOT_COORDINATOR");
  expect((await node.groups.commit(committing("g", 1), node.deadline())).error).toBe("NOT_COORDINATOR");
  expect(await committedOffset(node, "g")).toBe("NOT_COORDINATOR");
  expect(node.groups.describe("g")).toEqual({ error: "NOT_COORDINATOR", group: null });
});

test("Groups.join() and sync() take a lone consumer to its assignment without any delay", async () => {
  const node = new TestNode([OFFSETS, ORDERS]);
  const joined = node.groups.join(joining("g", "a"), node.deadline());
  await node.settle();
  const join = await joined;
  expect(join).toMatchObject({ error: "NONE", generation: 1, protocolName: "range" });
  expect(join.memberId).toMatch(/^a-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  const me = { groupId: "g", memberId: join.memberId, instanceId: null, generation: 1 };
  const assignments = [{ memberId: join.memberId, assignment: new Uint8Array([7]) }];
  const synced = node.groups.sync({ ...me, protocolType: null, protocolName: null, assignments }, node.deadline());
  // An assignment that is not durable is not handed out (law 3).
  expect(await outcome(synced)).toBe("waits");
  node.storage.sync();
  expect(await synced).toMatchObject({ error: "NONE", assignment: new Uint8Array([7]) });
  expect(await node.groups.heartbeat(me, node.deadline())).toEqual({ error: "NONE" });
});

test("Groups.commit() answers, and shows the offset, when it is durable; many are on their way at once and share a sync", async () => {
  const node = new TestNode([OFFSETS, ORDERS]);
  const commits = [1, 2, 3].map((offset) => node.groups.commit(committing("g", offset), node.deadline()));
  expect(await outcome(commits[0]!)).toBe("waits");
  expect(node.logOf("g").logEndOffset).toBe(3);
  expect(await committedOffset(node, "g")).toBeNull();
  const stable = node.groups.fetch("g", null, true, node.deadline());
  expect(await outcome(stable)).toBe("waits");

  node.logOf("g").sync();
  expect((await Promise.all(commits)).map(({ error }) => error)).toEqual(["NONE", "NONE", "NONE"]);
  expect(await committedOffset(node, "g")).toBe(3);
  expect((await stable).topics[0]!.partitions[0]!.committed).toMatchObject({ offset: 3, leaderEpoch: 3, metadata: "note" });
});

test("Groups.commit() that passes its deadline is unknown: the client is told to ask again, and the offset counts when it becomes durable", async () => {
  const node = new TestNode([OFFSETS, ORDERS]);
  const commit = node.groups.commit(committing("g", 5), node.deadline(100));
  node.time.advance(200);
  expect((await commit).error).toBe("REQUEST_TIMED_OUT");
  expect(await committedOffset(node, "g")).toBeNull();
  await node.settle();
  expect(await committedOffset(node, "g")).toBe(5);
});

test("Groups after a restart: offsets, generation, members and assignments that were durable are there, others are not", async () => {
  const node = new TestNode([OFFSETS, ORDERS]);
  const joined = node.groups.join(joining("g", "a"), node.deadline());
  await node.settle();
  const { memberId } = await joined;
  const me = { groupId: "g", memberId, instanceId: null, generation: 1 };
  const assignments = [{ memberId, assignment: new Uint8Array([7]) }];
  const synced = node.groups.sync({ ...me, protocolType: null, protocolName: null, assignments }, node.deadline());
  const commit = node.groups.commit(committing("other", 41), node.deadline());
  await node.settle();
  expect([(await synced).error, (await commit).error]).toEqual(["NONE", "NONE"]);
  const lost = node.groups.commit(committing("other", 42), node.deadline());
  await settle();

  node.restart();
  expect((await lost).error).toBe("REQUEST_TIMED_OUT");
  // The answers while the logs are read, and the one exception: nobody can have been silent for too long.
  const early = node.groups.commit(committing("other", 1), node.deadline());
  const silent = node.groups.heartbeat({ ...me, generation: 99 }, node.deadline());
  expect(node.groups.list().error).toBe("COORDINATOR_LOAD_IN_PROGRESS");
  expect([(await early).error, (await silent).error]).toEqual(["COORDINATOR_LOAD_IN_PROGRESS", "NONE"]);
  await node.settle();

  expect(await committedOffset(node, "other")).toBe(41);
  expect(await node.groups.heartbeat(me, node.deadline())).toEqual({ error: "NONE" });
  expect(node.groups.describe("g").group).toMatchObject({
    state: "Stable",
    protocolName: "range",
    members: [{ memberId, clientId: "a", clientHost: "/127.0.0.1", assignment: new Uint8Array([7]) }],
  });
  expect(node.groups.list()).toEqual({
    error: "NONE",
    groups: expect.arrayContaining([
      { groupId: "g", protocolType: "consumer", state: "Stable", type: "classic" },
      { groupId: "other", protocolType: "", state: "Empty", type: "classic" },
    ]),
  });
  // Its session began anew, and ends.
  node.time.advance(10_050);
  await node.settle();
  expect(node.groups.describe("g").group).toMatchObject({ state: "Empty", members: [] });
});

test("Groups reads a log buffer by buffer and gives every buffer back", async () => {
  const node = new TestNode([OFFSETS, ORDERS], { offsetsLoadBufferBytes: 200 });
  for (let offset = 0; offset < 20; offset++) {
    void node.groups.commit(committing("g", offset), node.deadline());
  }
  await node.settle();
  node.restart();
  await node.settle();
  const log = node.logOf("g");
  expect(await committedOffset(node, "g")).toBe(19);
  expect(log.reads).toBeGreaterThan(10);
  expect(log.releasedReads).toBe(log.reads);
});

test("Groups leaves the groups of a damaged log alone, says so, and tries again later", async () => {
  const node = new TestNode([OFFSETS, ORDERS]);
  void node.groups.commit(committing("g", 1), node.deadline());
  await node.settle();
  const { bytes } = node.logOf("g").batches[0]!;
  const kept = bytes.slice();
  bytes.fill(0xff, 61);
  node.restart();
  await node.settle();
  expect(await committedOffset(node, "g")).toBe("COORDINATOR_NOT_AVAILABLE");
  expect(node.log.at(-1)).toMatchObject({ event: "Cannot read the groups of a partition: they are not available" });
  bytes.set(kept);
  node.time.advance(5_001);
  expect(await committedOffset(node, "g")).toBe("COORDINATOR_LOAD_IN_PROGRESS");
  await node.settle();
  expect(await committedOffset(node, "g")).toBe(1);
});

test("Groups sends parked members away when their partition is gone", async () => {
  const node = new TestNode([OFFSETS, ORDERS]);
  const first = node.groups.join(joining("g", "a"), node.deadline());
  await node.settle();
  await first;
  const parked = node.groups.join(joining("g", "b"), node.deadline());
  const commit = node.groups.commit(committing("h", 1), node.deadline());
  expect(await outcome(parked)).toBe("waits");
  node.delete(OFFSETS);
  expect((await parked).error).toBe("NOT_COORDINATOR");
  // It is in the log, and nobody knows what becomes of it.
  expect((await commit).error).toBe("REQUEST_TIMED_OUT");
});

test("Groups answers a parked member at its deadline, so that a client that is gone leaves nothing behind", async () => {
  const node = new TestNode([OFFSETS, ORDERS]);
  const first = node.groups.join(joining("g", "a"), node.deadline());
  await node.settle();
  const { memberId } = await first;
  const parked = node.groups.join(joining("g", "b"), node.deadline(1_000));
  expect(await outcome(parked)).toBe("waits");
  node.time.advance(1_100);
  expect((await parked).error).toBe("REBALANCE_IN_PROGRESS");
  // The rebalance goes on without its answer.
  const again = node.groups.join(joining("g", "a", memberId), node.deadline());
  await node.settle();
  expect(await again).toMatchObject({ error: "NONE", generation: 2 });
});

test("Groups forgets offsets of deleted topics, and does not show those of an earlier topic of the same name", async () => {
  const node = new TestNode([OFFSETS, ORDERS]);
  const commits = [committing("g", 1), committing("h", 2, ZERO_UUID)].map((each) => node.groups.commit(each, node.deadline()));
  await node.settle();
  await Promise.all(commits);
  node.delete(ORDERS);
  const successor = topicImage("orders", 2, 3);
  node.create(successor);
  // The tombstones are on their way; the id tells already.
  expect(await committedOffset(node, "g")).toBeNull();
  const commit = node.groups.commit(committing("g", 9, successor.topicId), node.deadline());
  await node.settle();
  expect((await commit).error).toBe("NONE");
  expect(await committedOffset(node, "g")).toBe(9);
  expect(await committedOffset(node, "h")).toBeNull();
  node.restart();
  await node.settle();
  expect(await committedOffset(node, "g")).toBe(9);
  expect(await committedOffset(node, "h")).toBeNull();
});

test("Groups forgets offsets of a topic whose deletion ended with the process, when it has read its log; others stay", async () => {
  const node = new TestNode([OFFSETS, ORDERS]);
  const commits = [committing("g", 1), committing("h", 2, ZERO_UUID)].map((each) => node.groups.commit(each, node.deadline()));
  await node.settle();
  await Promise.all(commits);
  node.delete(ORDERS);
  // The tombstones were not durable.
  node.restart();
  await node.settle();
  expect(await committedOffset(node, "g")).toBeNull();
  // Who knows of no topic cannot know that it is gone.
  expect(await committedOffset(node, "h")).toBe(2);
  const successor = node.create(topicImage("orders", 2, 3));
  const commit = node.groups.commit(committing("g", 9, successor.topicId), node.deadline());
  await node.settle();
  await commit;
  node.restart();
  await node.settle();
  expect(await committedOffset(node, "g")).toBe(9);
  node.delete(successor);
  await node.settle();
  expect(await committedOffset(node, "g")).toBeNull();
});

test("Groups forgets offsets past their retention, regularly", async () => {
  const node = new TestNode([OFFSETS, ORDERS], { offsetsRetentionMs: 50_000, offsetsRetentionCheckIntervalMs: 10_000 });
  const commit = node.groups.commit(committing("g", 1), node.deadline());
  await node.settle();
  await commit;
  node.time.advance(49_000);
  await node.settle();
  expect(await committedOffset(node, "g")).toBe(1);
  node.time.advance(11_000);
  await node.settle();
  expect(node.groups.describe("g").group).toBeNull();
});

test("Groups.deleteGroups() asks every shard and answers in the order of the request", async () => {
  const node = new TestNode([OFFSETS, ORDERS]);
  const ids = ["a", "b", "c", "d", "e"];
  const commits = ids.slice(0, 4).map((groupId) => node.groups.commit(committing(groupId, 1), node.deadline()));
  await node.settle();
  await Promise.all(commits);
  expect(new Set(ids.map((id) => node.groups.partitionFor(id))).size).toBeGreaterThan(1);
  const deleted = node.groups.deleteGroups(["e", "d", "c", "d"], node.deadline());
  await node.settle();
  expect(await deleted).toEqual([
    { groupId: "e", error: "GROUP_ID_NOT_FOUND" },
    { groupId: "d", error: "NONE" },
    { groupId: "c", error: "NONE" },
  ]);
  expect(node.groups.list().groups.map(({ groupId }) => groupId).sort()).toEqual(["a", "b"]);
});

test("Groups.lag() tells committed offsets beside the ends of their partitions", async () => {
  const node = new TestNode([OFFSETS, ORDERS]);
  const commits = [
    node.groups.commit(committing("g", 0), node.deadline()),
    node.groups.commit(committing("g", 4, ZERO_UUID, "gone"), node.deadline()),
  ];
  await node.settle();
  await Promise.all(commits);
  const { partitions } = await node.groups.lag("g", node.deadline());
  expect(partitions).toMatchObject([
    { topic: "orders", partition: 0, committed: { offset: 0 }, endOffset: 0, lag: 0 },
    { topic: "gone", partition: 0, committed: { offset: 4 }, endOffset: null, lag: null },
  ]);
});

test("Groups passes a refused append on as an error of the coordinator", async () => {
  const node = new TestNode([OFFSETS, ORDERS]);
  const { DiskFull } = await import("../../lib/storage/errors.ts");
  node.logOf("g").appendError = new DiskFull("Cannot append: the disk is full");
  expect((await node.groups.commit(committing("g", 1), node.deadline())).error).toMatch(/^(COORDINATOR_NOT_AVAILABLE|NOT_COORDINATOR)$/);
  const again = node.groups.commit(committing("g", 2), node.deadline());
  await node.settle();
  expect((await again).error).toBe("NONE");
  expect(await committedOffset(node, "g")).toBe(2);
});

test("Groups.onRebalanced() tells of a rebalance when its end is durable, and counts it", async () => {
  const node = new TestNode([OFFSETS, ORDERS]);
  const told: unknown[] = [];
  const listening = node.groups.onRebalanced(({ groupId, generation, members }) => told.push({ groupId, generation, members }));
  const joined = node.groups.join(joining("g", "a"), node.deadline());
  await node.settle();
  const { memberId } = await joined;
  const me = { groupId: "g", memberId, instanceId: null, generation: 1 };
  const assignments = [{ memberId, assignment: new Uint8Array([7]) }];
  const synced = node.groups.sync({ ...me, protocolType: null, protocolName: null, assignments }, node.deadline());
  await settle();
  expect({ told, rebalances: node.groups.stats().rebalances }).toEqual({ told: [], rebalances: 0 });
  await node.settle();
  await synced;
  expect(told).toEqual([{ groupId: "g", generation: 1, members: [memberId] }]);
  // A commit is no rebalance.
  void node.groups.commit(committing("h", 4), node.deadline());
  await node.settle();
  expect(node.groups.stats().rebalances).toBe(1);
  listening.cancel();
  void node.groups.leave({ groupId: "g", members: [{ memberId, instanceId: null }] }, node.deadline());
  await node.settle();
  expect({ told: told.length, rebalances: node.groups.stats().rebalances }).toEqual({ told: 1, rebalances: 2 });
});
