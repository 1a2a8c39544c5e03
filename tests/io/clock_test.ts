import { expect, test } from "bun:test";
import { realTimers } from "../../lib/io/real/clock.ts";

test("Timers.after() waits for as long as it is told, also for longer than the system's timers can", async () => {
  let fired = 0;
  const timers = [2 ** 31, 2 ** 40, 2 ** 63].map((delayMs) => realTimers.after(delayMs, () => fired++, false));
  await new Promise<void>((resolve) => realTimers.after(20, resolve));
  for (const timer of timers) timer.cancel();
  expect(fired).toBe(0);
});
