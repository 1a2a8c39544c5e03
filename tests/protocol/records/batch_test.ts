import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  BATCH_HEADER_BYTES,
  batchSize,
  compress,
  COMPRESSION_TYPES,
  CorruptRecords,
  crc32c,
  decodeBatch,
  decompress,
  decompressAsync,
  DecompressionLimitExceeded,
  encodeBatch,
  forEachBatch,
  hasValidCrc,
  type NewRecord,
  patchBaseOffset,
  patchLeaderEpoch,
  patchLogAppendTime,
  readBatchHeader,
  readVarint,
  readVarlong,
  varintBytes,
  varlongBytes,
  writeInt32,
  writeVarint,
  writeVarlong,
} from "../../../lib/protocol/records/mod.ts";

const text = (value: string) => new TextEncoder().encode(value);
const LIMIT = 1 << 20;

const optionalBytes = fc.option(fc.uint8Array({ maxLength: 40 }), { nil: null });
const record: fc.Arbitrary<NewRecord> = fc.record({
  key: optionalBytes,
  value: optionalBytes,
  headers: fc.array(fc.record({ key: fc.string({ maxLength: 8, unit: "grapheme" }), value: optionalBytes }), { maxLength: 3 }),
  timestamp: fc.integer({ min: 0, max: 2 ** 45 }),
});

describe("crc32c()", () => {
  test("gives the published check values, below and above the size where the native module takes over", () => {
    expect(crc32c(text("123456789"))).toBe(0xe3069283);
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
    expect(crc32c(text("123456789".repeat(40)))).toBe(crc32c(text("123456789".repeat(20)), 0, 180, crc32c(text("123456789".repeat(20)))));
  });
  test("is the same for a part and for the whole taken in pieces", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat(400), (bytes, cut) => {
      const at = Math.min(cut, bytes.length);
      expect(crc32c(bytes, at, bytes.length, crc32c(bytes, 0, at))).toBe(crc32c(bytes));
    }));
  });
});

describe("varints of records", () => {
  test("round trip at every size", () => {
    fc.assert(fc.property(fc.integer(), (value) => {
      const bytes = new Uint8Array(5);
      expect(writeVarint(bytes, 0, value)).toBe(varintBytes(value));
      expect(readVarint({ bytes, at: 0, end: 5 })).toBe(value);
    }));
    fc.assert(fc.property(fc.integer({ min: -(2 ** 52), max: 2 ** 52 }), (value) => {
      const bytes = new Uint8Array(10);
      expect(writeVarlong(bytes, 0, value)).toBe(varlongBytes(value));
      expect(readVarlong({ bytes, at: 0, end: 10 })).toBe(value);
    }));
  });
  test("that never end or end too early are refused", () => {
    const endless = new Uint8Array(12).fill(0x80);
    expect(() => readVarint({ bytes: endless, at: 0, end: 12 })).toThrow(CorruptRecords);
    expect(() => readVarlong({ bytes: endless, at: 0, end: 12 })).toThrow(CorruptRecords);
    expect(() => readVarint({ bytes: endless, at: 0, end: 2 })).toThrow(CorruptRecords);
  });
});

describe("encodeBatch()", () => {
  for (const compression of COMPRESSION_TYPES) {
    test(`is undone by decodeBatch() with ${compression}`, () => {
      fc.assert(
        fc.property(fc.array(record, { minLength: 1, maxLength: 20 }), (records) => {
          const bytes = encodeBatch({ records, compression, baseOffset: 1000, leaderEpoch: 7 });
          expect(hasValidCrc(bytes)).toBe(true);
          expect(batchSize(bytes)).toBe(bytes.length);
          expect(readBatchHeader(bytes)).toMatchObject({
            baseOffset: 1000,
            partitionLeaderEpoch: 7,
            magic: 2,
            recordCount: records.length,
          });
          const decoded = decodeBatch(bytes, 0, LIMIT);
          expect(decoded.map(({ key, value, headers, timestamp }) => ({ key, value, headers, timestamp }))).toEqual(
            records.map(({ key, value, headers, timestamp }) => ({ key, value, headers: headers!, timestamp })),
          );
          expect(decoded.map((r) => r.offset)).toEqual(records.map((_, i) => 1000 + i));
        }),
        { numRuns: 60 },
      );
    });
  }
});

describe("patches in place", () => {
  const batch = () =>
    encodeBatch({ records: [{ key: null, value: text("v"), timestamp: 5 }, { key: null, value: text("w"), timestamp: 9 }] });
  test("patchBaseOffset() and patchLeaderEpoch() leave the checksum valid", () => {
    const bytes = batch();
    patchBaseOffset(bytes, 0, 2 ** 40 + 3);
    patchLeaderEpoch(bytes, 0, 12);
    expect(hasValidCrc(bytes)).toBe(true);
    expect(readBatchHeader(bytes)).toMatchObject({ baseOffset: 2 ** 40 + 3, partitionLeaderEpoch: 12 });
  });
  test("patchLogAppendTime() makes every record have that time and renews the checksum", () => {
    const bytes = batch();
    patchLogAppendTime(bytes, 0, 1_700_000_000_000);
    expect(hasValidCrc(bytes)).toBe(true);
    expect(decodeBatch(bytes, 0, LIMIT).map((r) => r.timestamp)).toEqual([1_700_000_000_000, 1_700_000_000_000]);
  });
});

test("forEachBatch() walks whole batches by their own length and stops at a torn one", () => {
  const batches = [1, 2, 3].map((n) =>
    encodeBatch({ records: Array.from({ length: n }, () => ({ key: null, value: text("x"), timestamp: n })) })
  );
  const bytes = Buffer.concat(batches);
  for (let cut = 0; cut <= bytes.length; cut++) {
    const sizes: number[] = [];
    const end = forEachBatch(bytes.subarray(0, cut), (_, size) => sizes.push(size));
    expect(sizes).toEqual(batches.map((b) => b.length).slice(0, sizes.length));
    expect(end).toBe(sizes.reduce((sum, size) => sum + size, 0));
    expect(cut - end).toBeLessThan(batches[sizes.length]?.length ?? 1);
  }
});

describe("bad records", () => {
  test("any mutation of a batch ends in records or in a typed error, never in anything else", () => {
    for (const compression of COMPRESSION_TYPES) {
      const good = encodeBatch({
        compression,
        records: Array.from({ length: 8 }, (_, i) => ({ key: text(`k${i}`), value: text("v".repeat(i * 9)), timestamp: i })),
      });
      fc.assert(
        fc.property(fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }), (changes) => {
          const bytes = good.slice();
          for (const [at, value] of changes) if (at >= BATCH_HEADER_BYTES || at === 22 || at > 56) bytes[at] = value;
          try {
            decodeBatch(bytes, 0, LIMIT);
          } catch (error) {
            if (!(error instanceof CorruptRecords || error instanceof DecompressionLimitExceeded)) throw error;
          }
        }),
        { numRuns: 300 },
      );
    }
  });
  test("decompression bombs are refused before they grow, on the loop and off it", async () => {
    for (const compression of ["gzip", "snappy", "lz4", "zstd"] as const) {
      const bomb = encodeBatch({ compression, records: [{ key: null, value: new Uint8Array(32 << 20), timestamp: 0 }] });
      expect(() => decodeBatch(bomb, 0, LIMIT)).toThrow(DecompressionLimitExceeded);
      expect(await decompressAsync(compression, bomb.subarray(BATCH_HEADER_BYTES), LIMIT).catch((error) => error))
        .toBeInstanceOf(DecompressionLimitExceeded);
    }
  });
  test("decompressAsync() answers what decompress() answers, and refuses what is malformed", async () => {
    const bytes = text("again and again ".repeat(500));
    for (const compression of COMPRESSION_TYPES) {
      const packed = compress(compression, bytes);
      expect(new Uint8Array(await decompressAsync(compression, packed, LIMIT))).toEqual(bytes);
      if (compression === "none") continue;
      const damaged = packed.slice().fill(0x55, 0, 12);
      expect(() => decompress(compression, damaged, LIMIT)).toThrow(CorruptRecords);
      expect(await decompressAsync(compression, damaged, LIMIT).catch((error) => error)).toBeInstanceOf(CorruptRecords);
    }
  });
  test("compressed records that are cut anywhere are never taken for whole", () => {
    const records = [{ key: null, value: text("again and again ".repeat(60)), timestamp: 0 }, {
      key: null,
      value: text("b"),
      timestamp: 0,
    }];
    for (const compression of COMPRESSION_TYPES) {
      const whole = encodeBatch({ compression, records });
      for (let size = BATCH_HEADER_BYTES; size < whole.length; size++) {
        const cut = whole.slice(0, size);
        writeInt32(cut, 8, size - 12);
        expect(() => decodeBatch(cut, 0, LIMIT)).toThrow(CorruptRecords);
      }
    }
  });
  test("a snappy block that ends before the length it declares is refused, framed or not", () => {
    const raw = Uint8Array.of(20, 4 << 2, 1, 2, 3, 4, 5);
    expect(() => decompress("snappy", raw, LIMIT)).toThrow(CorruptRecords);
    const whole = Uint8Array.of(5, 4 << 2, 1, 2, 3, 4, 5);
    expect(decompress("snappy", whole, LIMIT)).toEqual(Uint8Array.of(1, 2, 3, 4, 5));
    expect(() => decompress("snappy", Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f), LIMIT)).toThrow(DecompressionLimitExceeded);
  });
});
