/** Rows of DescribeConfigs: value, where it came from, what would count next, type, documentation (KIP-226, KIP-569). */
import type { ConfigResourceType } from "../state/metadata/image.ts";
import { brokerSettings } from "./broker_settings.ts";
import type { ConfigSource, NodeSettings, SourcedValue } from "./node_settings.ts";
import { acceptedForm, type ConfigType, formatValue, type Setting } from "./setting.ts";
import { topicSettings } from "./topic_settings.ts";

export interface ConfigRow {
  readonly name: string;
  /** Null for what must not be shown. */
  readonly value: string | null;
  readonly source: ConfigSource;
  readonly type: ConfigType;
  readonly readOnly: boolean;
  readonly sensitive: boolean;
  /** All places with a value, the one that counts first. */
  readonly synonyms: readonly SourcedValue[];
  readonly documentation: string;
}

/** @param overrides of the resource itself; ignored for brokers, whose overrides `settings` knows. */
export function describeConfigs(
  type: ConfigResourceType,
  overrides: ReadonlyMap<string, string>,
  settings: NodeSettings,
): readonly ConfigRow[] {
  if (type === "topic") {
    return (topicSettings as readonly Setting[]).map((setting) => row(setting, false, topicSources(setting, overrides, settings)));
  }
  if (type === "broker") {
    return (brokerSettings as readonly Setting[]).map((setting) => row(setting, !setting.live, settings.sourced(setting.name)));
  }
  return [];
}

function row(setting: Setting, readOnly: boolean, sources: readonly SourcedValue[]): ConfigRow {
  const [counts] = sources;
  return {
    name: setting.name,
    value: setting.sensitive ? null : counts!.value,
    source: counts!.source,
    type: setting.type,
    readOnly,
    sensitive: setting.sensitive ?? false,
    synonyms: sources,
    documentation: `${setting.doc}. Accepted: ${acceptedForm(setting)}`,
  };
}

function topicSources(setting: Setting, overrides: ReadonlyMap<string, string>, settings: NodeSettings): readonly SourcedValue[] {
  const found: SourcedValue[] = [];
  const own = overrides.get(setting.name);
  if (own !== undefined) found.push({ name: setting.name, value: own, source: "topic" });
  for (const { name, multiplier } of setting.synonyms ?? []) {
    for (const { value, source } of settings.sourced(name)) {
      // A default counts only under the topic's own unit: seven days are not listed three times.
      if (source === "default") continue;
      found.push({ name, value: multiplier === 1 || value === "-1" ? value : String(Number(value) * multiplier), source });
    }
  }
  found.push({ name: setting.synonyms?.[0]?.name ?? setting.name, value: formatValue(setting.default), source: "default" });
  return found;
}
