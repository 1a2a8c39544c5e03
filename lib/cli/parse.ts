/** From the words of a command line to the values that a declaration names. Refuses by name, with the nearest that exists. Runs nothing. */
import { parseArgs } from "@std/cli/parse-args";
import { suggestion } from "../config/mod.ts";
import { type Command, type CommandValues, type Flag, type Flags, flagsOf } from "./declare.ts";
import { UsageError } from "./exit.ts";
import { parseDuration, parseSize } from "./values.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** @throws {UsageError} Flags of which the help is asked are not checked further: `values.flags.help` is then true. */
export function parseCommand(command: Command, words: readonly string[], env: Environment): CommandValues {
  const flags = flagsOf(command);
  const { options, rest } = spelledOut(flags, words);
  const given = parseArgs(options as string[], {
    string: Object.keys(flags).filter((name) => flags[name]!.type !== "boolean"),
    boolean: Object.keys(flags).filter((name) => flags[name]!.type === "boolean"),
    collect: Object.keys(flags).filter((name) => flags[name]!.type === "list"),
  }) as Readonly<Record<string, unknown>>;
  const values = Object.fromEntries(Object.entries(flags).map(([name, flag]) => [name, valueOf(name, flag, given[name], env)]));
  if (values["help"] === true) return { flags: values, args: {} };
  return { flags: values, args: argumentsOf(command, rest) };
}

/**
 * Each flag as one word, `--name=value`, so that a value may begin with a dash (`--from -10`) and a flag that takes none eats no argument;
 * and what is no flag.
 */
function spelledOut(flags: Flags, words: readonly string[]): { readonly options: readonly string[]; readonly rest: readonly string[] } {
  const byShort = new Map(Object.entries(flags).flatMap(([name, { short }]) => short === undefined ? [] : [[short, name] as const]));
  const options: string[] = [];
  const rest: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!;
    if (word === "--") {
      rest.push(...words.slice(at + 1));
      break;
    }
    // A lone dash is a file name: standard input. A dash and digits is a number.
    if (!/^-[^\d]/.test(word)) {
      rest.push(word);
      continue;
    }
    const { name, value, next } = named(flags, byShort, word);
    const flag = flags[name]!;
    if (next !== undefined) words = [...words.slice(0, at + 1), next, ...words.slice(at + 1)];
    if (flag.type === "boolean") {
      if (value !== undefined) throw new UsageError(`Flag "--${name}" takes no value: it is given or left out`);
      options.push(`--${name}`);
      continue;
    }
    const taken = value ?? words[++at];
    const mayBeEmpty = flag.type === "string" && flag.mayBeEmpty === true;
    if (taken === undefined || taken === "" && !mayBeEmpty || value === undefined && isFlag(flags, byShort, taken)) {
      throw new UsageError(`Flag "--${name}" needs a value`);
    }
    options.push(`--${name}=${taken}`);
  }
  return { options, rest };
}

/** Which flag the word is, the value that it carries, and the word that remains of a row of letters (`-qy`). */
function named(
  flags: Flags,
  byShort: ReadonlyMap<string, string>,
  word: string,
): { readonly name: string; readonly value?: string; readonly next?: string } {
  if (word.startsWith("--")) {
    const at = word.indexOf("=");
    const name = word.slice(2, at < 0 ? undefined : at);
    if (!Object.hasOwn(flags, name)) throw new UsageError(`Unknown flag "--${name}"${nearestFlag(flags, name)}`);
    return at < 0 ? { name } : { name, value: word.slice(at + 1) };
  }
  const name = byShort.get(word[1]!);
  if (name === undefined) throw new UsageError(`Unknown flag "-${word[1]}"${nearestFlag(flags, word.slice(1))}`);
  if (word.length === 2) return { name };
  if (flags[name]!.type === "boolean") return { name, next: `-${word.slice(2)}` };
  return { name, value: word.slice(word[2] === "=" ? 3 : 2) };
}

function isFlag(flags: Flags, byShort: ReadonlyMap<string, string>, word: string): boolean {
  if (word === "--") return true;
  return word.startsWith("--") ? Object.hasOwn(flags, word.slice(2).split("=")[0]!) : /^-\D$/.test(word) && byShort.has(word[1]!);
}

function nearestFlag(flags: Flags, name: string): string {
  return suggestion(name, Object.keys(flags)).replace(/"(.+)"/, '"--$1"');
}

function valueOf(name: string, flag: Flag, given: unknown, env: Environment): CommandValues["flags"][string] {
  if (flag.type === "list") return (given ?? []) as readonly string[];
  const set = flag.env === undefined ? undefined : env[flag.env] || undefined;
  // NO_COLOR's own rule: any value that is not empty counts.
  if (flag.type === "boolean") return given === true || set !== undefined;
  const where = given === undefined && set !== undefined ? `${flag.env}=${set}` : `--${name} ${String(given)}`;
  const text = (given as string | undefined) ?? set ?? flag.default;
  if (text === undefined) return null;
  const refuse = (accepted: string): never => {
    throw new UsageError(`Invalid "${where}": ${accepted}`);
  };
  switch (flag.type) {
    case "string":
      return String(text);
    case "choice":
      return flag.choices.includes(String(text)) ? String(text) : refuse(`accepted are ${flag.choices.join(", ")}`);
    case "duration":
      return parseDuration(String(text)) ?? refuse("accepted are durations like 500ms, 30s, 5m, 2h, 7d");
    case "size":
      return parseSize(String(text)) ?? refuse("accepted are sizes like 512, 64KiB, 1MiB");
    case "integer": {
      const { min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER } = flag;
      const number = /^-?\d{1,16}$/.test(String(text)) ? Number(text) : NaN;
      if (number >= min && number <= max) return number;
      return refuse(
        `accepted are whole numbers${flag.min === undefined ? "" : ` from ${min}`}${flag.max === undefined ? "" : ` to ${max}`}`,
      );
    }
  }
}

function argumentsOf(command: Command, words: readonly string[]): CommandValues["args"] {
  const args: Record<string, string | readonly string[] | null> = {};
  let at = 0;
  for (const [name, { label, optional, many, mayBeEmpty }] of Object.entries(command.arguments)) {
    const taken = many ? words.slice(at) : words.slice(at, at + 1);
    at += taken.length;
    if (taken.length === 0 && !optional) throw new UsageError(`Argument ${label} is missing`);
    if (taken.includes("") && !mayBeEmpty) throw new UsageError(`Argument ${label} is empty`);
    args[name] = many ? taken : taken[0] ?? null;
  }
  if (at < words.length) {
    const takes = Object.values(command.arguments).map(({ label }) => label).join(" ");
    throw new UsageError(`Cannot use "${words[at]}": ${command.name} takes ${takes === "" ? "flags only" : `${takes} and flags`}`);
  }
  return args;
}
