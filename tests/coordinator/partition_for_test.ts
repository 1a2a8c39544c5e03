import { expect, test } from "bun:test";
import { partitionFor } from "../../lib/coordinator/mod.ts";

// From `Utils.abs(key.hashCode()) % 50` of kafka-clients 4.3.1.
const VECTORS: readonly [string, number][] = [
  ["", 0],
  ["g1", 42],
  ["my-group", 12],
  ["connect-cluster", 13],
  // Its hash is the one int32 without an absolute value.
  ["polygenelubricants", 0],
  ["console-consumer-12345", 6],
  ["Ünïcödé", 31],
  ["消费者组", 38],
  ["🚀-rockets", 49],
  ["payments.v2", 39],
  ["a-very-long-group-name-that-overflows-the-hash-many-times-over", 22],
];

test.each(VECTORS)("partitionFor(%j) is where Java puts it: %i of 50", (key, partition) => {
  expect(partitionFor(key, 50)).toBe(partition);
});
