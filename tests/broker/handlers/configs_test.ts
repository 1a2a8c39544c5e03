import { describe, expect, test } from "bun:test";
import { alterConfigs } from "../../../lib/broker/handlers/alter_configs.ts";
import { createTopics } from "../../../lib/broker/handlers/create_topics.ts";
import { describeConfigs } from "../../../lib/broker/handlers/describe_configs.ts";
import { incrementalAlterConfigs } from "../../../lib/broker/handlers/incremental_alter_configs.ts";
import { listConfigResources } from "../../../lib/broker/handlers/list_config_resources.ts";
import { errorCode } from "../../../lib/protocol/mod.ts";
import { topic } from "../../controller/fixture.ts";
import { type HandlerFixture, startBroker } from "./metadata_fixture.ts";

const TOPIC = 2;
const BROKER = 4;
const CLIENT_METRICS = 16;
const GROUP = 32;
const INVALID_REQUEST = errorCode("INVALID_REQUEST");
const INVALID_CONFIG = errorCode("INVALID_CONFIG");

const create = (name: string, change: object = {}) => ({
  name,
  numPartitions: -1,
  replicationFactor: -1,
  assignments: [],
  configs: [],
  ...change,
});
const set = (name: string, value: string | null, configOperation = 0) => ({ name, value, configOperation });
const alter = (broker: HandlerFixture, resourceType: number, resourceName: string, configs: readonly object[], validateOnly = false) =>
  broker.ask(incrementalAlterConfigs, 1, { resources: [{ resourceType, resourceName, configs }], validateOnly });
const show = async (
  broker: HandlerFixture,
  resourceType: number,
  resourceName: string,
  keys: readonly string[] | null = null,
  version = 4,
) => {
  const resources = [{ resourceType, resourceName, configurationKeys: keys }];
  return (await broker.ask(describeConfigs, version, { resources, includeSynonyms: true, includeDocumentation: true })).results[0]!;
};

describe("createTopics", () => {
  test("creates in every version, tells counts and settings from v5 on and the id from v7 on", async () => {
    for (const version of [2, 3, 4, 5, 6, 7]) {
      const broker = await startBroker();
      const topics = [create("a", { numPartitions: 3, configs: [{ name: "retention.ms", value: "5" }] }), create("b")];
      const reply = await broker.ask(createTopics, version, { topics, timeoutMs: 1_000 });
      expect(reply.topics.map((row) => [row.name, row.errorCode])).toEqual([["a", 0], ["b", 0]]);
      const a = reply.topics[0]!;
      const known = broker.controller.image.topics.get("a")!;
      expect(known.partitions).toHaveLength(3);
      if (version >= 7) expect(a.topicId).toBe(known.topicId);
      if (version >= 5) {
        expect([a.numPartitions, a.replicationFactor]).toEqual([3, 1]);
        expect(a.configs!.find((row) => row.name === "retention.ms")).toMatchObject({ value: "5", configSource: 1 });
        expect(a.configs!.find((row) => row.name === "cleanup.policy")).toMatchObject({ value: "delete", configSource: 5 });
      }
    }
  });

  test("tells each refusal and creates the rest", async () => {
    const broker = await startBroker();
    await broker.controller.createTopics([topic("there")], false, broker.soon());
    const topics = [
      create("there"),
      create("a b"),
      create("x.y"),
      create("x_y"),
      create("none", { numPartitions: 0 }),
      create("zero", { replicationFactor: 0 }),
      create("three", { replicationFactor: 3 }),
      create("hole", { assignments: [{ partitionIndex: 1, brokerIds: [1] }] }),
      create("alien", { assignments: [{ partitionIndex: 0, brokerIds: [9] }] }),
      create("both", { numPartitions: 1, assignments: [{ partitionIndex: 0, brokerIds: [1] }] }),
      create("wrong", { configs: [{ name: "retention.ms", value: "soon" }] }),
      create("unknown", { configs: [{ name: "retention.mss", value: "1" }] }),
      create("null", { configs: [{ name: "retention.ms", value: null }] }),
      create("placed", { assignments: [{ partitionIndex: 0, brokerIds: [1] }, { partitionIndex: 1, brokerIds: [1] }] }),
      create("twice"),
      create("twice"),
    ];
    const reply = await broker.ask(createTopics, 7, { topics, timeoutMs: 1_000 });
    expect(Object.fromEntries(reply.topics.map((row) => [row.name, row.errorCode]))).toEqual({
      "there": errorCode("TOPIC_ALREADY_EXISTS"),
      "a b": errorCode("INVALID_TOPIC_EXCEPTION"),
      "x.y": 0,
      "x_y": errorCode("INVALID_TOPIC_EXCEPTION"),
      "none": errorCode("INVALID_PARTITIONS"),
      "zero": errorCode("INVALID_REPLICATION_FACTOR"),
      "three": errorCode("INVALID_REPLICATION_FACTOR"),
      "hole": errorCode("INVALID_REPLICA_ASSIGNMENT"),
      "alien": errorCode("INVALID_REPLICA_ASSIGNMENT"),
      "both": INVALID_REQUEST,
      "wrong": INVALID_CONFIG,
      "unknown": INVALID_CONFIG,
      "null": INVALID_CONFIG,
      "placed": 0,
      "twice": INVALID_REQUEST,
    });
    expect(reply.topics).toHaveLength(15);
    expect(reply.topics.find((row) => row.name === "unknown")!.errorMessage).toContain('"retention.mss"');
    expect([...broker.controller.image.topics.keys()]).toEqual(["there", "x.y", "placed"]);
  });

  test("with validateOnly answers as it would and creates nothing", async () => {
    const broker = await startBroker();
    const reply = await broker.ask(createTopics, 7, { topics: [create("a")], timeoutMs: 1_000, validateOnly: true });
    expect(reply.topics).toMatchObject([{ name: "a", errorCode: 0, numPartitions: 1, replicationFactor: 1 }]);
    expect(broker.controller.image.topics.size).toBe(0);
  });
});

describe("incrementalAlterConfigs", () => {
  test("sets, deletes, appends and subtracts", async () => {
    const broker = await startBroker();
    await broker.controller.createTopics([topic("a")], false, broker.soon());
    const configs = () => Object.fromEntries(broker.controller.image.topics.get("a")!.configs);
    await alter(broker, TOPIC, "a", [set("retention.ms", "7"), set("cleanup.policy", "compact", 2)]);
    expect(configs()).toEqual({ "retention.ms": "7", "cleanup.policy": "delete,compact" });
    await alter(broker, TOPIC, "a", [set("retention.ms", null, 1), set("cleanup.policy", "delete", 3)]);
    expect(configs()).toEqual({ "cleanup.policy": "compact" });
  });

  test("changes all of a resource or nothing, and says why", async () => {
    const broker = await startBroker();
    await broker.controller.createTopics([topic("a")], false, broker.soon());
    const codes = async (resourceType: number, name: string, configs: readonly object[]) =>
      (await alter(broker, resourceType, name, configs)).responses[0]!.errorCode;
    expect(await codes(TOPIC, "a", [set("retention.ms", "7"), set("segment.ms", "never")])).toBe(INVALID_CONFIG);
    expect(await codes(TOPIC, "a", [set("retention.mss", "7")])).toBe(INVALID_CONFIG);
    expect(await codes(TOPIC, "a", [set("retention.ms", "7", 2)])).toBe(INVALID_CONFIG);
    expect(await codes(TOPIC, "a", [set("retention.ms", null)])).toBe(INVALID_REQUEST);
    expect(await codes(TOPIC, "a", [set("retention.ms", "7", 9)])).toBe(INVALID_REQUEST);
    expect(await codes(TOPIC, "a", [set("retention.ms", "7"), set("retention.ms", "8")])).toBe(INVALID_REQUEST);
    expect(await codes(TOPIC, "b", [set("retention.ms", "7")])).toBe(errorCode("UNKNOWN_TOPIC_OR_PARTITION"));
    expect(await codes(BROKER, "2", [set("log.retention.ms", "7")])).toBe(INVALID_REQUEST);
    expect(await codes(BROKER, "1", [set("listeners", "PLAINTEXT://:1")])).toBe(INVALID_REQUEST);
    expect(await codes(BROKER, "1", [set("log.retention.ms", "soon")])).toBe(INVALID_REQUEST);
    expect(await codes(8, "1", [set("root", "DEBUG")])).toBe(INVALID_REQUEST);
    expect(broker.controller.image.topics.get("a")!.configs.size).toBe(0);
  });

  test("refuses both rows of a resource that is named twice, and changes others", async () => {
    const broker = await startBroker();
    await broker.controller.createTopics([topic("a"), topic("b")], false, broker.soon());
    const row = (resourceName: string, value: string) => ({ resourceType: TOPIC, resourceName, configs: [set("retention.ms", value)] });
    const asked = { resources: [row("a", "1"), row("b", "2"), row("a", "3")], validateOnly: false };
    for (const version of [0, 1]) {
      const { responses } = await broker.ask(incrementalAlterConfigs, version, asked);
      expect(responses.map((each) => each.errorCode)).toEqual([INVALID_REQUEST, 0, INVALID_REQUEST]);
    }
    expect([...broker.controller.image.topics.values()].map(({ configs }) => configs.get("retention.ms"))).toEqual([undefined, "2"]);
  });

  test("changes what the broker can change while it runs, for one and for all", async () => {
    const broker = await startBroker();
    await alter(broker, BROKER, "", [set("num.partitions", "4"), set("log.retention.ms", "8")]);
    await alter(broker, BROKER, "1", [set("num.partitions", "5")]);
    expect(broker.nodeSettings.values.numPartitions).toBe(5);
    await broker.ask(createTopics, 7, { topics: [create("a")], timeoutMs: 1_000 });
    expect(broker.controller.image.topics.get("a")!.partitions).toHaveLength(5);
    const all = await show(broker, BROKER, "");
    expect(all.configs.map(({ name, value, configSource }) => [name, value, configSource])).toEqual([
      ["num.partitions", "4", 3],
      ["log.retention.ms", "8", 3],
    ]);
    const own = await show(broker, BROKER, "1", ["num.partitions"]);
    expect(own.configs[0]).toMatchObject({ value: "5", configSource: 2, readOnly: false });
    expect(own.configs[0]!.synonyms.map(({ value, source }) => [value, source])).toEqual([["5", 2], ["4", 3], ["1", 5]]);
  });
});

describe("alterConfigs", () => {
  test("replaces all overrides in every version, and with validateOnly none", async () => {
    const broker = await startBroker();
    await broker.controller.createTopics([topic("a")], false, broker.soon());
    for (const version of [0, 1, 2]) {
      await alter(broker, TOPIC, "a", [set("retention.ms", "7"), set("segment.ms", "7")]);
      const resources = [{ resourceType: TOPIC, resourceName: "a", configs: [{ name: "segment.ms", value: "8" }] }];
      await broker.ask(alterConfigs, version, { resources, validateOnly: true });
      expect(broker.controller.image.topics.get("a")!.configs.size).toBe(2);
      const reply = await broker.ask(alterConfigs, version, { resources, validateOnly: false });
      expect(reply.responses).toMatchObject([{ errorCode: 0, resourceName: "a" }]);
      expect([...broker.controller.image.topics.get("a")!.configs]).toEqual([["segment.ms", "8"]]);
    }
  });
});

describe("describeConfigs", () => {
  test("tells value, source, synonyms, type and documentation in the versions that have them", async () => {
    const broker = await startBroker();
    await broker.controller.createTopics([topic("a", { configs: [{ name: "retention.ms", value: "7" }] })], false, broker.soon());
    for (const version of [1, 2, 3, 4]) {
      const { errorCode: code, configs: [row, ...rest] } = await show(broker, TOPIC, "a", ["retention.ms"], version);
      expect([code, rest]).toEqual([0, []]);
      expect(row).toMatchObject({ name: "retention.ms", value: "7", configSource: 1, readOnly: false, isSensitive: false });
      expect(row!.synonyms.map(({ name, value, source }) => [name, value, source])).toEqual([
        ["retention.ms", "7", 1],
        ["log.retention.ms", "604800000", 5],
      ]);
      if (version >= 3) expect(row).toMatchObject({ configType: 5, documentation: expect.stringContaining("-1 is never") });
    }
    const resources = [{ resourceType: TOPIC, resourceName: "a", configurationKeys: null }];
    const { results: [quiet] } = await broker.ask(describeConfigs, 4, { resources });
    expect(quiet!.configs.length).toBeGreaterThan(25);
    expect((await show(broker, TOPIC, "a", [])).configs).toHaveLength(quiet!.configs.length);
    expect(quiet!.configs.every((row) => row.synonyms.length === 0 && row.documentation === null)).toBe(true);
  });

  test("says what cannot be described", async () => {
    const broker = await startBroker();
    const code = async (resourceType: number, name: string) => (await show(broker, resourceType, name)).errorCode;
    expect(await code(TOPIC, "missing")).toBe(errorCode("UNKNOWN_TOPIC_OR_PARTITION"));
    expect(await code(TOPIC, "a b")).toBe(errorCode("INVALID_TOPIC_EXCEPTION"));
    expect(await code(BROKER, "7")).toBe(INVALID_REQUEST);
    expect(await code(8, "1")).toBe(INVALID_REQUEST);
    expect(await code(GROUP, "")).toBe(INVALID_REQUEST);
    expect(await code(CLIENT_METRICS, "")).toBe(INVALID_REQUEST);
  });
});

describe("settings of groups and of client metrics", () => {
  test("are described as Kafka's, with defaults, synonyms and what is accepted", async () => {
    const broker = await startBroker();
    const group = await show(broker, GROUP, "g", ["consumer.session.timeout.ms", "share.auto.offset.reset"]);
    expect(group).toMatchObject({
      errorCode: 0,
      errorMessage: "",
      configs: [
        {
          name: "consumer.session.timeout.ms",
          value: "45000",
          configSource: 5,
          configType: 3,
          synonyms: [{ name: "group.consumer.session.timeout.ms", value: "45000", source: 5 }],
          documentation: expect.stringContaining('only its default "45000"'),
        },
        { name: "share.auto.offset.reset", value: "latest", configSource: 5, configType: 2 },
      ],
    });
    expect((await show(broker, GROUP, "g")).configs).toHaveLength(17);
    const metrics = await show(broker, CLIENT_METRICS, "m");
    expect(metrics.configs.map(({ name, value, synonyms }) => [name, value, synonyms])).toEqual([
      ["interval.ms", "300000", []],
      ["match", "", []],
      ["metrics", "", []],
    ]);
  });

  test("take their defaults only, because nothing reads them, and say why", async () => {
    const broker = await startBroker();
    const [refused] = (await alter(broker, GROUP, "g", [set("consumer.session.timeout.ms", "50000")])).responses;
    expect(refused).toMatchObject({ errorCode: INVALID_CONFIG, errorMessage: expect.stringContaining("KIP-848") });
    const [unknown] = (await alter(broker, GROUP, "g", [set("session.timeout.ms", "50000")])).responses;
    expect(unknown).toMatchObject({ errorCode: INVALID_CONFIG, errorMessage: expect.stringContaining('"session.timeout.ms"') });
    const [metrics] = (await alter(broker, CLIENT_METRICS, "m", [set("no.such.setting", "1")])).responses;
    expect(metrics!.errorCode).toBe(INVALID_REQUEST);
    const [taken] = (await alter(broker, GROUP, "g", [set("consumer.session.timeout.ms", "45000")])).responses;
    expect(taken!.errorCode).toBe(0);
    const { configs: [row] } = await show(broker, GROUP, "g", ["consumer.session.timeout.ms"]);
    expect(row).toMatchObject({ configSource: 8, synonyms: [{ source: 8 }, { source: 5 }] });
    expect((await broker.ask(listConfigResources, 1, { resourceTypes: [GROUP] })).configResources).toEqual([
      { resourceName: "g", resourceType: GROUP },
    ]);
  });
});

describe("listConfigResources", () => {
  test("lists topics and brokers, in v0 client metrics only", async () => {
    const broker = await startBroker();
    await broker.controller.createTopics([topic("a")], false, broker.soon());
    expect((await broker.ask(listConfigResources, 0, {})).configResources).toEqual([]);
    const all = await broker.ask(listConfigResources, 1, { resourceTypes: [] });
    expect(all.configResources).toEqual([{ resourceName: "a", resourceType: 2 }, { resourceName: "1", resourceType: 4 }]);
    expect((await broker.ask(listConfigResources, 1, { resourceTypes: [BROKER] })).configResources).toHaveLength(1);
    expect((await broker.ask(listConfigResources, 1, { resourceTypes: [8] })).errorCode).toBe(errorCode("UNSUPPORTED_VERSION"));
  });
});
