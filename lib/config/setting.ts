/**
 * What a setting is: one declaration with name, type, default, bounds and meaning, from which flags, environment, properties files,
 * DescribeConfigs and the reference page are read. Pure; reads nothing.
 */

/** Kafka's codes for the type of a config (DescribeConfigs v3, KIP-569). */
export const CONFIG_TYPE_CODES = {
  boolean: 1,
  string: 2,
  int: 3,
  short: 4,
  long: 5,
  double: 6,
  list: 7,
  password: 9,
} as const;
export type ConfigType = keyof typeof CONFIG_TYPE_CODES;

/** The value of a setting in memory. Lists are arrays of trimmed, non-empty words. */
export type SettingValue = boolean | string | number | readonly string[];

export interface Setting<T extends SettingValue = SettingValue> {
  readonly name: string;
  readonly type: ConfigType;
  readonly default: T;
  readonly doc: string;
  /** Inclusive bounds of numbers. */
  readonly min?: number;
  readonly max?: number;
  /** The only values (or words of a list) that are accepted. */
  readonly oneOf?: readonly string[];
  /** Of texts (or words of a list) with a shape of their own: how a person is told of it, and the shape where nothing else checks it. */
  readonly form?: { readonly accepted: string; readonly matches?: RegExp };
  /** May be changed on a running broker through IncrementalAlterConfigs. */
  readonly live?: boolean;
  readonly sensitive?: boolean;
  /** Broker settings that give a topic setting its value when the topic has none, the nearest first; see `multiplier`. */
  readonly synonyms?: readonly Synonym[];
  /** Belongs to something that Barnabas does not have: it is shown, and any other value than the default is refused. */
  readonly inert?: string;
  /** Flag of `serve` that stands for it, without the dashes. */
  readonly flag?: string;
  /** Other names under which files and environments may have it; the setting's own name wins over them. */
  readonly aliases?: readonly string[];
  /** What Apache Kafka's setting of this name does differently: its default, what it counts. Absent: nothing, or Kafka has none. */
  readonly kafka?: string;
  /** Apache Kafka has no setting of this name. */
  readonly own?: true;
}

/** Another name for the same thing, possibly in another unit: `log.retention.hours` is 3,600,000 `retention.ms`. */
export interface Synonym {
  readonly name: string;
  readonly multiplier: number;
}

/** What `Long.MAX_VALUE` becomes as a double; written back as Java writes it. */
export const LONG_MAX = 2 ** 63;
const LONG_MAX_TEXT = "9223372036854775807";
const LONG_MAX_EXACT = BigInt(LONG_MAX_TEXT);
const INT_MAX = 2 ** 31 - 1;

const RANGES: Readonly<Partial<Record<ConfigType, readonly [number, number]>>> = {
  int: [-(2 ** 31), INT_MAX],
  short: [-32_768, 32_767],
  long: [-LONG_MAX, LONG_MAX],
};

export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly message: string };

/** What is accepted, in words: for messages and for the reference page. */
export function acceptedForm(setting: Setting): string {
  if (setting.inert !== undefined) return `only its default "${formatValue(setting.default)}": ${setting.inert}`;
  const words = setting.oneOf?.map((word) => `"${word}"`).join(", ");
  switch (setting.type) {
    case "boolean":
      return `"true" or "false"`;
    case "list":
      return words ? `a list of ${words}, separated by commas` : setting.form?.accepted ?? "a list separated by commas";
    case "string":
    case "password":
      return words ? `one of ${words}` : setting.form?.accepted ?? "any text";
    case "double":
      return `a number from ${setting.min ?? "any"} to ${setting.max ?? "any"}`;
    default: {
      const [low, high] = RANGES[setting.type]!;
      return `a whole number from ${setting.min ?? low} to ${formatValue(setting.max ?? high)}`;
    }
  }
}

/** Text as people write it to a value. The message names the setting, what was given and what is accepted. */
export function parseValue(setting: Setting, text: string): Parsed<SettingValue> {
  const trimmed = text.trim();
  const refused: Parsed<SettingValue> = {
    ok: false,
    message: `Invalid value "${setting.sensitive ? "…" : trimmed}" for "${setting.name}": accepted is ${acceptedForm(setting)}`,
  };
  const value = read(setting, trimmed);
  if (value === null) return refused;
  if (setting.inert !== undefined && formatValue(value) !== formatValue(setting.default)) return refused;
  return { ok: true, value };
}

function read(setting: Setting, text: string): SettingValue | null {
  const known = (word: string) => setting.oneOf === undefined || setting.oneOf.includes(word);
  switch (setting.type) {
    case "boolean":
      return /^true$/i.test(text) ? true : /^false$/i.test(text) ? false : null;
    case "string":
    case "password":
      return known(text) && (setting.form?.matches?.test(text) ?? true) ? text : null;
    case "list": {
      const words = text === "" ? [] : text.split(",").map((word) => word.trim());
      return words.every((word) => word.length > 0 && known(word)) ? words : null;
    }
    case "double": {
      const value = Number(text);
      return text.length > 0 && Number.isFinite(value) && within(setting, value) ? value : null;
    }
    default: {
      // As doubles, Long.MAX_VALUE and the number after it are the same.
      if (!/^[+-]?\d{1,19}$/.test(text) || BigInt(text.replace("+", "")) > LONG_MAX_EXACT) return null;
      const value = Number(text);
      const [low, high] = RANGES[setting.type]!;
      return value >= low && value <= high && within(setting, value) ? value : null;
    }
  }
}

const within = (setting: Setting, value: number): boolean => value >= (setting.min ?? -Infinity) && value <= (setting.max ?? Infinity);

/** As Kafka writes values in DescribeConfigs. */
export function formatValue(value: SettingValue): string {
  if (typeof value === "object") return value.join(",");
  return value === LONG_MAX ? LONG_MAX_TEXT : String(value);
}

/** What the number counts, from the end of the name; null for what counts things, or is no number. */
export function unitOf({ name, type }: Setting): string | null {
  if (!["int", "short", "long", "double"].includes(type)) return null;
  return UNITS.find(([ending]) => ending.test(name))?.[1] ?? null;
}

const UNITS: readonly (readonly [RegExp, string])[] = [
  [/\.ms$/, "milliseconds"],
  [/\.ms\.max$/, "milliseconds"],
  [/\.minutes$/, "minutes"],
  [/\.hours$/, "hours"],
  [/(?:^|\.)bytes(?:\.max)?$|\.buffer\.size$/, "bytes"],
  [/\.ratio$/, "share of one"],
  [/\.rate$/, "a second"],
];
