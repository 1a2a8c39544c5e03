/** Settings of topics, brokers and groups. Those of one broker are asked of it, all others of any. Source: KIP-133, KIP-339. */
import type { Deadline } from "../../io/mod.ts";
import { DescribeConfigs, IncrementalAlterConfigs } from "../../protocol/mod.ts";
import { KafkaError } from "../errors.ts";
import type { Cluster, ConfigChange, ConfigEntry, ConfigResource, Outcome, Target } from "../types.ts";
import type { AdminContext } from "./context.ts";
import { eachOutcome, failedWith, noAnswer, outcomeOf } from "./outcomes.ts";

const RESOURCE_TYPE = { topic: 2, broker: 4, group: 32 } as const;
const SOURCES: Readonly<Record<number, ConfigEntry["source"]>> = {
  1: "topic",
  2: "dynamic-broker",
  3: "dynamic-default-broker",
  4: "static-broker",
  5: "default",
  8: "group",
};
const TYPES = ["unknown", "boolean", "string", "int", "short", "long", "double", "list", "class", "password"] as const;
const OPERATION = { set: 0, delete: 1, append: 2, subtract: 3 } as const;

const nameOf = (resource: ConfigResource): string => resource.name ?? "";
const titleOf = (resource: ConfigResource): string =>
  resource.name === undefined || resource.name === "" ? "all brokers" : `${resource.type} "${resource.name}"`;
const sourceOf = (code: number): ConfigEntry["source"] => SOURCES[code] ?? "unknown";

export async function describeConfigs(
  admin: AdminContext,
  resources: readonly ConfigResource[],
): Promise<readonly Outcome<readonly ConfigEntry[]>[]> {
  const { cluster } = admin;
  const deadline = admin.deadline("describe configs");
  return await eachOutcome(
    cluster,
    deadline,
    resources,
    (pending) =>
      atTargets(cluster, deadline, pending, (resource) => resource, async (target, asked) => {
        const { results } = await cluster.call(target, DescribeConfigs, {
          resources: asked.map((resource) => ({
            resourceType: RESOURCE_TYPE[resource.type],
            resourceName: nameOf(resource),
            configurationKeys: null,
          })),
          includeSynonyms: true,
          includeDocumentation: true,
        }, { deadline });
        return asked.map((resource): Outcome<readonly ConfigEntry[]> => {
          const row = results.find(isOf(resource));
          const action = `describe configs of ${titleOf(resource)}`;
          return row === undefined ? noAnswer(action) : outcomeOf(row.errorCode, action, row.errorMessage, () => row.configs.map(entryOf));
        });
      }),
    isPassing,
  );
}

export async function alterConfigs(
  admin: AdminContext,
  changes: readonly { readonly resource: ConfigResource; readonly changes: readonly ConfigChange[] }[],
  validateOnly: boolean,
): Promise<readonly Outcome<void>[]> {
  const { cluster } = admin;
  const deadline = admin.deadline("alter configs");
  return await eachOutcome(
    cluster,
    deadline,
    changes,
    (pending) =>
      atTargets(cluster, deadline, pending, ({ resource }) => resource, async (target, asked) => {
        const { responses } = await cluster.call(target, IncrementalAlterConfigs, {
          resources: asked.map(({ resource, changes }) => ({
            resourceType: RESOURCE_TYPE[resource.type],
            resourceName: nameOf(resource),
            configs: changes.map(({ name, operation, value }) => ({ name, configOperation: OPERATION[operation], value: value ?? null })),
          })),
          validateOnly,
        }, { deadline });
        return asked.map(({ resource }): Outcome<void> => {
          const row = responses.find(isOf(resource));
          const action = `change configs of ${titleOf(resource)}`;
          return row === undefined ? noAnswer(action) : outcomeOf(row.errorCode, action, row.errorMessage, () => undefined);
        });
      }),
    isPassing,
  );
}

/** Not a topic that does not exist: whoever asks for its settings wants to know. */
const isPassing = ({ error }: KafkaError): boolean => error !== "UNKNOWN_TOPIC_OR_PARTITION";

const isOf = (resource: ConfigResource) => (row: { readonly resourceType: number; readonly resourceName: string }): boolean =>
  row.resourceType === RESOURCE_TYPE[resource.type] && row.resourceName === nameOf(resource);

/** One request for each broker that is meant, and one for all the rest. */
async function atTargets<Item, T>(
  cluster: Cluster,
  deadline: Deadline,
  items: readonly Item[],
  resourceOf: (item: Item) => ConfigResource,
  ask: (target: Target, items: readonly Item[]) => Promise<readonly Outcome<T>[]>,
): Promise<readonly Outcome<T>[]> {
  const outcomes = new Map<Item, Outcome<T>>();
  const targets = items.map((item) => targetOf(resourceOf(item)));
  const nodes = targets.every((target) => target === "any") ? [] : await cluster.nodes(deadline);
  const groups = Map.groupBy(items, (_, i) => {
    const target = targets[i]!;
    return typeof target === "number" && !nodes.some(({ id }) => id === target) ? noSuchBroker(String(target)) : target;
  });
  await Promise.all([...groups].map(async ([target, asked]) => {
    const rows = target instanceof KafkaError ? asked.map(() => failedWith<T>(target)) : await ask(target, asked).catch((error) => {
      if (!(error instanceof KafkaError)) throw error;
      return asked.map(() => failedWith<T>(error));
    });
    asked.forEach((item, i) => outcomes.set(item, rows[i]!));
  }));
  return items.map((item) => outcomes.get(item)!);
}

function targetOf(resource: ConfigResource): Target | KafkaError {
  if (resource.type !== "broker" || nameOf(resource) === "") return "any";
  if (/^\d+$/.test(nameOf(resource))) return Number(resource.name);
  return noSuchBroker(nameOf(resource));
}

const noSuchBroker = (name: string): KafkaError =>
  new KafkaError("BROKER_NOT_AVAILABLE", `Cannot find broker "${name}": the cluster has none with this number`);

interface ConfigRow {
  readonly name: string;
  readonly value: string | null;
  readonly readOnly: boolean;
  readonly configSource: number;
  readonly isSensitive: boolean;
  readonly synonyms: readonly { readonly name: string; readonly value: string | null; readonly source: number }[];
  readonly configType: number;
  readonly documentation?: string | null;
}

function entryOf(row: ConfigRow): ConfigEntry {
  return {
    name: row.name,
    value: row.value,
    source: sourceOf(row.configSource),
    isReadOnly: row.readOnly,
    isSensitive: row.isSensitive,
    type: TYPES[row.configType] ?? "unknown",
    documentation: row.documentation ?? null,
    synonyms: row.synonyms.map(({ name, value, source }) => ({ name, value, source: sourceOf(source) })),
  };
}
