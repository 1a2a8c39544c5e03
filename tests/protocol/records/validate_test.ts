import { describe, expect, test } from "bun:test";
import {
  type BatchRules,
  decodeBatch,
  encodeBatch,
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
    ["nothing", new Uint8Array(0), "CORRUPT_MESSAGE"],
    ["half a header", batch().subarray(0, 40), "CORRUPT_MESSAGE"],
    ["a batch cut short", batch().subarray(0, -1), "CORRUPT_MESSAGE"],
    ["two batches", Buffer.concat([batch(), batch()]), "INVALID_RECORD"],
    ["a wrong checksum", batch().map((byte, i) => i === 70 ? byte ^ 1 : byte), "CORRUPT_MESSAGE"],
    ["format v1", batch().map((byte, i) => i === 16 ? 1 : byte), "UNSUPPORTED_FOR_MESSAGE_FORMAT"],
    ["an unknown magic", batch().map((byte, i) => i === 16 ? 9 : byte), "CORRUPT_MESSAGE"],
    ["an unknown codec", forged((bytes) => (bytes[22] = 7)), "CORRUPT_MESSAGE"],
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
