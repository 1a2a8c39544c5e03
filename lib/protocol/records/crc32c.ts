/**
 * CRC-32C (Castagnoli) as record batches and the WAL use it. The native module is fastest from about a hundred bytes on; below that
 * the call into it costs more than the table.
 */
import { crc32c as native } from "@node-rs/crc32";

const NATIVE_MIN_BYTES = 96;
const POLYNOMIAL = 0x82f63b78;

const table = new Uint32Array(256);
for (let n = 0; n < 256; n++) {
  let crc = n;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
  table[n] = crc >>> 0;
}

/**
 * Checksum of `bytes[start, end)`, unsigned.
 * @param seed the checksum of what came before, to go on from it.
 */
export function crc32c(bytes: Uint8Array, start = 0, end = bytes.length, seed = 0): number {
  if (end - start >= NATIVE_MIN_BYTES) {
    return native(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end), seed);
  }
  let crc = ~seed;
  for (let i = start; i < end; i++) crc = (crc >>> 8) ^ table[(crc ^ bytes[i]!) & 0xff]!;
  return ~crc >>> 0;
}
