import { expect, test } from "bun:test";
import { FetchBudget } from "../../lib/broker/fetch_budget.ts";
import { ManualTime } from "../replication/manual_time.ts";

const MIB = 1024 * 1024;

test("FetchBudget gives what is wanted, then what is left, and takes back what was sent", async () => {
  const time = new ManualTime();
  const budget = new FetchBudget(time.deadlines, 4 * MIB);
  const until = time.deadlines.in("fetch.wait", 100);
  expect(await budget.take(3 * MIB, until)).toBe(3 * MIB);
  expect(await budget.take(3 * MIB, until)).toBe(1 * MIB);
  const sent = budget.settle(3 * MIB, 2 * MIB);
  expect(budget.usedBytes).toBe(3 * MIB);
  sent.release();
  expect(budget.usedBytes).toBe(1 * MIB);
});

test("FetchBudget lets fetches wait in line and serves them in order", async () => {
  const time = new ManualTime();
  const budget = new FetchBudget(time.deadlines, 4 * MIB);
  const until = time.deadlines.in("fetch.wait", 100);
  const all = await budget.take(4 * MIB, until);
  const order: number[] = [];
  const first = budget.take(2 * MIB, until).then((bytes) => order.push(bytes));
  const second = budget.take(100, until).then((bytes) => order.push(bytes));
  expect(budget.waiting).toBe(2);
  budget.settle(all, all).release();
  await Promise.all([first, second]);
  expect(order).toEqual([2 * MIB, 100]);
});

test("FetchBudget answers 0 at the deadline and forgets who waited", async () => {
  const time = new ManualTime();
  const budget = new FetchBudget(time.deadlines, MIB);
  await budget.take(MIB, time.deadlines.in("fetch.wait", 1_000));
  const late = budget.take(MIB, time.deadlines.in("fetch.wait", 50));
  time.advance(80);
  expect(await late).toBe(0);
  expect(budget.waiting).toBe(0);
});

test("FetchBudget is overdrawn by a first batch that is larger than the grant, and refuses until that has left", async () => {
  const time = new ManualTime();
  const budget = new FetchBudget(time.deadlines, 2 * MIB);
  const until = time.deadlines.in("fetch.wait", 100);
  const large = budget.settle(await budget.take(MIB, until), 5 * MIB);
  expect(budget.usedBytes).toBe(5 * MIB);
  expect(budget.tryTake(1)).toBe(0);
  large.release();
  expect(budget.tryTake(1)).toBe(1);
});

test("FetchBudget.settle() gives a lease that is released once", () => {
  const budget = new FetchBudget(new ManualTime().deadlines, MIB);
  const lease = budget.settle(budget.tryTake(100), 100);
  lease.retain();
  lease.release();
  expect(budget.usedBytes).toBe(100);
  lease.release();
  expect(budget.usedBytes).toBe(0);
  expect(() => lease.release()).toThrow("Invariant broken");
});
