/**
 * The settings of a node as they are now: what came with the start (flag > environment > file), over it what was changed on the running
 * cluster (DYNAMIC_BROKER > DYNAMIC_DEFAULT_BROKER), under it the defaults. `values` is one object that changes in place.
 */
import { type BrokerSettingName, brokerSettings, type BrokerValues } from "./broker_settings.ts";
import { type Key, keyOf } from "./declare.ts";
import { brokerSettingByName } from "./names.ts";
import { formatValue, parseValue, type Setting, type SettingValue } from "./setting.ts";

/** Kafka's codes for where a value came from. */
export const CONFIG_SOURCE_CODES = {
  "topic": 1,
  "dynamic-broker": 2,
  "dynamic-default-broker": 3,
  "static-broker": 4,
  "default": 5,
  "client-metrics": 7,
  "group": 8,
} as const;
export type ConfigSource = keyof typeof CONFIG_SOURCE_CODES;

export interface SourcedValue {
  readonly name: string;
  readonly value: string;
  readonly source: ConfigSource;
}

/** Live view: a member read now is the value now. */
export type BrokerSettings = BrokerValues;

export class NodeSettings {
  readonly values: BrokerSettings;
  readonly #given: ReadonlyMap<string, string>;
  #dynamic: ReadonlyMap<string, string> = new Map();
  #dynamicDefault: ReadonlyMap<string, string> = new Map();
  readonly #listeners = new Set<() => void>();

  /**
   * @param given checked texts by name, as `loadSettings` answers with.
   * @throws {RangeError} for a text that `loadSettings` would have refused.
   */
  constructor(given: ReadonlyMap<string, string> = new Map()) {
    this.#given = given;
    this.values = {} as BrokerSettings;
    this.#refresh();
  }

  /** New overrides of this broker and of all brokers, from the metadata image. */
  override(own: ReadonlyMap<string, string>, ofAll: ReadonlyMap<string, string>): void {
    [this.#dynamic, this.#dynamicDefault] = [own, ofAll];
    this.#refresh();
    for (const listener of [...this.#listeners]) listener();
  }

  /** Called after every `override`. */
  subscribe(changed: () => void): { cancel(): void } {
    this.#listeners.add(changed);
    return { cancel: () => this.#listeners.delete(changed) };
  }

  /** Where `name` has a value, the one that counts first. Ends with the default for names that exist. */
  sourced(name: string): readonly SourcedValue[] {
    const setting = brokerSettingByName.get(name);
    const found: SourcedValue[] = [];
    const look = (values: ReadonlyMap<string, string>, source: ConfigSource) => {
      const value = values.get(name);
      if (value !== undefined) found.push({ name, value, source });
    };
    look(this.#dynamic, "dynamic-broker");
    look(this.#dynamicDefault, "dynamic-default-broker");
    look(this.#given, "static-broker");
    if (setting) found.push({ name, value: formatValue(setting.default), source: "default" });
    return found;
  }

  #refresh(): void {
    const values = this.values as Record<string, SettingValue>;
    for (const setting of brokerSettings as readonly Setting[]) {
      values[keyOf(setting.name)] = parsed(setting, this.sourced(setting.name)[0]!.value);
    }
    for (const [coarse, fine] of COARSER) if (this.sourced(fine)[0]!.source === "default") this.#takeCoarser(coarse, fine);
  }

  /** `log.retention.hours` counts where nothing finer is set. */
  #takeCoarser(coarse: string, fine: string): void {
    const [given] = this.sourced(coarse);
    if (!given || given.source === "default") return;
    const values = this.values as Record<string, SettingValue>;
    const amount = parsed(brokerSettingByName.get(coarse)!, given.value) as number;
    values[keyOf(fine)] = amount < 0 ? amount : amount * (coarse.endsWith(".hours") ? 3_600_000 : 60_000);
  }
}

/** The later rows win over the earlier ones. */
const COARSER = [["log.retention.hours", "log.retention.ms"], ["log.retention.minutes", "log.retention.ms"], [
  "log.roll.hours",
  "log.roll.ms",
]] as const;

function parsed(setting: Setting, text: string): SettingValue {
  const result = parseValue(setting, text);
  if (!result.ok) throw new RangeError(result.message);
  return result.value;
}

export type { BrokerSettingName, Key };
