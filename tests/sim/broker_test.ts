import { expect, test } from "bun:test";
import type { Plan } from "../../lib/sim/mod.ts";
import { TIERS } from "../../lib/sim/tiers.ts";

const SEEDS = 20;

const tier = await TIERS.broker!();

test(`a broker keeps its promises to clients whatever happens to it, for ${SEEDS} seeds`, () => {
  let acknowledged = 0;
  let starts = 0;
  for (let seed = 100; seed < 100 + SEEDS; seed++) {
    const { violation, counts } = tier.run(tier.plan(seed));
    expect({ seed, violation }).toEqual({ seed, violation: null });
    acknowledged += counts["acknowledged"] ?? 0;
    starts += counts["starts"] ?? 0;
  }
  // The faults left room for work, and they were there.
  expect(acknowledged).toBeGreaterThan(300);
  expect(starts).toBeGreaterThan(2 * SEEDS);
}, 60_000);

test("a run is a function of its plan alone, also of one that was written down", () => {
  for (let seed = 1; seed <= 4; seed++) {
    const plan = tier.plan(seed);
    const first = tier.run(plan);
    const again = tier.run(JSON.parse(JSON.stringify(plan)) as Plan, true);
    expect([again.hash, again.events]).toEqual([first.hash, first.events]);
    expect(tier.plan(seed)).toEqual(plan);
  }
});

test("requests that the logs keep in memory do not stop the reading for good", () => {
  const drawn = tier.plan(3);
  const clients = {
    requestTimeoutMs: 3_000,
    connectTimeoutMs: 3_000,
    retryBackoffMs: 100,
    metadataMaxAgeMs: 300_000,
    connectionsMaxIdleMs: 500_000,
  };
  const lives = { lives: 1, lifeMs: 10_000, betweenLivesMs: 1 };
  const producers = { valueBytes: 60_000, pauseMs: 20, together: 8, lingerMs: 1, batchBytes: 100, bufferBytes: 10_000_000, inFlightMax: 5 };
  const promises = { deliveryTimeoutMs: 20_000, acks0Share: 0, acks1Share: 0, plainShare: 0, compression: 0 };
  const plan: Plan = {
    ...drawn,
    horizonMs: 5_000,
    knobs: { "queued.max.request.bytes": 200_000, "log.min.free.bytes": 65_536 },
    workloads: [{
      kind: "log",
      clients: 2,
      operations: 60,
      knobs: { ...clients, ...lives, ...producers, ...promises, partitions: 2, readers: 0 },
    }],
    faults: [],
  };
  const { violation, counts } = tier.run(plan);
  expect([violation, counts["acknowledged"]]).toEqual([null, 120]);
});
