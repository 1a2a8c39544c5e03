/** The pool against a broker of ours: real sockets, metadata, coordinators, lanes. */
import { expect, test } from "bun:test";
import { createServer } from "node:net";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { KafkaError, openCluster } from "../../lib/client/mod.ts";
import { ApiVersions, CreateTopics, DescribeCluster, Fetch, Metadata } from "../../lib/protocol/mod.ts";
import { Broker } from "../../mod.ts";
import { io, soon } from "./setup.ts";

test("cluster.call() reaches any node, a node by its id, and the controller", async () => {
  await using broker = await Broker.start({ storage: "memory", topics: ["orders"] });
  await using cluster = openCluster(io, { bootstrapServers: broker.bootstrapServers });
  const nodes = await cluster.nodes(soon());
  expect(nodes).toMatchObject([{ host: "127.0.0.1", port: broker.address.port }]);
  for (const target of ["any", "controller", nodes[0]!.id] as const) {
    const { brokers } = await cluster.call(target, DescribeCluster, { includeClusterAuthorizedOperations: false }, { deadline: soon() });
    expect(brokers).toMatchObject([{ port: broker.address.port }]);
  }
  expect(await cluster.clusterId(soon())).toHaveLength(22);
});

test("cluster.call() pipelines: a hundred and more requests of one turn are answered, each with its own reply", async () => {
  await using broker = await Broker.start({ storage: "memory" });
  await using cluster = openCluster(io, { bootstrapServers: broker.bootstrapServers });
  const names = Array.from({ length: 300 }, (_, i) => `topic-${i}`);
  const replies = await Promise.all(
    names.map((name) =>
      cluster.call("any", Metadata, { topics: [{ name, topicId: "AAAAAAAAAAAAAAAAAAAAAA" as never }], allowAutoTopicCreation: false }, {
        deadline: soon(),
      })
    ),
  );
  expect(replies.map(({ topics }) => topics[0]!.name)).toEqual(names);
});

test("cluster.topics() answers for what exists and says what does not, and keeps the first", async () => {
  await using broker = await Broker.start({ storage: "memory", topics: ["orders", { name: "clicks", partitions: 3 }] });
  await using cluster = openCluster(io, { bootstrapServers: broker.bootstrapServers });
  const found = await cluster.topics(["orders", "clicks", "nowhere"], soon());
  expect([...found.keys()].toSorted()).toEqual(["clicks", "nowhere", "orders"]);
  expect(found.get("clicks")).toMatchObject({ name: "clicks", partitions: [{ partition: 0 }, { partition: 1 }, { partition: 2 }] });
  const missing = found.get("nowhere");
  expect(missing).toBeInstanceOf(KafkaError);
  expect(missing).toMatchObject({ error: "UNKNOWN_TOPIC_OR_PARTITION", retriable: true });
  expect((await cluster.topics(["orders"], soon())).get("orders")).toBe(found.get("orders")!);
  cluster.forgetTopic("orders");
  expect((await cluster.topics(["orders"], soon())).get("orders")).not.toBe(found.get("orders")!);
});

test("cluster.topics() makes a missing topic when it is allowed to", async () => {
  await using broker = await Broker.start({ storage: "memory" });
  await using cluster = openCluster(io, { bootstrapServers: broker.bootstrapServers });
  const topic = await cluster.retry(soon(), async () => {
    const found = (await cluster.topics(["fresh"], soon(), true)).get("fresh")!;
    if (found instanceof KafkaError) throw found;
    return found;
  });
  expect(topic.partitions.length).toBeGreaterThan(0);
});

test("cluster.hintLeader() is believed when its epoch is newer, and an older answer does not undo it", async () => {
  await using broker = await Broker.start({ storage: "memory", topics: ["orders"] });
  await using cluster = openCluster(io, { bootstrapServers: broker.bootstrapServers });
  const leaderOf = async () => {
    const topic = (await cluster.topics(["orders"], soon())).get("orders")!;
    if (topic instanceof KafkaError) throw topic;
    return topic.partitions[0]!;
  };
  const { leader, leaderEpoch } = await leaderOf();
  cluster.hintLeader("orders", 0, 77, leaderEpoch, null);
  expect(await leaderOf()).toMatchObject({ leader, leaderEpoch });
  cluster.hintLeader("orders", 0, 77, leaderEpoch + 1, { id: 77, host: "localhost", port: 1, rack: null });
  expect(await leaderOf()).toMatchObject({ leader: 77, leaderEpoch: leaderEpoch + 1 });
  cluster.forgetTopic("orders");
  expect(await leaderOf()).toMatchObject({ leader: 77, leaderEpoch: leaderEpoch + 1 });
});

test("cluster.coordinator() finds two hundred groups, together", async () => {
  await using broker = await Broker.start({ storage: "memory" });
  await using cluster = openCluster(io, { bootstrapServers: broker.bootstrapServers });
  const [node] = await cluster.nodes(soon());
  const found = await Promise.all(Array.from({ length: 200 }, (_, i) => cluster.coordinator("group", `g${i}`, soon())));
  expect(new Set(found)).toEqual(new Set([node!.id]));
});

test("cluster.call() does not wait for a bootstrap server that is dead or silent", async () => {
  await using broker = await Broker.start({ storage: "memory" });
  // Accepts and never says a word.
  const silent = createServer(() => {}).listen(0, "127.0.0.1");
  await once(silent, "listening");
  const { port } = silent.address() as AddressInfo;
  await using cluster = openCluster(io, { bootstrapServers: ["127.0.0.1:1", `127.0.0.1:${port}`, broker.bootstrapServers] });
  expect(await cluster.nodes(soon(5_000))).toMatchObject([{ port: broker.address.port }]);
  silent.close();
});

test("cluster.call() speaks to an IPv6 listener", async () => {
  await using broker = await Broker.start({ storage: "memory", listen: "[::1]:0" });
  await using cluster = openCluster(io, { bootstrapServers: broker.bootstrapServers });
  expect(broker.bootstrapServers).toStartWith("[::1]:");
  expect(await cluster.nodes(soon())).toMatchObject([{ host: "::1", port: broker.address.port }]);
});

test("cluster.versionOf() is the newest in common, and call() refuses when there is none", async () => {
  await using broker = await Broker.start({ storage: "memory" });
  await using cluster = openCluster(io, { bootstrapServers: broker.bootstrapServers });
  expect(await cluster.versionOf("any", Fetch, soon())).toBe(Fetch.maxVersion);
  expect(await cluster.versionOf("any", ApiVersions, soon())).toBe(4);
  const asked = cluster.call("any", CreateTopics, { topics: [], timeoutMs: 1 }, { deadline: soon(), minVersion: 99 });
  await expect(asked).rejects.toMatchObject({ error: "UNSUPPORTED_VERSION", retriable: false });
});

test("cluster.close() fails what is under way, and what comes later, for good", async () => {
  await using broker = await Broker.start({ storage: "memory", topics: ["orders"] });
  const cluster = openCluster(io, { bootstrapServers: broker.bootstrapServers });
  const topic = (await cluster.topics(["orders"], soon())).get("orders")!;
  if (topic instanceof KafkaError) throw topic;
  const parked = cluster.call(topic.partitions[0]!.leader, Fetch, {
    maxWaitMs: 60_000,
    minBytes: 1,
    maxBytes: 1000,
    topics: [{ topic: "orders", topicId: topic.topicId as never, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }] }],
  }, { deadline: soon(60_000), lane: "fetch" });
  const failed = parked.catch((error: unknown) => error);
  await cluster.nodes(soon());
  await cluster.close();
  expect(await failed).toMatchObject({ error: "NETWORK_EXCEPTION", retriable: false });
  const ask = () => cluster.call("any", DescribeCluster, { includeClusterAuthorizedOperations: false }, { deadline: soon() });
  await expect(cluster.retry(soon(), ask)).rejects.toThrow("closed");
});

test("openCluster() refuses options by name", () => {
  const refused = (options: Record<string, unknown>) => () => openCluster(io, { bootstrapServers: "localhost:1", ...options });
  for (const bootstrapServers of ["", "localhost", "localhost:", "localhost:99999", "::1:9092", "http://localhost:1"]) {
    expect(refused({ bootstrapServers })).toThrow("Cannot use the options");
  }
  expect(refused({ requestTimeoutMs: 0 })).toThrow('"requestTimeoutMs" is 0, expected a whole number from 1 on');
  expect(refused({ retryBackoffMs: NaN })).toThrow('"retryBackoffMs"');
});
