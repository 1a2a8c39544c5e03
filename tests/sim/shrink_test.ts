import { expect, test } from "bun:test";
import { keyOf, type Plan, shrink } from "../../lib/sim/mod.ts";
import { toyTier } from "./toy.ts";

const tier = toyTier({ windowMs: 40 });

async function failing(): Promise<{ readonly plan: Plan; readonly violation: string }> {
  for (let seed = 1;; seed++) {
    const plan = tier.plan(seed);
    const { violation } = tier.run(plan);
    if (violation !== null && plan.faults.length > 10) return { plan, violation };
  }
}

test("shrink() leaves what it takes: one kill, the operations before it, no knob", async () => {
  const { plan, violation } = await failing();
  const steps: string[] = [];
  const attempt = async (smaller: Plan) => tier.run(smaller).violation;
  const shrunk = await shrink(plan, violation, { attempt, runsMax: 1000, tell: (step) => void steps.push(step) });
  expect(shrunk.finished).toBe(true);
  expect(shrunk.runs).toBeLessThan(200);
  expect(tier.run(shrunk.plan).violation).toBe(shrunk.violation);
  const { faults, nodes, knobs, workloads, horizonMs } = shrunk.plan;
  expect(faults.map(({ kind }) => kind)).toEqual(["kill"]);
  expect(Number.isInteger(faults[0]!.at)).toBe(true);
  expect(horizonMs - faults[0]!.at).toBeLessThan(horizonMs / 2 + 100);
  expect([nodes, knobs]).toEqual([3, {}]);
  expect(workloads).toEqual([{ kind: "write", clients: expect.any(Number), operations: expect.any(Number), knobs: {} }]);
  expect(workloads[0]!.clients * workloads[0]!.operations).toBeLessThan(20);
  expect(steps).toContain("no knobs");
});

test("shrink() does not take another failure for the same one", async () => {
  const { plan } = await failing();
  // Without faults it fails too, for another reason.
  const attempt = async ({ faults }: Plan) => faults.length === 0 ? "No faults at all" : faults.length > 3 ? "More than 3 faults" : null;
  const shrunk = await shrink(plan, "More than 11 faults", { attempt, runsMax: 1000 });
  expect([shrunk.plan.faults.length, shrunk.violation]).toEqual([4, "More than 3 faults"]);
});

test("shrink() keeps to its number of runs", async () => {
  const { plan, violation } = await failing();
  let runs = 0;
  const attempt = async (smaller: Plan) => {
    runs++;
    return tier.run(smaller).violation;
  };
  const shrunk = await shrink(plan, violation, { attempt, runsMax: 5 });
  expect([runs, shrunk.runs, shrunk.finished]).toEqual([5, 5, false]);
  expect(tier.run(shrunk.plan).violation).toBe(shrunk.violation);
});

test("keyOf() leaves out what differs from run to run", () => {
  for (
    const [one, other] of [
      ["Acknowledged 12, found 11 at 3.5 ms", "Acknowledged 7, found 2 at 19.25 ms"],
      ["Lost ~000001a~ in orders-3", "Lost ~00zz01b~ in orders-12"],
      ["Nobody caught: Error: a\n  at b (c.ts:1:2)", "Nobody caught: Error: a\n  at d (e.ts:3:4)"],
      ["Topic AAAAAAAAAAAAAAAAAAAAAQ is gone", "Topic kz-_AAAAAAAAAAAAAAAAAg is gone"],
      ["Offsets 1, 2, 3 were lost", "Offsets 9 were lost"],
    ] as const
  ) expect(keyOf(one)).toBe(keyOf(other));
  expect(keyOf("Lost ~000001a~")).not.toBe(keyOf("Twice ~000001a~"));
});
