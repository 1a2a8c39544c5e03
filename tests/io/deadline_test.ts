import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createDeadlines, DeadlineExceeded, narrow } from "../../lib/io/mod.ts";
import { TICK_MS, Wheel } from "../../lib/io/wheel.ts";
import { ManualTime } from "./manual_time.ts";

describe("Wheel", () => {
  test("fires each waiter once, never early, late by at most a tick, for any times", () => {
    const step = fc.oneof(
      fc.record({
        add: fc.oneof(
          fc.integer({ min: -50, max: 3000 }),
          fc.integer({ min: 0, max: 2_000_000 }),
          fc.integer({ min: 0, max: 400_000_000 }),
        ),
      }),
      fc.record({ cancel: fc.nat() }),
      fc.record({ advance: fc.oneof(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 1_000_000 })) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.double({ min: 0, max: 1e7, noNaN: true }), (steps, start) => {
        const time = new ManualTime(start);
        const wheel = new Wheel(time.clock, time.timers);
        const waiting: { at: number; fired: number; cancelled: boolean; cancel: () => void }[] = [];
        const add = (delay: number) => {
          const added = time.clock.mono();
          const at = added + delay;
          const entry = { at: Math.max(at, added), fired: 0, cancelled: false, cancel: () => {} };
          const waiter = wheel.add(at, () => {
            entry.fired++;
            const now = time.clock.mono();
            expect(entry.cancelled).toBe(false);
            expect(now).toBeGreaterThanOrEqual(at);
            expect(now).toBeLessThanOrEqual(Math.max(at, added) + TICK_MS + 0.001);
          });
          entry.cancel = () => {
            entry.cancelled ||= entry.fired === 0;
            wheel.cancel(waiter);
          };
          waiting.push(entry);
        };
        for (const step of steps) {
          if ("add" in step) add(step.add);
          else if ("cancel" in step) waiting[step.cancel % Math.max(1, waiting.length)]?.cancel();
          else time.advance(step.advance);
          const due = waiting.filter(({ at, cancelled }) => !cancelled && at + TICK_MS < time.clock.mono());
          expect(due.every(({ fired }) => fired === 1)).toBe(true);
        }
        time.advance(400_000_000 + 1000);
        expect(waiting.every(({ fired, cancelled }) => fired === (cancelled ? 0 : 1))).toBe(true);
        expect(wheel.size).toBe(0);
        time.advance(1_000_000_000);
        expect(time.pending).toBe(0);
      }),
      { numRuns: 300 },
    );
  });

  test("a far waiter does not wake anybody until it is near", () => {
    const time = new ManualTime();
    const wheel = new Wheel(time.clock, time.timers);
    wheel.add(time.clock.mono() + 600_000, () => {});
    time.advance(590_000);
    expect(time.armed).toBeLessThan(5);
  });

  test("goes on after a waiter that threw", () => {
    const time = new ManualTime();
    const wheel = new Wheel(time.clock, time.timers);
    const at = time.clock.mono() + 100;
    const fired: number[] = [];
    wheel.add(at, () => {
      throw new Error("expected");
    });
    wheel.add(at, () => fired.push(1));
    wheel.add(at + 50, () => fired.push(2));
    expect(() => time.advance(120)).toThrow("expected");
    time.advance(200);
    expect(fired).toEqual([1, 2]);
  });

  test("a waiter may cancel its neighbour and add another", () => {
    const time = new ManualTime();
    const wheel = new Wheel(time.clock, time.timers);
    const at = time.clock.mono() + 100;
    const fired: string[] = [];
    wheel.add(at, () => {
      wheel.cancel(neighbour);
      wheel.add(at, () => fired.push("added"));
    });
    const neighbour = wheel.add(at, () => fired.push("neighbour"));
    time.advance(200);
    expect(fired).toEqual(["added"]);
  });

  test("a waiter that waits again for exactly a round of the wheel is not early, and holds nobody up", () => {
    for (const ticks of [255, 256, 257, 65_535, 65_536, 65_537]) {
      const time = new ManualTime(1_000_000);
      const wheel = new Wheel(time.clock, time.timers);
      const fired: number[] = [];
      const again = () => {
        fired.push(time.clock.mono());
        if (fired.length > 10) throw new Error(`fires again and again at ${time.clock.mono()}`);
        wheel.add(time.clock.mono() + ticks * TICK_MS, again);
      };
      wheel.add(1_000_100, again);
      time.advance(100 + 2 * ticks * TICK_MS);
      expect({ ticks, fired }).toEqual({ ticks, fired: [0, 1, 2].map((round) => 1_000_100 + round * ticks * TICK_MS) });
    }
  });
  test("rest() leaves no timer behind, neither now nor when the last waiter goes, and waiters still fire", () => {
    const time = new ManualTime();
    const wheel = new Wheel(time.clock, time.timers);
    wheel.cancel(wheel.add(time.clock.mono() + 60_000, () => {}));
    expect(time.pending).toBe(1);
    wheel.rest();
    expect(time.pending).toBe(0);
    const late = wheel.add(time.clock.mono() + 60_000, () => {});
    let fired = 0;
    wheel.add(time.clock.mono() + 50, () => fired++);
    time.advance(100);
    expect([fired, time.pending]).toEqual([1, 1]);
    wheel.cancel(late);
    expect(time.pending).toBe(0);
  });
});

describe("Deadlines", () => {
  const make = () => {
    const time = new ManualTime();
    return { time, deadlines: createDeadlines(time.clock, time.timers) };
  };

  test("guard() settles as the work does, before the deadline", async () => {
    const { deadlines } = make();
    expect(await deadlines.guard(deadlines.in("op", 100), "target", Promise.resolve(7))).toBe(7);
    await expect(deadlines.guard(deadlines.in("op", 100), "target", Promise.reject(new Error("no")))).rejects.toThrow("no");
    expect(deadlines.stats()).toEqual([{ op: "op", exceeded: 0, usedShare: [2, 2, 2, 2, 2], shareSum: 0 }]);
  });

  test("guard() rejects when the deadline passes, and onLate learns how the work ended", async () => {
    const { time, deadlines } = make();
    const work = Promise.withResolvers<string>();
    const late: unknown[] = [];
    const guarded = deadlines.guard(deadlines.in("wal.sync", 500), "wal-3", work.promise, (how) => late.push(how));
    guarded.catch(() => {});
    time.advance(499);
    await time.settle();
    expect(deadlines.stats()[0]!.exceeded).toBe(0);
    time.advance(20);
    await expect(guarded).rejects.toThrow(DeadlineExceeded);
    await expect(guarded).rejects.toThrow('Deadline passed for wal.sync "wal-3": outcome unknown after 500 ms');
    expect(late).toEqual([]);
    work.resolve("written");
    await time.settle();
    expect(late).toEqual([{ ok: "written" }]);
    expect(deadlines.stats()).toEqual([{ op: "wal.sync", exceeded: 1, usedShare: [0, 0, 0, 0, 1], shareSum: 1 }]);
  });

  test("guard() counts the share of the budget that was used", async () => {
    const { time, deadlines } = make();
    for (const usedMs of [0, 5, 30, 90]) {
      const work = Promise.withResolvers<void>();
      const guarded = deadlines.guard(deadlines.in("op", 100), "target", work.promise);
      time.advance(usedMs);
      work.resolve();
      await guarded;
    }
    expect(deadlines.stats()[0]!.usedShare).toEqual([1, 2, 3, 4, 4]);
  });

  test("stats() bounds the names it counts apart", async () => {
    const { deadlines } = make();
    for (let i = 0; i < 400; i++) await deadlines.guard(deadlines.in(`op-${i}`, 10), "target", Promise.resolve());
    const stats = deadlines.stats();
    expect(stats.length).toBeLessThanOrEqual(257);
    expect(stats.find(({ op }) => op === "other")?.usedShare[4]).toBe(400 - 256);
  });

  test("wake() fires after its time unless cancelled", () => {
    const { time, deadlines } = make();
    const fired: string[] = [];
    deadlines.wake(deadlines.in("a", 50), () => fired.push("a"));
    const waker = deadlines.wake(deadlines.in("b", 50), () => fired.push("b"));
    waker.cancel();
    time.advance(49);
    expect(fired).toEqual([]);
    time.advance(12);
    expect(fired).toEqual(["a"]);
    waker.cancel();
  });

  test("narrow() never extends", () => {
    expect(narrow({ op: "produce", at: 100 }, "wal.sync", 50, 1000)).toEqual({ op: "wal.sync", at: 100 });
    expect(narrow({ op: "produce", at: 100 }, "wal.sync", 50, 10)).toEqual({ op: "wal.sync", at: 60 });
  });
});
