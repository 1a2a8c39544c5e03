/** Settings of topics, brokers, groups and client metrics: described, changed, listed. */
import { AlterConfigs, DescribeConfigs, IncrementalAlterConfigs, ListConfigResources } from "../../../../lib/protocol/mod.ts";
import { type Peer, type Reply, until } from "../peer.ts";
import { made } from "./topics.ts";

const TOPIC = 2, BROKER = 4, CLIENT_METRICS = 16, GROUP = 32;
/** Codes of where a value came from. */
const OF_TOPIC = 1, OF_BROKER = 2, BY_DEFAULT = 5, OF_CLIENT_METRICS = 7, OF_GROUP = 8;

/** Kafka answers a change before its brokers have applied it. */
async function applied(peer: Peer, resourceType: number, resourceName: string, key: string, source: number, value?: string): Promise<void> {
  const asked = {
    resources: [{ resourceType, resourceName, configurationKeys: [key] }],
    includeSynonyms: false,
    includeDocumentation: false,
  };
  await until(peer.bootstrap, `"${key}" of "${resourceName}" is applied`, async (asking) => {
    const reply: Reply = await asking.ask("", DescribeConfigs, 4, asked);
    const row = reply?.results[0].configs[0];
    return row?.configSource === source && (value === undefined || row.value === value);
  });
}

/** Who lists resources hears of a change later than who describes them. */
async function listed(peer: Peer, resourceType: number, resourceName: string, isThere = true): Promise<void> {
  await until(peer.bootstrap, `"${resourceName}" is ${isThere ? "listed" : "listed no more"}`, async (asking) => {
    const reply: Reply = await asking.ask("", ListConfigResources, 1, { resourceTypes: [resourceType] });
    return reply?.configResources.some((row: { resourceName: string }) => row.resourceName === resourceName) === isThere;
  });
}

export async function configs(peer: Peer): Promise<void> {
  await made(peer, "tuned", 1, [["retention.ms", "5000"], ["cleanup.policy", "compact"]]);
  const describe = (what: string, resources: readonly unknown[], more: object = {}) =>
    peer.every(what, DescribeConfigs, () => ({ resources, includeSynonyms: false, includeDocumentation: false, ...more }));
  const resource = (resourceType: number, resourceName: string, configurationKeys: readonly string[] | null = null) => ({
    resourceType,
    resourceName,
    configurationKeys,
  });
  await describe("topic", [resource(TOPIC, "tuned")]);
  await describe("topic with synonyms", [resource(TOPIC, "tuned")], { includeSynonyms: true });
  await describe("topic with documentation", [resource(TOPIC, "tuned")], { includeDocumentation: true });
  await describe("topic, some", [resource(TOPIC, "tuned", ["retention.ms", "no.such.setting"])]);
  await describe("topic, none", [resource(TOPIC, "tuned", [])]);
  await describe("unknown topic", [resource(TOPIC, "tuned-unknown")]);
  await describe("bad topic name", [resource(TOPIC, "no/slash")]);
  await describe("empty topic name", [resource(TOPIC, "")]);
  await describe("several", [
    resource(TOPIC, "tuned-unknown"),
    resource(BROKER, "1", ["message.max.bytes"]),
    resource(TOPIC, "tuned", ["retention.ms"]),
    resource(BROKER, "x"),
    resource(GROUP, "x", ["consumer.session.timeout.ms"]),
  ]);
  await describe("one of an unknown type", [resource(TOPIC, "tuned", ["retention.ms"]), resource(99, "x")]);
  await describe("topic twice", [resource(TOPIC, "tuned", ["retention.ms"]), resource(TOPIC, "tuned", ["cleanup.policy"])]);
  const live = ["log.retention.ms", "log.segment.bytes", "message.max.bytes", "num.partitions", "node.id", "min.insync.replicas"];
  await describe("broker, some", [resource(BROKER, "1", live)], { includeSynonyms: true });
  await describe("all brokers, some", [resource(BROKER, "", live)], { includeSynonyms: true });
  await describe("broker", [resource(BROKER, "1")]);
  await describe("broker with synonyms", [resource(BROKER, "1")], { includeSynonyms: true });
  await describe("broker with documentation", [resource(BROKER, "1", live)], { includeDocumentation: true });
  await describe("all brokers", [resource(BROKER, "")]);
  await describe("unknown broker", [resource(BROKER, "77")]);
  await describe("broker x", [resource(BROKER, "x")]);
  await describe("type 0", [resource(0, "x")]);
  await describe("type 8, loggers of this broker", [resource(8, "1", ["root"])]);
  await describe("type 8, loggers", [resource(8, "77")]);
  await describe("client metrics", [resource(CLIENT_METRICS, "x")]);
  await describe("client metrics with synonyms", [resource(CLIENT_METRICS, "x")], { includeSynonyms: true });
  await describe("client metrics, no name", [resource(CLIENT_METRICS, "")]);
  await describe("group", [resource(GROUP, "x")]);
  await describe("group with synonyms", [resource(GROUP, "x")], { includeSynonyms: true, includeDocumentation: true });
  await describe("group, some", [resource(GROUP, "x", ["consumer.session.timeout.ms", "no.such.setting"])]);
  await describe("group, no name", [resource(GROUP, "")]);
  await describe("type 99", [resource(99, "x")]);

  const set = (what: string, resourceType: number, resourceName: string, changes: readonly (readonly [string, number, string | null])[]) =>
    peer.every(what, IncrementalAlterConfigs, () => ({
      resources: [{
        resourceType,
        resourceName,
        configs: changes.map(([name, configOperation, value]) => ({ name, configOperation, value })),
      }],
      validateOnly: false,
    }));
  const [SET, DELETE, APPEND, SUBTRACT] = [0, 1, 2, 3];
  await set("set", TOPIC, "tuned", [["retention.ms", SET!, "6000"]]);
  await set("set nothing", TOPIC, "tuned", []);
  await set("set null", TOPIC, "tuned", [["retention.ms", SET!, null]]);
  await set("set an unknown one", TOPIC, "tuned", [["no.such.setting", SET!, "1"]]);
  await set("set to nonsense", TOPIC, "tuned", [["retention.ms", SET!, "soon"]]);
  await set("set twice", TOPIC, "tuned", [["retention.ms", SET!, "1"], ["retention.ms", SET!, "2"]]);
  await set("append", TOPIC, "tuned", [["cleanup.policy", APPEND!, "delete"]]);
  await set("append to no list", TOPIC, "tuned", [["retention.ms", APPEND!, "1"]]);
  await set("subtract", TOPIC, "tuned", [["cleanup.policy", SUBTRACT!, "compact"]]);
  await set("subtract what is not there", TOPIC, "tuned", [["cleanup.policy", SUBTRACT!, "compact"]]);
  await set("append null", TOPIC, "tuned", [["cleanup.policy", APPEND!, null]]);
  await set("delete", TOPIC, "tuned", [["retention.ms", DELETE!, null]]);
  await set("delete what is not set", TOPIC, "tuned", [["retention.bytes", DELETE!, null]]);
  await set("delete an unknown one", TOPIC, "tuned", [["no.such.setting", DELETE!, null]]);
  await set("operation 9", TOPIC, "tuned", [["retention.ms", 9, "1"]]);
  await set("unknown topic", TOPIC, "tuned-unknown", [["retention.ms", SET!, "1"]]);
  await set("bad topic name", TOPIC, "no/slash", [["retention.ms", SET!, "1"]]);
  await set("unknown broker", BROKER, "77", [["log.retention.ms", SET!, "1"]]);
  await set("broker x", BROKER, "x", [["log.retention.ms", SET!, "1"]]);
  await set("broker, read only", BROKER, "1", [["node.id", SET!, "2"]]);
  await set("broker, live", BROKER, "1", [["log.retention.ms", SET!, "604800000"]]);
  await set("all brokers, live", BROKER, "", [["log.retention.ms", SET!, "604800001"]]);
  await applied(peer, BROKER, "1", "log.retention.ms", OF_BROKER, "604800000");
  await describe("broker after that", [resource(BROKER, "1", ["log.retention.ms"])], { includeSynonyms: true });
  await describe("topic after that", [resource(TOPIC, "tuned", ["retention.ms", "cleanup.policy"])], { includeSynonyms: true });
  await set("broker, live, delete", BROKER, "1", [["log.retention.ms", DELETE!, null]]);
  await set("all brokers, live, delete", BROKER, "", [["log.retention.ms", DELETE!, null]]);
  await set("broker, nonsense", BROKER, "1", [["log.retention.ms", SET!, "soon"]]);
  await set("broker, null", BROKER, "1", [["log.retention.ms", SET!, null]]);
  await set("broker, unknown", BROKER, "1", [["no.such.setting", SET!, "1"]]);
  await set("broker, unknown, delete", BROKER, "1", [["no.such.setting", DELETE!, null]]);
  await set("broker, append", BROKER, "1", [["log.cleanup.policy", APPEND!, "compact"]]);
  await set("broker, append, delete", BROKER, "1", [["log.cleanup.policy", DELETE!, null]]);
  await set("all brokers, read only", BROKER, "", [["node.id", SET!, "2"]]);
  await set("group, a default", GROUP, "worker", [["consumer.session.timeout.ms", SET!, "45000"]]);
  await applied(peer, GROUP, "worker", "consumer.session.timeout.ms", OF_GROUP);
  await describe("group after that", [resource(GROUP, "worker", ["consumer.session.timeout.ms"])], { includeSynonyms: true });
  await listed(peer, GROUP, "worker");
  await peer.every("groups", ListConfigResources, () => ({ resourceTypes: [GROUP] }));
  await set("group, another value", GROUP, "worker", [["consumer.session.timeout.ms", SET!, "50000"]]);
  await set("group, nonsense", GROUP, "worker", [["consumer.session.timeout.ms", SET!, "soon"]]);
  await set("group, null", GROUP, "worker", [["consumer.session.timeout.ms", SET!, null]]);
  await set("group, append", GROUP, "worker", [["consumer.session.timeout.ms", APPEND!, "1"]]);
  await set("group, unknown", GROUP, "worker", [["session.timeout.ms", SET!, "1"]]);
  await set("group, unknown, delete", GROUP, "worker", [["session.timeout.ms", DELETE!, null]]);
  await set("group, no name", GROUP, "", [["consumer.session.timeout.ms", SET!, "45000"]]);
  await set("group, delete", GROUP, "worker", [["consumer.session.timeout.ms", DELETE!, null]]);
  await applied(peer, GROUP, "worker", "consumer.session.timeout.ms", BY_DEFAULT);
  await listed(peer, GROUP, "worker", false);
  await peer.every("groups, none left", ListConfigResources, () => ({ resourceTypes: [GROUP] }));
  await set("client metrics, a default", CLIENT_METRICS, "watch", [["interval.ms", SET!, "300000"]]);
  await applied(peer, CLIENT_METRICS, "watch", "interval.ms", OF_CLIENT_METRICS);
  await describe("client metrics after that", [resource(CLIENT_METRICS, "watch")], { includeSynonyms: true });
  await listed(peer, CLIENT_METRICS, "watch");
  await peer.every("client metrics", ListConfigResources, () => ({ resourceTypes: [CLIENT_METRICS] }));
  await set("client metrics, another value", CLIENT_METRICS, "watch", [["interval.ms", SET!, "1000"]]);
  await set("client metrics, nonsense", CLIENT_METRICS, "watch", [["interval.ms", SET!, "soon"]]);
  await set("client metrics, unknown", CLIENT_METRICS, "watch", [["no.such.setting", SET!, "1"]]);
  await set("client metrics, no name", CLIENT_METRICS, "", [["interval.ms", SET!, "300000"]]);
  await set("client metrics, delete", CLIENT_METRICS, "watch", [["interval.ms", DELETE!, null]]);
  await set("type 0", 0, "x", [["retention.ms", SET!, "1"]]);
  await set("type 99", 99, "x", [["retention.ms", SET!, "1"]]);
  await peer.ask("several", IncrementalAlterConfigs, 1, {
    resources: ["tuned-unknown", "tuned", "no/slash"].map((resourceName) => ({
      resourceType: TOPIC,
      resourceName,
      configs: [{ name: "retention.ms", configOperation: SET, value: "6000" }],
    })),
    validateOnly: false,
  });
  await peer.ask("resource twice", IncrementalAlterConfigs, 1, {
    resources: [1, 2].map((i) => ({
      resourceType: TOPIC,
      resourceName: "tuned",
      configs: [{ name: "retention.ms", configOperation: SET, value: `${i}` }],
    })),
    validateOnly: false,
  });
  await peer.ask("validate only", IncrementalAlterConfigs, 1, {
    resources: [{ resourceType: TOPIC, resourceName: "tuned", configs: [{ name: "retention.ms", configOperation: SET, value: "9" }] }],
    validateOnly: true,
  });

  const replace = (
    what: string,
    resourceType: number,
    resourceName: string,
    changes: readonly (readonly [string, string | null])[],
    validateOnly = false,
  ) =>
    peer.every(what, AlterConfigs, () => ({
      resources: [{ resourceType, resourceName, configs: changes.map(([name, value]) => ({ name, value })) }],
      validateOnly,
    }));
  await replace("replace", TOPIC, "tuned", [["retention.ms", "7000"]]);
  await applied(peer, TOPIC, "tuned", "retention.ms", OF_TOPIC, "7000");
  await describe("topic after replace", [resource(TOPIC, "tuned", ["retention.ms", "cleanup.policy"])], { includeSynonyms: true });
  await replace("replace by nothing", TOPIC, "tuned", []);
  await replace("replace by an unknown one", TOPIC, "tuned", [["no.such.setting", "1"]]);
  await replace("replace by nonsense", TOPIC, "tuned", [["retention.ms", "soon"]]);
  await replace("replace by null", TOPIC, "tuned", [["retention.ms", null]]);
  await replace("unknown topic", TOPIC, "tuned-unknown", [["retention.ms", "1"]]);
  await replace("validate only", TOPIC, "tuned", [["retention.ms", "1"]], true);
  await replace("type 99", 99, "x", []);
  await replace("group, a default", GROUP, "worker", [["share.auto.offset.reset", "latest"]]);
  await replace("group, another value", GROUP, "worker", [["share.auto.offset.reset", "earliest"]]);
  await replace("group by nothing", GROUP, "worker", []);
  await replace("broker, read only", BROKER, "1", [["node.id", "2"]]);
  await replace("broker, unknown", BROKER, "1", [["no.such.setting", "1"]]);
  await replace("broker by nothing", BROKER, "1", []);
  await applied(peer, TOPIC, "tuned", "retention.ms", BY_DEFAULT);
  await describe("topic at the end", [resource(TOPIC, "tuned", ["retention.ms", "cleanup.policy"])], { includeSynonyms: true });
  await listed(peer, CLIENT_METRICS, "watch", false);
  await listed(peer, GROUP, "worker", false);
  for (const resourceTypes of [[16], [8], [32], [99], [0], [BROKER, 8], [BROKER, BROKER]]) {
    await peer.ask(`types ${resourceTypes}`, ListConfigResources, 1, { resourceTypes });
  }
  await peer.ask("client metrics", ListConfigResources, 0, {});
}

export const scenarios = { configs };
