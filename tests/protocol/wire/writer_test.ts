import { describe, expect, test } from "bun:test";
import { EncodeError, Reader, Writer } from "../../../lib/protocol/mod.ts";

const written = (write: (w: Writer) => void, slabBytes?: number): number[] => {
  const writer = new Writer(slabBytes);
  write(writer);
  return [...writer.finishJoined()];
};

describe("Writer writes", () => {
  test("int64 from a number, clamped at the ends", () => {
    expect(written((w) => w.int64(2 ** 63))).toEqual([0x7f, 255, 255, 255, 255, 255, 255, 255]);
    expect(written((w) => w.int64(1e300))).toEqual([0x7f, 255, 255, 255, 255, 255, 255, 255]);
    expect(written((w) => w.int64(-(2 ** 63)))).toEqual([0x80, 0, 0, 0, 0, 0, 0, 0]);
    expect(written((w) => w.int64(-1))).toEqual([255, 255, 255, 255, 255, 255, 255, 255]);
    expect(written((w) => w.int64(-(2 ** 32)))).toEqual([255, 255, 255, 255, 0, 0, 0, 0]);
    expect(written((w) => w.int64(Number.MAX_SAFE_INTEGER))).toEqual([0, 0x1f, 255, 255, 255, 255, 255, 255]);
  });

  test("the shortest varint", () => {
    expect(written((w) => w.uvarint(0))).toEqual([0]);
    expect(written((w) => w.uvarint(127))).toEqual([127]);
    expect(written((w) => w.uvarint(128))).toEqual([0x80, 1]);
    expect(written((w) => w.uvarint(2 ** 32 - 1))).toEqual([255, 255, 255, 255, 15]);
  });

  test("text outside of ASCII with its length in bytes", () => {
    expect(written((w) => w.string("aé"))).toEqual([0, 3, 97, 0xc3, 0xa9]);
    expect(written((w) => w.compactString("€".repeat(60))).slice(0, 3)).toEqual([181, 1, 0xe2]);
  });

  test("a size before what was written after it, whatever its own length", () => {
    for (const length of [0, 1, 127, 128, 300, 20_000]) {
      const bytes = written((w) => {
        w.int8(1);
        const mark = w.beginSized();
        w.raw(new Uint8Array(length).fill(9));
        w.endSized(mark);
        w.int8(2);
      }, 64);
      const reader = new Reader(Uint8Array.from(bytes), 1);
      expect(reader.uvarint()).toBe(length);
      expect(bytes.length - reader.offset).toBe(length + 1);
      expect(bytes.at(-1)).toBe(2);
    }
  });

  test("a size at the very end of the slab", () => {
    expect(
      written((w) => {
        w.raw(new Uint8Array(61));
        const mark = w.beginSized();
        w.int16(5);
        w.endSized(mark);
      }, 64).slice(61),
    ).toEqual([2, 0, 5]);
  });

  test("an int32 that is known later, across growth", () => {
    const bytes = written((w) => {
      const mark = w.reserveInt32();
      w.raw(new Uint8Array(1000));
      w.patchInt32(mark, 1000);
    }, 16);
    expect(bytes.slice(0, 4)).toEqual([0, 0, 3, 232]);
    expect(bytes.length).toBe(1004);
  });

  test("long records as chunks of their own, without copying them", () => {
    const writer = new Writer();
    const first = new Uint8Array(2000).fill(1);
    const second = new Uint8Array(3000).fill(2);
    writer.int8(7);
    writer.compactRecords([first, new Uint8Array([5]), second]);
    writer.int8(8);
    expect(writer.byteLength).toBe(1 + 2 + 5001 + 1);
    const chunks = writer.finish();
    expect(chunks.map((chunk) => chunk.length)).toEqual([3, 2000, 1, 3000, 1]);
    expect(chunks[1]).toBe(first);
    expect(chunks[3]).toBe(second);
  });

  test("one message after the other, the earlier ones untouched", () => {
    const writer = new Writer(32);
    const messages = Array.from({ length: 50 }, (_, i) => {
      writer.raw(new Uint8Array(i).fill(i));
      return writer.finishJoined();
    });
    messages.forEach((bytes, i) => expect([...bytes]).toEqual(new Array(i).fill(i)));
  });
});

describe("Writer refuses", () => {
  const refused: [string, (w: Writer) => void, string][] = [
    ["a number out of range", (w) => w.int16(32768), "is 32768, not an int16"],
    ["a fraction", (w) => w.int32(1.5), "is 1.5, not an int32"],
    ["not a number", (w) => w.int64(NaN), "is NaN, not an int64"],
    ["nothing at all", (w) => w.int8(undefined as never), "is undefined, not an int8"],
    ["a negative uint16", (w) => w.uint16(-1), "is -1, not a uint16"],
    ["text that is no UUID", (w) => w.uuid("AAAA"), 'is "AAAA", not a UUID'],
    ["a string that is too long", (w) => w.string("x".repeat(32768)), "has 32768 characters"],
    ["a string that is too long in UTF-8", (w) => w.compactString("é".repeat(20_000)), "has 40000 bytes"],
    ["null for a string", (w) => w.string(null as never), "is null, not a string"],
    ["null for bytes", (w) => w.compactBytes(null as never), "is not bytes"],
  ];
  for (const [what, write, problem] of refused) {
    test(`${what}, and begins anew after reset()`, () => {
      const writer = new Writer();
      writer.int8(1);
      expect(() => write(writer)).toThrow(problem);
      expect(() => write(writer)).toThrow(EncodeError);
      writer.reset();
      writer.int8(2);
      expect([...writer.finishJoined()]).toEqual([2]);
    });
  }
});
