/** Zigzag varints of the record format (KIP-98), over bytes and a position. The unsigned ones of KIP-482 belong to `wire/`. */
import { CorruptRecords } from "./errors.ts";

/** A position in bytes that the readers below move. */
export interface Cursor {
  readonly bytes: Uint8Array;
  at: number;
  readonly end: number;
}

/** 32 bits in at most 5 bytes. @throws {CorruptRecords} */
export function readVarint(cursor: Cursor): number {
  let value = 0;
  for (let shift = 0; shift < 35; shift += 7) {
    if (cursor.at >= cursor.end) throw new CorruptRecords("Cannot read varint: the bytes end before it does");
    const byte = cursor.bytes[cursor.at++]!;
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return (value >>> 1) ^ -(value & 1);
  }
  throw new CorruptRecords("Cannot read varint: it is longer than 5 bytes");
}

/** 64 bits in at most 10 bytes, exact up to 2^53. @throws {CorruptRecords} */
export function readVarlong(cursor: Cursor): number {
  let low = 0;
  let high = 0;
  for (let shift = 0; shift < 70; shift += 7) {
    if (cursor.at >= cursor.end) throw new CorruptRecords("Cannot read varlong: the bytes end before it does");
    const byte = cursor.bytes[cursor.at++]!;
    if (shift < 28) low += (byte & 0x7f) * 2 ** shift;
    else high += (byte & 0x7f) * 2 ** (shift - 28);
    if (byte < 0x80) {
      const odd = low % 2 === 1;
      // value = high·2^28 + low; half of it without leaving the exact range of doubles.
      const half = high * 134217728 + Math.floor(low / 2);
      return odd ? -half - 1 : half;
    }
  }
  throw new CorruptRecords("Cannot read varlong: it is longer than 10 bytes");
}

export function varintBytes(value: number): number {
  const zigzag = ((value << 1) ^ (value >> 31)) >>> 0;
  return zigzag < 0x80 ? 1 : zigzag < 0x4000 ? 2 : zigzag < 0x200000 ? 3 : zigzag < 0x10000000 ? 4 : 5;
}

export function varlongBytes(value: number): number {
  let zigzag = value < 0 ? -value * 2 - 1 : value * 2;
  let size = 1;
  for (; zigzag >= 0x80; size++) zigzag = Math.floor(zigzag / 0x80);
  return size;
}

/** Answers with the position after it. */
export function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  let zigzag = ((value << 1) ^ (value >> 31)) >>> 0;
  for (; zigzag >= 0x80; zigzag >>>= 7) bytes[at++] = (zigzag & 0x7f) | 0x80;
  bytes[at++] = zigzag;
  return at;
}

/** `value` within ±2^52. Answers with the position after it. */
export function writeVarlong(bytes: Uint8Array, at: number, value: number): number {
  let zigzag = value < 0 ? -value * 2 - 1 : value * 2;
  for (; zigzag >= 0x80; zigzag = Math.floor(zigzag / 0x80)) bytes[at++] = (zigzag % 0x80) | 0x80;
  bytes[at++] = zigzag;
  return at;
}
