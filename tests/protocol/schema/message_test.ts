import { describe, expect, test } from "bun:test";
import {
  api,
  array,
  between,
  bytes,
  decode,
  DecodeError,
  decodePart,
  encode,
  EncodeError,
  explanation,
  type Infer,
  int16,
  int32,
  int64,
  type Message,
  message,
  nullable,
  optional,
  Reader,
  records,
  since,
  string,
  struct,
  tagged,
  until,
  Writer,
} from "../../../lib/protocol/mod.ts";

const Sample = message({
  name: "Sample",
  apiKey: 7,
  versions: [1, 4],
  flexible: 3,
  fields: {
    id: int32,
    old: until(1, int16),
    middle: between(2, 3, int16, -1),
    name: since(2, nullable(string, 3), "none"),
    rows: array({ at: int64, note: optional(nullable(string), null) }),
    place: since(4, nullable(struct({ x: int32 })), null),
    hint: tagged(1, 3, struct({ leader: optional(int32, -1), epoch: optional(int32, -1) })),
    label: tagged(0, 3, nullable(string), null),
  },
});

const hex = <Written>(of: Message<unknown, Written>, version: number, value: Written) => {
  const writer = new Writer();
  encode(of, version, value, writer);
  return Buffer.from(writer.finishJoined()).toString("hex");
};
const from = (text: string) => new Reader(Uint8Array.from(Buffer.from(text, "hex")));

describe("message()", () => {
  test("leaves out on the wire what a version does not have, and gives the fallback back", () => {
    const value = { id: 1, old: 2, middle: 3, name: "a", rows: [], place: { x: 5 } };
    expect(hex(Sample, 1, value)).toBe("00000001" + "0002" + "00000000");
    expect(hex(Sample, 2, value)).toBe("00000001" + "0003" + "000161" + "00000000");
    expect(hex(Sample, 3, value)).toBe("00000001" + "0003" + "0261" + "01" + "00");
    expect(hex(Sample, 4, value)).toBe("00000001" + "0261" + "01" + "010000000500" + "00");
    const decoded: Infer<typeof Sample> = decode(Sample, 1, from("00000001000200000000"));
    expect(decoded).toEqual({
      id: 1,
      old: 2,
      middle: -1,
      name: "none",
      rows: [],
      place: null,
      hint: { leader: -1, epoch: -1 },
      label: null,
    });
  });

  test("takes the stated fallback for a field that is left out", () => {
    expect(hex(Sample, 2, { id: 1, old: 0, rows: [{ at: -1 }] })).toBe("00000001ffff00046e6f6e6500000001ffffffffffffffffffff");
  });

  test("writes tagged fields in tag order, and only those that say something", () => {
    const value = { id: 1, old: 0, rows: [], hint: { leader: 2 }, label: "b" };
    expect(hex(Sample, 4, value)).toBe("00000001056e6f6e65" + "01" + "ff" + "02" + "00020262" + "010900000002ffffffff00");
    expect(hex(Sample, 4, { ...value, hint: { leader: -1, epoch: -1 }, label: null })).toBe("00000001056e6f6e6501ff00");
  });

  test("reads tagged fields in any order, skips those of a newer peer", () => {
    const decoded = decode(Sample, 4, from("00000001056e6f6e6501ff" + "03" + "010900000002ffffffff00" + "6303abcdef" + "00020262"));
    expect([decoded.hint, decoded.label]).toEqual([{ leader: 2, epoch: -1 }, "b"]);
  });

  test("refuses a tagged field whose size is not that of its value", () => {
    expect(() => decode(Sample, 4, from("00000001056e6f6e6501ff" + "01" + "0003026200"))).toThrow("label is a tagged field that ends at");
  });

  test("refuses null in the versions that cannot say it, on both sides", () => {
    expect(hex(Sample, 3, { id: 1, old: 0, name: null, rows: [] })).toBe("00000001ffff000100");
    expect(() => hex(Sample, 2, { id: 1, old: 0, name: null, rows: [] })).toThrow("Cannot encode Sample v2: name is null, not a string");
    expect(() => decode(Sample, 2, from("000000010000ffff00000000"))).toThrow("Cannot decode Sample v2: name is null (byte 8)");
  });

  test("names the field that is wrong", () => {
    expect(() => decode(Sample, 1, from("00000001000200000001" + "0000000000000001" + "0005"))).toThrow(
      "Cannot decode Sample v1: rows[].note has a length of 5 where 0 bytes are left (byte 20)",
    );
    expect(() => hex(Sample, 1, { id: 1, old: 0, rows: [{ at: 0.5 }] })).toThrow("Cannot encode Sample v1: rows[].at is 0.5, not an int64");
    expect(() => hex(Sample, 1, { id: 1, old: 0 } as never)).toThrow(EncodeError);
  });

  test("has codecs for its versions only", () => {
    for (const version of [0, 5, -1, 1.5, NaN]) {
      expect(() => decode(Sample, version, from(""))).toThrow(`Cannot use Sample v${version}: it has versions 1 to 4`);
    }
  });

  test("compiles a version once", () => {
    expect(Sample.codec(2)).toBe(Sample.codec(2));
    expect(Sample.codec(2)).not.toBe(Sample.codec(3));
  });

  test("cannot put records into a tagged field, whose bytes are moved", () => {
    const wrong = message({ name: "Wrong", versions: [0, 0], flexible: 0, fields: { data: tagged(0, 0, nullable(records), null) } });
    expect(() => hex(wrong, 0, {})).toThrow('Cannot compile "data": records cannot be in a tagged field');
  });
});

test("decode() refuses what follows the message, decodePart() leaves it", () => {
  const Pair = message({ name: "Pair", versions: [0, 0], fields: { a: int16, b: bytes } });
  const reader = from("0001" + "0000000107" + "ff");
  expect(decodePart(Pair, 0, reader)).toEqual({ a: 1, b: Uint8Array.from([7]) });
  expect(reader.remaining).toBe(1);
  expect(() => decode(Pair, 0, from("0001" + "0000000107" + "ff"))).toThrow(DecodeError);
});

test("explanation loses its middle when it is too long to be one", () => {
  const Refusal = message({ name: "Refusal", versions: [0, 1], flexible: 1, fields: { errorMessage: nullable(explanation) } });
  const through = (errorMessage: string | null, version: number) =>
    decode(Refusal, version, from(hex(Refusal, version, { errorMessage }))).errorMessage;
  for (const version of [0, 1]) {
    expect(through(null, version)).toBeNull();
    expect(through("x".repeat(1000), version)).toBe("x".repeat(1000));
    const cut = through(`Cannot create "${"x".repeat(32_767)}": its name is too long`, version)!;
    expect(cut.length).toBeLessThanOrEqual(1000);
    expect(cut).toMatch(/^Cannot create "x+…x+": its name is too long$/);
  }
});

test("api() refuses bodies of different keys or versions", () => {
  const other = message({ name: "Other", apiKey: 7, versions: [1, 5], flexible: 3, fields: { id: int32 } });
  expect(() => api("Sample", Sample, other)).toThrow('Cannot declare "Sample": request and response differ in key or versions');
});
