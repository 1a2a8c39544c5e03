import { expect, test } from "bun:test";
import { type Plan, unknownIn } from "../../lib/sim/mod.ts";
import { raftTier } from "../../lib/sim/raft/tier.ts";

const SEEDS = 100;

const quiet: Plan = {
  tier: "raft",
  seed: 1,
  horizonMs: 5_000,
  nodes: 3,
  knobs: {},
  workloads: [{ kind: "propose", clients: 1, operations: 1_000, knobs: { gapMs: 20 } }],
  faults: [],
};

test(`raft keeps its promises over ${SEEDS} seeds of 20 virtual seconds`, () => {
  let acknowledged = 0;
  let terms = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { violation, counts } = raftTier.run(raftTier.plan(seed));
    if (violation !== null) throw new Error(`Seed ${seed}: ${violation}`);
    acknowledged += counts["acknowledged"]!;
    terms += counts["terms"]!;
  }
  // The faults must leave room for work and make elections, or the oracles would see nothing.
  expect(acknowledged).toBeGreaterThan(SEEDS * 30);
  expect(terms).toBeGreaterThan(SEEDS * 3);
}, 60_000);

test("raft takes the same way for the same plan, another one for another seed", () => {
  const plan = raftTier.plan(7);
  const run = raftTier.run(plan);
  expect(raftTier.run(JSON.parse(JSON.stringify(plan)) as Plan, true).hash).toBe(run.hash);
  expect(raftTier.run({ ...plan, seed: 8 }).hash).not.toBe(run.hash);
});

test("raft commits what is proposed when nothing happens, in one term", () => {
  const { violation, counts } = raftTier.run(quiet);
  expect(violation).toBe(null);
  expect(counts["terms"]).toBeLessThan(4);
  expect(counts["acknowledged"]).toBeGreaterThan(150);
  expect(counts["unknown"]).toBe(0);
});

test("raft survives that every node loses its power at once, again and again", () => {
  const faults = [2_000, 3_500, 5_000].flatMap((at) => [1, 2, 3].map((node) => ({ kind: "powerLoss" as const, at, node, forMs: 10 })));
  const { violation, counts } = raftTier.run({ ...quiet, horizonMs: 8_000, knobs: { writeMs: 10 }, faults });
  expect(violation).toBe(null);
  expect(counts["terms"]).toBeGreaterThanOrEqual(3);
  expect(counts["acknowledged"]).toBeGreaterThan(100);
});

test("raft ends a node whose disk fails or stalls for too long, and goes on with the others", () => {
  const faults = [
    { kind: "syncFails" as const, at: 2_000, node: 1 },
    { kind: "syncStalls" as const, at: 3_000, node: 2, forMs: 4_000 },
  ];
  const { violation, counts, marks } = raftTier.run({ ...quiet, horizonMs: 8_000, knobs: { persistMs: 1_000 }, faults });
  expect(violation).toBe(null);
  expect(marks.get("node.exit")).toBeGreaterThanOrEqual(2);
  expect(counts["acknowledged"]).toBeGreaterThan(100);
});

test("raft goes on when every leader is cut off after so many messages, while the one before it comes back", () => {
  const runs = [0, 1, 2, 5, 30].map((messages) => {
    const faults = Array.from({ length: 20 }, (_, at) => ({ kind: "leaderCut" as const, at: 1_000 + at * 500, messages, forMs: 30_000 }));
    return raftTier.run({ ...quiet, horizonMs: 20_000, faults });
  });
  expect(runs.map(({ violation }) => violation)).toEqual([null, null, null, null, null]);
  const terms = runs.map(({ counts }) => counts["terms"]!);
  expect(Math.min(...terms)).toBeGreaterThan(4);
  // Who cannot even tell its first entry commits nothing; thirty messages are a dozen entries for each of two followers.
  expect(runs[0]!.counts["acknowledged"]).toBeLessThan(runs[4]!.counts["acknowledged"]!);
});

test("a plan with a knob or a fault that the tier does not know is told so", () => {
  const plan: Plan = { ...quiet, knobs: { heartbeat: 1, loss: 0.1 }, faults: [{ kind: "reset", at: 1, node: 1 }] };
  expect(unknownIn(raftTier, plan)).toEqual({ workloads: [], faults: ["reset"], knobs: ["heartbeat"] });
  expect(raftTier.run({ ...quiet, faults: [{ kind: "reset", at: 1, node: 1 }] }).violation).toContain('No such fault here: "reset"');
});
