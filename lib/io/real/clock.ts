/** The machine's clocks, timers and randomness. */
import type { Clock, Random, Timer, Timers } from "../io.ts";

export const realClock: Clock = {
  mono: () => performance.now(),
  wall: () => Date.now(),
};

/** A longer one would fire at once. Settings may say up to 292 million years. */
const DELAY_MS_MAX = 2 ** 31 - 1;

export const realTimers: Timers = {
  after(delayMs, fire, keepsAlive = true): Timer {
    let timer: ReturnType<typeof setTimeout>;
    const arm = (leftMs: number) => {
      const stepMs = Math.min(leftMs, DELAY_MS_MAX);
      timer = setTimeout(leftMs > stepMs ? () => arm(leftMs - stepMs) : fire, Math.ceil(stepMs));
      if (!keepsAlive) timer.unref();
    };
    arm(delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
  soon(fire) {
    setImmediate(fire);
  },
};

/** Every stream draws from the system's generator: only a simulator needs them apart. */
export const realRandom: Random = {
  float: () => Math.random(),
  bytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
};
