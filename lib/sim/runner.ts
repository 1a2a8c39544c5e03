/**
 * Runs plans, one after the other, and adds up what came of them. Here is also what no run can see by itself: that the same plan twice is the
 * same run, and that no promise was rejected without anybody looking. Keeps nothing between two runs but sums.
 */
import type { Clock } from "../io/mod.ts";
import type { Plan, RunResult, Tier, TierName } from "./plan.ts";

/** The process around the runs: only it is told of rejections that nobody handles, and only between two turns of its event loop. */
export interface Watch {
  /** Lets the event loop go round once, so that they are reported. */
  turn(): Promise<void>;
  /** What was reported since the last call. */
  uncaught(): readonly unknown[];
  /** A run begins, in which the process may get stuck for ever. */
  begins?(tier: TierName, plan: Plan): void;
  ends?(): void;
}

/** For who is not told of them, because somebody else is: a test runner fails by itself. */
export const UNWATCHED: Watch = { turn: () => Promise.resolve(), uncaught: () => [] };

export interface RunOnceOptions {
  /** Run it twice; a difference is a violation. */
  readonly twice?: boolean;
  /** Keep the last events as text. */
  readonly trace?: boolean;
}

/** The run of a plan, with what happened around it. Never throws. */
export async function runPlan(tier: Tier, plan: Plan, watch: Watch = UNWATCHED, options: RunOnceOptions = {}): Promise<RunResult> {
  const result = await runWatched(tier, plan, watch, options.trace === true);
  if (options.twice !== true || result.violation !== null) return result;
  const again = await runWatched(tier, plan, watch, false);
  const differs = difference(result, again);
  return differs === null ? result : { ...result, violation: `${DIFFERS}: ${differs}` };
}

async function runWatched(tier: Tier, plan: Plan, watch: Watch, trace: boolean): Promise<RunResult> {
  watch.begins?.(tier.name, plan);
  const result = runGuarded(tier, plan, trace);
  watch.ends?.();
  await watch.turn();
  const [error] = watch.uncaught();
  return error === undefined || result.violation !== null ? result : { ...result, violation: `${UNHANDLED}: ${stackOf(error)}` };
}

function runGuarded(tier: Tier, plan: Plan, trace: boolean): RunResult {
  try {
    return tier.run(plan, trace);
  } catch (error) {
    const violation = `The simulator failed: ${stackOf(error)}`;
    return { violation, hash: "", events: 0, virtualMs: 0, marks: new Map(), counts: {}, lines: [] };
  }
}

const DIFFERS = "Two runs of the same plan differ";
const UNHANDLED = "Nobody handled a rejection";

/** Whether it takes two runs to see the violation. */
export const needsTwoRuns = (violation: string): boolean => violation.startsWith(DIFFERS);

function difference(one: RunResult, other: RunResult): string | null {
  for (const field of ["violation", "hash", "events", "virtualMs"] as const) {
    if (one[field] !== other[field]) return `${field} ${one[field] ?? "none"} and ${other[field] ?? "none"}`;
  }
  return null;
}

const stackOf = (error: unknown): string => error instanceof Error ? error.stack ?? error.message : String(error);

export interface Failure {
  readonly seed: number;
  readonly plan: Plan;
  readonly violation: string;
}

/** More than these are only counted: somebody has to look at each. */
const FAILURES_KEPT = 100;

/** Sums over the runs of one tier. */
export class Tally {
  seeds = 0;
  /** Of them, those whose hash was compared with that of a second run. */
  twice = 0;
  failed = 0;
  events = 0;
  virtualMs = 0;
  readonly marks = new Map<string, number>();
  readonly counts: Record<string, number> = {};
  readonly failures: Failure[] = [];

  add(plan: Plan, result: RunResult, twice: boolean): void {
    this.seeds++;
    if (twice) this.twice++;
    this.events += result.events;
    this.virtualMs += result.virtualMs;
    for (const [mark, times] of result.marks) this.marks.set(mark, (this.marks.get(mark) ?? 0) + times);
    for (const [name, count] of Object.entries(result.counts)) this.counts[name] = (this.counts[name] ?? 0) + count;
    if (result.violation === null) return;
    this.failed++;
    if (this.failures.length < FAILURES_KEPT) this.failures.push({ seed: plan.seed, plan, violation: result.violation });
  }
}

export interface SeedsOptions {
  readonly first: number;
  /** How many, `Infinity` for as many as there is time for. */
  readonly count: number;
  /** Real time after which no other seed begins; without it there is no such time. */
  readonly forMs?: number;
  /** Needed for `forMs`. */
  readonly clock: Clock;
  readonly stopAtFirst?: boolean;
  /** The first of every so many seeds is run twice; 0: none. */
  readonly twiceEvery: number;
  readonly watch?: Watch;
  /** Asked before every seed. */
  readonly stopped?: () => boolean;
  readonly onSeed?: (tally: Tally) => void;
}

/** Runs seeds in their order. */
export async function runSeeds(tier: Tier, options: SeedsOptions): Promise<Tally> {
  const { first, count, forMs = Infinity, clock, twiceEvery, watch = UNWATCHED } = options;
  const tally = new Tally();
  const until = clock.mono() + forMs;
  for (let at = 0; at < count && clock.mono() < until && !(options.stopped?.() ?? false); at++) {
    const plan = tier.plan(first + at);
    const twice = twiceEvery > 0 && at % twiceEvery === 0;
    tally.add(plan, await runPlan(tier, plan, watch, { twice }), twice);
    options.onSeed?.(tally);
    if (tally.failed > 0 && options.stopAtFirst === true) break;
  }
  return tally;
}
