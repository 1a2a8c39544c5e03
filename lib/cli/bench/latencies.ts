/** Percentiles of many durations in a fixed amount of memory: a count for each step of one percent. Measures nothing itself. */

/** Ratio of one step to the one before: the error of a percentile is at most half of it. */
const STEP = 1.01;
const LOG_STEP = Math.log(STEP);
/** Shortest and longest that are told apart. */
const MIN_MS = 0.001;
const MAX_MS = 3_600_000;
const STEPS = Math.ceil(Math.log(MAX_MS / MIN_MS) / LOG_STEP) + 1;

export class Latencies {
  readonly #counts = new Float64Array(STEPS);
  #total = 0;
  #sumMs = 0;
  #maxMs = 0;

  add(ms: number): void {
    const step = Math.round(Math.log(Math.min(Math.max(ms, MIN_MS), MAX_MS) / MIN_MS) / LOG_STEP);
    this.#counts[step]!++;
    this.#total++;
    this.#sumMs += ms;
    this.#maxMs = Math.max(this.#maxMs, ms);
  }

  /** Milliseconds below which `share` (0 to 1) of them were; null when there are none. */
  percentile(share: number): number | null {
    if (this.#total === 0) return null;
    const rank = Math.max(1, Math.ceil(share * this.#total));
    let seen = 0;
    for (const [step, count] of this.#counts.entries()) {
      seen += count;
      if (seen >= rank) return rounded(Math.min(MIN_MS * STEP ** step, this.#maxMs));
    }
    return rounded(this.#maxMs);
  }

  summary(): LatencySummary {
    return {
      meanMs: this.#total === 0 ? null : rounded(this.#sumMs / this.#total),
      p50Ms: this.percentile(0.5),
      p90Ms: this.percentile(0.9),
      p99Ms: this.percentile(0.99),
      p999Ms: this.percentile(0.999),
      maxMs: this.#total === 0 ? null : rounded(this.#maxMs),
    };
  }
}

export type LatencySummary = Readonly<Record<"meanMs" | "p50Ms" | "p90Ms" | "p99Ms" | "p999Ms" | "maxMs", number | null>>;

const rounded = (ms: number): number => Math.round(ms * 1000) / 1000;
