/** What may stand at the last word of a command line: from the declarations, and names of topics and groups from the cluster. */
import { brokerSettings, topicSettings } from "../../config/mod.ts";
import { COMMANDS, isGroup } from "../commands.ts";
import type { AdminApi } from "../../client/mod.ts";
import type { Context } from "../context.ts";
import { type Argument, type Command, type Completes, type Flags, flagsOf } from "../declare.ts";

export interface Candidates {
  readonly values: readonly (readonly [value: string, meaning: string])[];
  /** The name of a file may stand here. */
  readonly isFile?: boolean;
}

const NONE: Candidates = { values: [] };

/** A person waits with a finger on the key. */
const CLUSTER_WAIT_MS = 1000;

/** @param words all of the command line behind the program; the last one is being typed, and may be empty. */
export async function candidates(context: Context, words: readonly string[]): Promise<Candidates> {
  const [first = "", ...rest] = words;
  if (words.length <= 1) {
    const shown = Object.entries(COMMANDS).filter(([, { hidden }]) => !hidden);
    return { values: [...shown.map(([name, { summary }]) => [name, summary] as const), ["help", "print what there is"]] };
  }
  if (first === "help") return await candidates(context, rest);
  const entry = Object.hasOwn(COMMANDS, first) ? COMMANDS[first] : undefined;
  if (entry === undefined) return NONE;
  const node = await entry.load();
  if (!isGroup(node)) return await ofCommand(context, node, rest);
  const [second = "", ...words2] = rest;
  if (rest.length <= 1) return { values: node.commands.map(({ name, summary }) => [name, summary] as const) };
  const command = node.commands.find(({ name }) => name === second);
  return command === undefined ? NONE : await ofCommand(context, command, words2);
}

async function ofCommand(context: Context, command: Command, words: readonly string[]): Promise<Candidates> {
  const flags = flagsOf(command);
  const typed = words.at(-1) ?? "";
  const before = walked(flags, words.slice(0, -1));
  const ask: Ask = { context, bootstrap: before.given.get("bootstrap") };
  if (before.waiting !== null) return await ofFlag(ask, flags, before.waiting, "");
  const at = typed.indexOf("=");
  if (typed.startsWith("--") && at > 0) return await ofFlag(ask, flags, typed.slice(2, at), typed.slice(0, at + 1));
  if (typed.startsWith("-") && !before.isRest) {
    const open = Object.entries(flags).filter(([name, { type }]) => type === "list" || !before.given.has(name));
    return { values: open.map(([name, { help }]) => [`--${name}`, help] as const) };
  }
  const argument = argumentAt(Object.values(command.arguments), before.positionals);
  return argument?.completes === undefined ? NONE : await ofKind(ask, argument.completes, argument.help, "");
}

interface Walked {
  /** The flag whose value is the next word; null: none. */
  readonly waiting: string | null;
  readonly given: ReadonlyMap<string, string>;
  readonly positionals: number;
  /** A `--` was there: no flags any more. */
  readonly isRest: boolean;
}

/** What the words before the last one are. Never refuses: half a command line is no error. */
function walked(flags: Flags, words: readonly string[]): Walked {
  const byShort = new Map(Object.entries(flags).flatMap(([name, { short }]) => short === undefined ? [] : [[short, name] as const]));
  const given = new Map<string, string>();
  let positionals = 0;
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!;
    if (word === "--") return { waiting: null, given, positionals: positionals + words.length - at - 1, isRest: true };
    const name = word.startsWith("--") ? word.slice(2).split("=")[0]! : word.length === 2 ? byShort.get(word[1]!) : undefined;
    if (!/^-\D/.test(word)) positionals++;
    if (name === undefined || !Object.hasOwn(flags, name)) continue;
    if (flags[name]!.type === "boolean") given.set(name, "");
    else if (word.startsWith("--") && word.includes("=")) given.set(name, word.slice(word.indexOf("=") + 1));
    else if (at + 1 === words.length) return { waiting: name, given, positionals, isRest: false };
    else given.set(name, words[++at]!);
  }
  return { waiting: null, given, positionals, isRest: false };
}

function argumentAt(all: readonly Argument[], index: number): Argument | undefined {
  return all[index] ?? (all.at(-1)?.many ? all.at(-1) : undefined);
}

interface Ask {
  readonly context: Context;
  readonly bootstrap: string | undefined;
}

async function ofFlag(ask: Ask, flags: Flags, name: string, prefix: string): Promise<Candidates> {
  const flag = Object.hasOwn(flags, name) ? flags[name] : undefined;
  if (flag === undefined) return NONE;
  if (flag.type === "choice") return { values: flag.choices.map((choice) => [prefix + choice, flag.help] as const) };
  return flag.completes === undefined ? NONE : await ofKind(ask, flag.completes, flag.help, prefix);
}

async function ofKind(ask: Ask, kind: Completes, meaning: string, prefix: string): Promise<Candidates> {
  const named = (names: readonly string[]): Candidates => ({ values: names.map((name) => [prefix + name, meaning] as const) });
  switch (kind) {
    case "file":
    case "directory":
      return { values: [], isFile: true };
    case "topic":
      return named((await asked(ask, (admin) => admin.listTopics())).map(({ name }) => name).sort());
    case "group":
      return named((await asked(ask, (admin) => admin.listGroups())).map(({ groupId }) => groupId).sort());
    case "topic-setting":
      return { values: topicSettings.map(({ name, doc }) => [prefix + name, doc] as const) };
    case "broker-setting":
      return { values: brokerSettings.map(({ name, doc }) => [prefix + name, doc] as const) };
    default:
      return named(kind);
  }
}

/** Nothing, when the cluster does not answer: a tab key has no place for errors. */
async function asked<T>({ context, bootstrap }: Ask, question: (admin: AdminApi) => Promise<readonly T[]>): Promise<readonly T[]> {
  const clients = context.clientsOf(bootstrap ?? (context.host.env["BARNABAS_BOOTSTRAP"] || "127.0.0.1:9092"), CLUSTER_WAIT_MS);
  try {
    return await question(await clients.admin());
  } catch (error) {
    if (error instanceof Error) return [];
    throw error;
  } finally {
    await clients.close();
  }
}
