/**
 * Snappy as Kafka clients write it: the block format itself (librdkafka), or the framing of xerial's snappy-java (Java, kafkajs):
 * a 16-byte head, then blocks with their length before them. The block codec is snappyjs; sizes are checked here first.
 */
import { compress, uncompress } from "snappyjs";
import { readInt32, writeInt32 } from "../batch.ts";
import { CorruptRecords, DecompressionLimitExceeded } from "../errors.ts";
import { BoundedOutput } from "./output.ts";

/** 0x82 "SNAPPY" 0, version 1, compatible with version 1. */
const XERIAL_HEAD = Uint8Array.of(0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1);
const XERIAL_MAGIC_BYTES = 8;
const BLOCK_BYTES = 32 * 1024;

function isXerial(bytes: Uint8Array): boolean {
  if (bytes.length < XERIAL_HEAD.length) return false;
  for (let i = 0; i < XERIAL_MAGIC_BYTES; i++) if (bytes[i] !== XERIAL_HEAD[i]) return false;
  return true;
}

/** Reads the length that a block declares, an unsigned varint of at most 32 bits, and where its elements begin. */
function declared(block: Uint8Array): { readonly length: number; readonly elementsAt: number } {
  let length = 0;
  for (let i = 0; i < 5; i++) {
    const byte = block[i];
    if (byte === undefined) break;
    length += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return { length, elementsAt: i + 1 };
  }
  throw new CorruptRecords("Cannot decompress snappy: the block does not say its length");
}

/** What the elements of a block come to. The library does not look: it would leave zeros where a block ends too early. */
function elementBytes(block: Uint8Array, elementsAt: number): number {
  let total = 0;
  for (let at = elementsAt; at < block.length;) {
    const tag = block[at]!;
    const kind = tag & 3;
    if (kind === 0) {
      const extra = Math.max(0, (tag >> 2) - 59);
      let length = extra === 0 ? tag >> 2 : 0;
      for (let i = 0; i < extra; i++) length += (block[at + 1 + i] ?? 0) * 2 ** (8 * i);
      total += length + 1;
      at += 1 + extra + length + 1;
    } else {
      total += kind === 1 ? ((tag >> 2) & 7) + 4 : (tag >> 2) + 1;
      at += kind === 3 ? 5 : kind + 1;
    }
    if (at > block.length) return -1;
  }
  return total;
}

function decompressBlock(block: Uint8Array, maxOutputBytes: number): Uint8Array {
  const { length, elementsAt } = declared(block);
  if (length > maxOutputBytes) throw new DecompressionLimitExceeded("snappy", maxOutputBytes);
  if (elementBytes(block, elementsAt) !== length) throw new CorruptRecords("Cannot decompress snappy: the block is not as long as it says");
  try {
    // A Buffer would make the library copy; a plain view of the same bytes does not.
    return uncompress(new Uint8Array(block.buffer, block.byteOffset, block.length), maxOutputBytes);
  } catch (cause) {
    throw new CorruptRecords("Cannot decompress snappy: the block is malformed", { cause });
  }
}

/** @throws {CorruptRecords} @throws {DecompressionLimitExceeded} before anything of that size is allocated. */
export function decompressSnappy(bytes: Uint8Array, maxOutputBytes: number): Uint8Array {
  if (!isXerial(bytes)) return decompressBlock(bytes, maxOutputBytes);
  const output = new BoundedOutput("snappy", Math.min(bytes.length * 4, maxOutputBytes), maxOutputBytes);
  let at = XERIAL_HEAD.length;
  while (at < bytes.length) {
    const size = at + 4 <= bytes.length ? readInt32(bytes, at) : -1;
    if (size <= 0 || size > bytes.length - at - 4) {
      throw new CorruptRecords(`Cannot decompress snappy: block at ${at} has the length ${size}`);
    }
    output.append(decompressBlock(bytes.subarray(at + 4, at + 4 + size), maxOutputBytes - output.length));
    at += 4 + size;
  }
  return output.result();
}

/** In xerial's framing, as the Java client writes and every client reads. */
export function compressSnappy(bytes: Uint8Array): Uint8Array {
  const output = new BoundedOutput("snappy", bytes.length + 64, Number.MAX_SAFE_INTEGER);
  output.append(XERIAL_HEAD);
  const size = new Uint8Array(4);
  for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
    const end = Math.min(at + BLOCK_BYTES, bytes.length);
    const block = compress(new Uint8Array(bytes.buffer, bytes.byteOffset + at, end - at));
    writeInt32(size, 0, block.length);
    output.append(size);
    output.append(block);
  }
  return output.result();
}
