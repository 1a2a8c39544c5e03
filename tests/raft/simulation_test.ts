import { expect, test } from "bun:test";
import { simulate } from "./simulation.ts";

const SEEDS = 200;

for (const size of [3, 5]) {
  test(`raft keeps its promises with ${size} nodes over ${SEEDS / 2} random schedules of 10 s each`, () => {
    let committed = 0;
    for (let seed = 1; seed <= SEEDS / 2; seed++) {
      try {
        committed += simulate({ seed, size, virtualMs: 10_000 }).committed;
      } catch (error) {
        throw new Error(`Seed ${seed} with ${size} nodes: ${(error as Error).message}`, { cause: error });
      }
    }
    // The faults must leave room for work, or the checks would see nothing.
    expect(committed).toBeGreaterThan(SEEDS * 10);
  }, 60_000);
}

test("raft follows the same path for the same seed", () => {
  expect(simulate({ seed: 7, size: 5, virtualMs: 3_000 })).toEqual(simulate({ seed: 7, size: 5, virtualMs: 3_000 }));
});
