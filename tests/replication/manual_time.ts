/** A clock that only moves when a test says so, with its timers and the real deadline helper on top. */
import { type Clock, createDeadlines, type Deadlines, type Timer, type Timers } from "../../lib/io/mod.ts";

export class ManualTime implements Clock, Timers {
  #now = 1_000;
  readonly #timers = new Set<{ readonly at: number; readonly fire: () => void }>();
  readonly deadlines: Deadlines = createDeadlines(this, this);

  mono(): number {
    return this.#now;
  }
  wall(): number {
    return 1_700_000_000_000 + Math.floor(this.#now);
  }
  after(delayMs: number, fire: () => void): Timer {
    const timer = { at: this.#now + delayMs, fire };
    this.#timers.add(timer);
    return { cancel: () => this.#timers.delete(timer) };
  }
  soon(fire: () => void): void {
    this.after(0, fire);
  }
  /** Timers that are armed. */
  get armed(): number {
    return this.#timers.size;
  }

  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      let next: { readonly at: number; readonly fire: () => void } | null = null;
      for (const timer of this.#timers) if (timer.at <= end && (next === null || timer.at < next.at)) next = timer;
      if (next === null) break;
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.fire();
    }
    this.#now = end;
  }
}
