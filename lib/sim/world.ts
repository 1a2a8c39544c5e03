/**
 * The simulated world: virtual time, one event after the other, and what is remembered of them. Between two events every promise that can
 * go on does, so a run is a function of its plan alone. Knows nothing of disks, networks and brokers.
 */
import { drainMicrotasks } from "../io/real/turns.ts";
import type { RunResult } from "./plan.ts";
import { Draws } from "./random.ts";
import { Trace } from "./trace.ts";

/** Who an event happens to: dead, it never does; paused (SIGSTOP), it does afterwards. */
export interface Owner {
  readonly id: number;
  readonly alive: boolean;
  readonly paused: boolean;
  /** Takes an event that came while it was paused. */
  hold(event: ScheduledEvent): void;
}

export class ScheduledEvent {
  /** Milliseconds of virtual time. */
  readonly at: number;
  /** Of two at the same time, the one that was scheduled first happens first. */
  readonly order: number;
  /** What happens, for the trace: a fixed word. */
  readonly kind: string;
  readonly owner: Owner | null;
  readonly fire: (what: unknown) => void;
  /** What `fire` is given. */
  readonly what: unknown;
  cancelled = false;

  constructor(at: number, order: number, kind: string, owner: Owner | null, fire: (what: unknown) => void, what: unknown) {
    this.at = at;
    this.order = order;
    this.kind = kind;
    this.owner = owner;
    this.fire = fire;
    this.what = what;
  }
}

/** A promise of the product is broken, or an oracle does not like what it sees. Ends the run. */
export class Violation extends Error {
  override readonly name = "Violation";
}

/** Beyond it the run is taken for one that never ends. */
const EVENTS_MAX = 20_000_000;
/** So that time always goes on: nothing takes less. */
export const INSTANT_MS = 0.001;

export class World {
  readonly seed: number;
  readonly trace = new Trace();
  /** How often every named branch was reached. */
  readonly marks = new Map<string, number>();
  readonly #heap: Heap = new Heap();
  readonly #draws = new Map<string, Draws>();
  #now = 0;
  #events = 0;
  #scheduled = 0;
  #violation: Violation | null = null;

  constructor(seed: number) {
    this.seed = seed;
  }

  /** Milliseconds since the beginning. */
  get now(): number {
    return this.#now;
  }
  /** How many events have happened. */
  get events(): number {
    return this.#events;
  }
  get violation(): Violation | null {
    return this.#violation;
  }

  /** The stream of this name; the same object every time. */
  draws(stream: string): Draws {
    let draws = this.#draws.get(stream);
    if (draws === undefined) this.#draws.set(stream, draws = new Draws(this.seed, stream));
    return draws;
  }

  /** Happens `delayMs` from now, after everything that was scheduled for the same time before. */
  after(delayMs: number, kind: string, owner: Owner | null, fire: () => void): ScheduledEvent {
    return this.#schedule(delayMs, kind, owner, fire, null);
  }

  /** The same for what happens so often that a function for each would cost more than the event: `fire` is given `what`. */
  afterWith<What>(delayMs: number, kind: string, owner: Owner | null, fire: (what: What) => void, what: What): ScheduledEvent {
    return this.#schedule(delayMs, kind, owner, fire as (what: unknown) => void, what);
  }

  /** What came to its owner while it was paused comes once more. */
  again({ kind, owner, fire, what }: ScheduledEvent): void {
    this.#schedule(INSTANT_MS, kind, owner, fire, what);
  }

  /** For whoever has something for an owner that is paused now: it comes with all else once it goes on. */
  hold(kind: string, owner: Owner, fire: () => void): void {
    owner.hold(new ScheduledEvent(this.#now, this.#scheduled++, kind, owner, fire, null));
  }

  #schedule(delayMs: number, kind: string, owner: Owner | null, fire: (what: unknown) => void, what: unknown): ScheduledEvent {
    const at = this.#now + (delayMs > INSTANT_MS ? delayMs : INSTANT_MS);
    const event = new ScheduledEvent(at, this.#scheduled++, kind, owner, fire, what);
    this.#heap.push(event);
    return event;
  }

  /** What came of the run. @param counts what it got done. */
  result(counts: RunResult["counts"]): RunResult {
    return {
      violation: this.#violation?.message ?? null,
      hash: this.trace.hash,
      events: this.#events,
      virtualMs: this.#now,
      marks: this.marks,
      counts,
      lines: this.trace.lines,
    };
  }

  /** Kinds of what this owner still waits for. For an oracle: whoever has stopped waits for nothing. */
  awaitedBy(owner: Owner): readonly string[] {
    return this.#heap.all.filter((event) => event.owner === owner && !event.cancelled).map(({ kind }) => kind);
  }

  mark(name: string): void {
    this.marks.set(name, (this.marks.get(name) ?? 0) + 1);
  }

  /** The first one counts; the run ends with this event. For oracles and for whoever must not throw. */
  fail(why: string | Violation): void {
    this.#violation ??= typeof why === "string" ? new Violation(why) : why;
  }

  /** Until virtual time `until`, or until `done`, or until a violation, whichever comes first. What is due later stays. */
  run(until: number, done: () => boolean = never): void {
    drainMicrotasks();
    while (this.#violation === null && !done()) {
      const event = this.#heap.peek();
      if (event === undefined || event.at > until) {
        this.#now = Math.max(this.#now, until);
        return;
      }
      this.#heap.pop();
      if (!event.cancelled) this.#happen(event);
    }
  }

  #happen(event: ScheduledEvent): void {
    const { owner } = event;
    if (owner !== null && !owner.alive) return;
    this.#now = Math.max(this.#now, event.at);
    if (owner !== null && owner.paused) return owner.hold(event);
    this.trace.add(event.kind, this.#now, owner?.id ?? 0);
    if (++this.#events > EVENTS_MAX) return this.fail(`More than ${EVENTS_MAX} events: something goes round in circles`);
    try {
      event.fire(event.what);
      drainMicrotasks();
    } catch (error) {
      this.fail(error instanceof Violation ? error : new Violation(`Nobody caught: ${stackOf(error)}`, { cause: error }));
    }
  }
}

const never = () => false;
const stackOf = (error: unknown): string => error instanceof Error ? error.stack ?? error.message : String(error);

/** By time, then in the order in which they were scheduled. Times lie beside the events, so that few events are looked into. */
class Heap {
  readonly #events: ScheduledEvent[] = [];
  #times = new Float64Array(HEAP_FIRST);

  get all(): readonly ScheduledEvent[] {
    return this.#events;
  }

  peek(): ScheduledEvent | undefined {
    return this.#events[0];
  }

  push(event: ScheduledEvent): void {
    const events = this.#events;
    let at = events.length;
    events.push(event);
    if (at === this.#times.length) this.#grow();
    const times = this.#times;
    const time = event.at;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (times[above]! < time || times[above] === time && events[above]!.order < event.order) break;
      events[at] = events[above]!;
      times[at] = times[above]!;
      at = above;
    }
    events[at] = event;
    times[at] = time;
  }

  /** Drops the first. */
  pop(): void {
    const events = this.#events;
    const last = events.pop()!;
    const { length } = events;
    if (length === 0) return;
    const times = this.#times;
    const time = last.at;
    let at = 0;
    for (let child = 1; child < length; child = 2 * at + 1) {
      if (child + 1 < length && this.#isBefore(child + 1, child)) child++;
      if (times[child]! > time || times[child] === time && events[child]!.order > last.order) break;
      events[at] = events[child]!;
      times[at] = times[child]!;
      at = child;
    }
    events[at] = last;
    times[at] = time;
  }

  #isBefore(one: number, other: number): boolean {
    const times = this.#times;
    return times[one]! < times[other]! || times[one] === times[other] && this.#events[one]!.order < this.#events[other]!.order;
  }

  #grow(): void {
    const times = new Float64Array(2 * this.#times.length);
    times.set(this.#times);
    this.#times = times;
  }
}

/** Events that have room without growing. */
const HEAP_FIRST = 256;
