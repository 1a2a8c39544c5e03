/**
 * All there is to say of a setting: what it is, what it takes, where it can be set, what it comes to with given sources. Read from the
 * declarations; the command `config explain` and the page docs/configuration.md show it. Knows no form of output.
 */
import { brokerSettings } from "./broker_settings.ts";
import { describeConfigs } from "./describe.ts";
import { clientMetricsSettings, groupSettings } from "./group_settings.ts";
import { kafkaOnlyRule } from "./kafka_only.ts";
import type { LoadedSettings } from "./load.ts";
import { brokerSettingByName, suggestion, topicSettingByName } from "./names.ts";
import { NodeSettings } from "./node_settings.ts";
import { keyOf } from "./declare.ts";
import { acceptedForm, type ConfigType, formatValue, type Setting, type SettingValue, unitOf } from "./setting.ts";
import { SOURCES, type Told, variableOf } from "./sources.ts";
import { topicSettings } from "./topic_settings.ts";

export interface Explanation {
  readonly name: string;
  /** Settings of topics are set on topics; those of the broker when it starts. */
  readonly of: "broker" | "topic";
  readonly doc: string;
  readonly type: ConfigType;
  /** Of numbers; null for what counts things. */
  readonly unit: string | null;
  readonly accepted: string;
  /** As text; for lists with commas. */
  readonly default: string;
  /** The same for people, where it helps: `7 days`. */
  readonly defaultInWords: string | null;
  /** Places where it can be set, the one that counts most first. */
  readonly setBy: readonly string[];
  /** May be changed on a running broker. */
  readonly live: boolean;
  /** What it comes to, and where that is from. */
  readonly value: string;
  readonly from: string;
  /** Places that say something else and do not count. */
  readonly overruled: readonly { readonly value: string; readonly where: string }[];
  /** Other names for it, and settings that stand behind it or that it stands behind. */
  readonly related: readonly string[];
  /** What Kafka's setting of the same name does differently; null: nothing, or there is none. */
  readonly kafka: string | null;
  /** Kafka has no such setting. */
  readonly own: boolean;
}

/** Every setting, or the one or two of this name: broker and topics can have one each. */
export function explainSettings(loaded: LoadedSettings, name?: string): readonly Explanation[] {
  const config = new NodeSettings(loaded.given);
  const named = (setting: Setting) => name === undefined || setting.name === name || (setting.aliases?.includes(name) ?? false);
  return [
    ...(brokerSettings as readonly Setting[]).filter(named).map((setting) => explainBroker(setting, config, loaded.told)),
    ...(topicSettings as readonly Setting[]).filter(named).map((setting) => explainTopic(setting, config)),
  ];
}

/** What can be said of a name that is nobody's setting here. */
export function explainStranger(name: string): { readonly isKafkas: boolean; readonly text: string } {
  const inert = [...groupSettings, ...clientMetricsSettings].find((setting: Setting) => setting.name === name) as Setting | undefined;
  if (inert !== undefined) {
    const text = `"${name}" is a setting of groups or of client metrics in Apache Kafka. Here it takes ${acceptedForm(inert)}`;
    return { isKafkas: true, text };
  }
  const rule = kafkaOnlyRule(name);
  if (rule === null) {
    return {
      isKafkas: false,
      text: `Unknown setting "${name}"${suggestion(name, [...brokerSettingByName.keys(), ...topicSettingByName.keys()])}`,
    };
  }
  const consequence = rule.judge === undefined ? "It is ignored" : "A value that would change what a node does is refused at the start";
  return {
    isKafkas: true,
    text: `"${name}" is a setting of Apache Kafka that Barnabas does not have (${rule.group}): ${rule.why}. ${consequence}`,
  };
}

function explainBroker(setting: Setting, config: NodeSettings, told: ReadonlyMap<string, readonly Told[]>): Explanation {
  const { name, flag, live = false, aliases = [] } = setting;
  const places = told.get(name) ?? [];
  const [counts, ...others] = places;
  const value = formatValue((config.values as Readonly<Record<string, SettingValue>>)[keyOf(name)]!);
  const topics = (topicSettings as readonly Setting[]).filter(({ synonyms }) => synonyms?.some((one) => one.name === name));
  return {
    ...explainAny(setting),
    of: "broker",
    setBy: [
      ...(live ? [`barnabas config set broker ${name}=VALUE, on a running broker`] : []),
      flag === undefined ? `flag --set ${name}=VALUE` : `flag --${flag}, or --set ${name}=VALUE`,
      `environment ${variableOf(name, "BARNABAS_")} or ${variableOf(name)}${name === "cluster.id" ? " or CLUSTER_ID" : ""}`,
      `${name} in the properties file`,
    ],
    live,
    value: setting.sensitive ? "(hidden)" : value,
    from: counts?.where ?? (value === formatValue(setting.default) ? "the default" : "a coarser unit"),
    overruled: others.map(({ value, where }) => ({ value: setting.sensitive ? "(hidden)" : value.trim(), where })),
    related: [
      ...aliases.map((alias) => `"${alias}" is another name for it`),
      ...topics.map((topic) => `it is the default of the topic setting "${topic.name}"`),
      ...neighbours(name, topics, config),
    ],
  };
}

/** Other units of the same thing: of three settings for the retention, the finest that is set counts. */
function neighbours(name: string, topics: readonly Setting[], config: NodeSettings): readonly string[] {
  const chain = topics[0]?.synonyms?.map((one) => one.name) ?? [];
  const at = chain.indexOf(name);
  return [
    ...chain.slice(0, at).map((finer) => `"${finer}" counts more${config.sourced(finer)[0]?.source === "default" ? "" : ", and is set"}`),
    ...chain.slice(at + 1).map((coarser) => `"${coarser}" counts where this one is not set`),
  ];
}

function explainTopic(setting: Setting, config: NodeSettings): Explanation {
  const row = describeConfigs("topic", new Map(), config).find(({ name }) => name === setting.name)!;
  const behind = setting.synonyms?.map(({ name }) => name) ?? [];
  return {
    ...explainAny(setting),
    of: "topic",
    setBy: [
      `barnabas config set topic/NAME ${setting.name}=VALUE`,
      `flag --topic NAME:PARTITIONS:${setting.name}=VALUE`,
      "when a topic is made",
    ],
    live: true,
    value: row.value ?? "(hidden)",
    from: row.source === "default" ? "the default" : `the broker's "${row.synonyms[0]!.name}"`,
    overruled: [],
    related: behind.map((name) => `"${name}" of the broker counts where a topic has no value`),
  };
}

function explainAny(setting: Setting) {
  const unit = unitOf(setting);
  return {
    name: setting.name,
    doc: setting.doc,
    type: setting.type,
    unit,
    accepted: acceptedForm(setting),
    default: formatValue(setting.default),
    defaultInWords: inWords(setting.default, unit),
    kafka: setting.kafka ?? null,
    own: setting.own ?? false,
  };
}

const STEPS: Readonly<Record<string, readonly (readonly [size: number, word: string])[]>> = {
  milliseconds: [[86_400_000, "days"], [3_600_000, "hours"], [60_000, "minutes"], [1_000, "seconds"]],
  minutes: [[1_440, "days"], [60, "hours"]],
  hours: [[24, "days"]],
  bytes: [[1 << 30, "GiB"], [1 << 20, "MiB"], [1 << 10, "KiB"]],
};

/** `604800000` milliseconds are `7 days`; null for what is plain, or no round number of anything. */
function inWords(value: unknown, unit: string | null): string | null {
  if (typeof value !== "number" || unit === null || value <= 0) return null;
  if (value >= 2 ** 63) return "for ever";
  const step = STEPS[unit]?.find(([size]) => value % size === 0);
  if (step === undefined) return null;
  const amount = value / step[0];
  return `${amount} ${amount === 1 ? step[1].replace(/s$/, "") : step[1]}`;
}

/** `flags > environment > file > installation > default`. */
export const PRECEDENCE = [...SOURCES].reverse().join(" > ") + " > default";
