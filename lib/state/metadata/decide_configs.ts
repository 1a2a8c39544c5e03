/** AlterConfigs and IncrementalAlterConfigs (KIP-339): checks, then one record for each resource. Nothing is set half. */
import type { Decision } from "../machine.ts";
import { type ConfigOperation, type ConfigsToChange, done, refused, type Row } from "./commands.ts";
import type { MetadataRecord } from "./records.ts";
import type { MetadataRules } from "./rules.ts";
import type { MetadataState } from "./state.ts";
import { topicNameProblem } from "./topic_name.ts";

/** What the protocol can carry as a string. */
const VALUE_BYTES_MAX = 32_767;

type Changes = (readonly [key: string, value: string | null])[];

export function changeConfigs(
  state: MetadataState,
  requests: readonly ConfigsToChange[],
  rules: MetadataRules,
): Decision<MetadataRecord, readonly Row<null>[]> {
  const records: MetadataRecord[] = [];
  const seen = new Set<string>();
  const rows = requests.map((request): Row<null> => {
    const key = `${request.type} ${request.name}`;
    if (seen.has(key)) return refused("INVALID_REQUEST", `${cannot(request)}: the request names it more than once`);
    seen.add(key);
    const changes = resourceRefusal(state, request) ?? changesOf(state, request, rules);
    if (!changes.ok) return changes;
    if (changes.value.length > 0) {
      records.push({ type: "configsChanged", resource: request.type, name: request.name, changes: changes.value });
    }
    return done(null);
  });
  return { records, reply: rows };
}

/** As Kafka: it calls a bad setting of a topic or group a bad setting, and one of a broker or of client metrics a bad request. */
const badSetting = ({ type }: ConfigsToChange) => type === "topic" || type === "group" ? "INVALID_CONFIG" : "INVALID_REQUEST";

const cannot = (request: ConfigsToChange): string => `Cannot change the settings of ${request.type} "${request.name}"`;

function resourceRefusal(state: MetadataState, request: ConfigsToChange): Row<never> | null {
  const problem = request.type === "topic" ? topicNameProblem(request.name) : null;
  if (problem !== null) return refused("INVALID_TOPIC_EXCEPTION", problem);
  if (request.type === "topic" && !state.topics.has(request.name)) {
    return refused("UNKNOWN_TOPIC_OR_PARTITION", `${cannot(request)}: it does not exist`);
  }
  if (request.type === "broker" && request.name !== "" && ![...state.brokers.keys()].some((id) => String(id) === request.name)) {
    return refused("INVALID_REQUEST", `${cannot(request)}: no broker has this id`);
  }
  if ((request.type === "group" || request.type === "client-metrics") && request.name === "") {
    return refused("INVALID_REQUEST", `${cannot(request)}: a name is needed`);
  }
  return null;
}

/** Only what really changes: an operation that sets what is set writes nothing. */
function changesOf(state: MetadataState, request: ConfigsToChange, rules: MetadataRules): Row<Changes> {
  const before = state.configs(request.type, request.name);
  const after = new Map(request.replaceAll ? [] : before);
  const named = new Set<string>();
  for (const operation of request.operations) {
    if (named.has(operation.name)) {
      return refused("INVALID_REQUEST", `${cannot(request)}: "${operation.name}" is there more than once`);
    }
    named.add(operation.name);
    const value = valueAfter(before, request, operation, rules);
    if (!value.ok) return value;
    if (value.value === null) after.delete(operation.name);
    else after.set(operation.name, value.value);
  }
  const problem = rules.checkConfigs(request.type, after);
  if (problem !== null) return refused("INVALID_CONFIG", problem);
  const keys = new Set([...before.keys(), ...after.keys()]);
  return done([...keys].filter((key) => before.get(key) !== after.get(key)).map((key) => [key, after.get(key) ?? null] as const));
}

function valueAfter(
  before: ReadonlyMap<string, string>,
  request: ConfigsToChange,
  { name, operation, value }: ConfigOperation,
  rules: MetadataRules,
): Row<string | null> {
  if (operation === "delete") return done(null);
  if (value === null) return refused("INVALID_REQUEST", `${cannot(request)}: "${name}" has no value`);
  const list = operation === "set" ? null : rules.listDefault(request.type, name);
  if (operation !== "set" && list === null) {
    const unknown = rules.checkConfig(request.type, name, value);
    return refused("INVALID_CONFIG", unknown ?? `${cannot(request)}: "${name}" is not a list, so nothing can be added or taken away`);
  }
  const next = operation === "set" ? value : combine(operation, before.get(name) ?? list ?? "", value);
  if (Buffer.byteLength(next) > VALUE_BYTES_MAX) {
    return refused("INVALID_CONFIG", `${cannot(request)}: the value of "${name}" would be longer than ${VALUE_BYTES_MAX} bytes`);
  }
  const problem = rules.checkConfig(request.type, name, next);
  if (problem !== null) return refused(badSetting(request), problem);
  return done(next);
}

function combine(operation: "append" | "subtract", current: string, value: string): string {
  const items = split(current);
  const named = split(value);
  if (operation === "subtract") return items.filter((item) => !named.includes(item)).join(",");
  return [...items, ...named.filter((item) => !items.includes(item))].join(",");
}

const split = (list: string): string[] => list.split(",").map((item) => item.trim()).filter((item) => item !== "");
