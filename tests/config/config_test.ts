import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  brokerSettings,
  checkConfig,
  describeConfigs,
  formatValue,
  kafkaOnly,
  kafkaOnlyRule,
  LONG_MAX,
  NodeSettings,
  parseValue,
  resolveTopicConfig,
  type Setting,
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

describe("broker settings beside those of Apache Kafka 4.3.1", () => {
  const file = join(import.meta.dir, "../golden/config/kafka-4.3.1-broker-configs.tsv");
  const golden = readFileSync(file, "utf8").trimEnd().split("\n").slice(1).map((line) => line.split("\t") as [string, string, string]);
  const kafka = new Map(golden.map(([name, value, type]) => [name, { value, type }]));
  /** Kafka has no default for the finer units, so that the coarser ones count; here every one shows what it comes to. */
  const FINER = new Set(["log.retention.ms", "log.retention.minutes", "log.roll.ms"]);

  for (const setting of brokerSettings as readonly Setting[]) {
    test(`"${setting.name}" is Kafka's, or said not to be; a default that differs is told`, () => {
      const theirs = kafka.get(setting.name);
      expect(theirs === undefined).toBe(setting.own === true);
      if (theirs === undefined || setting.kafka !== undefined || FINER.has(setting.name)) return;
      expect(formatValue(setting.default)).toBe(theirs.value);
    });
  }
  test("each that Kafka has is ours, another name of ours, or known not to be here", () => {
    const aliases = new Set((brokerSettings as readonly Setting[]).flatMap((setting) => setting.aliases ?? []));
    const ours = new Set<string>(brokerSettings.map((setting) => setting.name));
    expect(golden.length).toBeGreaterThan(300);
    expect(golden.filter(([name]) => !ours.has(name) && !aliases.has(name) && kafkaOnlyRule(name) === null)).toEqual([]);
  });
  test("none of ours is among those that are said not to be here", () => {
    // A rule takes a family of names at once; what is declared is looked for first.
    const exact = kafkaOnly.filter((rule) =>
      (brokerSettings as readonly Setting[]).some(({ name }) => rule.names.source === `^${name.replaceAll(".", "\\.")}$`)
    );
    expect(exact).toEqual([]);
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
