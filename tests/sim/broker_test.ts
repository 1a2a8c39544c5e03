import { expect, test } from "bun:test";
import type { Plan } from "../../lib/sim/mod.ts";
import { TIERS } from "../../lib/sim/tiers.ts";

const tier = await TIERS.broker!();

test("a broker keeps its promises to clients whatever happens to it, for some seeds", () => {
  let acknowledged = 0;
  let starts = 0;
  for (let seed = 100; seed < 120; seed++) {
    const { violation, counts } = tier.run(tier.plan(seed));
    expect({ seed, violation }).toEqual({ seed, violation: null });
    acknowledged += counts["acknowledged"] ?? 0;
    starts += counts["starts"] ?? 0;
  }
  // The faults left room for work, and they were there.
  expect(acknowledged).toBeGreaterThan(500);
  expect(starts).toBeGreaterThan(3 * 20);
});

test("a run is a function of its plan alone, also of one that was written down", () => {
  for (let seed = 1; seed <= 4; seed++) {
    const plan = tier.plan(seed);
    const first = tier.run(plan);
    const again = tier.run(JSON.parse(JSON.stringify(plan)) as Plan, true);
    expect([again.hash, again.events]).toEqual([first.hash, first.events]);
    expect(tier.plan(seed)).toEqual(plan);
  }
});
