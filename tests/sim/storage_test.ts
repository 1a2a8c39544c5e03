import { expect, test } from "bun:test";
import type { Fault, Plan } from "../../lib/sim/mod.ts";
import { storageTier } from "../../lib/sim/storage/tier.ts";

const SEEDS = 20;

const topic = { kind: "topic", clients: 2, operations: 10_000, knobs: { partitions: 2, readers: 1, thinkMs: 100, idempotent: 1 } };
const quiet: Plan = {
  tier: "storage",
  seed: 1,
  horizonMs: 5_000,
  nodes: 1,
  knobs: {
    walFileBytes: 65_536,
    queueBytesMax: 65_536,
    tailBytesMax: 65_536,
    tailBytesLimit: 131_072,
    syncStalledMs: 1_000,
    openFilesMax: 100,
  },
  workloads: [topic, { kind: "raft", clients: 1, operations: 10_000, knobs: { thinkMs: 100 } }],
  faults: [],
};

test(`storage keeps its promises over ${SEEDS} seeds of 20 virtual seconds`, () => {
  let acknowledged = 0;
  let starts = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { violation, counts } = storageTier.run(storageTier.plan(seed));
    if (violation !== null) throw new Error(`Seed ${seed}: ${violation}`);
    acknowledged += counts["acknowledged"]!;
    starts += counts["starts"]!;
  }
  // The faults must leave room for work, and end processes, or the models would see nothing.
  expect(acknowledged).toBeGreaterThan(SEEDS * 30);
  expect(starts).toBeGreaterThan(SEEDS * 4);
}, 60_000);

test("storage takes the same way for the same plan, another one for another seed", () => {
  const plan = storageTier.plan(7);
  const run = storageTier.run(plan);
  expect(storageTier.run(JSON.parse(JSON.stringify(plan)) as Plan, true).hash).toBe(run.hash);
  expect(storageTier.run({ ...plan, seed: 8 }).hash).not.toBe(run.hash);
});

test("storage acknowledges everything when nothing happens", () => {
  const { violation, counts } = storageTier.run(quiet);
  expect(violation).toBe(null);
  expect(counts["acknowledged"]).toBe(counts["appended"]!);
  expect(counts["acknowledged"]).toBeGreaterThan(60);
  expect(counts["refused"]).toBe(0);
});

test("storage has a repeated batch once, whether the first one survived the end of the process or not", () => {
  const faults = Array.from(
    { length: 12 },
    (_, at): Fault => ({ kind: at % 3 === 0 ? "powerLoss" : "kill", node: 1, at: 300 + at * 370, forMs: 10 }),
  );
  const busy = { ...topic, knobs: { ...topic.knobs, thinkMs: 5, inFlight: 5 } };
  // Whether a kill meets a batch between the disk and its answer is luck: over some seeds it must.
  let duplicates = 0;
  for (let seed = 1; seed <= 6; seed++) {
    const { violation, counts } = storageTier.run({ ...quiet, seed, workloads: [busy], faults });
    expect([seed, violation]).toEqual([seed, null]);
    expect(counts["starts"]).toBeGreaterThan(12);
    duplicates += counts["duplicates"]!;
  }
  expect(duplicates).toBeGreaterThan(5);
}, 60_000);

test("storage refuses producers while the disk is full, and lets them in again by itself", () => {
  const { violation, counts, marks } = storageTier.run({ ...quiet, faults: [{ kind: "diskFull", node: 1, at: 1_000, forMs: 2_000 }] });
  expect(violation).toBe(null);
  expect(marks.get("disk.diskFull")).toBe(1);
  expect(counts["refused"]).toBeGreaterThan(5);
  expect(counts["starts"]).toBe(3);
});

test("storage does not hammer a full disk", () => {
  const full = { kind: "diskFull", node: 1, at: 1_000, forMs: 3_000 } as const;
  const { events } = storageTier.run({ ...quiet, faults: [full] });
  expect(events).toBeLessThan(1.5 * storageTier.run(quiet).events);
});

test("storage ends the node whose sync fails, and loses nothing of what it acknowledged when the power goes too", () => {
  const faults: Fault[] = [{ kind: "syncFails", node: 1, at: 1_000 }, { kind: "powerLoss", node: 1, at: 2_000, forMs: 10 }];
  const { violation, counts } = storageTier.run({ ...quiet, faults });
  expect(violation).toBe(null);
  // The first one, after the failure, after the power, and the two at the end.
  expect(counts["starts"]).toBe(5);
});

test("storage that a disk has lied to serves nothing that was never written, or refuses to start", () => {
  let refused = 0;
  for (let seed = 1; seed <= 15; seed++) {
    const faults: Fault[] = [
      { kind: "syncLies", node: 1, at: 1_000, forMs: 2_000 },
      { kind: "powerLoss", node: 1, at: 3_500, forMs: 10 },
    ];
    const { violation, marks } = storageTier.run({ ...quiet, seed, faults });
    if (violation !== null) throw new Error(`Seed ${seed}: ${violation}`);
    refused += marks.get("sim.storage.refusedAfterLies") ?? 0;
  }
  expect(refused).toBeLessThan(15);
});
