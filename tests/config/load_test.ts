import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { isUuid } from "../../lib/protocol/mod.ts";
import {
  brokerSettings,
  clusterIdOf,
  formatValue,
  loadSettings,
  NodeSettings,
  type Setting,
  settingNameOf,
  variableOf,
} from "../../lib/config/mod.ts";

const given = (texts: Parameters<typeof loadSettings>[0]) => Object.fromEntries(loadSettings(texts).given);
const errors = (texts: Parameters<typeof loadSettings>[0]) => loadSettings(texts).errors;
const settings = brokerSettings as readonly Setting[];
/** Two accepted values that differ from each other and from the default. */
function twoOthers(setting: Setting): readonly [string, string] | null {
  if (setting.type === "boolean" || setting.form !== undefined) return null;
  if (setting.oneOf !== undefined) {
    const words = setting.oneOf.filter((word) => word !== formatValue(setting.default));
    return words.length < 2 ? null : [words[0]!, words[1]!];
  }
  if (setting.name === "admin.listener") return ["127.0.0.1:1", "127.0.0.1:2"];
  if (setting.name === "listeners") return ["A://127.0.0.1:1", "A://127.0.0.1:2"];
  if (setting.type === "string") return ["x", "y"];
  if (setting.type === "double") return ["0.25", "0.75"];
  if (setting.type === "list") return null;
  const low = (setting.min ?? 0) + 1;
  return [String(low), String(low + 1)];
}

describe("loadSettings()", () => {
  test("prefers flags to the environment to the file to the installation, for every setting", () => {
    let seen = 0;
    for (const setting of settings) {
      const two = twoOthers(setting);
      if (two === null) continue;
      seen++;
      const [one, other] = two;
      const { name } = setting;
      const flags = new Map([[name, one]]);
      const kafka = { [variableOf(name)]: other };
      const barnabas = { [variableOf(name, "BARNABAS_")]: one };
      const properties = `${name}=${one}`;
      const installation = new Map([[name, other]]);
      const value = (texts: Parameters<typeof loadSettings>[0]) => loadSettings(texts).given.get(name);
      expect([name, value({ flags, env: kafka, properties, installation })]).toEqual([name, one]);
      expect([name, value({ env: { ...barnabas, ...kafka }, properties })]).toEqual([name, one]);
      expect([name, value({ env: kafka, properties, installation })]).toEqual([name, other]);
      expect([name, value({ properties, installation })]).toEqual([name, one]);
      expect([name, value({ installation })]).toEqual([name, other]);
      expect([name, value({})]).toEqual([name, undefined]);
    }
    expect(seen).toBeGreaterThan(50);
  });

  test("warns of unknown names in files and environment, refuses them as flags, refuses bad values anywhere", () => {
    const loaded = loadSettings({
      properties: "num.partition=3\nnode.id=x",
      env: { KAFKA_FLUX_CAPACITOR: "z" },
      flags: new Map([["what", "1"], ["retention.ms", "5"]]),
    });
    expect(loaded.ignored).toEqual([
      {
        name: "num.partition",
        where: "line 1 of the properties file",
        group: "unknown",
        why: 'nobody knows it: did you mean "num.partitions"?',
      },
      { name: "flux.capacitor", where: "KAFKA_FLUX_CAPACITOR", group: "unknown", why: "nobody knows it" },
    ]);
    expect(loaded.errors).toEqual([
      'Invalid value "x" for "node.id": accepted is a whole number from 0 to 2147483647 (in line 2 of the properties file)',
      'Unknown setting "what" in the flags',
      'Unknown setting "retention.ms" in the flags: it is a setting of topics, and its default for all of them is "log.retention.ms"',
    ]);
  });

  test("checks also what another source overrules, and tells all problems at once", () => {
    const found = errors({
      properties: "num.partitions=0\nx=\\u12\nlog.retention.hours=soon",
      env: { KAFKA_NUM_PARTITIONS: "many", KAFKA_PROCESS_ROLES: "controller" },
      flags: new Map([["num.partitions", "3"], ["listeners", "here"]]),
    });
    expect(found.map((problem) => /(?:for|with) "([a-z.]+)[="]/.exec(problem)?.[1])).toEqual([
      undefined,
      "num.partitions",
      "num.partitions",
      "log.retention.hours",
      "process.roles",
      undefined,
    ]);
    expect(found.at(-1)).toStartWith('Invalid address "here"');
    expect(errors({ flags: new Map([["listeners", "here"], ["log.dirs", "a,b"], ["admin.listener", "A://x:1"]]) })).toHaveLength(3);
  });

  test("takes other names of a setting, its own first, and says which does not count", () => {
    expect(given({ properties: "node.id=2\nbroker.id=1\nlog.dir=/a" })).toEqual({ "node.id": "2", "log.dirs": "/a" });
    expect(loadSettings({ properties: "node.id=2\nbroker.id=1" }).warnings).toEqual([
      '"broker.id" of line 2 of the properties file does not count: "node.id" of line 1 of the properties file says otherwise',
    ]);
    expect(loadSettings({ env: { KAFKA_BROKER_ID: "1", KAFKA_NODE_ID: "1" } }).warnings).toEqual([]);
    // A source that counts more does so under either name.
    expect(given({ properties: "node.id=2", env: { KAFKA_BROKER_ID: "7" } })).toEqual({ "node.id": "7" });
    expect(loadSettings({ properties: "num.partitions=1\nnum.partitions=2" })).toMatchObject({
      given: new Map([["num.partitions", "2"]]),
      warnings: [
        '"num.partitions" of line 1 of the properties file does not count: "num.partitions" of line 2 of the properties file says otherwise',
      ],
    });
  });

  test("passes over variables that are no settings: empty ones, those of services in Kubernetes, of the other commands", () => {
    const env = {
      HOME: "/",
      KAFKA_NUM_PARTITIONS: "",
      BARNABAS_BOOTSTRAP: "kafka:9092",
      BARNABAS_PORT: "tcp://10.0.0.1:9092",
      BARNABAS_SERVICE_HOST: "10.0.0.1",
      BARNABAS_SERVICE_PORT_KAFKA: "9092",
      KAFKA_UI_PORT_8080_TCP_ADDR: "10.0.0.2",
      KAFKA_VERSION: "4.3.1",
    };
    expect(loadSettings({ env })).toMatchObject({ given: new Map(), ignored: [], warnings: [], errors: [] });
  });

  test("tells what is for Java, and takes the level of its log", () => {
    const loaded = loadSettings({ env: { KAFKA_HEAP_OPTS: "-Xmx1g", KAFKA_LOG4J_LOGGERS: "a=b", KAFKA_LOG4J_ROOT_LOGLEVEL: "TRACE" } });
    expect(Object.fromEntries(loaded.given)).toEqual({ "logging.level": "debug" });
    expect(loaded.ignored.map(({ name, group }) => [name, group])).toEqual([["KAFKA_HEAP_OPTS", "Java"], [
      "KAFKA_LOG4J_LOGGERS",
      "logging",
    ]]);
    expect(errors({ env: { KAFKA_LOG4J_ROOT_LOGLEVEL: "loud" } })[0]).toContain('"logging.level": accepted is one of "debug"');
  });

  test("never fails, whatever the texts", () => {
    const names = fc.constantFrom(...settings.map(({ name }) => name), "process.roles", "controller.quorum.voters", "x");
    const texts = fc.dictionary(names, fc.string({ maxLength: 30 }), { maxKeys: 6 });
    fc.assert(fc.property(texts, texts, fc.string({ maxLength: 100 }), (flags, env, properties) => {
      const loaded = loadSettings({
        flags: new Map(Object.entries(flags)),
        env: Object.fromEntries(Object.entries(env).map(([name, value]) => [variableOf(name), value])),
        properties,
      });
      if (loaded.errors.length === 0) new NodeSettings(loaded.given);
    }));
  });
});

describe("relations of settings", () => {
  const refused: readonly (readonly [what: string, flags: Readonly<Record<string, string>>, message: string])[] = [
    ["several data directories", { "log.dirs": "/a,/b" }, "all data is in one directory here"],
    ["no data directory", { "log.dirs": "" }, '"log.dirs": accepted is the path of a directory'],
    ["an admin listener with a name", { "admin.listener": "A://127.0.0.1:1" }, '"admin.listener": accepted is host:port'],
    ["one address for both doors", { "admin.listener": "127.0.0.1:9092" }, "a Kafka listener has this address"],
    ["session timeouts that cross", { "group.min.session.timeout.ms": "7", "group.max.session.timeout.ms": "6" }, "it is above"],
    ["a stall after the end", { "wal.sync.stall.ms": "20000" }, 'it is above "wal.sync.exit.ms=10000"'],
    ["a cluster id that is none", { "cluster.id": "mine" }, "22 letters of URL-safe base64"],
    ["the cluster id of none", { "cluster.id": "AAAAAAAAAAAAAAAAAAAAAA" }, "22 letters of URL-safe base64"],
  ];
  for (const [what, flags, message] of refused) {
    test(`refuse ${what}`, () => expect(errors({ flags: new Map(Object.entries(flags)) }).join()).toContain(message));
  }
  test("warn of what one node cannot give", () => {
    const flags = new Map([["offsets.topic.replication.factor", "3"], ["min.insync.replicas", "2"]]);
    expect(loadSettings({ flags }).warnings).toEqual([
      '"offsets.topic.replication.factor" is 3 and there is one node: no group can commit, set it to 1',
      '"min.insync.replicas" is 2 and there is one node: nobody can produce with acks=all, set it to 1',
    ]);
  });
});

describe("names of variables", () => {
  test("settingNameOf() follows the rule of the apache/kafka image", () => {
    expect(settingNameOf("LOG_RETENTION_MS")).toBe("log.retention.ms");
    expect(settingNameOf("A__B___C")).toBe("a_b-c");
  });
  test("variableOf() is its inverse", () => {
    expect(variableOf("abc_d-e.f")).toBe("KAFKA_ABC__D___E_F");
    for (const { name } of settings) expect(settingNameOf(variableOf(name).slice("KAFKA_".length))).toBe(name);
  });
});

describe("clusterIdOf()", () => {
  test("takes the forms that examples have, as the same 16 bytes", () => {
    expect(clusterIdOf("4L6g3nShT-eMCtK--X86sw") as string).toBe("4L6g3nShT-eMCtK--X86sw");
    expect(clusterIdOf("MkU3OEVBNTcwNTJENDM2Qk") as string).toBe("MkU3OEVBNTcwNTJENDM2Qg");
    expect(clusterIdOf("ciWo7IWazngRchmPES6q5A==") as string).toBe("ciWo7IWazngRchmPES6q5A");
    expect(["", "mine", "4L6g3nShT-eMCtK--X86s!"].map(clusterIdOf)).toEqual([null, null, null]);
  });
  test("makes what the wire takes as a UUID", () => {
    const letters = fc.string({ unit: fc.constantFrom(..."ABCDwxyz0189+/-_"), minLength: 22, maxLength: 22 });
    fc.assert(fc.property(letters, (text) => isUuid(clusterIdOf(text)!)));
  });
});
