import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  type BatchRules,
  decodeBatch,
  encodeBatch,
  hasValidCrc,
  type NewBatch,
  patchCrc,
  readBatchHeader,
  validateProduceBatch,
} from "../../../lib/protocol/records/mod.ts";

const now = 1_700_000_000_000;
const rules: BatchRules = {
  maxMessageBytes: 1_000_000,
  timestampType: "CreateTime",
  timestampBeforeMaxMs: Infinity,
  timestampAfterMaxMs: 3_600_000,
  compression: "producer",
  compacted: false,
};
const value = new TextEncoder().encode("value");
const batch = (extra: Partial<NewBatch> = {}) =>
  encodeBatch({ records: [{ key: value, value, timestamp: now }, { key: value, value, timestamp: now }], ...extra });
const check = (bytes: Uint8Array, changed: Partial<BatchRules> = {}, internal = false) =>
  validateProduceBatch(bytes, { ...rules, ...changed }, { nowMs: now, internal });
/** A batch with some header bytes changed and the checksum made right again. */
function forged(change: (bytes: Uint8Array) => void): Uint8Array {
  const bytes = batch();
  change(bytes);
  patchCrc(bytes, 0);
  return bytes;
}
const keyless = () => batch({ records: [{ key: value, value, timestamp: now }, { key: null, value, timestamp: now }] });

describe("validateProduceBatch()", () => {
  test("accepts a good batch and keeps its bytes", () => {
    const bytes = batch({ compression: "lz4" });
    const before = bytes.slice();
    expect(check(bytes)).toMatchObject({ ok: true, records: bytes, producerId: -1, logAppendTimeMs: -1 });
    expect(bytes).toEqual(before);
  });

  const refusals: [string, Uint8Array, string][] = [
    ["nothing", new Uint8Array(0), "INVALID_RECORD"],
    ["half a header", batch().subarray(0, 40), "INVALID_RECORD"],
    ["a batch cut short", batch().subarray(0, -1), "INVALID_RECORD"],
    ["two batches", Buffer.concat([batch(), batch()]), "INVALID_RECORD"],
    ["a wrong checksum", batch().map((byte, i) => i === 70 ? byte ^ 1 : byte), "CORRUPT_MESSAGE"],
    ["format v1", batch().map((byte, i) => i === 16 ? 1 : byte), "INVALID_RECORD"],
    ["an unknown magic", batch().map((byte, i) => i === 16 ? 9 : byte), "CORRUPT_MESSAGE"],
    ["an unknown codec", forged((bytes) => (bytes[22] = 7)), "INVALID_RECORD"],
    ["no records", forged((bytes) => (bytes[60] = 0)), "INVALID_RECORD"],
    ["a count that contradicts the offsets", forged((bytes) => (bytes[60] = 3)), "INVALID_RECORD"],
    ["a control batch of a client", batch({ control: true }), "INVALID_RECORD"],
    ["a producer id without sequence", batch({ producerId: 5, producerEpoch: 0 }), "INVALID_RECORD"],
    ["a time too far ahead", batch({ records: [{ key: null, value, timestamp: now + 3_600_001 }] }), "INVALID_TIMESTAMP"],
  ];
  for (const [what, bytes, error] of refusals) {
    test(`refuses ${what} with ${error}`, () => {
      expect(check(bytes)).toMatchObject({ ok: false, error });
    });
  }

  test("lists at most 1,000 records, however many have no key", () => {
    const bytes = batch({
      compression: "zstd",
      records: Array.from({ length: 5_000 }, () => ({ key: null, value: null, timestamp: now })),
    });
    const checked = check(bytes, { compacted: true });
    expect(checked).toMatchObject({ ok: false, error: "INVALID_RECORD" });
    if (!checked.ok) expect(checked.recordErrors).toHaveLength(1_000);
  });

  test("looks at no more decompressed bytes than four times max.message.bytes, and never refuses a MiB", () => {
    const bomb = (valueBytes: number) =>
      batch({ compression: "zstd", records: [{ key: value, value: new Uint8Array(valueBytes), timestamp: now }] });
    const inside = (maxMessageBytes: number, valueBytes: number) => check(bomb(valueBytes), { compacted: true, maxMessageBytes });
    expect(inside(1_000_000, 3_999_000)).toMatchObject({ ok: true });
    expect(inside(1_000_000, 4_000_000)).toMatchObject({ ok: false, error: "MESSAGE_TOO_LARGE" });
    expect(inside(1_000, 1_000_000)).toMatchObject({ ok: true });
    expect(inside(100_000_000, 70_000_000)).toMatchObject({ ok: false, error: "MESSAGE_TOO_LARGE" });
  });

  test("never throws, whatever bytes come with a right checksum", () => {
    for (const compression of ["none", "gzip", "snappy", "lz4", "zstd"] as const) {
      const good = batch({ compression });
      fc.assert(
        fc.property(
          fc.array(fc.tuple(fc.integer({ min: 17, max: good.length - 1 }), fc.nat(255)), { minLength: 1, maxLength: 4 }),
          (changes) => {
            const bytes = good.slice();
            for (const [at, byte] of changes) bytes[at] = byte;
            patchCrc(bytes, 0);
            const checked = check(bytes, { compacted: true });
            if (checked.ok) expect(hasValidCrc(checked.records)).toBe(true);
            else expect(checked.message.length).toBeGreaterThan(0);
          },
        ),
        { numRuns: 300 },
      );
    }
  });

  test("lets the broker write control batches", () => {
    expect(check(batch({ control: true }), {}, true)).toMatchObject({ ok: true });
  });

  test("refuses batches above max.message.bytes", () => {
    const bytes = batch();
    expect(check(bytes, { maxMessageBytes: bytes.length })).toMatchObject({ ok: true });
    expect(check(bytes, { maxMessageBytes: bytes.length - 1 })).toMatchObject({ ok: false, error: "MESSAGE_TOO_LARGE" });
  });

  test("names the records without key on a compacted topic", () => {
    expect(check(keyless())).toMatchObject({ ok: true });
    expect(check(keyless(), { compacted: true })).toMatchObject({ ok: false, error: "INVALID_RECORD", recordErrors: [{ batchIndex: 1 }] });
    expect(check(batch({ compression: "zstd" }), { compacted: true })).toMatchObject({ ok: true });
  });

  test("stamps the batch when the topic wants LogAppendTime, whatever time the client gave", () => {
    const bytes = batch({ records: [{ key: null, value, timestamp: 1 }] });
    expect(check(bytes, { timestampType: "LogAppendTime", timestampBeforeMaxMs: 10 })).toMatchObject({ ok: true, logAppendTimeMs: now });
    expect(decodeBatch(bytes, 0, 1000)[0]!.timestamp).toBe(now);
  });

  test("rewrites the batch when the topic has a codec of its own, and keeps what identifies it", () => {
    const bytes = batch({ compression: "gzip", producerId: 9, producerEpoch: 2, baseSequence: 40 });
    const checked = check(bytes, { compression: "zstd" });
    if (!checked.ok) throw new Error(checked.message);
    expect(readBatchHeader(checked.records)).toMatchObject({
      attributes: 4,
      producerId: 9,
      producerEpoch: 2,
      baseSequence: 40,
      recordCount: 2,
    });
    expect(decodeBatch(checked.records, 0, 1000)).toEqual(decodeBatch(bytes, 0, 1000));
    expect(check(checked.records)).toMatchObject({ ok: true });
  });
});
