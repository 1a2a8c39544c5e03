import { expect, test } from "bun:test";
import type { Plan } from "../../lib/sim/mod.ts";
import { metadataTier } from "../../lib/sim/metadata/tier.ts";

const SEEDS = 20;

const quiet: Plan = {
  tier: "metadata",
  seed: 1,
  horizonMs: 5_000,
  nodes: 3,
  knobs: {},
  workloads: [{ kind: "propose", clients: 1, operations: 1_000, knobs: { gapMs: 50 } }],
  faults: [],
};

test(`the metadata are alike on all nodes over ${SEEDS} seeds, in a modelled store and in real files`, () => {
  let acknowledged = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { realStore: _, ...knobs } = metadataTier.plan(seed).knobs;
    for (const store of [{}, { realStore: 1 }]) {
      const plan = { ...metadataTier.plan(seed), knobs: { ...knobs, ...store } };
      const { violation, counts } = metadataTier.run(plan);
      if (violation !== null) throw new Error(`Seed ${seed} with ${JSON.stringify(store)}: ${violation}`);
      acknowledged += counts["acknowledged"]!;
    }
  }
  expect(acknowledged).toBeGreaterThan(2 * SEEDS * 20);
}, 60_000);

test("half of the seeds have their metadata in real files", () => {
  const real = Array.from({ length: 200 }, (_, at) => metadataTier.plan(at).knobs["realStore"] === 1).filter((is) => is).length;
  expect(real).toBeGreaterThan(60);
  expect(real).toBeLessThan(140);
});

for (const knobs of [{}, { realStore: 1 }]) {
  test(`what is asked for is done when nothing happens, in one term, ${"realStore" in knobs ? "in real files" : "in a modelled store"}`, () => {
    const { violation, counts } = metadataTier.run({ ...quiet, knobs });
    expect(violation).toBe(null);
    expect(counts["terms"]).toBeLessThan(4);
    expect(counts["acknowledged"]).toBeGreaterThan(60);
    expect(counts["unknown"]).toBe(0);
  });
}
