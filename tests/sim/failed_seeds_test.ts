import { expect, test } from "bun:test";
import { join } from "node:path";
import { runPlan, type TierName, TIERS } from "../../lib/sim/mod.ts";
import { FAILED_SEEDS } from "./failed_seeds.ts";

for (const [name, seeds] of Object.entries(FAILED_SEEDS) as [TierName, readonly number[]][]) {
  const tier = await TIERS[name]!();
  for (const seed of seeds) {
    test(`${name} holds with seed ${seed}, which failed once`, async () => {
      expect((await runPlan(tier, tier.plan(seed))).violation).toBeNull();
    }, 60_000);
  }
}

test("every simulator seed in docs/track-record.md is among those that failed", async () => {
  const page = await Bun.file(join(import.meta.dir, "../../docs/track-record.md")).text();
  const named = [
    ...page.matchAll(/barnabas sim (?:--tier (\w+) )?--seed (\d+)/g),
    ...page.matchAll(/\b(raft|metadata|storage|broker), seed (\d+)/g),
  ];
  expect(named.length).toBeGreaterThan(5);
  const missing = named.filter(([, tier = "broker", seed]) => !FAILED_SEEDS[tier as TierName].includes(Number(seed)));
  expect(missing.map(([text]) => text)).toEqual([]);
});
