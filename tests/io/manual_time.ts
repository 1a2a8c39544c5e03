/** Clock and timers that move only when the test says so. */
import type { Clock, Timers } from "../../lib/io/mod.ts";

export class ManualTime {
  #now: number;
  #timers: { at: number; fire: () => void }[] = [];
  #soon: (() => void)[] = [];
  /** Timers set so far. */
  armed = 0;

  constructor(startMs = 1_000_000.25) {
    this.#now = startMs;
  }

  readonly clock: Clock = { mono: () => this.#now, wall: () => Math.floor(this.#now) };
  readonly timers: Timers = {
    after: (delayMs, fire) => {
      this.armed++;
      const timer = { at: this.#now + delayMs, fire };
      this.#timers.push(timer);
      return { cancel: () => void (this.#timers = this.#timers.filter((other) => other !== timer)) };
    },
    soon: (fire) => void this.#soon.push(fire),
  };

  get pending(): number {
    return this.#timers.length;
  }

  /** Lets time pass, firing what falls due in its order. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const next = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#now = Math.max(this.#now, next.at);
      next.fire();
    }
    this.#now = end;
  }

  /** Lets promises and `soon` run until nothing is left to do at this time. */
  async settle(): Promise<void> {
    for (;;) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      const due = this.#soon;
      if (due.length === 0) return;
      this.#soon = [];
      for (const fire of due) fire();
    }
  }
}
