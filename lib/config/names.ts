/** Finds a setting by name, and the nearest name for one that is mistyped. */
import type { ConfigResourceType } from "../state/metadata/image.ts";
import { brokerSettings } from "./broker_settings.ts";
import { clientMetricsSettings, groupSettings } from "./group_settings.ts";
import type { Setting } from "./setting.ts";
import { topicSettings } from "./topic_settings.ts";

const byName = (settings: readonly Setting[]): ReadonlyMap<string, Setting> => new Map(settings.map((setting) => [setting.name, setting]));

export const brokerSettingByName = byName(brokerSettings);
export const topicSettingByName = byName(topicSettings);

/** What each sort of resource may have, in the order in which it is described. */
export const SETTINGS_OF: Readonly<Record<ConfigResourceType, readonly Setting[]>> = {
  topic: topicSettings,
  broker: brokerSettings,
  group: groupSettings,
  "client-metrics": clientMetricsSettings,
};
const settingsByName: Readonly<Record<ConfigResourceType, ReadonlyMap<string, Setting>>> = {
  topic: topicSettingByName,
  broker: brokerSettingByName,
  group: byName(groupSettings),
  "client-metrics": byName(clientMetricsSettings),
};
export const settingsOf = (type: ConfigResourceType): ReadonlyMap<string, Setting> => settingsByName[type];

/** Edit distance, given up above `limit`. */
function distance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) next[j] = Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
    row = next;
  }
  return row[b.length]!;
}

/** `: did you mean "x"?` or nothing. */
export function suggestion(name: string, known: Iterable<string>): string {
  const limit = Math.max(2, Math.floor(name.length / 4));
  let best: string | null = null;
  let bestDistance = limit + 1;
  for (const candidate of known) {
    const d = distance(name.slice(0, 100), candidate, limit);
    if (d < bestDistance) [best, bestDistance] = [candidate, d];
  }
  return best === null ? "" : `: did you mean "${best}"?`;
}
