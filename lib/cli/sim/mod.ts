/** `barnabas sim`: runs the product on simulated machines, and says which seed breaks a promise, again and as small as possible. */
import {
  formatScript,
  keyOf,
  needsTwoRuns,
  runPlan,
  runSeeds,
  shrink,
  Tally,
  type Tier,
  TIERS,
  unknownIn,
  type Watch,
} from "../../sim/mod.ts";
import type { Failure, Plan, RunResult, TierName } from "../../sim/mod.ts";
import type { Context } from "../context.ts";
import { type Command, command } from "../declare.ts";
import { CommandFailed, ExitCode } from "../exit.ts";
import { number } from "../progress.ts";
import { durationText } from "../values.ts";
import { SimLine } from "./line.ts";
import { commandFor, endlessText, type FailureReport, reportText, type TierReport, tierReport } from "./report.ts";
import { asked, type TierLoaders, tiersNamed } from "./what.ts";

/** Failures of one sentence are one fault, most of the time: only the first of each is shrunk, and no more than these. */
const SHRUNK_MAX = 5;
/** A run takes seconds at most. */
const ENDLESS_MS = 120_000;
/** Names that are tried for a script, `-2` and so on. */
const NAMES_MAX = 100;

interface SimFlags {
  readonly "stop-at-first": boolean;
  readonly "shrink": boolean;
  readonly "shrink-runs": number;
  readonly "twice-every": number;
  readonly "trace": boolean;
  readonly "out": string;
  readonly "script": string | null;
}

/** Before anything runs: what is found after hours must have a place to go to. @throws {CommandFailed} */
async function checkDirectory({ host }: Context, path: string): Promise<void> {
  let problem = "it is a file";
  try {
    // Directories have no number of bytes.
    if (await host.fileBytes(path) === null) return;
  } catch (error) {
    problem = error instanceof Error ? error.message : String(error);
  }
  throw new CommandFailed(`Cannot use --out ${path}: ${problem}`);
}

/** @param tiers the ones of this build; others for tests. */
export const simCommandOf = (tiers: TierLoaders): Command =>
  command({
    name: "sim",
    summary: "run the broker on simulated machines that fail, and find the seed that breaks a promise",
    details:
      `Clock, disks, network and crashes are simulated in this process; a run is a function of its seed. Tiers: raft (the metadata quorum),
storage (logs and write-ahead log on a disk that loses power), broker (a whole node with clients). It exits with 1 when a
promise was broken. A seed means the same only for the same version; a script is kept for later ones.`,
    endsWhenInterrupted: true,
    json:
      "tiers: tier, firstSeed, seeds, twice, failed, events, virtualMs, ms, seedsPerMinute, counts, marks, hash, failures (seed, violation, command, script)",
    flags: {
      "tier": { type: "choice", choices: ["raft", "metadata", "storage", "broker", "all"], default: "broker", help: "what is simulated" },
      "seed": { type: "integer", short: "s", value: "N", min: 0, help: "replay this one" },
      "seeds": { type: "string", value: "A-B", help: "run these, in order; a single number N: 1 to N" },
      "for": { type: "duration", help: "run so long, each tier its share; fresh seeds where --seeds names none" },
      "script": { type: "string", value: "FILE", help: "run the plan in this file", completes: "file" },
      "stop-at-first": { type: "boolean", help: "end with the first seed that fails" },
      "shrink": { type: "boolean", help: "make failing plans as small as possible and write them to files" },
      "shrink-runs": { type: "integer", value: "N", default: 500, min: 1, help: "runs that shrinking one plan may take" },
      "out": { type: "string", value: "DIRECTORY", default: ".", help: "where the files go", completes: "directory" },
      "trace": { type: "boolean", help: "print the last events of the single run" },
      "twice-every": { type: "integer", value: "N", default: 100, min: 0, help: "run one of so many seeds twice and compare; 0: none" },
    },
    arguments: {},
    examples: [
      { command: "barnabas sim --seed 1742", does: "replay one run of a whole broker" },
      { command: "barnabas sim --tier all --for 3m", does: "fresh seeds of every tier" },
      {
        command: "barnabas sim --tier storage --seeds 1-10000 --stop-at-first --shrink",
        does: "look for a failure and make a script of it",
      },
      { command: "barnabas sim --script sim-storage-1742.json --trace", does: "replay the script, with its last events" },
    ],
    run: async (context, { flags }) => {
      // Seeds of runs that begin at different times do not overlap, as long as none does more than one a millisecond.
      const fresh = context.io.clock.wall();
      const what = await asked(
        { seed: flags.seed, seeds: flags.seeds, for: flags.for, script: flags.script, trace: flags.trace },
        fresh,
        context.host.readText,
      );
      const names = what.kind === "plan" ? tiersNamed(tiers, what.plan.tier) : tiersNamed(tiers, flags.tier);
      if (flags.shrink) await checkDirectory(context, flags.out);
      const watch = await watchOf(context, flags.script);
      const reports: TierReport[] = [];
      for (const name of names) {
        const tier = await tiers[name]!();
        const session = new Session(context, tier, flags, watch);
        if (what.kind === "plan") reports.push(await session.single(what.plan, what.why));
        else if (what.kind === "seed") reports.push(await session.single(tier.plan(what.seed), null));
        else reports.push(await session.range(what.first, what.count, flags.for === null ? Infinity : flags.for / names.length));
      }
      await context.out.result({ tiers: reports }, () => reports.map((report) => reportText(context.out, report)).join("\n"));
      if (reports.some(({ failed }) => failed > 0)) throw new CommandFailed("", ExitCode.failed);
    },
  });

export const simCommand: Command = simCommandOf(TIERS);

async function watchOf({ host, io }: Context, script: string | null): Promise<Watch> {
  const errors: unknown[] = [];
  host.onUncaught((error) => void errors.push(error));
  const stalls = await host.watchStall(ENDLESS_MS);
  return {
    turn: () => new Promise((resolve) => io.timers.soon(resolve)),
    uncaught: () => errors.splice(0),
    begins: (tier, plan) => stalls.begins(endlessText(tier, plan.seed, script)),
    ends: () => stalls.ends(),
  };
}

/** One tier of one call of the command. */
class Session {
  readonly #context: Context;
  readonly #tier: Tier;
  readonly #flags: SimFlags;
  readonly #watch: Watch;

  constructor(context: Context, tier: Tier, flags: SimFlags, watch: Watch) {
    this.#context = context;
    this.#tier = tier;
    this.#flags = flags;
    this.#watch = watch;
  }

  get #name(): TierName {
    return this.#tier.name;
  }

  async single(plan: Plan, why: string | null): Promise<TierReport> {
    const { io, out } = this.#context;
    const { trace } = this.#flags;
    if (why !== null) this.#introduce(plan, why);
    const startedAt = io.clock.mono();
    const result: RunResult = await runPlan(this.#tier, plan, this.#watch, { twice: true, trace });
    const ms = io.clock.mono() - startedAt;
    if (trace && !out.isJson) await out.data(result.lines.map((line) => `${line}\n`).join(""));
    const tally = new Tally();
    tally.add(plan, result, true);
    return tierReport(this.#name, plan.seed, tally, ms, await this.#reported(tally.failures), result);
  }

  /** @throws {CommandFailed} when it cannot be run here. */
  #introduce(plan: Plan, why: string): void {
    const { workloads, faults, knobs } = unknownIn(this.#tier, plan);
    const [word] = [...workloads.map((kind) => `workload "${kind}"`), ...faults.map((kind) => `fault "${kind}"`)];
    if (word !== undefined) {
      throw new CommandFailed(`${this.#flags.script}: There is no ${word} in the tier ${this.#name}: another version wrote it`);
    }
    const { out } = this.#context;
    out.note(`Script: ${why}`);
    if (knobs.length > 0) out.note(`This version has no such knobs, they do nothing: ${knobs.join(", ")}`);
  }

  async range(first: number, count: number, forMs: number): Promise<TierReport> {
    const { io, out, host, interrupted } = this.#context;
    out.note(`${this.#name}: seeds from ${first}`);
    const line = new SimLine(host, io.clock, out.isQuiet, this.#name, count, forMs);
    const startedAt = io.clock.mono();
    const tally = await runSeeds(this.#tier, {
      first,
      count,
      forMs,
      clock: io.clock,
      stopAtFirst: this.#flags["stop-at-first"],
      twiceEvery: this.#flags["twice-every"],
      watch: this.#watch,
      stopped: () => interrupted.aborted,
      onSeed: (so) => line.show(so),
    });
    const ms = io.clock.mono() - startedAt;
    line.end();
    return tierReport(this.#name, first, tally, ms, await this.#reported(tally.failures));
  }

  /** Every failure; with --shrink, the first of each sentence has a script. */
  async #reported(failures: readonly Failure[]): Promise<readonly FailureReport[]> {
    const keys = new Set<string>();
    const reports: FailureReport[] = [];
    for (const failure of failures) {
      const key = keyOf(failure.violation);
      const isNew = !keys.has(key) && keys.size < SHRUNK_MAX;
      keys.add(key);
      const script = this.#flags.shrink && isNew ? await this.#shrunk(failure) : null;
      const command = commandFor(this.#name, failure.seed, this.#flags.script);
      reports.push({ seed: failure.seed, violation: failure.violation, command, script });
    }
    return reports;
  }

  /** @returns the path of the script; null when it cannot be written, which must not keep the others from being told. */
  async #shrunk({ seed, plan, violation }: Failure): Promise<string | null> {
    const { out, io, interrupted } = this.#context;
    const startedAt = io.clock.mono();
    const shrunk = await shrink(plan, violation, {
      attempt: async (smaller) => (await runPlan(this.#tier, smaller, this.#watch, { twice: needsTwoRuns(violation) })).violation,
      runsMax: this.#flags["shrink-runs"],
      stopped: () => interrupted.aborted,
      tell: (step, { faults, horizonMs }, runs) =>
        out.note(
          `Shrinking ${this.#name} seed ${seed}: ${step}: ${faults.length} faults in ${Math.round(horizonMs)} ms, after ${runs} runs`,
        ),
    });
    const took = `${number(shrunk.runs)} runs in ${durationText(io.clock.mono() - startedAt)}`;
    out.note(`Shrunk ${this.#name} seed ${seed} with ${took}${shrunk.finished ? "" : ", and not to the end"}`);
    const text = formatScript({ why: shrunk.violation, plan: shrunk.plan });
    try {
      const path = await this.#write(`sim-${this.#name}-${seed}`, text);
      out.note(`Written: ${path}`);
      return path;
    } catch (error) {
      out.error(error instanceof Error ? error.message : String(error));
      out.note(text.trimEnd());
      return null;
    }
  }

  async #write(name: string, text: string): Promise<string> {
    for (let copy = 1;; copy++) {
      const path = `${this.#flags.out}/${name}${copy === 1 ? "" : `-${copy}`}.json`;
      try {
        await this.#context.host.writeNewFile(path, new TextEncoder().encode(text));
        return path;
      } catch (error) {
        const { code, message } = error as Error & { readonly code?: string };
        if (code !== "EEXIST" || copy === NAMES_MAX) throw new Error(`Cannot write "${path}": ${message}`);
      }
    }
  }
}
