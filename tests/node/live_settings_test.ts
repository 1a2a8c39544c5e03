/** Every setting that is declared live acts on a running broker: what is so before the change and after it, without a start in between. */
import { describe, expect, test } from "bun:test";
import { brokerSettings, type Setting } from "../../lib/config/mod.ts";
import { compressionOf, IncrementalAlterConfigs, readBatchHeader } from "../../lib/protocol/mod.ts";
import type { LocalPartition } from "../../lib/replication/partition.ts";
import type { StoredLog } from "../../lib/storage/log/partition_log.ts";
import type { NodeStorage } from "../../lib/storage/node_storage.ts";
import { Broker, type FixtureRecord } from "../../mod.ts";
import { TestClient } from "./client.ts";

const MIB = 1 << 20;
const HOUR = 3_600_000;
/** As `cleanup.policy=compact` needs them: batches that fill segments of 1 MiB. */
const filler = "x".repeat(400_000);

class Running implements AsyncDisposable {
  readonly broker: Broker;
  readonly #client: TestClient;

  private constructor(broker: Broker, client: TestClient) {
    this.broker = broker;
    this.#client = client;
  }

  static async start(topics: Readonly<Record<string, Readonly<Record<string, string>>>> = {}): Promise<Running> {
    const broker = await Broker.start({
      storage: "memory",
      admin: "127.0.0.1:0",
      topics: Object.entries(topics).map(([name, configs]) => ({ name, configs })),
    });
    return new Running(broker, await TestClient.connect(broker));
  }

  /** Of this broker and of all brokers: both ways must act. */
  async set(name: string, value: string, resourceName: "" | "1" = ""): Promise<void> {
    const configs = [{ name, configOperation: 0, value }];
    const { responses } = await this.#client.call(IncrementalAlterConfigs, {
      resources: [{ resourceType: 4, resourceName, configs }],
      validateOnly: false,
    });
    expect(responses[0]).toMatchObject({ errorCode: 0, errorMessage: null });
  }

  /** The error's name, or null when it was done. */
  async error(work: Promise<unknown>): Promise<string | null> {
    return await work.then(() => null, ({ error }) => error as string);
  }

  produce(topic: string, ...records: readonly (FixtureRecord | string)[]): Promise<unknown> {
    return this.broker.produce(topic, records);
  }

  /** One record a batch, so that each may begin a segment. */
  async fill(topic: string, count: number, key: (at: number) => string, timestamp = Date.now()): Promise<void> {
    for (let at = 0; at < count; at++) await this.produce(topic, { key: key(at), value: filler, timestamp });
  }

  partition(topic: string): LocalPartition {
    return this.broker.node.services.partitions.byName(topic, 0) as LocalPartition;
  }

  log(topic: string): StoredLog {
    return this.storage.log(this.partition(topic).topicId, 0)!;
  }

  get storage(): NodeStorage {
    return this.broker.node.services.storage as NodeStorage;
  }

  async count(topic: string): Promise<number> {
    return (await this.broker.records(topic)).length;
  }

  /** Batches of the newest segment that are in its index. */
  indexed(topic: string): number {
    return this.log(topic).segments.at(-1)!.index.entryCount;
  }

  async metricRows(name: string): Promise<number> {
    const text = await (await fetch(`http://127.0.0.1:${this.broker.adminAddress!.port}/metrics`)).text();
    return text.split("\n").filter((line) => line.startsWith(`${name}{`)).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client[Symbol.dispose]();
    await this.broker.close();
  }
}

const compacted = { "cleanup.policy": "compact", "segment.bytes": `${MIB}` };

const BEHAVIOURS: Readonly<Record<string, () => Promise<void>>> = {
  async "num.partitions"() {
    await using node = await Running.start();
    await node.produce("before", "a");
    await node.set("num.partitions", "3");
    await node.produce("after", "a");
    const partitions = (topic: string) => node.broker.node.controller.image.topics.get(topic)!.partitions.length;
    expect([partitions("before"), partitions("after")]).toEqual([1, 3]);
    await node.set("num.partitions", "4", "1");
    await node.produce("own", "a");
    expect(partitions("own")).toBe(4);
  },
  async "default.replication.factor"() {
    await using node = await Running.start();
    expect(await node.error(node.broker.createTopic("before"))).toBeNull();
    await node.set("default.replication.factor", "2");
    expect(await node.error(node.broker.createTopic("after"))).toBe("INVALID_REPLICATION_FACTOR");
  },
  // One replica stays writable whatever the setting: what can be seen with one node is that it reached the partition.
  async "min.insync.replicas"() {
    await using node = await Running.start({ orders: {} });
    expect(node.partition("orders").settings.minInsyncReplicas).toBe(1);
    await node.set("min.insync.replicas", "2");
    expect(node.partition("orders").settings.minInsyncReplicas).toBe(2);
  },
  async "max.partitions.per.topic"() {
    await using node = await Running.start();
    expect(await node.error(node.broker.createTopic("before", { partitions: 3 }))).toBeNull();
    await node.set("max.partitions.per.topic", "2");
    expect(await node.error(node.broker.createTopic("after", { partitions: 3 }))).toBe("INVALID_PARTITIONS");
  },
  async "max.partitions"() {
    await using node = await Running.start({ orders: {} });
    await node.set("max.partitions", "3");
    expect(await node.error(node.broker.createTopic("fits", { partitions: 2 }))).toBeNull();
    expect(await node.error(node.broker.createTopic("more"))).not.toBeNull();
    await node.set("max.partitions", "4");
    expect(await node.error(node.broker.createTopic("more"))).toBeNull();
  },
  async "log.cleanup.policy"() {
    await using node = await Running.start({ orders: {} });
    expect(await node.error(node.produce("orders", "no key"))).toBeNull();
    await node.set("log.cleanup.policy", "compact");
    expect(await node.error(node.produce("orders", "no key"))).toBe("INVALID_RECORD");
  },
  async "compression.type"() {
    await using node = await Running.start({ orders: {} });
    const codec = async () => {
      const offset = node.partition("orders").highWatermark;
      await node.produce("orders", "a".repeat(1000));
      const request = { fetchOffset: offset, maxBytes: MIB, atLeastOne: true, reader: "consumer" } as const;
      const { records: { chunks, lease } } = await node.partition("orders").read(
        request,
        node.broker.node.services.io.deadlines.in("test", 5_000),
      );
      const type = compressionOf(readBatchHeader(chunks[0]!));
      lease.release();
      return type;
    };
    expect(await codec()).toBe("none");
    await node.set("compression.type", "gzip");
    expect(await codec()).toBe("gzip");
  },
  async "message.max.bytes"() {
    await using node = await Running.start({ orders: {} });
    expect(await node.error(node.produce("orders", "a".repeat(2_000)))).toBeNull();
    await node.set("message.max.bytes", "1000");
    expect(await node.error(node.produce("orders", "a".repeat(2_000)))).toBe("MESSAGE_TOO_LARGE");
  },
  async "log.message.timestamp.type"() {
    await using node = await Running.start({ orders: {} });
    await node.produce("orders", { value: "a", timestamp: 5_000 });
    await node.set("log.message.timestamp.type", "LogAppendTime");
    await node.produce("orders", { value: "b", timestamp: 5_000 });
    const [a, b] = await node.broker.records("orders");
    expect(a!.timestamp).toBe(5_000);
    expect(b!.timestamp).toBeGreaterThan(Date.now() - HOUR);
  },
  async "log.message.timestamp.before.max.ms"() {
    await using node = await Running.start({ orders: {} });
    const old = { value: "a", timestamp: Date.now() - HOUR };
    expect(await node.error(node.produce("orders", old))).toBeNull();
    await node.set("log.message.timestamp.before.max.ms", "60000");
    expect(await node.error(node.produce("orders", old))).toBe("INVALID_TIMESTAMP");
  },
  async "log.message.timestamp.after.max.ms"() {
    await using node = await Running.start({ orders: {} });
    const ahead = { value: "a", timestamp: Date.now() + HOUR / 2 };
    expect(await node.error(node.produce("orders", ahead))).toBeNull();
    await node.set("log.message.timestamp.after.max.ms", "60000");
    expect(await node.error(node.produce("orders", ahead))).toBe("INVALID_TIMESTAMP");
  },
  async "log.retention.ms"() {
    await using node = await Running.start({ orders: {} });
    await node.produce("orders", { value: "old", timestamp: Date.now() - HOUR });
    await node.storage.maintain();
    expect(await node.count("orders")).toBe(1);
    await node.set("log.retention.ms", "60000");
    await node.storage.maintain();
    expect(await node.count("orders")).toBe(0);
  },
  async "log.retention.bytes"() {
    await using node = await Running.start({ orders: { "segment.bytes": `${MIB}` } });
    await node.fill("orders", 8, String);
    await node.storage.maintain();
    expect(await node.count("orders")).toBe(8);
    await node.set("log.retention.bytes", `${MIB}`);
    await node.storage.maintain();
    expect(await node.count("orders")).toBeLessThan(8);
  },
  async "log.segment.bytes"() {
    await using node = await Running.start({ orders: {} });
    await node.fill("orders", 6, String);
    expect(node.log("orders").segments).toHaveLength(1);
    await node.set("log.segment.bytes", `${MIB}`);
    await node.fill("orders", 6, String);
    expect(node.log("orders").segments.length).toBeGreaterThan(2);
  },
  async "log.roll.ms"() {
    await using node = await Running.start({ orders: {} });
    const at = Date.now() - HOUR;
    await node.produce("orders", { value: "a", timestamp: at });
    await node.produce("orders", { value: "b", timestamp: at + 60_000 });
    expect(node.log("orders").segments).toHaveLength(1);
    await node.set("log.roll.ms", "1000");
    await node.produce("orders", { value: "c", timestamp: at + 120_000 });
    expect(node.log("orders").segments).toHaveLength(2);
  },
  async "log.index.interval.bytes"() {
    await using node = await Running.start({ orders: {} });
    for (let i = 0; i < 10; i++) await node.produce("orders", "a".repeat(100));
    const before = node.indexed("orders");
    await node.set("log.index.interval.bytes", "0");
    for (let i = 0; i < 10; i++) await node.produce("orders", "a".repeat(100));
    expect(before).toBeLessThan(2);
    expect(node.indexed("orders") - before).toBeGreaterThan(8);
  },
  async "log.segment.delete.delay.ms"() {
    await using node = await Running.start({ first: {}, second: {} });
    const { io } = node.broker.node.services;
    const files = async () => {
      const topics = await io.disk.list("memory/topics", io.deadlines.in("test", 1_000));
      return topics.length;
    };
    for (const topic of ["first", "second"]) await node.produce(topic, "a");
    await node.storage.checkpoint();
    expect(await files()).toBe(2);
    await node.broker.deleteTopic("first");
    await node.broker.waitFor(() => node.broker.topics.length === 1);
    expect(await files()).toBe(2);
    await node.set("log.segment.delete.delay.ms", "0");
    await node.broker.deleteTopic("second");
    while (await files() !== 1) await new Promise<void>((resolve) => setImmediate(resolve));
  },
  async "log.cleaner.min.compaction.lag.ms"() {
    await using node = await Running.start({ users: compacted });
    await node.set("log.cleaner.min.compaction.lag.ms", `${HOUR}`);
    await node.fill("users", 6, () => "k");
    await node.storage.maintain();
    expect(await node.count("users")).toBe(6);
    await node.set("log.cleaner.min.compaction.lag.ms", "0");
    await node.storage.maintain();
    expect(await node.count("users")).toBeLessThan(6);
  },
  async "log.cleaner.min.cleanable.ratio"() {
    await using node = await Running.start({ users: compacted });
    await node.fill("users", 12, String);
    await node.storage.maintain();
    await node.set("log.cleaner.min.cleanable.ratio", "1");
    await node.fill("users", 4, () => "1");
    await node.storage.maintain();
    expect(await node.count("users")).toBe(16);
    await node.set("log.cleaner.min.cleanable.ratio", "0.01");
    await node.storage.maintain();
    expect(await node.count("users")).toBeLessThan(16);
  },
  async "log.cleaner.max.compaction.lag.ms"() {
    await using node = await Running.start({ users: compacted });
    await node.set("log.cleaner.min.cleanable.ratio", "1");
    await node.fill("users", 12, String);
    await node.storage.maintain();
    await node.fill("users", 4, () => "1", Date.now() - HOUR);
    await node.storage.maintain();
    expect(await node.count("users")).toBe(16);
    await node.set("log.cleaner.max.compaction.lag.ms", "60000");
    await node.storage.maintain();
    expect(await node.count("users")).toBeLessThan(16);
  },
  async "log.cleaner.delete.retention.ms"() {
    await using node = await Running.start({ users: { ...compacted, "min.cleanable.dirty.ratio": "0" } });
    const tombstones = async () => (await node.broker.records("users")).filter(({ value }) => value === null).map(({ key }) => key);
    const compactTwice = async () => {
      for (let i = 0; i < 2; i++) {
        await node.fill("users", 6, String);
        await node.storage.maintain();
      }
    };
    await node.produce("users", { key: "a", value: "1" }, { key: "a", value: null });
    await compactTwice();
    expect(await tombstones()).toEqual(["a"]);
    // When compaction first meets a tombstone it writes down until when that stays: the setting is for those that come.
    await node.set("log.cleaner.delete.retention.ms", "0");
    await node.produce("users", { key: "b", value: "1" }, { key: "b", value: null });
    await compactTwice();
    expect(await tombstones()).toEqual(["a"]);
  },
  async "metrics.topics.max"() {
    await using node = await Running.start({ a: {}, b: {} });
    expect(await node.metricRows("barnabas_topic_size_bytes")).toBe(2);
    await node.set("metrics.topics.max", "1");
    expect(await node.metricRows("barnabas_topic_size_bytes")).toBe(1);
  },
  async "metrics.group.lag.max"() {
    await using node = await Running.start({ orders: {} });
    const { groups, io, controller } = node.broker.node.services;
    const deadline = io.deadlines.in("test", 10_000);
    await groups.locate("g", deadline);
    const partitions = [{ partition: 0, offset: 0, leaderEpoch: -1, metadata: "" }];
    await groups.commit({
      groupId: "g",
      memberId: "",
      instanceId: null,
      generation: -1,
      knowsGroupIdNotFound: true,
      retentionMs: -1,
      topics: [{ topic: "orders", topicId: controller.image.topics.get("orders")!.topicId, partitions }],
    }, deadline);
    expect(await node.metricRows("barnabas_group_lag_records")).toBe(1);
    await node.set("metrics.group.lag.max", "0");
    expect(await node.metricRows("barnabas_group_lag_records")).toBe(0);
  },
};

/** Acts in the executable only, and is tested there. */
const OF_THE_EXECUTABLE = ["logging.level"];

describe("a live setting acts without a restart", () => {
  for (const [name, behaviour] of Object.entries(BEHAVIOURS)) test(name, behaviour);

  test("and there is no other", () => {
    const live = (brokerSettings as readonly Setting[]).filter((setting) => setting.live).map(({ name }) => name).sort();
    expect([...Object.keys(BEHAVIOURS), ...OF_THE_EXECUTABLE].sort()).toEqual(live);
  });

  test("one that is not live is refused on a running broker, by name", async () => {
    await using broker = await Broker.start({ storage: "memory" });
    using client = await TestClient.connect(broker);
    const fixed = (brokerSettings as readonly Setting[]).filter((setting) => !setting.live).map(({ name }) => name);
    expect(fixed.length).toBeGreaterThan(20);
    for (const name of fixed) {
      const configs = [{ name, configOperation: 0, value: "1" }];
      const resources = [{ resourceType: 4, resourceName: "", configs }];
      const { responses } = await client.call(IncrementalAlterConfigs, { resources, validateOnly: false });
      expect([name, responses[0]!.errorCode]).not.toEqual([name, 0]);
    }
  });
});
