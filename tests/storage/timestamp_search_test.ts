import { expect, test } from "bun:test";
import type { Deadline } from "../../lib/io/mod.ts";
import { encodeBatch, lastOffsetOf, patchCrc } from "../../lib/protocol/records/mod.ts";
import { type BatchSource, firstAtOrAfter, largestTimestamp } from "../../lib/storage/log/timestamp_search.ts";

const deadline: Deadline = { op: "test", at: Infinity };
const batch = (baseOffset: number, times: readonly number[], compression: "none" | "gzip" = "none") =>
  encodeBatch({
    baseOffset,
    compression,
    leaderEpoch: 4,
    records: times.map((timestamp) => ({ key: null, value: new Uint8Array(3), timestamp })),
  });

function source(...batches: readonly Uint8Array[]): BatchSource {
  return {
    async scan(from, end, _deadline, visit) {
      for (const bytes of batches) {
        if (lastOffsetOf(bytes) < from || lastOffsetOf(bytes) >= end) continue;
        if (visit(bytes, 0, bytes.length) === false) return;
      }
    },
  };
}
const range = (from: number, end: number, least = from) => ({ from, end, least, deadline, decompressedBytesMax: 1 << 20 });
const log = source(batch(0, [10, 30, 20]), batch(3, [40, 15], "gzip"), batch(5, [40, 41]));

test("firstAtOrAfter() finds the first record in offset order, not the nearest in time", async () => {
  const at = async (target: number, from = 0) => (await firstAtOrAfter(log, target, range(from, 7)))?.offset ?? null;
  expect([await at(0), await at(11), await at(31), await at(41), await at(42)]).toEqual([0, 1, 3, 6, null]);
  expect(await at(11, 2)).toBe(2);
});

test("largestTimestamp() finds the first record that has it, and keeps what is larger already", async () => {
  expect(await largestTimestamp(log, null, range(0, 7))).toEqual({ timestamp: 41, offset: 6, leaderEpoch: 4 });
  expect((await largestTimestamp(log, null, range(0, 5)))?.offset).toBe(3);
  // The batch that reaches offset 6 also has the record before it.
  expect((await largestTimestamp(source(batch(5, [41, 40])), null, range(6, 7, 5)))?.offset).toBe(5);
  const best = { timestamp: 99, offset: 0, leaderEpoch: 1 };
  expect(await largestTimestamp(log, best, range(0, 7))).toBe(best);
});

test("a batch whose compressed records cannot be read counts with its first offset and its largest time", async () => {
  const broken = batch(3, [40, 50], "gzip");
  broken.fill(0xaa, 61);
  patchCrc(broken, 0);
  const damaged = source(batch(0, [10, 30, 20]), broken, batch(5, [60, 61]));
  expect(await firstAtOrAfter(damaged, 45, range(0, 7))).toEqual({ timestamp: 50, offset: 3, leaderEpoch: 4 });
  expect((await largestTimestamp(damaged, null, range(0, 5)))?.offset).toBe(3);
});
