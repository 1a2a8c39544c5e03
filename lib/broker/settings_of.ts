/** The settings of a topic, of this broker or of all, of a group: rows with source, synonyms and documentation. KIP-226, KIP-569. */
import { type ConfigRow, describeConfigs as rowsOf } from "../config/mod.ts";
import { type ConfigResourceType, refused, type Row, topicNameProblem } from "../state/mod.ts";
import type { Services } from "./services.ts";

/** @param name empty for the default of all brokers. */
export function settingsOf(type: ConfigResourceType, name: string, services: Services): Row<readonly ConfigRow[]> {
  const { controller, nodeId, nodeSettings } = services;
  const cannot = `Cannot describe "${name}"`;
  switch (type) {
    case "topic": {
      const problem = topicNameProblem(name);
      if (problem !== null) return refused("INVALID_TOPIC_EXCEPTION", problem);
      const topic = controller.image.topics.get(name);
      if (topic === undefined) return refused("UNKNOWN_TOPIC_OR_PARTITION", `${cannot}: the topic does not exist`);
      return { ok: true, value: rowsOf("topic", topic.configs, nodeSettings) };
    }
    case "broker": {
      if (name !== "" && name !== String(nodeId)) {
        return refused("INVALID_REQUEST", `${cannot}: this is broker ${nodeId}, ask for its id or for the empty name`);
      }
      const rows = rowsOf("broker", new Map(), nodeSettings);
      return { ok: true, value: name === "" ? defaultsOfAll(rows) : rows };
    }
    case "group":
    case "client-metrics":
      if (name === "") return refused("INVALID_REQUEST", `${cannot}: a name is needed`);
      return { ok: true, value: rowsOf(type, controller.image.configs(type, name), nodeSettings) };
  }
}

/** What was set for all brokers, as if nothing nearer were set. */
function defaultsOfAll(rows: readonly ConfigRow[]): ConfigRow[] {
  return rows.flatMap((row) => {
    const at = row.synonyms.findIndex(({ source }) => source === "dynamic-default-broker");
    if (at < 0) return [];
    const { value, source } = row.synonyms[at]!;
    return [{ ...row, value: row.sensitive ? null : value, source, synonyms: row.synonyms.slice(at) }];
  });
}
