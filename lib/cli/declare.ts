/**
 * How a command is declared: once, with its flags, arguments and examples. Parsing, `--help`, docs/cli.md and shell completion are read from
 * the declaration and from nothing else. Holds no command itself.
 */
import type { Context } from "./context.ts";

/** What the shell can offer for a value: asked of the cluster or of the disk, or a fixed list. */
export type Completes = "topic" | "group" | "file" | "directory" | "topic-setting" | "broker-setting" | readonly string[];

interface FlagBase {
  /** One sentence without full stop. */
  readonly help: string;
  /** One letter, as in `-t`. */
  readonly short?: string;
  /** The environment variable that stands in for the flag. */
  readonly env?: string;
  readonly completes?: Completes;
}

export type Flag =
  | FlagBase & { readonly type: "boolean" }
  | FlagBase & { readonly type: "string"; readonly value: string; readonly default?: string; readonly mayBeEmpty?: true }
  /** May be given again; the values in their order. */
  | FlagBase & { readonly type: "list"; readonly value: string }
  | FlagBase & { readonly type: "choice"; readonly choices: readonly string[]; readonly default?: string }
  | FlagBase & { readonly type: "integer"; readonly value: string; readonly default?: number; readonly min?: number; readonly max?: number }
  /** Milliseconds; written with a unit: `500ms`, `30s`, `5m`, `2h`, `7d`. */
  | FlagBase & { readonly type: "duration"; readonly default?: string }
  /** Bytes; written plain or with a unit: `512`, `64KiB`, `1MiB`. */
  | FlagBase & { readonly type: "size"; readonly default?: string };

export type Flags = Readonly<Record<string, Flag>>;

export interface Argument {
  /** As help shows it: `TOPIC`. */
  readonly label: string;
  readonly help: string;
  readonly optional?: true;
  /** Takes all that are left; only the last argument may. */
  readonly many?: true;
  readonly mayBeEmpty?: true;
  readonly completes?: Completes;
}

export type Arguments = Readonly<Record<string, Argument>>;

type HasDefault<F> = F extends { readonly default: string | number } ? true : false;
type FlagValue<F extends Flag> = F extends { type: "boolean" } ? boolean
  : F extends { type: "list" } ? readonly string[]
  : F extends { type: "choice"; choices: readonly (infer Choice)[] } ? Choice | (HasDefault<F> extends true ? never : null)
  : F extends { type: "string" } ? string | (HasDefault<F> extends true ? never : null)
  : number | (HasDefault<F> extends true ? never : null);

export type FlagValues<F extends Flags> = { readonly [Name in keyof F]: FlagValue<F[Name]> };
export type ArgumentValues<A extends Arguments> = {
  readonly [Name in keyof A]: A[Name] extends { many: true } ? readonly string[]
    : A[Name] extends { optional: true } ? string | null
    : string;
};

export interface Example {
  readonly command: string;
  readonly does: string;
}

interface Declaration<F extends Flags, A extends Arguments> {
  readonly name: string;
  /** One line, as lists of commands show it: lower case, no full stop. */
  readonly summary: string;
  /** More, for `--help` and the page; lines up to 100 characters. */
  readonly details?: string;
  readonly flags: F;
  readonly arguments: A;
  readonly examples: readonly Example[];
  /** It talks to a cluster: has --bootstrap and --timeout. */
  readonly connects?: boolean;
  /** It changes or deletes what cannot be brought back: has --yes, and asks on a terminal. */
  readonly destroys?: boolean;
  /** What it prints with --json; without this it has no such flag. */
  readonly json?: string;
  /** It ends by itself, in order, when `context.interrupted` fires; others are ended at once. */
  readonly endsWhenInterrupted?: boolean;
  /** It runs until a signal that it handles itself, and ends the process. */
  readonly ownsProcess?: boolean;
  readonly run: (context: Context, values: { readonly flags: FlagValues<F>; readonly args: ArgumentValues<A> }) => Promise<void>;
}

/** A declared command, its own flags' types forgotten. */
export interface Command extends Omit<Declaration<Flags, Arguments>, "run"> {
  readonly run: (context: Context, values: CommandValues) => Promise<void>;
}

export interface CommandValues {
  readonly flags: Readonly<Record<string, FlagValue<Flag>>>;
  readonly args: Readonly<Record<string, string | readonly string[] | null>>;
}

/** Commands below one word: `topic list`, `topic create`. */
export interface CommandGroup {
  readonly name: string;
  readonly summary: string;
  readonly commands: readonly Command[];
}

export function command<const F extends Flags, const A extends Arguments>(declaration: Declaration<F, A>): Command {
  // The parser makes the values from the same declaration, so they fit what `run` asks for.
  return declaration as unknown as Command;
}

const COMMON_FLAGS = {
  "quiet": { type: "boolean", short: "q", help: "say nothing on standard error but errors" },
  "no-color": { type: "boolean", env: "NO_COLOR", help: "no colours; they are only used on a terminal" },
  "help": { type: "boolean", short: "h", help: "print what the command does and takes" },
} as const satisfies Flags;

const CONNECT_FLAGS = {
  "bootstrap": {
    type: "string",
    short: "b",
    value: "HOST:PORT",
    default: "127.0.0.1:9092",
    env: "BARNABAS_BOOTSTRAP",
    help: "a broker of the cluster, several with commas",
  },
  "timeout": { type: "duration", default: "30s", help: "longest wait for the cluster" },
} as const satisfies Flags;

const YES_FLAG = { "yes": { type: "boolean", short: "y", help: "do not ask; needed where there is no terminal to ask on" } } as const;

const HELP_FLAG = { "help": COMMON_FLAGS.help } as const;

/** Every flag that the command takes: its own first. */
export function flagsOf(command: Pick<Command, "flags" | "connects" | "destroys" | "json" | "ownsProcess">): Flags {
  if (command.ownsProcess) return { ...command.flags, ...HELP_FLAG };
  return {
    ...command.flags,
    ...(command.destroys ? YES_FLAG : {}),
    ...(command.connects ? CONNECT_FLAGS : {}),
    ...(command.json === undefined ? {} : { "json": { type: "boolean", help: `print JSON: ${command.json}` } as const }),
    ...COMMON_FLAGS,
  };
}

/** The flags that `flagsOf` may add, as values. */
export type CommonValues = FlagValues<
  typeof COMMON_FLAGS & typeof CONNECT_FLAGS & typeof YES_FLAG & { json: { type: "boolean"; help: "" } }
>;
