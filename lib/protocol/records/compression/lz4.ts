/**
 * LZ4's frame format (v1.6.x) as Kafka uses it (KIP-57). Written here because no npm package both enforces a limit on the output before
 * allocating and runs inside one executable (docs/dependencies.md). The decoder takes every frame option but dictionaries; the encoder
 * writes independent blocks of 64 KiB, as the Java client does.
 */
import { CorruptRecords } from "../errors.ts";
import { BoundedOutput } from "./output.ts";
import { xxhash32 } from "./xxhash32.ts";

const MAGIC = 0x184d2204;
const BLOCK_MAX_BYTES = [0, 0, 0, 0, 64 << 10, 256 << 10, 1 << 20, 4 << 20];
const UNCOMPRESSED_BLOCK = 0x80000000;
const BLOCK_BYTES = 64 << 10;
const MATCH_MIN_BYTES = 4;

const corrupt = (problem: string): never => {
  throw new CorruptRecords(`Cannot decompress lz4: ${problem}`);
};

function uint32le(bytes: Uint8Array, at: number): number {
  if (at + 4 > bytes.length) corrupt("the frame ends too early");
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}

/** @throws {CorruptRecords} @throws {DecompressionLimitExceeded} */
export function decompressLz4(bytes: Uint8Array, maxOutputBytes: number): Uint8Array {
  if (uint32le(bytes, 0) !== MAGIC) corrupt("the frame does not begin with its magic");
  const flags = bytes[4] ?? 0;
  if (flags >> 6 !== 1) corrupt(`the frame has version ${flags >> 6}`);
  if (flags & 0x01) corrupt("the frame wants a dictionary");
  const [blockChecksum, hasContentSize, contentChecksum] = [flags & 0x10, flags & 0x08, flags & 0x04];
  const blockMaxBytes = BLOCK_MAX_BYTES[((bytes[5] ?? 0) >> 4) & 7] || corrupt("the frame's block size is unknown");
  const headEnd = 6 + (hasContentSize ? 8 : 0);
  if (headEnd >= bytes.length) corrupt("the frame ends in its head");
  // Kafka's first LZ4 writers checksummed the magic too; such frames came with message format v0 only, which is not accepted.
  if (((xxhash32(bytes.subarray(4, headEnd)) >>> 8) & 0xff) !== bytes[headEnd]) corrupt("the head's checksum is wrong");

  const output = new BoundedOutput("lz4", Math.min(bytes.length * 3, maxOutputBytes), maxOutputBytes);
  let at = headEnd + 1;
  for (;;) {
    const sizeField = uint32le(bytes, at);
    at += 4;
    if (sizeField === 0) break;
    const size = sizeField & ~UNCOMPRESSED_BLOCK;
    if (size > blockMaxBytes || size > bytes.length - at) corrupt(`a block has the length ${size}`);
    const block = bytes.subarray(at, at + size);
    if (sizeField >>> 31) output.append(block);
    else decompressBlock(block, output, blockMaxBytes);
    at += size;
    if (blockChecksum) {
      if (uint32le(bytes, at) !== xxhash32(block)) corrupt("a block's checksum is wrong");
      at += 4;
    }
  }
  if (contentChecksum && uint32le(bytes, at) !== xxhash32(output.result())) corrupt("the content's checksum is wrong");
  return output.result();
}

/** Appends one block; matches may reach back into earlier blocks, which all stay in `output`. */
function decompressBlock(block: Uint8Array, output: BoundedOutput, blockMaxBytes: number): void {
  const blockEnd = output.length + blockMaxBytes;
  let at = 0;
  const extended = (nibble: number): number => {
    let length = nibble;
    if (nibble === 15) {
      for (let byte = 255; byte === 255;) {
        if (at >= block.length) corrupt("a length ends too early");
        byte = block[at++]!;
        length += byte;
      }
    }
    return length;
  };
  while (at < block.length) {
    const token = block[at++]!;
    const literals = extended(token >> 4);
    if (literals > block.length - at || output.length + literals > blockEnd) corrupt("a block has more literals than it may");
    output.append(block.subarray(at, at + literals));
    at += literals;
    if (at >= block.length) return;
    const distance = block[at]! | ((block[at + 1] ?? 0) << 8);
    at += 2;
    const length = extended(token & 15) + MATCH_MIN_BYTES;
    if (distance === 0 || distance > output.length) corrupt(`a match reaches back ${distance} bytes of ${output.length}`);
    if (output.length + length > blockEnd) corrupt("a block becomes larger than it may");
    output.reserve(length);
    const { bytes } = output;
    const from = output.length - distance;
    if (distance >= length) bytes.copyWithin(output.length, from, from + length);
    else for (let i = 0; i < length; i++) bytes[output.length + i] = bytes[from + i]!;
    output.length += length;
  }
}

export function compressLz4(bytes: Uint8Array): Uint8Array {
  const output = new BoundedOutput("lz4", bytes.length + 64, Number.MAX_SAFE_INTEGER);
  // Version 1, independent blocks, no checksums; blocks of at most 64 KiB.
  const descriptor = Uint8Array.of(0x60, 0x40);
  output.append(Uint8Array.of(0x04, 0x22, 0x4d, 0x18, ...descriptor, (xxhash32(descriptor) >>> 8) & 0xff));
  const scratch = new Uint8Array(BLOCK_BYTES + 512);
  const table = new Int32Array(1 << 13);
  for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
    const block = bytes.subarray(at, at + BLOCK_BYTES);
    const size = compressBlock(block, scratch, table);
    const stored = size === 0;
    const field = stored ? (block.length | UNCOMPRESSED_BLOCK) >>> 0 : size;
    output.append(Uint8Array.of(field, field >>> 8, field >>> 16, field >>> 24));
    output.append(stored ? block : scratch.subarray(0, size));
  }
  output.append(new Uint8Array(4));
  return output.result();
}

/** Greedy with one hash table. Answers with the compressed size, 0 when it would not be smaller than the block. */
function compressBlock(block: Uint8Array, into: Uint8Array, table: Int32Array): number {
  table.fill(-1);
  const limit = block.length - 1;
  // The format wants the last five bytes as literals and no match that begins in the last twelve.
  const matchStartMax = block.length - 12;
  const matchEndMax = block.length - 5;
  let out = 0;
  let anchor = 0;
  const emit = (literalEnd: number, distance: number, length: number): boolean => {
    const literals = literalEnd - anchor;
    if (out + literals + literals / 255 + length / 255 + 16 > limit) return false;
    const extra = length - MATCH_MIN_BYTES;
    into[out++] = (Math.min(literals, 15) << 4) | (distance === 0 ? 0 : Math.min(extra, 15));
    for (let rest = literals - 15; rest >= 0; rest -= 255) into[out++] = Math.min(rest, 255);
    into.set(block.subarray(anchor, literalEnd), out);
    out += literals;
    if (distance === 0) return true;
    into[out++] = distance;
    into[out++] = distance >> 8;
    for (let rest = extra - 15; rest >= 0; rest -= 255) into[out++] = Math.min(rest, 255);
    return true;
  };
  for (let at = 0; at < matchStartMax;) {
    const sequence = block[at]! | (block[at + 1]! << 8) | (block[at + 2]! << 16) | (block[at + 3]! << 24);
    const slot = Math.imul(sequence, 2654435761 | 0) >>> 19;
    const candidate = table[slot]!;
    table[slot] = at;
    if (
      candidate < 0 || block[candidate] !== block[at] || block[candidate + 1] !== block[at + 1] ||
      block[candidate + 2] !== block[at + 2] || block[candidate + 3] !== block[at + 3]
    ) {
      at++;
      continue;
    }
    let end = at + MATCH_MIN_BYTES;
    while (end < matchEndMax && block[end] === block[candidate + end - at]) end++;
    if (!emit(at, at - candidate, end - at)) return 0;
    at = anchor = end;
  }
  return emit(block.length, 0, 0) ? out : 0;
}
