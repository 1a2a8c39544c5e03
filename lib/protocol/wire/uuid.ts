/**
 * UUIDs between 16 wire bytes and Kafka's text form, unpadded URL-safe base64. Makes none: random ones come from the node's `Io`.
 */
import type { Uuid } from "../ids.ts";

export const UUID_BYTES = 16;
const UUID_CHARS = 22;
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const NOT_BASE64 = 255;

const SEXTET_OF = new Uint8Array(128).fill(NOT_BASE64);
for (let i = 0; i < ALPHABET.length; i++) SEXTET_OF[ALPHABET.charCodeAt(i)] = i;

/** Bun's and Node's own slicing, several times faster than a loop; it takes any Uint8Array as its receiver. */
const base64urlSlice =
  (Buffer.prototype as unknown as { base64urlSlice(this: Uint8Array, start: number, end: number): string }).base64urlSlice;

/** The text form of the 16 bytes at `at`. The caller has checked that they are there. */
export function readUuid(bytes: Uint8Array, at: number): Uuid {
  return base64urlSlice.call(bytes, at, at + UUID_BYTES) as Uuid;
}

/** Writes 16 bytes at `at`; false when `uuid` is not 22 characters of URL-safe base64 (then `into` holds a part of it). */
export function writeUuid(uuid: string, into: Uint8Array, at: number): boolean {
  if (uuid.length !== UUID_CHARS) return false;
  let bits = 0;
  let bitCount = 0;
  let seen = 0;
  for (let i = 0; i < UUID_CHARS; i++) {
    const sextet = SEXTET_OF[uuid.charCodeAt(i)] ?? NOT_BASE64;
    seen |= sextet;
    bits = (bits << 6) | sextet;
    bitCount += 6;
    if (bitCount >= 8) {
      bitCount -= 8;
      into[at++] = bits >> bitCount;
      bits &= (1 << bitCount) - 1;
    }
  }
  return seen < 64 && bits === 0;
}

/** Whether `text` is the text form of a UUID. */
export function isUuid(text: string): text is Uuid {
  return writeUuid(text, new Uint8Array(UUID_BYTES), 0);
}

/** The UUID of 16 bytes. @throws {RangeError} for another length. */
export function uuidFromBytes(bytes: Uint8Array): Uuid {
  if (bytes.length !== UUID_BYTES) throw new RangeError(`Cannot make a UUID: ${bytes.length} bytes, not ${UUID_BYTES}`);
  return readUuid(bytes, 0);
}

/** The 16 bytes of a UUID. @throws {RangeError} for text that is none. */
export function uuidToBytes(uuid: Uuid): Uint8Array {
  const bytes = new Uint8Array(UUID_BYTES);
  if (!writeUuid(uuid, bytes, 0)) throw new RangeError(`Cannot read UUID "${uuid}": not 22 characters of URL-safe base64`);
  return bytes;
}
