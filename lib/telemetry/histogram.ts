/** Counts values in fixed buckets: one comparison or a few and two additions for each, no allocation. Knows nothing of names or formats. */

/** Upper bounds in seconds for what a client waits for. */
export const LATENCY_BOUNDS: readonly number[] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export interface HistogramCounts {
  /** Ascending. */
  readonly bounds: readonly number[];
  /** How many were at most each bound; one more than there are bounds, the last one counts all. */
  readonly cumulative: readonly number[];
  readonly sum: number;
}

export class Histogram {
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;

  constructor(bounds: readonly number[] = LATENCY_BOUNDS) {
    this.#bounds = bounds;
    this.#counts = Array<number>(bounds.length + 1).fill(0);
  }

  observe(value: number): void {
    const bounds = this.#bounds;
    let at = 0;
    // Most are small: the first bound that holds is near.
    while (at < bounds.length && value > bounds[at]!) at++;
    this.#counts[at]!++;
    this.#sum += value;
  }

  counts(): HistogramCounts {
    let total = 0;
    return { bounds: this.#bounds, cumulative: this.#counts.map((count) => total += count), sum: this.#sum };
  }
}
