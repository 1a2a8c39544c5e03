/**
 * A hierarchical timing wheel: adding and cancelling cost the same with ten waiters or a hundred thousand, and one timer serves
 * all. Knows nothing of deadlines or errors; never fires early.
 * Source: Varghese and Lauck, "Hashed and Hierarchical Timing Wheels".
 */
import type { Clock, Timer, Timers } from "./io.ts";

/** The precision of every deadline in the node. */
export const TICK_MS = 10;
/** Three levels of 256 slots reach 2.56 s, 11 minutes and 46 hours. What is further away waits in the last slot and is placed again. */
const SLOTS = 256;
const SPANS = [1, SLOTS, SLOTS * SLOTS] as const;
const HORIZON = SLOTS * SLOTS * SLOTS;

/** One waiter, linked into the ring of its slot. */
export class Waiter {
  prev: Waiter | null = null;
  /** Null once it has fired or was cancelled. */
  next: Waiter | null = null;
  level = 0;

  /** @param dueTick the first tick at or after the wanted time. */
  constructor(readonly dueTick: number, readonly fire: () => void) {}
}

export class Wheel {
  /** A sentinel for each slot's ring, level by level; made when somebody waits there for the first time. */
  readonly #slots = new Array<Waiter | undefined>(SLOTS * SPANS.length).fill(undefined);
  /** How many wait in each level; their sum is `#size`. */
  readonly #inLevel: [number, number, number] = [0, 0, 0];
  readonly #clock: Clock;
  readonly #timers: Timers;
  /** Every tick up to and including this one has been served. */
  #tick: number;
  #size = 0;
  #armed: Timer | null = null;
  /** Infinity exactly when nothing is armed. */
  #armedTick = Infinity;
  #isResting = false;
  readonly #onTimer = () => this.#advance();

  constructor(clock: Clock, timers: Timers) {
    this.#clock = clock;
    this.#timers = timers;
    this.#tick = this.#now();
  }

  get size(): number {
    return this.#size;
  }

  /** Calls `fire` once, `at` or up to a tick later. A time that has passed fires with the next tick, never within this call. */
  add(at: number, fire: () => void): Waiter {
    // With nobody waiting the wheel stood still: go on from now instead of serving every tick in between.
    if (this.#size === 0) this.#tick = Math.max(this.#tick, this.#now());
    const waiter = new Waiter(Math.max(Math.ceil(at / TICK_MS), this.#tick + 1), fire);
    this.#size++;
    this.#arm(this.#place(waiter));
    return waiter;
  }

  /** Harmless when it has fired. The timer stays armed: finding nothing once is cheaper than disarming after every operation. */
  cancel(waiter: Waiter): void {
    if (waiter.next !== null) this.#unlink(waiter);
    if (this.#isResting) this.#disarm();
  }

  /** From now on the timer is let go of whenever nobody waits: it would hold this wheel until it fires. For an owner that needs it no more. */
  rest(): void {
    this.#isResting = true;
    this.#disarm();
  }

  #disarm(): void {
    if (this.#size > 0) return;
    this.#armed?.cancel();
    this.#armed = null;
    this.#armedTick = Infinity;
  }

  #now(): number {
    return Math.floor(this.#clock.mono() / TICK_MS);
  }

  /** Links the waiter into the slot where it belongs and returns the tick at which that slot must be served. */
  #place(waiter: Waiter): number {
    const away = waiter.dueTick - this.#tick;
    const level = away <= SPANS[1] ? 0 : away <= SPANS[2] ? 1 : 2;
    const span = SPANS[level];
    const slotTick = Math.floor(Math.min(waiter.dueTick, this.#tick + HORIZON - SPANS[2]) / span);
    const sentinel = this.#slots[level * SLOTS + slotTick % SLOTS] ??= ringOfNobody();
    const last = sentinel.prev!;
    waiter.level = level;
    waiter.prev = last;
    waiter.next = sentinel;
    last.next = waiter;
    sentinel.prev = waiter;
    this.#inLevel[level]++;
    return slotTick * span;
  }

  #unlink(waiter: Waiter): void {
    waiter.prev!.next = waiter.next;
    waiter.next!.prev = waiter.prev;
    waiter.prev = waiter.next = null;
    this.#inLevel[waiter.level as 0 | 1 | 2]--;
    this.#size--;
  }

  #arm(tick: number): void {
    if (tick >= this.#armedTick) return;
    this.#armed?.cancel();
    this.#armedTick = tick;
    this.#armed = this.#timers.after(Math.max(0, tick * TICK_MS - this.#clock.mono()), this.#onTimer, false);
  }

  #advance(): void {
    this.#armed = null;
    this.#armedTick = Infinity;
    const now = this.#now();
    try {
      while (this.#size > 0 && this.#tick < now) this.#serve(Math.min(now, this.#nextTick()));
    } finally {
      // Also when a waiter threw: the others still count on the wheel.
      if (this.#size > 0) this.#arm(this.#nextTick());
    }
  }

  /** Serves one tick: waiters of outer levels move inwards, those of the innermost slot fire. */
  #serve(tick: number): void {
    // One before, so that a waiter that is due at `tick` itself is placed into the slot that fires below.
    this.#tick = tick - 1;
    if (tick % SPANS[2] === 0) this.#cascade(2, tick);
    if (tick % SPANS[1] === 0) this.#cascade(1, tick);
    this.#tick = tick;
    const sentinel = this.#slots[tick % SLOTS];
    if (sentinel === undefined) return;
    try {
      // Always the first: a waiter may cancel its neighbours. One that was added meanwhile for exactly a round later is in this slot too, at its end.
      for (let waiter = sentinel.next!; isDue(waiter, sentinel, tick); waiter = sentinel.next!) {
        this.#unlink(waiter);
        waiter.fire();
      }
    } finally {
      if (isDue(sentinel.next!, sentinel, tick)) this.#tick = tick - 1; // A waiter threw: its neighbours are still to be served.
    }
  }

  #cascade(level: 1 | 2, tick: number): void {
    const sentinel = this.#slots[level * SLOTS + Math.floor(tick / SPANS[level]) % SLOTS];
    if (sentinel === undefined) return;
    let count = 0;
    for (let waiter = sentinel.next!; waiter !== sentinel; waiter = waiter.next!) count++;
    // Counted first: a waiter beyond the horizon may be placed into this very slot again.
    while (count-- > 0) {
      const waiter = sentinel.next!;
      this.#unlink(waiter);
      this.#size++;
      this.#place(waiter);
    }
  }

  /** The next tick at which a slot with waiters must be served. Only asked when there are some. */
  #nextTick(): number {
    let next = Infinity;
    for (let level = 0; level < SPANS.length; level++) {
      if (this.#inLevel[level] === 0) continue;
      const span = SPANS[level]!;
      const from = Math.floor(this.#tick / span);
      for (let slot = from + 1; slot <= from + SLOTS && slot * span < next; slot++) {
        const sentinel = this.#slots[level * SLOTS + slot % SLOTS];
        if (sentinel !== undefined && sentinel.next !== sentinel) next = slot * span;
      }
    }
    return next;
  }
}

const isDue = (waiter: Waiter, sentinel: Waiter, tick: number): boolean => waiter !== sentinel && waiter.dueTick <= tick;

function ringOfNobody(): Waiter {
  const sentinel = new Waiter(0, nothing);
  sentinel.prev = sentinel.next = sentinel;
  return sentinel;
}

/** What a sentinel fires: it never does. */
function nothing(): void {}
