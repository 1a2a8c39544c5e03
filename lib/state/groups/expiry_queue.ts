/**
 * Deadlines in order: a binary heap whose entries know their place, so that moving or cancelling one costs O(log n) and the heap holds
 * one entry per running timer, never a stale one (HAZARDS E4: 20,000 members vanish at once). Knows no clock.
 */

/** Owned by whoever schedules it; runs in at most one queue. */
export interface Expiry<Target> {
  readonly target: Target;
  /** Monotonic ms; meaningful while scheduled. */
  at: number;
  /** Place in the heap; -1 while not scheduled. Written by the queue alone. */
  index: number;
}

export function expiry<Target>(target: Target): Expiry<Target> {
  return { target, at: 0, index: -1 };
}

export class ExpiryQueue<Target> {
  readonly #heap: Expiry<Target>[] = [];

  get size(): number {
    return this.#heap.length;
  }

  /** The earliest deadline; null when nothing runs. */
  get nextAt(): number | null {
    return this.#heap[0]?.at ?? null;
  }

  /** Starts the timer, or moves it if it runs. */
  schedule(timer: Expiry<Target>, at: number): void {
    timer.at = at;
    if (timer.index === -1) {
      timer.index = this.#heap.length;
      this.#heap.push(timer);
    }
    this.#restore(timer);
  }

  cancel(timer: Expiry<Target>): void {
    if (timer.index === -1) return;
    const last = this.#heap.pop()!;
    if (last !== timer) {
      this.#heap[timer.index] = last;
      last.index = timer.index;
      this.#restore(last);
    }
    timer.index = -1;
  }

  /** Removes and returns the earliest timer that is due at `now`; null when none is. */
  popDue(now: number): Expiry<Target> | null {
    const first = this.#heap[0];
    if (first === undefined || first.at > now) return null;
    this.cancel(first);
    return first;
  }

  #restore(timer: Expiry<Target>): void {
    const heap = this.#heap;
    let index = timer.index;
    while (index > 0) {
      const parent = heap[(index - 1) >> 1]!;
      if (parent.at <= timer.at) break;
      this.#place(parent, index);
      index = (index - 1) >> 1;
    }
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1]!.at < heap[child]!.at) child++;
      if (heap[child]!.at >= timer.at) break;
      this.#place(heap[child]!, index);
      index = child;
    }
    this.#place(timer, index);
  }

  #place(timer: Expiry<Target>, index: number): void {
    this.#heap[index] = timer;
    timer.index = index;
  }
}
