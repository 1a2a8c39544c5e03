/** The machine's clocks, timers and randomness. */
import type { Clock, Random, Timer, Timers } from "../io.ts";

export const realClock: Clock = {
  mono: () => performance.now(),
  wall: () => Date.now(),
};

export const realTimers: Timers = {
  after(delayMs, fire, keepsAlive = true): Timer {
    const timer = setTimeout(fire, Math.ceil(delayMs));
    if (!keepsAlive) timer.unref();
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
