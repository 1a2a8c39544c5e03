import { expect, test } from "bun:test";
import { type Phase, Readiness } from "../../lib/broker/mod.ts";
import type { StorageHealth } from "../../lib/storage/types.ts";

const told = (phase: Phase, state: StorageHealth["state"], leader: number | null) => {
  const health = { state, syncRunningMs: 0, reason: "of the test" };
  const quorum = () => ({ leader, term: 1, highWatermark: 0, voters: [] });
  const readiness = new Readiness({ health }, { quorum } as unknown as ConstructorParameters<typeof Readiness>[1]);
  readiness.phase = phase;
  return readiness.reasons().map(({ code }) => code);
};

test("Readiness.reasons() is empty exactly when nothing stands in the way, and names all that does", () => {
  expect(told("serving", "ok", 1)).toEqual([]);
  expect(told("starting", "ok", 1)).toEqual(["starting"]);
  expect(told("draining", "ok", 1)).toEqual(["draining"]);
  for (const state of ["full", "stalled", "failed"] as const) expect(told("serving", state, 1)).toEqual([`storage_${state}`]);
  expect(told("serving", "ok", null)).toEqual(["no_metadata_leader"]);
  expect(told("draining", "stalled", null)).toEqual(["draining", "storage_stalled", "no_metadata_leader"]);
});

test("Readiness.reasons() says in words what is so", () => {
  const readiness = new Readiness(
    { health: { state: "full", syncRunningMs: 0, reason: '"data" is nearly full' } },
    { quorum: () => ({ leader: 1 }) } as unknown as ConstructorParameters<typeof Readiness>[1],
  );
  readiness.phase = "serving";
  expect(readiness.reasons()).toEqual([{ code: "storage_full", message: 'Storage is full: "data" is nearly full' }]);
});
