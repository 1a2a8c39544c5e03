import { expect, test } from "bun:test";
import fc from "fast-check";
import { crc32c, slowChecksums } from "../../../lib/protocol/mod.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

test("crc32c is the one of RFC 3720, and of the catalogue of checksums", () => {
  expect(crc32c(bytes("123456789"))).toBe(0xe3069283);
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
  expect(crc32c(new Uint8Array(0))).toBe(0);
});

test("crc32c says the same by table and by the native module, in one piece and in several", () => {
  fc.assert(fc.property(fc.uint8Array({ minLength: 0, maxLength: 1000 }), fc.nat(1000), fc.nat(1000), (all, a, b) => {
    const [from, to] = [Math.min(a, b, all.length), Math.min(Math.max(a, b), all.length)];
    // Pieces below the least length for the native module go by the table.
    let byTable = 0;
    for (let at = from; at < to; at += 50) byTable = crc32c(all, at, Math.min(at + 50, to), byTable);
    expect(crc32c(all, from, to)).toBe(byTable);
  }));
});

test("checksums are as fast here as they are meant to be", () => {
  expect(slowChecksums()).toBeNull();
});
