/**
 * The shared deadline helper (law 1): a deadline is an absolute monotonic time plus the operation's name, set once per
 * request and only ever narrowed on the way down. One coarse timer serves every deadline of a node. It cancels nothing:
 * a passed deadline means that the outcome is unknown.
 */
import { DeadlineExceeded } from "./errors.ts";
import type { Clock, Timers } from "./io.ts";
import { type Waiter, Wheel } from "./wheel.ts";

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
  /** The same for work that tells how it ended by a call, once: one promise less. `begin` is called at once, and must not throw. */
  call<T>(deadline: Deadline, target: string, begin: (told: Told<T>) => void, onLate?: (late: Late<T>) => void): Promise<T>;
  /** Calls `fire` once when the deadline has passed (never early, late by at most the coarse tick of 10 ms). */
  wake(deadline: Deadline, fire: () => void): Waker;
  /** For metrics: expired operations and the share of the budget that operations used, by name. */
  stats(): readonly DeadlineStats[];
  /** The owner is done with this `Io`: no timer of it stays behind once nobody waits. It may be used again all the same. */
  rest(): void;
}

/** Who waits for the end of a call. */
export interface Told<T> {
  resolve(value: T): void;
  reject(error: unknown): void;
}

export type Late<T> = { readonly ok: T } | { readonly failed: unknown };

export interface DeadlineStats {
  readonly op: string;
  readonly exceeded: number;
  /** Cumulative counts of guarded operations that used at most 1 %, 10 %, 50 %, 100 % of their budget, and all. */
  readonly usedShare: readonly [number, number, number, number, number];
  /** Sum of the shares; one that was late counts as 1. */
  readonly shareSum: number;
}

/** Upper bounds of `usedShare`, without the last one, which counts all. */
export const SHARE_BOUNDS: readonly number[] = [0.01, 0.1, 0.5, 1];

/** Distinct operation names that are counted apart; the rest share `OTHER_OPS`. Names are fixed words of the code, so this is a guard. */
const OPS_MAX = 256;
export const OTHER_OPS = "other";

export function createDeadlines(clock: Clock, timers: Timers): Deadlines {
  return new WheelDeadlines(clock, timers);
}

class WheelDeadlines implements Deadlines {
  readonly #clock: Clock;
  readonly #timers: Timers;
  /** Made when somebody waits for the first time. */
  #made: Wheel | null = null;
  readonly #usage = new Map<string, Usage>();

  constructor(clock: Clock, timers: Timers) {
    this.#clock = clock;
    this.#timers = timers;
  }

  get #wheel(): Wheel {
    return this.#made ??= new Wheel(this.#clock, this.#timers);
  }

  in(op: string, budgetMs: number): Deadline {
    return { op, at: this.#clock.mono() + budgetMs };
  }

  guard<T>(deadline: Deadline, target: string, work: Promise<T>, onLate?: (late: Late<T>) => void): Promise<T> {
    return this.call(deadline, target, (told) => {
      work.then((value) => told.resolve(value), (error: unknown) => told.reject(error));
    }, onLate);
  }

  call<T>(deadline: Deadline, target: string, begin: (told: Told<T>) => void, onLate?: (late: Late<T>) => void): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      begin(new Guarded(this.#clock, this.#wheel, this.#usageOf(deadline.op), deadline, target, resolve, reject, onLate));
    });
  }

  wake(deadline: Deadline, fire: () => void): Waker {
    const waiter = this.#wheel.add(deadline.at, fire);
    return { cancel: () => this.#wheel.cancel(waiter) };
  }

  stats(): readonly DeadlineStats[] {
    return Array.from(this.#usage, ([op, usage]) => ({ op, exceeded: usage.exceeded, usedShare: usage.cumulative(), shareSum: usage.sum }));
  }

  rest(): void {
    this.#wheel.rest();
  }

  #usageOf(op: string): Usage {
    const known = this.#usage.get(op);
    if (known !== undefined) return known;
    if (this.#usage.size >= OPS_MAX && op !== OTHER_OPS) return this.#usageOf(OTHER_OPS);
    const usage = new Usage();
    this.#usage.set(op, usage);
    return usage;
  }
}

/** One operation under its deadline: whichever comes first settles the promise. */
class Guarded<T> implements Told<T> {
  readonly #clock: Clock;
  readonly #wheel: Wheel;
  readonly #usage: Usage;
  readonly #startedAt: number;
  readonly #budgetMs: number;
  readonly #waiter: Waiter;
  readonly #resolve: (value: T) => void;
  readonly #reject: (error: unknown) => void;
  readonly #onLate: ((late: Late<T>) => void) | undefined;
  #isLate = false;

  constructor(
    clock: Clock,
    wheel: Wheel,
    usage: Usage,
    { op, at }: Deadline,
    target: string,
    resolve: (value: T) => void,
    reject: (error: unknown) => void,
    onLate: ((late: Late<T>) => void) | undefined,
  ) {
    this.#clock = clock;
    this.#wheel = wheel;
    this.#usage = usage;
    this.#startedAt = clock.mono();
    this.#budgetMs = at - this.#startedAt;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#onLate = onLate;
    this.#waiter = wheel.add(at, () => {
      this.#isLate = true;
      usage.exceeded++;
      usage.count(Infinity);
      reject(new DeadlineExceeded(op, target, Math.max(0, this.#budgetMs)));
    });
  }

  resolve(value: T): void {
    if (this.#isLate) return this.#onLate?.({ ok: value });
    this.#finish();
    this.#resolve(value);
  }

  reject(error: unknown): void {
    if (this.#isLate) return this.#onLate?.({ failed: error });
    this.#finish();
    this.#reject(error);
  }

  #finish(): void {
    this.#wheel.cancel(this.#waiter);
    this.#usage.count((this.#clock.mono() - this.#startedAt) / this.#budgetMs);
  }
}

/** What became of the guarded operations of one name. */
class Usage {
  exceeded = 0;
  sum = 0;
  #upTo1 = 0;
  #upTo10 = 0;
  #upTo50 = 0;
  #upTo100 = 0;
  #more = 0;

  count(share: number): void {
    this.sum += share <= 1 ? share : 1;
    if (share <= 0.01) this.#upTo1++;
    else if (share <= 0.1) this.#upTo10++;
    else if (share <= 0.5) this.#upTo50++;
    else if (share <= 1) this.#upTo100++;
    else this.#more++;
  }

  cumulative(): DeadlineStats["usedShare"] {
    const to10 = this.#upTo1 + this.#upTo10;
    const to50 = to10 + this.#upTo50;
    const to100 = to50 + this.#upTo100;
    return [this.#upTo1, to10, to50, to100, to100 + this.#more];
  }
}
