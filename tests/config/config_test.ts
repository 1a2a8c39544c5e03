import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  brokerSettings,
  checkConfig,
  describeConfigs,
  formatValue,
  loadSettings,
  LONG_MAX,
  NodeSettings,
  parseAddress,
  parseListeners,
  parseProperties,
  parseValue,
  resolveTopicConfig,
  type Setting,
  settingNameOf,
  topicSettings,
} from "../../lib/config/mod.ts";

const none: ReadonlyMap<string, string> = new Map();
const all: readonly Setting[] = [...topicSettings, ...brokerSettings];

describe("declared settings", () => {
  for (const setting of all) {
    test(`"${setting.name}" has a documentation and a default that it would accept`, () => {
      expect(setting.doc.length).toBeGreaterThan(10);
      expect(parseValue(setting, formatValue(setting.default))).toEqual({ ok: true, value: setting.default });
    });
  }
  test("have Apache Kafka's names, defaults, types and synonyms for topics", () => {
    const file = join(import.meta.dir, "../golden/config/kafka-4.3.1-topic-configs.tsv");
    const golden = readFileSync(file, "utf8").trimEnd().split("\n").slice(1).map((line) => line.split("\t"));
    const ours = describeConfigs("topic", none, new NodeSettings());
    expect(ours.map((row) => [row.name, row.value, row.type.toUpperCase()])).toEqual(golden.map((row) => row.slice(0, 3)));
    for (const [name, , , synonyms] of golden) {
      const declared: readonly string[] = (topicSettings as readonly Setting[]).find((s) =>
        s.name === name
      )!.synonyms?.map((s) => s.name) ?? [];
      // Kafka's own names for what does not exist here need not all be known.
      expect(synonyms!.split(",")).toEqual(declared.length > 0 ? declared as string[] : expect.anything());
    }
  });
});

describe("parseValue()", () => {
  const setting = (name: string) => all.find((s) => s.name === name)!;
  const table: [string, string, unknown][] = [
    ["retention.ms", "-1", -1],
    ["retention.ms", "9223372036854775807", LONG_MAX],
    ["retention.ms", "-2", null],
    ["retention.ms", "soon", null],
    ["retention.ms", "", null],
    ["retention.ms", "1e3", null],
    ["cleanup.policy", "compact, delete", ["compact", "delete"]],
    ["cleanup.policy", "shred", null],
    ["auto.create.topics.enable", "false", false],
    ["auto.create.topics.enable", "FALSE!", null],
    ["auto.create.topics.enable", "True", true],
    ["cleanup.policy", "delete,", null],
    ["cleanup.policy", "", []],
    ["retention.ms", "9223372036854775808", null],
    ["retention.ms", "+5", 5],
    ["flush.messages", "1", 1],
    ["flush.messages", "0", null],
    ["min.cleanable.dirty.ratio", "0.25", 0.25],
    ["min.cleanable.dirty.ratio", "1.5", null],
    ["num.partitions", "2147483648", null],
    ["remote.storage.enable", "false", false],
    ["remote.storage.enable", "true", null],
  ];
  for (const [name, given, value] of table) {
    test(`of ${name} ${value === null ? "refuses" : "takes"} "${given}"`, () => {
      const parsed = parseValue(setting(name), given);
      if (value === null) {
        expect(parsed).toMatchObject({ ok: false });
        expect((parsed as { message: string }).message).toContain(`"${name}"`);
      } else expect(parsed).toEqual({ ok: true, value: value as number });
    });
  }
});

describe("checkConfig()", () => {
  test("names an unknown setting and the nearest one", () => {
    expect(checkConfig("topic", "retention.mss", "1")).toBe(`Unknown topic setting "retention.mss": did you mean "retention.ms"?`);
    expect(checkConfig("topic", "a.b.c", "1")).toBe(`Unknown topic setting "a.b.c"`);
  });
  test("lets live broker settings change and says how to change the others", () => {
    expect(checkConfig("broker", "log.retention.ms", "1000")).toBeNull();
    expect(checkConfig("broker", "node.id", "7")).toContain("restart");
  });
});

describe("resolveTopicConfig()", () => {
  test("takes the topic's value, then the broker's, then the default", () => {
    const settings = new NodeSettings(new Map([["log.retention.ms", "5000"]]));
    expect(resolveTopicConfig(none, settings.values).log.retentionMs).toBe(5000);
    expect(resolveTopicConfig(new Map([["retention.ms", "7"]]), settings.values).log.retentionMs).toBe(7);
    expect(resolveTopicConfig(none, new NodeSettings().values).log.retentionMs).toBe(604_800_000);
    settings.override(none, new Map([["log.retention.ms", "6000"]]));
    expect(resolveTopicConfig(none, settings.values).log.retentionMs).toBe(6000);
  });
  test("takes hours and minutes where nothing finer is set", () => {
    const retention = (...given: [string, string][]) => new NodeSettings(new Map(given)).values.logRetentionMs;
    expect(retention(["log.retention.hours", "2"])).toBe(7_200_000);
    expect(retention(["log.retention.hours", "2"], ["log.retention.minutes", "3"])).toBe(180_000);
    expect(retention(["log.retention.hours", "2"], ["log.retention.ms", "4"])).toBe(4);
    expect(retention(["log.retention.hours", "-1"])).toBe(-1);
  });
});

describe("loadSettings()", () => {
  test("prefers flags to the environment to the file", () => {
    const properties = "num.partitions=1\nlog.dirs=/file\nlog.retention.hours=1";
    const env = { KAFKA_NUM_PARTITIONS: "2", BARNABAS_LOG_DIRS: "/env", HOME: "/", KAFKA_HEAP_OPTS: "-Xmx1g" };
    const loaded = loadSettings({ properties, env, flags: new Map([["num.partitions", "3"]]) });
    expect(loaded).toEqual({
      given: new Map([["num.partitions", "3"], ["log.dirs", "/env"], ["log.retention.hours", "1"]]),
      warnings: [],
      errors: [],
    });
  });
  test("warns of unknown names in files and environment, refuses them as flags, refuses bad values anywhere", () => {
    const loaded = loadSettings({
      properties: "num.partition=3\nnode.id=x",
      env: { KAFKA_ZOOKEEPER_CONNECT: "z" },
      flags: new Map([["what", "1"]]),
    });
    expect(loaded.warnings).toEqual([
      `Unknown setting "num.partition" in the properties file: did you mean "num.partitions"?`,
      `Unknown setting "zookeeper.connect" in the environment variable "KAFKA_ZOOKEEPER_CONNECT"`,
    ]);
    expect(loaded.errors).toHaveLength(2);
    expect(loaded.errors[0]).toContain(`"node.id"`);
  });
  test("starts from what the apache/kafka image starts from, without its controller listener", () => {
    const loaded = loadSettings({
      properties: "process.roles=broker,controller\nnode.id=1\ncontroller.quorum.bootstrap.servers=localhost:9093\n" +
        "listeners=PLAINTEXT://:9092,CONTROLLER://:9093\ninter.broker.listener.name=PLAINTEXT\n" +
        "advertised.listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093\ncontroller.listener.names=CONTROLLER\n" +
        "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL",
      env: { KAFKA_LISTENERS: "PLAINTEXT://:9092, Controller://:9093", KAFKA_CONTROLLER_LISTENER_NAMES: "CONTROLLER" },
    });
    expect(loaded).toMatchObject({ warnings: [], errors: [] });
    const { listeners, advertisedListeners, listenerSecurityProtocolMap } = new NodeSettings(loaded.given).values;
    expect(parseListeners(listeners, advertisedListeners, listenerSecurityProtocolMap)).toEqual({
      ok: true,
      value: [{
        name: "PLAINTEXT",
        host: "",
        port: 9092,
        securityProtocol: "PLAINTEXT",
        advertised: { name: "PLAINTEXT", host: "localhost", port: 9092 },
      }],
    } as never);
  });
  test("settingNameOf() follows the rule of the apache/kafka image", () => {
    expect(settingNameOf("LOG_RETENTION_MS")).toBe("log.retention.ms");
    expect(settingNameOf("A__B___C")).toBe("a_b-c");
  });
});

describe("parseProperties()", () => {
  test("reads comments, separators, escapes and continued lines", () => {
    const text = "# no\n! no\n a = 1 \nb:2\nc 3\nd\\=e=f\\u0041\\n\nlong=one,\\\n   two\nempty=\n\nback=x\\\\\nlast=1";
    expect([...parseProperties(text)]).toEqual([
      ["a", "1 "],
      ["b", "2"],
      ["c", "3"],
      ["d=e", "fA\n"],
      ["long", "one,two"],
      ["empty", ""],
      ["back", "x\\"],
      ["last", "1"],
    ]);
  });
  test("never fails, whatever the text", () => {
    fc.assert(fc.property(fc.string({ maxLength: 200 }), (text) => parseProperties(text) instanceof Map));
  });
});

describe("parseListeners()", () => {
  const listeners = (own: string[], advertised: string[] = [], map: string[] = []) => parseListeners(own, advertised, map);
  test("reads names, hosts, IPv6 and port 0", () => {
    expect(parseAddress("127.0.0.1:9092")).toEqual({ ok: true, value: { name: "PLAINTEXT", host: "127.0.0.1", port: 9092 } });
    expect(parseAddress("external://[::1]:0")).toEqual({ ok: true, value: { name: "EXTERNAL", host: "::1", port: 0 } });
    expect(parseAddress("A://:9092")).toEqual({ ok: true, value: { name: "A", host: "", port: 9092 } });
  });
  const refused: [string, string[], string[], string[], RegExp][] = [
    ["no port", ["localhost"], [], [], /host:port/],
    ["a port that is none", ["localhost:70000"], [], [], /host:port/],
    ["a wildcard that nobody can reach", ["0.0.0.0:9092"], [], [], /--advertise/],
    ["an advertised wildcard", ["A://:9092"], ["A://0.0.0.0:9092"], [], /wildcard/],
    ["an advertised port 0", ["A://:9092"], ["A://h:0"], [], /port 0/],
    ["a name twice", ["A://h:1", "A://h:2"], [], [], /twice/],
    ["an address twice", ["A://h:1", "B://h:1"], [], [], /another listener/],
    ["advertising what does not listen", ["A://h:1"], ["B://h:1"], [], /no listener has this name/],
    ["SASL while it is not served", ["SASL_PLAINTEXT://h:1"], [], [], /not served/],
    ["SSL by the map", ["A://h:1"], [], ["A:SSL"], /not served/],
  ];
  for (const [what, own, advertised, map, message] of refused) {
    test(`refuses ${what}`, () => {
      const parsed = listeners(own, advertised, map);
      expect(parsed.ok).toBe(false);
      expect((parsed as { message: string }).message).toMatch(message);
    });
  }
  test("gives each listener what clients are told", () => {
    expect(listeners(["IN://127.0.0.1:0", "OUT://:9092"], ["OUT://kafka.example:19092"])).toMatchObject({
      ok: true,
      value: [{ name: "IN", advertised: null }, { name: "OUT", advertised: { host: "kafka.example", port: 19092 } }],
    });
  });
});
