import { expect, test } from "bun:test";
import { createMemoryIo } from "../../lib/io/memory/mod.ts";
import { runPlan, runSeeds, type SeedsOptions, UNWATCHED } from "../../lib/sim/mod.ts";
import { toyTier } from "./toy.ts";

const { clock } = createMemoryIo({ onFatal: () => undefined });
const some = (options: Partial<SeedsOptions> = {}): SeedsOptions => ({ first: 1, count: 40, clock, twiceEvery: 10, ...options });

test("runSeeds() adds up what the runs say, and finds the ones that fail", async () => {
  const held = await runSeeds(toyTier(), some());
  expect([held.seeds, held.twice, held.failed]).toEqual([40, 4, 0]);
  expect(held.virtualMs).toBe(40 * 2000);
  expect(held.counts["acknowledged"]).toBeGreaterThan(40 * 60);
  expect([...held.marks.keys()].sort()).toEqual(["toy.diskFull", "toy.kill", "toy.pause", "toy.syncFails"]);
  const tier = toyTier({ windowMs: 5 });
  const broken = await runSeeds(tier, some());
  expect(broken.failed).toBeGreaterThan(5);
  expect(broken.failures.every(({ seed, plan, violation }) => tier.run(plan).violation === violation && plan.seed === seed)).toBe(true);
  const first = await runSeeds(tier, some({ stopAtFirst: true }));
  expect(first.failures).toEqual([broken.failures[0]!]);
  expect(first.seeds).toBe(broken.failures[0]!.seed);
});

test("runSeeds() ends when it is told, and when there is no time left", async () => {
  let seen = 0;
  expect((await runSeeds(toyTier(), some({ count: Infinity, stopped: () => seen === 7, onSeed: () => void seen++ }))).seeds).toBe(7);
  expect((await runSeeds(toyTier(), some({ count: Infinity, forMs: 0 }))).seeds).toBe(0);
});

test("runPlan() sees that the same plan was not the same run", async () => {
  let calls = 0;
  const tier = toyTier({ leaks: () => ++calls });
  expect((await runPlan(tier, tier.plan(1))).violation).toBeNull();
  expect((await runPlan(tier, tier.plan(1), UNWATCHED, { twice: true })).violation).toMatch(
    /^Two runs of the same plan differ: hash [0-9a-f]{16} and/,
  );
  expect((await runPlan(toyTier(), tier.plan(1), UNWATCHED, { twice: true })).violation).toBeNull();
});

test("runPlan() blames a rejection that nobody handled on the run that was going on", () => {
  const { stdout } = Bun.spawnSync([process.execPath, new URL("./rejected.ts", import.meta.url).pathname]);
  const [bad, good] = stdout.toString().trim().split("\n");
  expect(bad).toBe("Nobody handled a rejection: RangeError: nobody looks at this");
  expect(good).toBe("null");
});

test("runPlan() takes a simulator that throws for a run that failed", async () => {
  const tier = { ...toyTier(), run: () => JSON.parse("{") };
  expect((await runPlan(tier, tier.plan(1))).violation).toMatch(/^The simulator failed: SyntaxError/);
});

test("runPlan() keeps the last events when asked", async () => {
  const tier = toyTier();
  expect((await runPlan(tier, tier.plan(1))).lines).toEqual([]);
  expect((await runPlan(tier, tier.plan(1), UNWATCHED, { trace: true })).lines.length).toBeGreaterThan(50);
});

test("runPlan() says when a run begins and when it ended", async () => {
  const tier = toyTier();
  const said: string[] = [];
  const watch = {
    ...UNWATCHED,
    begins: (name: string, { seed }: { seed: number }) => said.push(`${name} ${seed}`),
    ends: () => said.push("end"),
  };
  await runPlan(tier, tier.plan(4), watch, { twice: true });
  expect(said).toEqual([`${tier.name} 4`, "end", `${tier.name} 4`, "end"]);
});
