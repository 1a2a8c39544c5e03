import { expect, test } from "bun:test";
import { FetchBudget } from "../../lib/broker/fetch_budget.ts";
import { ManualTime } from "../replication/manual_time.ts";

const MIB = 1024 * 1024;
const someone = {};

test("FetchBudget gives what is wanted, then half of what is left, and takes back what was sent", async () => {
  const time = new ManualTime();
  const budget = new FetchBudget(time.deadlines, 8 * MIB);
  const until = time.deadlines.in("fetch.wait", 100);
  expect(await budget.take(2 * MIB, someone, until)).toBe(2 * MIB);
  expect(await budget.take(6 * MIB, {}, until)).toBe(3 * MIB);
  const sent = budget.settle(2 * MIB, MIB, someone);
  expect(budget.usedBytes).toBe(4 * MIB);
  sent.release();
  expect(budget.usedBytes).toBe(3 * MIB);
  expect(await budget.take(6 * MIB, {}, until)).toBe(2.5 * MIB);
  expect(await budget.take(6 * MIB, {}, until)).toBe(1.25 * MIB);
  expect(await budget.take(6 * MIB, {}, until)).toBe(MIB);
});

test("FetchBudget gives a client that holds nothing a little when others hold everything, up to its reserve", () => {
  const budget = new FetchBudget(new ManualTime().deadlines, 8 * MIB);
  const slow = Array.from({ length: 20 }, () => ({}));
  for (const client of slow) while (budget.tryTake(8 * MIB, client) > 0);
  expect(budget.usedBytes).toBeGreaterThanOrEqual(8 * MIB);
  const lease = budget.settle(budget.tryTake(8 * MIB, someone), 8192, someone);
  expect(budget.usedBytes).toBeLessThan(8.5 * MIB);
  expect(budget.tryTake(1, someone)).toBe(0);
  lease.release();
  let others = 0;
  while (budget.tryTake(8 * MIB, {}) > 0) others++;
  expect(others).toBeGreaterThan(400);
  expect(budget.usedBytes).toBeLessThanOrEqual(12 * MIB + 8192);
});

test("FetchBudget does not let a client with many fetches keep the others waiting", async () => {
  const time = new ManualTime();
  const budget = new FetchBudget(time.deadlines, 8 * MIB);
  const until = time.deadlines.in("fetch.wait", 100);
  const first = await budget.take(8 * MIB, someone, until);
  void budget.take(8 * MIB, someone, until);
  void budget.take(8 * MIB, someone, until);
  expect([first, budget.waiting]).toEqual([4 * MIB, 2]);
  const other = {};
  const granted = await budget.take(8 * MIB, other, until);
  expect(granted).toBeGreaterThan(0);
  budget.settle(granted, granted, other).release();
  expect(budget.waiting).toBe(2);
});

test("FetchBudget lets fetches of clients that hold something wait in line and serves them in order", async () => {
  const time = new ManualTime();
  const budget = new FetchBudget(time.deadlines, 4 * MIB);
  const until = time.deadlines.in("fetch.wait", 100);
  const [one, two] = [{}, {}];
  for (const client of [one, two]) expect(await budget.take(1, client, until)).toBe(1);
  const others = [{}, {}];
  const grants = others.map((client) => budget.tryTake(4 * MIB, client));
  const order: number[] = [];
  const first = budget.take(2 * MIB, one, until).then((bytes) => order.push(bytes));
  const second = budget.take(100, two, until).then((bytes) => order.push(bytes));
  expect(budget.waiting).toBe(2);
  for (const [at, client] of others.entries()) budget.settle(grants[at]!, grants[at]!, client).release();
  await Promise.all([first, second]);
  expect(order).toEqual([expect.any(Number), 100]);
  expect(order[0]).toBeGreaterThanOrEqual(MIB);
});

test("FetchBudget answers 0 at the deadline and forgets who waited", async () => {
  const time = new ManualTime();
  const budget = new FetchBudget(time.deadlines, MIB);
  await budget.take(MIB, someone, time.deadlines.in("fetch.wait", 1_000));
  const late = budget.take(MIB, someone, time.deadlines.in("fetch.wait", 50));
  time.advance(80);
  expect(await late).toBe(0);
  expect(budget.waiting).toBe(0);
});

test("FetchBudget is overdrawn by a first batch that is larger than the grant, and refuses until that has left", async () => {
  const time = new ManualTime();
  const budget = new FetchBudget(time.deadlines, 2 * MIB);
  const until = time.deadlines.in("fetch.wait", 100);
  const large = budget.settle(await budget.take(MIB, someone, until), 5 * MIB, someone);
  expect(budget.usedBytes).toBe(5 * MIB);
  expect(budget.tryTake(1, someone)).toBe(0);
  large.release();
  expect(budget.tryTake(1, someone)).toBe(1);
});

test("FetchBudget.settle() gives a lease that is released once", () => {
  const budget = new FetchBudget(new ManualTime().deadlines, MIB);
  const lease = budget.settle(budget.tryTake(100, someone), 100, someone);
  lease.retain();
  lease.release();
  expect(budget.usedBytes).toBe(100);
  lease.release();
  expect(budget.usedBytes).toBe(0);
  expect(() => lease.release()).toThrow("Invariant broken");
});
