/** Knobs that clients of several workloads have: their timeouts, pauses and sizes, drawn once for a run. */
import type { ClientOptions } from "../../client/mod.ts";
import type { Draws } from "../random.ts";
import type { Lives } from "./client.ts";
import type { WorkloadContext } from "./types.ts";

export type Knobs = Readonly<Record<string, number>>;

export const whole = (value: number): number => Math.max(1, Math.floor(value));

export const clientKnobs = (draws: Draws): Knobs => ({
  requestTimeoutMs: whole(draws.skewed(300, 30_000)),
  connectTimeoutMs: whole(draws.skewed(300, 10_000)),
  retryBackoffMs: whole(draws.skewed(5, 300)),
  metadataMaxAgeMs: whole(draws.skewed(500, 300_000)),
  connectionsMaxIdleMs: whole(draws.skewed(1_000, 500_000)),
});

/** The work of a client takes about so long when nothing is wrong. */
const SPAN_MS_MIN = 300;
const SPAN_MS_MAX = 7_000;
/** Of the runs: the others do it as fast as `longestMs` lets them, and nothing comes in between. */
const SPREAD_SHARE = 0.7;

/**
 * A pause between two of so many rounds: mostly such that the work goes on while the faults come, for whatever happens to a broker that has
 * nothing to do breaks no promise.
 */
export function paceMs(draws: Draws, rounds: number, longestMs: number): number {
  const span = draws.between(SPAN_MS_MIN, SPAN_MS_MAX);
  const quick = draws.skewed(1, longestMs);
  return draws.chance(SPREAD_SHARE) ? span / Math.max(1, rounds) : quick;
}

export const lifeKnobs = (draws: Draws, killedShare: number): Knobs => ({
  lives: draws.chance(killedShare) ? 2 + draws.below(3) : 1,
  lifeMs: whole(draws.skewed(1_000, 15_000)),
  betweenLivesMs: whole(draws.skewed(1, 5_000)),
});

/** The value of a knob that the workload has drawn. */
export function knob({ plan }: WorkloadContext, name: string): number {
  const value = plan.knobs[name];
  if (value === undefined) throw new RangeError(`The workload "${plan.kind}" has no knob "${name}"`);
  return value;
}

export const livesOf = (context: WorkloadContext): Lives => ({
  ...{ count: knob(context, "lives"), lifeMs: knob(context, "lifeMs"), pauseMs: knob(context, "betweenLivesMs") },
});

export const clientOptions = (context: WorkloadContext): ClientOptions => ({
  bootstrapServers: context.bootstrap,
  requestTimeoutMs: knob(context, "requestTimeoutMs"),
  connectTimeoutMs: knob(context, "connectTimeoutMs"),
  retryBackoffMs: knob(context, "retryBackoffMs"),
  metadataMaxAgeMs: knob(context, "metadataMaxAgeMs"),
  connectionsMaxIdleMs: knob(context, "connectionsMaxIdleMs"),
});

/** Of who sets up or reads everything: neither hurried nor drawn. */
export const patientOptions = ({ bootstrap }: WorkloadContext): ClientOptions => ({
  bootstrapServers: bootstrap,
  requestTimeoutMs: 10_000,
});
