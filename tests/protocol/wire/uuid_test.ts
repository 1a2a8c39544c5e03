import { expect, test } from "bun:test";
import fc from "fast-check";
import { isUuid, type Uuid, uuidFromBytes, uuidToBytes, ZERO_UUID } from "../../../lib/protocol/mod.ts";

test("uuidFromBytes() and uuidToBytes() are each other's inverse", () => {
  fc.assert(fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
    const uuid = uuidFromBytes(bytes);
    expect(uuid).toBe(Buffer.from(bytes).toString("base64url") as Uuid);
    expect(uuidToBytes(uuid)).toEqual(bytes);
  }));
});

test("ZERO_UUID is sixteen zero bytes", () => {
  expect(uuidToBytes(ZERO_UUID)).toEqual(new Uint8Array(16));
});

test("isUuid() refuses what is not the one text form of 16 bytes", () => {
  const uuid = "EjRWeAAAQASAAAAAAAAABQ";
  expect(isUuid(uuid)).toBe(true);
  for (
    const text of [
      "",
      uuid + "A",
      uuid.slice(1),
      "EjRWeAAAQASAAAAAAAAAB=",
      "EjRWeAAAQASAAAAAAAAABé",
      "EjRWeAAA/ASAAAAAAAAABQ",
      "EjRWeAAAQASAAAAAAAAABR",
    ]
  ) {
    expect(isUuid(text)).toBe(false);
    expect(() => uuidToBytes(text as Uuid)).toThrow(RangeError);
  }
});
