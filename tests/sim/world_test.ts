import { expect, test } from "bun:test";
import { Draws, type ScheduledEvent, Violation, World } from "../../lib/sim/mod.ts";

/** Something that goes on by promises, timers and draws. */
function busy(seed: number, steps: number): World {
  const world = new World(seed);
  const draws = world.draws("busy");
  const step = async (left: number): Promise<void> => {
    await null;
    if (left > 0) world.after(draws.between(0, 10), `step ${left % 3}`, null, () => void step(left - 1));
  };
  for (let at = 0; at < 5; at++) void step(steps);
  world.run(Infinity);
  return world;
}

test("events happen in order of time, equal ones in the order of scheduling", () => {
  const world = new World(1);
  const seen: string[] = [];
  for (const [delay, name] of [[5, "c"], [1, "a"], [5, "d"], [2, "b"]] as const) {
    world.after(delay, name, null, () => void seen.push(`${name}@${world.now}`));
  }
  world.run(4);
  expect([seen, world.now]).toEqual([["a@1", "b@2"], 4]);
  world.run(100);
  expect([seen, world.now]).toEqual([["a@1", "b@2", "c@5", "d@5"], 100]);
});

test("between two events every promise goes on, so that a run is a function of its seed", () => {
  const [one, same, other] = [busy(7, 200), busy(7, 200), busy(8, 200)];
  expect(one.events).toBe(1000);
  expect(same.trace.hash).toBe(one.trace.hash);
  expect(same.now).toBe(one.now);
  expect(other.trace.hash).not.toBe(one.trace.hash);
});

test("who is dead is not told, who is paused is told afterwards", () => {
  const world = new World(1);
  const held: ScheduledEvent[] = [];
  const owner = { id: 1, alive: true, paused: false, hold: (event: ScheduledEvent) => void held.push(event) };
  let fired = 0;
  const schedule = (delay: number) => world.after(delay, "x", owner, () => void fired++);
  schedule(1);
  world.run(2);
  owner.paused = true;
  schedule(1);
  world.run(10);
  expect([fired, held.length]).toEqual([1, 1]);
  owner.paused = false;
  owner.alive = false;
  schedule(1);
  world.run(20);
  expect([fired, world.events]).toEqual([1, 1]);
});

test("what nobody catches is a violation and ends the run", () => {
  const world = new World(1);
  world.after(1, "bad", null, () => {
    throw new TypeError("no such thing");
  });
  world.after(2, "never", null, () => world.fail("too late"));
  world.run(10);
  expect(world.violation).toBeInstanceOf(Violation);
  expect(world.violation!.message).toContain("TypeError: no such thing");
  expect(world.now).toBe(1);
});

test("a stream of draws depends on the seed and its name alone, and is even", () => {
  const first = (seed: number, name: string) => Array.from({ length: 5 }, ((draws) => () => draws.below(1_000_000))(new Draws(seed, name)));
  expect(first(3, "net/1>2")).toEqual(first(3, "net/1>2"));
  for (const [seed, name] of [[4, "net/1>2"], [3, "net/2>1"], [3 + 2 ** 32, "net/1>2"]] as const) {
    expect(first(seed, name)).not.toEqual(first(3, "net/1>2"));
  }
  const draws = new Draws(9, "even");
  const slots = new Array<number>(10).fill(0);
  for (let at = 0; at < 100_000; at++) slots[draws.below(10)]!++;
  for (const count of slots) expect(Math.abs(count - 10_000)).toBeLessThan(500);
});
