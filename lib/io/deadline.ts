/**
 * The shared deadline helper (law 1): a deadline is an absolute monotonic time plus the operation's name, set once per
 * request and only ever narrowed on the way down. One coarse timer serves every deadline of a node.
 */

/** Absolute, on `clock.mono()`. */
export interface Deadline {
  /** What is being done, for the error, the log and the counter: `"produce"`, `"wal.sync"`. */
  readonly op: string;
  readonly at: number;
}

/** The earlier of `parent` and `now + budgetMs`, under the name of the inner operation. */
export function narrow(parent: Deadline, op: string, now: number, budgetMs: number): Deadline {
  return { op, at: Math.min(parent.at, now + budgetMs) };
}

export interface Waker {
  /** Forgets the registration; harmless when it has fired. */
  cancel(): void;
}

export interface Deadlines {
  /** A deadline `budgetMs` from now. */
  in(op: string, budgetMs: number): Deadline;
  /**
   * Settles as `work` does, or rejects with `DeadlineExceeded` when the deadline passes first: the outcome is then unknown.
   * `onLate` is told how the operation really ended, after the deadline: it may free the buffers and count, nothing else.
   */
  guard<T>(deadline: Deadline, target: string, work: Promise<T>, onLate?: (late: Late<T>) => void): Promise<T>;
  /** Calls `fire` once when the deadline has passed (never early, late by at most the coarse tick of 10 ms). */
  wake(deadline: Deadline, fire: () => void): Waker;
  /** For metrics: expired operations and the share of the budget that operations used, by name. */
  stats(): readonly DeadlineStats[];
}

export type Late<T> = { readonly ok: T } | { readonly failed: unknown };

export interface DeadlineStats {
  readonly op: string;
  readonly exceeded: number;
  /** Cumulative counts of guarded operations that used at most 1 %, 10 %, 50 %, 100 % of their budget, and all. */
  readonly usedShare: readonly [number, number, number, number, number];
}
