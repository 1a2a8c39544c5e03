import { describe, expect, test } from "bun:test";
import { brokerSettings, explainSettings, explainStranger, loadSettings, topicSettings, unitOf } from "../../lib/config/mod.ts";
import { explained } from "../../lib/cli/config_explain.ts";
import { configurationPage } from "../../scripts/configuration_page.ts";

const one = (name: string, texts: Parameters<typeof loadSettings>[0] = {}) => explainSettings(loadSettings(texts), name)[0]!;

describe("explainSettings()", () => {
  test("knows every setting, of the broker and of topics", () => {
    expect(explainSettings(loadSettings({})).map(({ of, name }) => `${of} ${name}`)).toEqual([
      ...brokerSettings.map(({ name }) => `broker ${name}`),
      ...topicSettings.map(({ name }) => `topic ${name}`),
    ]);
    expect(explainSettings(loadSettings({}), "min.insync.replicas").map(({ of }) => of)).toEqual(["broker", "topic"]);
    expect(one("broker.id").name).toBe("node.id");
    expect(explainSettings(loadSettings({}), "nothing")).toEqual([]);
  });
  test("tells the value that counts, where it is from, and what does not count", () => {
    const told = one("num.partitions", {
      properties: "num.partitions=3",
      env: { KAFKA_NUM_PARTITIONS: "4" },
      flags: new Map([["num.partitions", "5"]]),
    });
    expect(told).toMatchObject({
      value: "5",
      from: "the flags",
      overruled: [{ value: "4", where: "KAFKA_NUM_PARTITIONS" }, { value: "3", where: "line 1 of the properties file" }],
    });
    expect(one("num.partitions")).toMatchObject({ value: "1", from: "the default", overruled: [] });
  });
  test("follows the units of one thing, and the topic's value to the broker's", () => {
    const texts = { env: { KAFKA_LOG_RETENTION_HOURS: "2" } };
    expect(one("log.retention.ms", texts)).toMatchObject({ value: "7200000", from: "a coarser unit" });
    expect(one("retention.ms", texts)).toMatchObject({ value: "7200000", from: 'the broker\'s "log.retention.hours"' });
    expect(one("retention.ms")).toMatchObject({ value: "604800000", from: "the default", defaultInWords: "7 days" });
    expect(one("log.retention.hours", { flags: new Map([["log.retention.ms", "5"]]) }).related).toContain(
      '"log.retention.ms" counts more, and is set',
    );
  });
  test("says where a setting is set, and what Kafka does differently", () => {
    expect(one("node.id").setBy).toEqual([
      "flag --node-id, or --set node.id=VALUE",
      "environment BARNABAS_NODE_ID or KAFKA_NODE_ID",
      "node.id in the properties file",
    ]);
    expect(one("max.connections").kafka).toContain("2147483647");
    expect(one("wal.file.bytes")).toMatchObject({ own: true, unit: "bytes", defaultInWords: "64 MiB" });
    expect(one("log.retention.ms").live).toBe(true);
  });
  test("gives a unit to every number whose name has one", () => {
    const named = [...brokerSettings, ...topicSettings].filter(({ name }) => /(?:ms|bytes|minutes|hours)(?:\.max)?$/.test(name));
    expect(named.filter((setting) => unitOf(setting) === null).map(({ name }) => name)).toEqual([]);
  });
});

describe("explainStranger()", () => {
  test("tells Kafka's settings from nobody's, and suggests", () => {
    expect(explainStranger("num.io.threads")).toMatchObject({ isKafkas: true, text: expect.stringContaining("one event loop") });
    expect(explainStranger("consumer.session.timeout.ms")).toMatchObject({
      isKafkas: true,
      text: expect.stringContaining('Here it takes only its default "45000": groups are classic'),
    });
    expect(explainStranger("log.retenton.ms")).toEqual({
      isKafkas: false,
      text: 'Unknown setting "log.retenton.ms": did you mean "log.retention.ms"?',
    });
  });
});

test("explained() is a paragraph for people", () => {
  expect(explained(one("log.retention.ms", { flags: new Map([["log.retention.ms", "-1"]]) })).split("\n")).toEqual([
    "log.retention.ms, a setting of the broker",
    "  Default of retention.ms",
    "",
    "  Type      long, milliseconds",
    "  Accepted  a whole number from -1 to 9223372036854775807",
    "  Default   604800000 (7 days)",
    "  Value     -1, from the flags",
    "  Set by    barnabas config set broker log.retention.ms=VALUE, on a running broker",
    "            flag --set log.retention.ms=VALUE",
    "            environment BARNABAS_LOG_RETENTION_MS or KAFKA_LOG_RETENTION_MS",
    "            log.retention.ms in the properties file",
    "  Changes   while the broker runs",
    '  Related   it is the default of the topic setting "retention.ms"',
    '            "log.retention.minutes" counts where this one is not set',
    '            "log.retention.hours" counts where this one is not set',
    "  Kafka     has the same",
    "",
  ]);
});

test("docs/configuration.md is what the declarations say: make it with `bun run scripts/configuration_page.ts`", async () => {
  expect(await Bun.file(new URL("../../docs/configuration.md", import.meta.url)).text()).toBe(configurationPage());
});
