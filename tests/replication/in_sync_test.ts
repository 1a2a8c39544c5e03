import { expect, test } from "bun:test";
import fc from "fast-check";
import { effectiveMinInsync, hasEnoughReplicas, nextHighWatermark } from "../../lib/replication/in_sync.ts";

test("nextHighWatermark() with one replica is its durable end", () => {
  const alone = { highWatermark: 3, leaderEnd: 9, followerEnds: [], minInsyncReplicas: 1, replicaCount: 1 };
  expect(nextHighWatermark(alone)).toBe(9);
});

test.each([
  ["the slowest member of the in-sync set holds it", { leaderEnd: 9, followerEnds: [7, 5] }, 5],
  ["it never goes back", { leaderEnd: 9, followerEnds: [1, 8] }, 3],
  ["it stays while fewer are in sync than must be", { leaderEnd: 9, followerEnds: [] }, 3],
  ["it moves with exactly as many as must be", { leaderEnd: 9, followerEnds: [6] }, 6],
])("nextHighWatermark() with three replicas: %s", (_name, state, expected) => {
  expect(nextHighWatermark({ highWatermark: 3, minInsyncReplicas: 2, replicaCount: 3, ...state })).toBe(expected);
});

test("effectiveMinInsync() never asks for more replicas than there are", () => {
  expect(effectiveMinInsync(2, 1)).toBe(1);
  expect(hasEnoughReplicas(1, 2, 1)).toBe(true);
  expect(hasEnoughReplicas(1, 2, 3)).toBe(false);
});

test("nextHighWatermark() is monotonic and below every in-sync end that it passes", () => {
  const ends = fc.array(fc.nat(100), { maxLength: 4 });
  fc.assert(
    fc.property(fc.nat(100), fc.nat(100), ends, fc.integer({ min: 1, max: 5 }), (highWatermark, leaderEnd, followerEnds, minInsync) => {
      const next = nextHighWatermark({ highWatermark, leaderEnd, followerEnds, minInsyncReplicas: minInsync, replicaCount: 5 });
      expect(next).toBeGreaterThanOrEqual(highWatermark);
      if (next > highWatermark) {
        expect(followerEnds.length + 1).toBeGreaterThanOrEqual(minInsync);
        for (const end of [leaderEnd, ...followerEnds]) expect(next).toBeLessThanOrEqual(end);
      }
    }),
  );
});
