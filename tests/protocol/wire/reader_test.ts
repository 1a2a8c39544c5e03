import { describe, expect, test } from "bun:test";
import { DecodeError, Reader, STRING_BYTES_MAX, TAGGED_FIELDS_MAX } from "../../../lib/protocol/mod.ts";

const reader = (...bytes: number[]) => new Reader(Uint8Array.from(bytes));
const uvarint = (value: number): number[] => value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...uvarint(value >>> 7)];

describe("Reader reads", () => {
  test("numbers at the ends of their ranges", () => {
    expect(reader(0x80).int8()).toBe(-128);
    expect(reader(0x7f, 0xff).int16()).toBe(32767);
    expect(reader(0x80, 0).int16()).toBe(-32768);
    expect(reader(0xff, 0xff).uint16()).toBe(65535);
    expect(reader(0x80, 0, 0, 0).int32()).toBe(-2147483648);
    expect(reader(0xff, 0xff, 0xff, 0xff).uint32()).toBe(4294967295);
    expect(reader(0x80, 0, 0, 0, 0, 0, 0, 0).int64()).toBe(-(2 ** 63));
    expect(reader(0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff).int64()).toBe(2 ** 63);
    expect(reader(0, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff).int64()).toBe(Number.MAX_SAFE_INTEGER);
    expect(reader(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe).int64()).toBe(-2);
  });

  test("a byte-order mark and text outside of ASCII as they are", () => {
    expect(reader(0, 3, 0xef, 0xbb, 0xbf).string()).toBe("\ufeff");
    expect(reader(5, 0xf0, 0x9f, 0x98, 0x80).compactString()).toBe("😀");
  });

  test("bytes as a copy and records as a view", () => {
    const frame = Uint8Array.from([0, 0, 0, 1, 7, 0, 0, 0, 1, 8]);
    const from = new Reader(frame);
    const copied = from.bytes();
    const viewed = from.records();
    frame.fill(99);
    expect([copied[0], viewed[0]]).toEqual([7, 99]);
  });

  test("inside of its bounds only", () => {
    const part = new Reader(Uint8Array.from([1, 2, 3, 4, 5]), 1, 3);
    expect(part.int16()).toBe(0x0203);
    expect(() => part.int8()).toThrow(DecodeError);
  });
});

describe("Reader refuses", () => {
  const refused: [string, (r: Reader) => unknown, number[], string][] = [
    ["a number that is cut off", (r) => r.int64(), [0, 0, 0], "needs 8 bytes where 3 are left"],
    ["a varint of six bytes", (r) => r.uvarint(), [0x80, 0x80, 0x80, 0x80, 0x80, 1], "more than 32 bits"],
    ["a varint with bits beyond the 32nd", (r) => r.uvarint(), [0xff, 0xff, 0xff, 0xff, 0x10], "more than 32 bits"],
    ["null where a string must be", (r) => r.string(), [0xff, 0xff], "is null"],
    ["null where a compact string must be", (r) => r.compactString(), [0], "is null"],
    ["a string of negative length", (r) => r.nullableString(), [0xff, 0xfe], "has a length of -2"],
    ["a string that goes past the end", (r) => r.string(), [0, 4, 65], "has a length of 4 where 1 bytes are left"],
    ["a compact string that goes past the end", (r) => r.compactString(), uvarint(2 ** 32 - 1), "has a length of 4294967294"],
    ["text that is not UTF-8", (r) => r.string(), [0, 2, 0xc3, 0x28], "is not valid UTF-8"],
    ["null where bytes must be", (r) => r.bytes(), [0xff, 0xff, 0xff, 0xff], "is null"],
    ["bytes of negative length", (r) => r.nullableBytes(), [0x80, 0, 0, 0], "has a length of -2147483648"],
    ["records that go past the end", (r) => r.records(), [0x7f, 0xff, 0xff, 0xff, 1], "has a length of 2147483647"],
    ["a null array", (r) => r.count(1), [0xff, 0xff, 0xff, 0xff], "is null"],
    ["a null compact array", (r) => r.compactCount(1), [0], "is null"],
    ["a negative count", (r) => r.nullableCount(1), [0xff, 0xff, 0xff, 0xfe], "has a count of -2"],
    ["a count that cannot be true", (r) => r.count(4), [0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0], "has a count of 2 where 7 bytes are left"],
    ["a huge compact count", (r) => r.compactNullableCount(1), uvarint(2 ** 32 - 1), "has a count of 4294967294"],
    ["too many tagged fields", (r) => r.skipTags(), uvarint(TAGGED_FIELDS_MAX + 1), "more than 10000"],
    ["a tagged field that goes past the end", (r) => r.skipTags(), [1, 5, 9, 0], "has a tagged field of 9 bytes where 1 are left"],
    ["bytes behind the end", (r) => r.expectEnd(), [1], "is followed by 1 more bytes"],
  ];
  for (const [what, read, bytes, problem] of refused) {
    test(what, () => {
      expect(() => read(reader(...bytes))).toThrow(problem);
      expect(() => read(reader(...bytes))).toThrow(DecodeError);
    });
  }

  test("a string longer than a string may be", () => {
    const long = new Uint8Array(STRING_BYTES_MAX + 4).fill(65);
    long.set(uvarint(STRING_BYTES_MAX + 2));
    expect(() => new Reader(long).compactString()).toThrow("a string may have 32767");
  });

  test("an array of more than a million elements, though the bytes are there", () => {
    const bytes = new Uint8Array(1_000_010);
    bytes.set([0, 0x0f, 0x42, 0x41]);
    expect(() => new Reader(bytes).count(1)).toThrow("has a count of 1000001");
  });

  test("more than four million elements in the arrays of one message", () => {
    const bytes = new Uint8Array(1_000_100);
    for (let i = 0; i < 5; i++) bytes.set([0, 0x0f, 0x42, 0x40], 4 * i);
    const from = new Reader(bytes);
    for (let i = 0; i < 4; i++) expect(from.count(1)).toBe(1_000_000);
    expect(() => from.count(1)).toThrow("more than 4000000 array elements");
  });
});
