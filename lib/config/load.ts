/**
 * From flags, environment and properties to checked settings: flags > environment > file > installation > default. Pure: it is given texts
 * and gives back texts, what it made of each of them, and every problem at once.
 */
import { kafkaOnlyRule } from "./kafka_only.ts";
import { brokerSettingByName, suggestion, topicSettingByName } from "./names.ts";
import { NodeSettings } from "./node_settings.ts";
import { settingProblems, settingWarnings } from "./relations.ts";
import { parseValue } from "./setting.ts";
import { readSources, type SettingTexts, type Told } from "./sources.ts";

/** A setting that has an effect, or that asks for what is so anyway. */
export interface Understood {
  readonly name: string;
  readonly value: string;
  readonly where: string;
  /** For what is so anyway: why. */
  readonly note?: string;
}

/** A setting without effect. */
export interface Ignored {
  readonly name: string;
  readonly where: string;
  /** What such settings have in common; `unknown` for names that nobody has. */
  readonly group: string;
  readonly why: string;
}

export interface LoadedSettings {
  /** Checked, for `new NodeSettings()`. */
  readonly given: ReadonlyMap<string, string>;
  /** All places where a setting has a value, by name, the one that counts first. */
  readonly told: ReadonlyMap<string, readonly Told[]>;
  readonly understood: readonly Understood[];
  readonly ignored: readonly Ignored[];
  /** What works, but hardly as it was meant. */
  readonly warnings: readonly string[];
  /** What cannot be used; the node must not start. */
  readonly errors: readonly string[];
}

export function loadSettings(texts: SettingTexts): LoadedSettings {
  const sources = readSources(texts);
  const told = new Map([...Map.groupBy(sources.told, ({ name }) => name)].map(([name, all]) => [name, all.toReversed()] as const));
  const given = new Map<string, string>();
  const understood: Understood[] = [];
  const ignored: Ignored[] = sources.others.map(({ name, group, why }) => ({ name, where: "the environment", group, why }));
  const errors = [...sources.errors];
  const final = (name: string): string | undefined => told.get(name)?.[0]?.value;

  for (const [name, all] of told) {
    const [counts] = all;
    const { value, where } = counts!;
    const setting = brokerSettingByName.get(name);
    const rule = setting ? null : kafkaOnlyRule(name);
    if (setting) {
      const refused = all.flatMap((one) => {
        const parsed = parseValue(setting, one.value);
        return parsed.ok ? [] : [`${parsed.message} (in ${one.where})`];
      });
      errors.push(...refused.reverse());
      if (refused.length > 0) continue;
      given.set(name, value.trim());
      understood.push({ name, value: setting.sensitive ? "…" : value.trim(), where });
    } else if (rule) {
      const verdict = rule.judge?.(value, name, final) ?? { kind: "ignored" };
      if (verdict.kind === "refused") errors.push(`${verdict.message} (in ${where})`);
      else if (verdict.kind === "met") understood.push({ name, value: value.trim(), where, note: rule.why });
      else ignored.push({ name, where, group: rule.group, why: rule.why });
    } else if (all.some(({ source }) => source === "flags")) {
      // What somebody typed just now must mean something.
      errors.push(`Unknown setting "${counts!.written}" in ${where}${hint(name)}`);
    } else ignored.push({ name: counts!.written, where, group: "unknown", why: `nobody knows it${hint(name)}` });
  }
  takeControllersOut(given, final("controller.listener.names"));
  const { values } = new NodeSettings(given);
  return {
    given,
    told,
    understood,
    ignored,
    warnings: [...sources.warnings, ...settingWarnings(values)],
    errors: [...errors, ...settingProblems(values)],
  };
}

function hint(name: string): string {
  const broker = topicSettingByName.get(name)?.synonyms?.[0]?.name;
  if (broker !== undefined) return `: it is a setting of topics, and its default for all of them is "${broker}"`;
  return suggestion(name, brokerSettingByName.keys());
}

/** Names of listeners that only controllers use: this node needs none of them, whatever is said of their addresses. */
function takeControllersOut(given: Map<string, string>, controllers: string | undefined): void {
  const names = new Set((controllers ?? "").split(",").map((word) => word.trim().toUpperCase()));
  for (const name of ["listeners", "advertised.listeners"]) {
    const value = given.get(name);
    if (value === undefined) continue;
    const left = value.split(",").filter((address) => !names.has(address.split("://")[0]!.trim().toUpperCase()));
    given.set(name, left.join(","));
  }
}
