/** The parts of the producer by themselves: where keys go, what a batch holds, in which order and under which sequence batches go. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { Batch, partsOf } from "../../lib/client/producer/batch.ts";
import { murmur2 } from "../../lib/client/producer/murmur2.ts";
import { PartitionQueue } from "../../lib/client/producer/partition_queue.ts";
import { mayBeWrittenAfter, verdictOf } from "../../lib/client/producer/verdict.ts";
import { KafkaError } from "../../lib/client/mod.ts";
import type { OutgoingRecord } from "../../lib/client/mod.ts";
import { COMPRESSION_TYPES, decodeBatch, encodeBatch, hasValidCrc, KAFKA_ERRORS, readBatchHeader } from "../../lib/protocol/mod.ts";

const nobody = { onDelivered() {}, onFailed() {} };

test("murmur2() gives the hashes of the Java client's own tests", () => {
  const hashes = {
    "21": -973932308,
    foobar: -790332482,
    "a-little-bit-long-string": -985981536,
    "a-little-bit-longer-string": -1486304829,
    lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8: -58897971,
    abc: 479470107,
  };
  for (const [text, hash] of Object.entries(hashes)) {
    const bytes = Buffer.from(text);
    expect(murmur2(bytes)).toBe(hash);
    expect(murmur2(Buffer.concat([Buffer.from("before"), bytes, Buffer.from("after")]), 6, 6 + bytes.length)).toBe(hash);
  }
});

const field = fc.option(fc.oneof(fc.string({ unit: "grapheme" }), fc.uint8Array({ maxLength: 300 })), { nil: null });
const records = fc.array(
  fc.record({
    topic: fc.constant("t"),
    key: field,
    value: field,
    timestamp: fc.integer({ min: 0, max: 2 ** 42 }),
    headers: fc.array(fc.record({ key: fc.string(), value: fc.option(fc.uint8Array({ maxLength: 20 }), { nil: null }) }), { maxLength: 3 }),
  }),
  { minLength: 1, maxLength: 40 },
);
const bytesOf = (of: string | Uint8Array | null | undefined): Uint8Array | null =>
  of === null || of === undefined ? null : typeof of === "string" ? Buffer.from(of) : of;

test("a batch that takes records one by one is the batch of all of them, byte by byte", () => {
  fc.assert(fc.property(records, fc.constantFrom(...COMPRESSION_TYPES), (given, compression) => {
    const batch = new Batch("t", 0, Infinity, 0);
    for (const record of given) expect(batch.append(partsOf(record as OutgoingRecord), record.timestamp, nobody, 0)).toBe(true);
    batch.seal(compression);
    batch.identify(4711, 3, 99);
    const whole = encodeBatch({
      records: given.map(({ key, value, timestamp, headers }) => ({ key: bytesOf(key), value: bytesOf(value), timestamp, headers })),
      compression,
      producerId: 4711,
      producerEpoch: 3,
      baseSequence: 99,
    });
    expect(Buffer.from(batch.bytes).toString("hex")).toBe(Buffer.from(whole).toString("hex"));
  }));
});

test("a batch is never larger than it may be, unless one record is", () => {
  fc.assert(fc.property(records, fc.integer({ min: 1, max: 600 }), (given, bytesMax) => {
    const batch = new Batch("t", 0, bytesMax, 0);
    for (const record of given) if (!batch.append(partsOf(record as OutgoingRecord), record.timestamp, nobody, 0)) break;
    batch.seal("none");
    expect(batch.count === 1 || batch.bytes.length <= bytesMax).toBe(true);
  }));
});

test("halves of a batch have its records, in order, and their outcome is its outcome", () => {
  const told: string[] = [];
  const delivery = {
    onDelivered: (token: number, { offset }: { readonly offset: number }) => void told.push(`${token}@${offset}`),
    onFailed: (token: number, error: KafkaError) => void told.push(`${token} ${error.error}`),
  };
  const batch = new Batch("t", 0, Infinity, 0);
  for (let i = 0; i < 5; i++) batch.append(partsOf({ topic: "t", value: `${i}` }), 1_000 + i, delivery, i);
  batch.seal("gzip");
  batch.whenSettled(() => told.push("settled"));
  const halves = batch.split("gzip");
  const valuesOf = (half: Batch) => decodeBatch(half.bytes, 0, 1_000).map(({ value, timestamp }) => `${value} ${timestamp}`);
  expect(halves.map(valuesOf)).toEqual([["0 1000", "1 1001", "2 1002"], ["3 1003", "4 1004"]]);
  halves[0].succeed(10, -1);
  halves[1].fail(() => new KafkaError("MESSAGE_TOO_LARGE", "too large"));
  batch.fail(() => new KafkaError("REQUEST_TIMED_OUT", "late"));
  expect(told).toEqual(["0@10", "1@11", "2@12", "3 MESSAGE_TOO_LARGE", "4 MESSAGE_TOO_LARGE", "settled"]);
});

function filled(count: number, recordsEach = 2): { readonly queue: PartitionQueue; readonly batches: readonly Batch[] } {
  const queue = new PartitionQueue("t", 0, 5);
  const batches = Array.from({ length: count }, () => {
    const batch = new Batch("t", 0, Infinity, 0);
    for (let i = 0; i < recordsEach; i++) batch.append(partsOf({ topic: "t", value: "v" }), 0, nobody, 0);
    batch.seal("none");
    queue.close(batch);
    return batch;
  });
  return { queue, batches };
}
const identity = { producerId: 7, producerEpoch: 0 };
const headOf = (batch: Batch): string => {
  const { producerId, producerEpoch, baseSequence } = readBatchHeader(batch.bytes);
  expect(hasValidCrc(batch.bytes)).toBe(true);
  return `${producerId}.${producerEpoch}:${baseSequence}`;
};

test("batches go one alone until the broker knows the producer, then several, with sequences that count records", () => {
  const { queue, batches } = filled(8);
  expect(queue.take(identity)).toBe(batches[0]!);
  expect(queue.isSendable(0)).toBe(false);
  queue.acknowledged(batches[0]!);
  while (queue.isSendable(0)) queue.take(identity);
  expect(queue.underWay).toEqual(batches.slice(1, 6));
  expect(queue.underWay.map(headOf)).toEqual(["7.0:2", "7.0:4", "7.0:6", "7.0:8", "7.0:10"]);
});

test("what failed goes again before what follows, alone, under the sequence that it had", () => {
  const { queue, batches: [first, second, third, fourth] } = filled(4);
  queue.acknowledged(queue.take(identity));
  queue.take(identity);
  queue.take(identity);
  queue.again(third!);
  queue.again(second!);
  expect(queue.waiting).toEqual([second!, third!, fourth!]);
  expect(headOf(queue.take(identity))).toBe("7.0:2");
  expect(queue.isSendable(0)).toBe(false);
  expect(first).toBeDefined();
});

test("a batch that is known not to be written leaves no gap; one that may be makes the partition start over", () => {
  for (const [mayBeWritten, head] of [[false, "7.0:2"], [true, "7.1:0"]] as const) {
    const { queue, batches: [, second, third] } = filled(3);
    queue.acknowledged(queue.take(identity));
    second!.mayBeWritten = mayBeWritten;
    queue.take(identity);
    queue.gaveUp(second!);
    expect(queue.take(identity)).toBe(third!);
    expect(headOf(third!)).toBe(head);
  }
});

test("the answer to an earlier batch that comes last does not give the sequences of the later one to another", () => {
  const { queue, batches: [, second, third, fourth, fifth] } = filled(5);
  queue.acknowledged(queue.take(identity));
  for (let i = 0; i < 3; i++) queue.take(identity);
  queue.acknowledged(third!);
  queue.acknowledged(second!);
  queue.gaveUp(fourth!);
  expect(queue.take(identity)).toBe(fifth!);
  expect(headOf(fifth!)).toBe("7.0:6");
});

test("a batch that may be written keeps its identity until that is known, whatever the partition waits for", () => {
  const { queue, batches: [, second, third] } = filled(3);
  queue.acknowledged(queue.take(identity));
  queue.take(identity);
  queue.take(identity);
  third!.mayBeWritten = true;
  queue.again(third!);
  second!.mayBeWritten = true;
  queue.gaveUp(second!);
  expect(headOf(queue.take(identity))).toBe("7.0:4");
  third!.mayBeWritten = false;
  queue.again(third!);
  expect(headOf(queue.take(identity))).toBe("7.1:0");
});

test("a refused identity, and an epoch that is used up, need another producer id", () => {
  const { queue, batches: [, second] } = filled(2);
  queue.acknowledged(queue.take(identity));
  queue.take(identity);
  expect(queue.needsIdentity(identity)).toBe(false);
  queue.again(second!, "identity");
  expect(queue.needsIdentity(identity)).toBe(true);
  const next = { producerId: 8, producerEpoch: 0 };
  expect(queue.needsIdentity(next)).toBe(false);
  expect(headOf(queue.take(next))).toBe("8.0:0");

  const last = { producerId: 9, producerEpoch: 32_767 };
  const worn = filled(1);
  const batch = worn.queue.take(last);
  worn.queue.again(batch, "epoch");
  expect(worn.queue.needsIdentity(last)).toBe(true);
});

test("sequences begin again after the last of 31 bits", () => {
  const { queue, batches } = filled(2);
  const first = queue.take(identity);
  first.identify(7, 0, 2 ** 31 - 2);
  queue.acknowledged(first);
  queue.gaveUp(Object.assign(queue.take(identity), { mayBeWritten: false }));
  const { batches: [next] } = filled(1);
  queue.close(next!);
  expect(headOf(queue.take(identity))).toBe("7.0:0");
  expect(batches).toHaveLength(2);
});

test("every error of Kafka has a verdict, and only answers that rule it out say that nothing was written", () => {
  for (const { name, retriable } of KAFKA_ERRORS) {
    const plain = verdictOf(name, false);
    const isTooLarge = name === "MESSAGE_TOO_LARGE" || name === "RECORD_LIST_TOO_LARGE";
    expect(plain).toBe(isTooLarge ? "too-large" : retriable ? "again" : "fatal");
  }
  expect(verdictOf("OUT_OF_ORDER_SEQUENCE_NUMBER", true)).toBe("out-of-order");
  expect(verdictOf("DUPLICATE_SEQUENCE_NUMBER", true)).toBe("duplicate");
  expect(mayBeWrittenAfter("NOT_LEADER_OR_FOLLOWER", false)).toBe(false);
  expect(mayBeWrittenAfter("NOT_LEADER_OR_FOLLOWER", true)).toBe(true);
  expect(mayBeWrittenAfter("REQUEST_TIMED_OUT", false)).toBe(true);
  expect(mayBeWrittenAfter("MESSAGE_TOO_LARGE", true)).toBe(false);
  // The broker's clock was set back, or the topic's settings were changed, since the try that nobody knows of.
  for (const error of ["INVALID_TIMESTAMP", "INVALID_RECORD"] as const) {
    expect([mayBeWrittenAfter(error, false), mayBeWrittenAfter(error, true)]).toEqual([false, true]);
  }
});
