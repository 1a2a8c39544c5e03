/** The whole node, embedded: real sockets, a real client's bytes, disk in memory or in a folder of its own. */
import { expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Broker, SettingsRefused } from "../../mod.ts";
import {
  CreateTopics,
  errorName,
  Fetch,
  FindCoordinator,
  JoinGroup,
  Metadata,
  Produce,
  readBatchHeader,
  type Uuid,
  ZERO_UUID,
} from "../../lib/protocol/mod.ts";
import { batch } from "../replication/partition_setup.ts";
import { TestClient } from "./client.ts";

async function topicIdOf(client: TestClient, name: string): Promise<Uuid> {
  const { topics } = await client.call(Metadata, { topics: [{ name, topicId: ZERO_UUID }] });
  return topics[0]!.topicId;
}

async function produce(client: TestClient, name: string, partition = 0, records = batch(2)) {
  const topicId = await topicIdOf(client, name);
  const { responses } = await client.call(Produce, {
    acks: -1,
    timeoutMs: 10_000,
    topicData: [{ name, topicId, partitionData: [{ index: partition, records }] }],
  });
  const { errorCode, baseOffset } = responses[0]!.partitionResponses[0]!;
  return { error: errorName(errorCode) as string, baseOffset };
}

async function fetch(client: TestClient, name: string, fetchOffset: number, maxWaitMs = 0, partition = 0) {
  const topicId = await topicIdOf(client, name);
  const { responses } = await client.call(Fetch, {
    maxWaitMs,
    minBytes: 1,
    maxBytes: 1 << 20,
    topics: [{ topic: name, topicId, partitions: [{ partition, fetchOffset, partitionMaxBytes: 1 << 20 }] }],
  });
  return responses[0]?.partitions[0] ?? null;
}

function folder(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), "barnabas-node-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

test("Broker.start() serves what was produced, from memory, on a free port", async () => {
  await using broker = await Broker.start({ storage: "memory", topics: ["orders", { name: "clicks", partitions: 3 }] });
  expect(broker.bootstrapServers).toBe(`127.0.0.1:${broker.address.port}`);
  using client = await TestClient.connect(broker);
  const { brokers, topics } = await client.call(Metadata, { topics: null });
  expect(brokers).toMatchObject([{ host: "127.0.0.1", port: broker.address.port }]);
  expect(topics.map(({ name, partitions }) => [name, partitions.length])).toEqual([["orders", 1], ["clicks", 3]]);
  expect(await produce(client, "clicks", 2)).toEqual({ error: "NONE", baseOffset: 0 });
  const row = await fetch(client, "clicks", 0, 0, 2);
  expect([row!.highWatermark, readBatchHeader(row!.records as Uint8Array).recordCount]).toEqual([2, 2]);
});

test("Broker keeps what it acknowledged, and the cluster's id, over a restart in the same folder", async () => {
  using place = folder();
  const clusterIds: (string | null)[] = [];
  for (const baseOffset of [0, 2, 4]) {
    await using broker = await Broker.start({ storage: place.path, topics: ["orders"] });
    using client = await TestClient.connect(broker);
    clusterIds.push((await client.call(Metadata, { topics: [] })).clusterId);
    expect(await produce(client, "orders")).toEqual({ error: "NONE", baseOffset });
  }
  expect(new Set(clusterIds).size).toBe(1);
  expect(clusterIds[0]).toHaveLength(22);
});

test("Broker.start() refuses a folder that another broker uses, and leaves that one alone", async () => {
  using place = folder();
  await using broker = await Broker.start({ storage: place.path, topics: ["orders"] });
  await expect(Broker.start({ storage: place.path })).rejects.toThrow(/another node is using it/);
  using client = await TestClient.connect(broker);
  expect(await produce(client, "orders")).toEqual({ error: "NONE", baseOffset: 0 });
});

test("Broker.start() refuses settings by name, and leaves nothing open", async () => {
  const refused = (settings: Record<string, string>) => Broker.start({ storage: "memory", settings });
  await expect(refused({ "num.partitionz": "3" })).rejects.toThrow(SettingsRefused);
  await expect(refused({ "num.partitions": "many" })).rejects.toThrow('Invalid value "many" for "num.partitions"');
  await expect(Broker.start({ storage: "memory", topics: ["no spaces"] })).rejects.toThrow('"no spaces"');
});

test("Broker.start() says which address is taken, and frees the ones that it had", async () => {
  await using first = await Broker.start({ storage: "memory" });
  const taken = `127.0.0.1:${first.address.port}`;
  await expect(Broker.start({ storage: "memory", listen: taken })).rejects.toThrow(`Cannot listen on "${taken}": EADDRINUSE`);
  await expect(Broker.start({ storage: "memory", listen: ["A://127.0.0.1:0", `B://${taken}`] })).rejects.toThrow("EADDRINUSE");
});

test("Broker has a port for each listener, and tells clients the port that they came by", async () => {
  await using broker = await Broker.start({ storage: "memory", listen: ["IN://127.0.0.1:0", "OUT://127.0.0.1:0"] });
  const [inner, outer] = broker.bootstrapServers.split(",").map((address) => Number(address.split(":")[1]));
  expect(inner).not.toBe(outer);
  using client = await TestClient.connect(broker);
  expect((await client.call(Metadata, { topics: [] })).brokers).toMatchObject([{ port: inner }]);
});

test("Broker.close() answers a parked fetch and a waiting join at once", async () => {
  await using broker = await Broker.start({
    storage: "memory",
    topics: ["orders"],
    settings: { "group.initial.rebalance.delay.ms": "60000" },
  });
  using reader = await TestClient.connect(broker);
  using member = await TestClient.connect(broker);
  using writer = await TestClient.connect(broker);
  await writer.call(FindCoordinator, { coordinatorKeys: ["g"] });
  const joining = member.call(JoinGroup, {
    groupId: "g",
    sessionTimeoutMs: 30_000,
    rebalanceTimeoutMs: 60_000,
    memberId: "",
    protocolType: "consumer",
    protocols: [{ name: "range", metadata: new Uint8Array(0) }],
  }, 3);
  const topicId = await topicIdOf(reader, "orders");
  const fetching = reader.call(Fetch, {
    maxWaitMs: 600_000,
    minBytes: 1,
    maxBytes: 1 << 20,
    topics: [{ topic: "orders", topicId, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 << 20 }] }],
  });
  let answered = 0;
  void Promise.allSettled([joining.finally(() => answered++), fetching.finally(() => answered++)]);
  // What was sent before has arrived when this is answered.
  await writer.call(Metadata, { topics: [] });
  expect(answered).toBe(0);
  await broker.close();
  expect((await fetching).errorCode).toBe(0);
  expect(errorName((await joining).errorCode)).toBe("NOT_COORDINATOR");
});

test("Broker.close() finishes what is in work: an acknowledged produce is there after a restart", async () => {
  using place = folder();
  let acknowledged = 0;
  {
    await using broker = await Broker.start({ storage: place.path, topics: ["orders"] });
    using client = await TestClient.connect(broker);
    const topicId = await topicIdOf(client, "orders");
    const replies = Array.from({ length: 100 }, () =>
      client.call(Produce, {
        acks: -1,
        timeoutMs: 10_000,
        topicData: [{ name: "orders", topicId, partitionData: [{ index: 0, records: batch(1) }] }],
      }).then(({ responses }) => responses[0]!.partitionResponses[0]!.errorCode === 0, () => false));
    await replies[0];
    await broker.close();
    acknowledged = (await Promise.all(replies)).filter(Boolean).length;
  }
  expect(acknowledged).toBeGreaterThan(0);
  await using broker = await Broker.start({ storage: place.path });
  using client = await TestClient.connect(broker);
  expect((await fetch(client, "orders", 0))!.highWatermark).toBeGreaterThanOrEqual(acknowledged);
});

test("Broker makes 1,000 topics in one request", async () => {
  await using broker = await Broker.start({ storage: "memory" });
  using client = await TestClient.connect(broker);
  const topics = Array.from(
    { length: 1000 },
    (_, at) => ({ name: `topic-${at}`, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }),
  );
  const created = await client.call(CreateTopics, { topics, timeoutMs: 30_000 });
  expect(new Set(created.topics.map(({ errorCode }) => errorCode))).toEqual(new Set([0]));
  expect(await produce(client, "topic-999")).toEqual({ error: "NONE", baseOffset: 0 });
});

test("Broker leaves no file and no socket open after 50 rounds, in memory and in a folder", async () => {
  using place = folder();
  const round = async (storage: string) => {
    await using broker = await Broker.start({ storage, topics: ["orders"], admin: "127.0.0.1:0" });
    using client = await TestClient.connect(broker);
    await produce(client, "orders");
    expect((await globalThis.fetch(`http://127.0.0.1:${broker.adminAddress!.port}/readyz`)).status).toBe(200);
  };
  const open = () => readdirSync("/proc/self/fd").length;
  await round("memory");
  await round(place.path);
  const before = open();
  for (let at = 0; at < 25; at++) {
    await round("memory");
    await round(place.path);
  }
  // The test's own HTTP connections may still be closing.
  expect(open()).toBeLessThanOrEqual(before + 10);
}, 60_000);
