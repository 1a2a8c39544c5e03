/** Rows of DescribeConfigs: value, where it came from, what would count next, type, documentation (KIP-226, KIP-569). */
import type { ConfigResourceType } from "../state/metadata/image.ts";
import { SETTINGS_OF } from "./names.ts";
import type { ConfigSource, NodeSettings, SourcedValue } from "./node_settings.ts";
import { acceptedForm, type ConfigType, formatValue, type Setting } from "./setting.ts";

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
  return SETTINGS_OF[type].map((setting) =>
    type === "broker"
      ? row(setting, !setting.live, settings.sourced(setting.name))
      : row(setting, false, ownSources(type, setting, overrides, settings))
  );
}

function row(setting: Setting, readOnly: boolean, sources: readonly SourcedValue[]): ConfigRow {
  const [counts] = sources;
  return {
    name: setting.name,
    value: setting.sensitive ? null : counts?.value ?? formatValue(setting.default),
    source: counts?.source ?? "default",
    type: setting.type,
    readOnly,
    sensitive: setting.sensitive ?? false,
    synonyms: sources,
    documentation: `${setting.doc}. Accepted: ${acceptedForm(setting)}`,
  };
}

function ownSources(
  type: Exclude<ConfigResourceType, "broker">,
  setting: Setting,
  overrides: ReadonlyMap<string, string>,
  settings: NodeSettings,
): readonly SourcedValue[] {
  const found: SourcedValue[] = [];
  const own = overrides.get(setting.name);
  if (own !== undefined) found.push({ name: setting.name, value: own, source: type });
  for (const { name, multiplier } of setting.synonyms ?? []) {
    for (const { value, source } of settings.sourced(name)) {
      // A default counts only under the topic's own unit: seven days are not listed three times.
      if (source === "default") continue;
      found.push({ name, value: multiplier === 1 || value === "-1" ? value : String(Number(value) * multiplier), source });
    }
  }
  // As in Kafka, a default is named where a broker setting stands behind it; a group's always is.
  const behind = setting.synonyms?.[0]?.name ?? (type === "group" ? setting.name : undefined);
  if (behind !== undefined) found.push({ name: behind, value: formatValue(setting.default), source: "default" });
  return found;
}
