/** Whether a setting may be set on a resource. Refusals name the setting, what was given and what is accepted. */
import type { ConfigResourceType } from "../state/metadata/image.ts";
import { settingsOf, suggestion } from "./names.ts";
import { formatValue, parseValue } from "./setting.ts";

/** Why `value` may not be set, or null. */
export function checkConfig(type: ConfigResourceType, name: string, value: string): string | null {
  const known = settingsOf(type);
  const setting = known.get(name);
  if (!setting) return `Unknown ${type} setting "${name}"${suggestion(name, known.keys())}`;
  if (type === "broker" && !setting.live) {
    return `Cannot change "${name}" on a running broker: set it in the flags, the environment or the properties file, and restart`;
  }
  const parsed = parseValue(setting, value);
  return parsed.ok ? null : parsed.message;
}

/** Why these overrides contradict each other once they are all set, or null. */
export function checkConfigs(type: ConfigResourceType, overrides: ReadonlyMap<string, string>): string | null {
  if (type !== "topic") return null;
  const [min, max] = [overrides.get("min.compaction.lag.ms"), overrides.get("max.compaction.lag.ms")].map((text) =>
    text === undefined ? null : Number(text)
  );
  if (min != null && max != null && min > max) return `"min.compaction.lag.ms" (${min}) is above "max.compaction.lag.ms" (${max})`;
  return null;
}

/** What append and subtract start from when a list has no override; null when the setting is not a list. */
export function listDefault(type: ConfigResourceType, name: string): string | null {
  const setting = settingsOf(type).get(name);
  return setting?.type === "list" ? formatValue(setting.default) : null;
}
