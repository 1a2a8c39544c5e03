/**
 * CRC-32C (Castagnoli) as record batches and the WAL use it. The native module is fastest from about a hundred bytes on; below that
 * the call into it costs more than the table. It takes some 10 ms to load, a sixth of a start, so it is loaded when there is something to sum;
 * where the system does not let it in (no place to unpack it to, or none to execute from), the table does all, at about a tenth of the speed.
 */
import { once } from "../once.ts";

type Checksum = (bytes: Uint8Array, seed: number) => number;

const NATIVE_MIN_BYTES = 96;
/** Summed by the table before the native module is worth loading: what a start with little data needs. */
const BEFORE_NATIVE_BYTES = 32 * 1024;
const POLYNOMIAL = 0x82f63b78;

const table = new Uint32Array(256);
for (let n = 0; n < 256; n++) {
  let crc = n;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
  table[n] = crc >>> 0;
}

const loaded = once((): { readonly checksum: Checksum; readonly refusal: string | null } => {
  try {
    const native = require("@node-rs/crc32") as typeof import("@node-rs/crc32");
    return { checksum: native.crc32c, refusal: null };
  } catch (error) {
    return { checksum: (bytes, seed) => byTable(bytes, 0, bytes.length, seed), refusal: String(error) };
  }
});
const budget = { left: BEFORE_NATIVE_BYTES };

/** Why checksums are slow here; null when the native module is in. Loads it. */
export const slowChecksums = (): string | null => loaded().refusal;

/**
 * Checksum of `bytes[start, end)`, unsigned.
 * @param seed the checksum of what came before, to go on from it.
 */
export function crc32c(bytes: Uint8Array, start = 0, end = bytes.length, seed = 0): number {
  const length = end - start;
  if (length < NATIVE_MIN_BYTES) return byTable(bytes, start, end, seed);
  if (budget.left > 0) {
    budget.left -= length;
    if (budget.left > 0) return byTable(bytes, start, end, seed);
  }
  return loaded().checksum(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end), seed);
}

function byTable(bytes: Uint8Array, start: number, end: number, seed: number): number {
  let crc = ~seed;
  for (let i = start; i < end; i++) crc = (crc >>> 8) ^ table[(crc ^ bytes[i]!) & 0xff]!;
  return ~crc >>> 0;
}
