/** Short forms that declare settings, so that a table of them reads like a table. The literal name is kept in the type. */
import { LONG_MAX, type Setting, type SettingValue } from "./setting.ts";

type Declared<Name extends string, T extends SettingValue> = Setting<T> & { readonly name: Name };
type Extras<T extends SettingValue> = Partial<Omit<Setting<T>, "name" | "type" | "default" | "doc">>;

const declare =
  <T extends SettingValue>(type: Setting["type"], extras: Extras<T> = {}) =>
  <const Name extends string>(name: Name, value: T, doc: string, more: Extras<T> = {}): Declared<Name, T> => ({
    name,
    type,
    default: value,
    doc,
    ...extras,
    ...more,
  });

export const flag = declare<boolean>("boolean");
export const text = declare<string>("string");
export const list = declare<readonly string[]>("list");
export const int = declare<number>("int");
export const short = declare<number>("short");
export const long = declare<number>("long");
export const double = declare<number>("double");
/** A count or size that is at least one. */
export const positive = declare<number>("int", { min: 1 });
/** Milliseconds from zero; `LONG_MAX` is for ever. */
export const durationMs = declare<number>("long", { min: 0, max: LONG_MAX });
/** Milliseconds or bytes where -1 is no limit. */
export const limit = declare<number>("long", { min: -1, max: LONG_MAX });

/** `log.retention.ms` as the key of an object: `logRetentionMs`. */
export type Key<Name extends string> = Name extends `${infer Head}.${infer Tail}` ? `${Head}${Capitalize<Key<Tail>>}` : Name;
export type Values<Table extends readonly Setting[]> = {
  readonly [S in Table[number] as Key<S["name"]>]: S extends Setting<infer T> ? T : never;
};

export const keyOf = (name: string): string => name.replace(/\.([a-z])/g, (_, letter: string) => letter.toUpperCase());
