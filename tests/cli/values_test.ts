import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { UsageError } from "../../lib/cli/exit.ts";
import * as values from "../../lib/cli/values.ts";

const NOW = Date.UTC(2026, 0, 31, 12);

describe("parsePlace()", () => {
  const places: readonly (readonly [text: string, place: values.Place])[] = [
    ["earliest", "earliest"],
    ["beginning", "earliest"],
    ["end", "latest"],
    ["latest", "latest"],
    ["0", 0],
    ["17", 17],
    ["-10", { last: 10 }],
    ["15m", { timestamp: NOW - 900_000 }],
    ["1h30m", { timestamp: NOW - 5_400_000 }],
    ["@1767225600000", { timestamp: 1_767_225_600_000 }],
    ["2026-01-31T11:00:00Z", { timestamp: NOW - 3_600_000 }],
    ["2026-01-31 11:00Z", { timestamp: NOW - 3_600_000 }],
    ["2026-01-31T12:00:00.5+01:00", { timestamp: NOW - 3_599_500 }],
  ];
  for (const [text, place] of places) test(`reads "${text}"`, () => expect(values.parsePlace("--from", text, NOW)).toEqual(place));

  for (const text of ["", "soon", "1.5", "--5", "2026-13-01", "@", "5x", "Jan 5", "1e9"]) {
    test(`refuses "${text}" with what is accepted`, () => {
      expect(() => values.parsePlace("--from", text, NOW)).toThrow(UsageError);
      expect(() => values.parsePlace("--from", text, NOW)).toThrow("accepted are earliest, latest, an offset, -N");
    });
  }
});

test("parseDuration() and parseSize() know their units, and nothing else", () => {
  expect(["500ms", "30s", "5m", "2h", "7d", "1.5s", "1h30m"].map(values.parseDuration)).toEqual([
    500,
    30_000,
    300_000,
    7_200_000,
    604_800_000,
    1500,
    5_400_000,
  ]);
  expect(["", "5", "s", "-5s", "5 s", "5y"].map(values.parseDuration)).toEqual(Array(6).fill(null));
  expect(["512", "1k", "64KiB", "1MB", "1.5m", "2GiB"].map(values.parseSize)).toEqual([512, 1024, 65_536, 1_000_000, 1_572_864, 2 ** 31]);
  expect(["", "k", "-1", "1 bit", "1e3"].map(values.parseSize)).toEqual(Array(5).fill(null));
});

test("parsePartitions() takes lists and ranges, in order and once each", () => {
  expect(values.parsePartitions("p", "5,0-2,1")).toEqual([0, 1, 2, 5]);
  for (const text of ["", "a", "2-1", "1-", "-1", "0-999999999", "1,,2"]) {
    expect(() => values.parsePartitions("p", text)).toThrow("partitions are written 0,3-5");
  }
});

test("parseTopicPartitions() parts the topic from its partitions", () => {
  expect(values.parseTopicPartitions("TOPIC", "orders")).toEqual({ topic: "orders", partitions: null });
  expect(values.parseTopicPartitions("TOPIC", "orders:0,3-4")).toEqual({ topic: "orders", partitions: [0, 3, 4] });
  expect(() => values.parseTopicPartitions("TOPIC", ":0")).toThrow("write TOPIC or TOPIC:PARTITION,…");
});

test("parsePairs() splits at the first equals sign", () => {
  expect(values.parsePairs("--set", ["a=b=c", "d="])).toEqual([["a", "b=c"], ["d", ""]]);
  expect(() => values.parsePairs("--set", ["=b"])).toThrow('Invalid "--set =b": write --set NAME=VALUE');
  expect(() => values.parsePairs("", ["b"])).toThrow('Invalid "b": write NAME=VALUE');
});

test("durationText() and sizeText() are what the parsers read again, nearly", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 49 }), (bytes) => {
      const read = values.parseSize(values.sizeText(bytes))!;
      expect(Math.abs(read - bytes)).toBeLessThanOrEqual(Math.max(1, bytes * 0.06));
    }),
    { examples: [[1023], [1024], [0]] },
  );
  expect([0, 999, 1000, 61_000, 3_660_000, 200_000_000].map(values.durationText)).toEqual([
    "0ms",
    "999ms",
    "1s",
    "1m 1s",
    "1h 1m",
    "2d 7h",
  ]);
  expect([-1, 0].map(values.timeText)).toEqual(["-", "1970-01-01T00:00:00.000Z"]);
});
