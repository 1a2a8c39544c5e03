/**
 * The simulated world: virtual time, one event after the other, and what is remembered of them. Between two events every promise that can
 * go on does, so a run is a function of its plan alone. Knows nothing of disks, networks and brokers.
 */
import { drainMicrotasks } from "../io/real/turns.ts";
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

export interface ScheduledEvent {
  /** Milliseconds of virtual time. */
  readonly at: number;
  /** What happens, for the trace: a fixed word. */
  readonly kind: string;
  readonly owner: Owner | null;
  readonly fire: () => void;
  cancelled: boolean;
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
    const event = { at: this.#now + Math.max(INSTANT_MS, delayMs), kind, owner, fire, cancelled: false };
    this.#heap.push(event);
    return event;
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
      event.fire();
      drainMicrotasks();
    } catch (error) {
      this.fail(error instanceof Violation ? error : new Violation(`Nobody caught: ${stackOf(error)}`, { cause: error }));
    }
  }
}

const never = () => false;
const stackOf = (error: unknown): string => error instanceof Error ? error.stack ?? error.message : String(error);

/** By time, then in the order in which they were put in. */
class Heap {
  readonly #events: { readonly event: ScheduledEvent; readonly order: number }[] = [];
  #order = 0;

  peek(): ScheduledEvent | undefined {
    return this.#events[0]?.event;
  }

  push(event: ScheduledEvent): void {
    const events = this.#events;
    const added = { event, order: this.#order++ };
    let at = events.length;
    events.push(added);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(added, events[parent]!)) break;
      events[at] = events[parent]!;
      at = parent;
    }
    events[at] = added;
  }

  pop(): void {
    const events = this.#events;
    const last = events.pop()!;
    if (events.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= events.length) break;
      if (child + 1 < events.length && before(events[child + 1]!, events[child]!)) child++;
      if (!before(events[child]!, last)) break;
      events[at] = events[child]!;
      at = child;
    }
    events[at] = last;
  }
}

type Placed = { readonly event: ScheduledEvent; readonly order: number };
const before = (a: Placed, b: Placed): boolean => a.event.at !== b.event.at ? a.event.at < b.event.at : a.order < b.order;
