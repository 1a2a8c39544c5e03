import { expect, test } from "bun:test";
import fc from "fast-check";
import { VerifiedRanges } from "../../lib/storage/log/verified_ranges.ts";

test("VerifiedRanges says of no byte that it was looked at when it was not, and remembers reads that end out of order", () => {
  const step = fc.record({
    from: fc.nat(200),
    length: fc.integer({ min: 1, max: 40 }),
    cut: fc.option(fc.nat(240), { nil: null, freq: 8 }),
  });
  fc.assert(fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
    const ranges = new VerifiedRanges();
    const seen = new Set<number>();
    for (const { from, length, cut } of steps) {
      if (cut !== null) {
        ranges.cut(cut);
        for (const byte of [...seen]) if (byte >= cut) seen.delete(byte);
      }
      ranges.add(from, from + length);
      for (let byte = from; byte < from + length; byte++) seen.add(byte);
      expect(ranges.has(from, from + length)).toBe(true);
    }
    for (let byte = 0; byte < 250; byte++) if (ranges.has(byte, byte + 1)) expect(seen.has(byte)).toBe(true);
  }));
  const ranges = new VerifiedRanges();
  for (const from of [20, 0, 10, 30]) ranges.add(from, from + 10);
  expect(ranges.has(0, 40)).toBe(true);
  expect(ranges.has(0, 41)).toBe(false);
});

test("VerifiedRanges forgets the oldest range at its bound", () => {
  const ranges = new VerifiedRanges();
  for (let i = 0; i < 17; i++) ranges.add(i * 100, i * 100 + 10);
  expect(ranges.has(0, 10)).toBe(false);
  expect(ranges.has(1600, 1610)).toBe(true);
});
