/** What `barnabas sim` is asked to run: one seed, a range, a time, or a script. Runs nothing. */
import { CommandFailed, UsageError } from "../exit.ts";
import { parseScript, type Plan, ScriptRefused, type TierName, TIERS } from "../../sim/mod.ts";

export type Asked =
  | { readonly kind: "plan"; readonly plan: Plan; readonly why: string }
  | { readonly kind: "seed"; readonly seed: number }
  /** `count` may be infinite, then there is a time. */
  | { readonly kind: "seeds"; readonly first: number; readonly count: number };

export interface AskedFlags {
  readonly seed: number | null;
  readonly seeds: string | null;
  readonly for: number | null;
  readonly script: string | null;
  readonly trace: boolean;
}

/** @param fresh the first seed where none is named. @throws {UsageError} @throws {CommandFailed} when the script cannot be used. */
export async function asked(flags: AskedFlags, fresh: number, readText: (path: string) => Promise<string>): Promise<Asked> {
  const { seed, seeds, script } = flags;
  const named = Object.entries({ seed, seeds, script }).flatMap(([name, value]) => value === null ? [] : `--${name}`);
  if (named.length > 1) throw new UsageError(`Cannot use ${named.join(" and ")} together: choose one`);
  if (flags.for === 0) throw new UsageError('Invalid "--for 0s": nothing would run');
  if (flags.trace && seed === null && script === null) {
    throw new UsageError("Cannot use --trace without --seed or --script: it is of one run");
  }
  if (flags.for !== null && (seed !== null || script !== null)) throw new UsageError(`Cannot use --for with ${named[0]}: that is one run`);
  if (script !== null) return { kind: "plan", ...await scriptAt(script, readText) };
  if (seed !== null) return { kind: "seed", seed };
  if (seeds !== null) return { kind: "seeds", ...range(seeds) };
  if (flags.for === null) throw new UsageError("Say what to run: --seed N, --seeds A-B, --for DURATION or --script FILE");
  return { kind: "seeds", first: fresh, count: Infinity };
}

async function scriptAt(path: string, readText: (path: string) => Promise<string>): Promise<{ readonly plan: Plan; readonly why: string }> {
  try {
    return parseScript(await readText(path));
  } catch (error) {
    if (error instanceof ScriptRefused) throw new CommandFailed(`${path}: ${error.message}`);
    throw new CommandFailed(`Cannot read "${path}": ${error instanceof Error ? error.message : String(error)}`);
  }
}

function range(text: string): { readonly first: number; readonly count: number } {
  const match = /^(\d{1,15})(?:-(\d{1,15}))?$/.exec(text);
  const [first, last] = match?.[2] === undefined ? [1, Number(match?.[1])] : [Number(match[1]), Number(match[2])];
  if (match === null || last < first) throw new UsageError(`Invalid "--seeds ${text}": write A-B, or N for 1 to N`);
  return { first, count: last - first + 1 };
}

export type TierLoaders = typeof TIERS;

/** @throws {CommandFailed} when there is no such tier in this build. */
export function tiersNamed(tiers: TierLoaders, name: string): readonly TierName[] {
  const known = Object.keys(tiers) as readonly TierName[];
  const chosen = known.filter((one) => name === "all" || name === one);
  if (chosen.length === 0) throw new CommandFailed(`There is no simulator for "${name}" here: there are ${known.join(", ") || "none"}`);
  return chosen;
}
