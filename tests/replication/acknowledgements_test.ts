import { expect, test } from "bun:test";
import fc from "fast-check";
import { Acknowledgements } from "../../lib/replication/acknowledgements.ts";
import { ManualTime } from "./manual_time.ts";

function queue() {
  const time = new ManualTime();
  const acknowledgements = new Acknowledgements(time, time.deadlines);
  const told: string[] = [];
  const waiter = { acknowledged: (tag: number, error: string | null) => void told.push(`${tag} ${error}`) };
  const wait = (offset: number, budgetMs: number) => acknowledgements.wait(offset, time.deadlines.in("produce", budgetMs), waiter, offset);
  return { time, acknowledgements, told, wait };
}

test("Acknowledgements.passed() settles what lies below the end, in offset order", async () => {
  const { acknowledgements, told, wait } = queue();
  wait(5, 100);
  wait(9, 100);
  wait(2, 100); // a repeated batch asks for an older offset
  acknowledgements.passed(5);
  await Promise.resolve();
  expect(told).toEqual(["2 null"]);
  acknowledgements.passed(10);
  await Promise.resolve();
  expect(told).toEqual(["2 null", "5 null", "9 null"]);
  expect(acknowledgements.size).toBe(0);
});

test("Acknowledgements.wait() says REQUEST_TIMED_OUT at its own deadline and leaves the others waiting", async () => {
  const { time, acknowledgements, told, wait } = queue();
  wait(1, 1_000);
  wait(2, 50);
  wait(3, 500);
  time.advance(70);
  await Promise.resolve();
  expect(told).toEqual(["2 REQUEST_TIMED_OUT"]);
  time.advance(500);
  await Promise.resolve();
  expect(told).toEqual(["2 REQUEST_TIMED_OUT", "3 REQUEST_TIMED_OUT"]);
  acknowledgements.passed(2);
  await Promise.resolve();
  expect(told.at(-1)).toBe("1 null");
});

test("Acknowledgements arms one wake-up for any number of waits", () => {
  const { time, wait } = queue();
  wait(0, 1_000);
  const armed = time.armed;
  for (let offset = 1; offset < 1_000; offset++) wait(offset, 1_000 + offset);
  expect(time.armed).toBe(armed);
});

test("Acknowledgements.failAll() tells everyone the same and keeps nobody", async () => {
  const { acknowledgements, told, wait } = queue();
  wait(1, 100);
  wait(2, 100);
  acknowledgements.failAll("NOT_LEADER_OR_FOLLOWER");
  await Promise.resolve();
  expect(told).toEqual(["1 NOT_LEADER_OR_FOLLOWER", "2 NOT_LEADER_OR_FOLLOWER"]);
  expect(acknowledgements.size).toBe(0);
});

test("Acknowledgements settles every wait once, whatever the order of offsets, ends and deadlines", async () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant("wait" as const), offset: fc.nat(50), budgetMs: fc.integer({ min: 1, max: 300 }) }),
    fc.record({ kind: fc.constant("passed" as const), end: fc.nat(50) }),
    fc.record({ kind: fc.constant("time" as const), ms: fc.integer({ min: 1, max: 200 }) }),
  );
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
    const time = new ManualTime();
    const acknowledgements = new Acknowledgements(time, time.deadlines);
    const waits: { offset: number; at: number; told: (string | null)[] }[] = [];
    for (const step of steps) {
      if (step.kind === "wait") {
        const deadline = time.deadlines.in("produce", step.budgetMs);
        const wait = { offset: step.offset, at: deadline.at, told: [] as (string | null)[] };
        waits.push(wait);
        acknowledgements.wait(step.offset, deadline, { acknowledged: (_, error) => void wait.told.push(error) }, 0);
      } else if (step.kind === "passed") {
        const due = waits.filter((wait) => wait.offset < step.end && wait.told.length === 0);
        acknowledgements.passed(step.end);
        await Promise.resolve();
        for (const wait of due) expect(wait.told).toHaveLength(1);
      } else time.advance(step.ms);
      await Promise.resolve();
      for (const wait of waits) {
        expect(wait.told.length).toBeLessThanOrEqual(1);
        // The coarse tick may be late by 10 ms, never early.
        if (wait.told[0] === "REQUEST_TIMED_OUT") expect(time.mono()).toBeGreaterThanOrEqual(wait.at);
        if (wait.told.length === 0) expect(time.mono()).toBeLessThan(wait.at + 20);
      }
    }
    expect(acknowledgements.size).toBe(waits.filter((wait) => wait.told.length === 0).length);
  }));
});
