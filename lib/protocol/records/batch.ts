/**
 * Record batch v2 over bytes: header fields, in-place patches, walking from batch to batch. Never looks into the records.
 * Source: KIP-98; the layout is in Kafka's documentation under "Record Batch".
 *
 *   0 baseOffset int64 · 8 batchLength int32 · 12 partitionLeaderEpoch int32 · 16 magic int8 · 17 crc uint32 (of all that follows)
 *   21 attributes int16 · 23 lastOffsetDelta int32 · 27 baseTimestamp int64 · 35 maxTimestamp int64 · 43 producerId int64
 *   51 producerEpoch int16 · 53 baseSequence int32 · 57 recordCount int32 · 61 records
 */
import { crc32c } from "./crc32c.ts";

/** Base offset and length: what stands before the bytes that `batchLength` counts. */
export const LOG_OVERHEAD_BYTES = 12;
export const BATCH_HEADER_BYTES = 61;
export const MAGIC_V2 = 2;
const MAGIC_AT = 16;
const CRC_AT = 17;
/** The checksum covers everything from here on; base offset and leader epoch stay outside so that a broker can patch them. */
const CHECKED_FROM = 21;

export type CompressionType = "none" | "gzip" | "snappy" | "lz4" | "zstd";
/** Position is the code in the attributes. */
export const COMPRESSION_TYPES: readonly CompressionType[] = ["none", "gzip", "snappy", "lz4", "zstd"];

const COMPRESSION_MASK = 0x07;
const LOG_APPEND_TIME = 0x08;
const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;
const DELETE_HORIZON = 0x40;

export interface BatchHeader {
  readonly baseOffset: number;
  /** Bytes after the length field. */
  readonly batchLength: number;
  readonly partitionLeaderEpoch: number;
  readonly magic: number;
  readonly crc: number;
  readonly attributes: number;
  readonly lastOffsetDelta: number;
  readonly baseTimestamp: number;
  readonly maxTimestamp: number;
  /** -1: none. */
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly recordCount: number;
}

export function readInt16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24 >> 16) | bytes[at + 1]!;
}

export function readInt32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}

/** Exact up to 2^53. */
export function readInt64(bytes: Uint8Array, at: number): number {
  return readInt32(bytes, at) * 4294967296 + (readInt32(bytes, at + 4) >>> 0);
}

export function writeInt16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >> 8;
  bytes[at + 1] = value;
}

export function writeInt32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >> 24;
  bytes[at + 1] = value >> 16;
  bytes[at + 2] = value >> 8;
  bytes[at + 3] = value;
}

/** `value` is a safe integer. */
export function writeInt64(bytes: Uint8Array, at: number, value: number): void {
  writeInt32(bytes, at, Math.floor(value / 4294967296));
  writeInt32(bytes, at + 4, value >>> 0);
}

/** Header of the batch at `at`; the caller knows that `BATCH_HEADER_BYTES` are there. */
export function readBatchHeader(bytes: Uint8Array, at = 0): BatchHeader {
  return {
    baseOffset: readInt64(bytes, at),
    batchLength: readInt32(bytes, at + 8),
    partitionLeaderEpoch: readInt32(bytes, at + 12),
    magic: readMagic(bytes, at),
    crc: readInt32(bytes, at + CRC_AT) >>> 0,
    attributes: readInt16(bytes, at + 21),
    lastOffsetDelta: readInt32(bytes, at + 23),
    baseTimestamp: readInt64(bytes, at + 27),
    maxTimestamp: readInt64(bytes, at + 35),
    producerId: readInt64(bytes, at + 43),
    producerEpoch: readInt16(bytes, at + 51),
    baseSequence: readInt32(bytes, at + 53),
    recordCount: readInt32(bytes, at + 57),
  };
}

/** Where every magic, also the old ones, says what it is. */
export const readMagic = (bytes: Uint8Array, at = 0): number => (bytes[at + MAGIC_AT]! << 24) >> 24;

/** Bytes of the whole batch at `at`, its first 12 included; may be wrong in any way for bytes from a peer. */
export const batchSize = (bytes: Uint8Array, at = 0): number => LOG_OVERHEAD_BYTES + readInt32(bytes, at + 8);

export const baseOffsetOf = (bytes: Uint8Array, at = 0): number => readInt64(bytes, at);
export const lastOffsetOf = (bytes: Uint8Array, at = 0): number => readInt64(bytes, at) + readInt32(bytes, at + 23);
export const leaderEpochOf = (bytes: Uint8Array, at = 0): number => readInt32(bytes, at + 12);
export const maxTimestampOf = (bytes: Uint8Array, at = 0): number => readInt64(bytes, at + 35);
export const producerIdOf = (bytes: Uint8Array, at = 0): number => readInt64(bytes, at + 43);

/** Null for a code that Kafka does not know. */
export const compressionOf = (header: BatchHeader): CompressionType | null =>
  COMPRESSION_TYPES[header.attributes & COMPRESSION_MASK] ?? null;
export const hasLogAppendTime = (header: BatchHeader): boolean => (header.attributes & LOG_APPEND_TIME) !== 0;
export const isTransactional = (header: BatchHeader): boolean => (header.attributes & TRANSACTIONAL) !== 0;
export const isControl = (header: BatchHeader): boolean => (header.attributes & CONTROL) !== 0;
/** The base timestamp is then the time at which tombstones may go (KIP-534). */
export const hasDeleteHorizon = (header: BatchHeader): boolean => (header.attributes & DELETE_HORIZON) !== 0;

export interface AttributeFlags {
  readonly compression?: CompressionType;
  readonly logAppendTime?: boolean;
  readonly transactional?: boolean;
  readonly control?: boolean;
  readonly deleteHorizon?: boolean;
}

export function attributesOf(flags: AttributeFlags): number {
  return COMPRESSION_TYPES.indexOf(flags.compression ?? "none") |
    (flags.logAppendTime ? LOG_APPEND_TIME : 0) |
    (flags.transactional ? TRANSACTIONAL : 0) |
    (flags.control ? CONTROL : 0) |
    (flags.deleteHorizon ? DELETE_HORIZON : 0);
}

/** Outside the checksum. */
export const patchBaseOffset = (bytes: Uint8Array, at: number, baseOffset: number): void => writeInt64(bytes, at, baseOffset);
/** Outside the checksum. */
export const patchLeaderEpoch = (bytes: Uint8Array, at: number, leaderEpoch: number): void => writeInt32(bytes, at + 12, leaderEpoch);

/** Marks the batch as stamped by the broker: readers then take `nowMs` for every record. Renews the checksum. */
export function patchLogAppendTime(bytes: Uint8Array, at: number, nowMs: number): void {
  writeInt16(bytes, at + 21, readInt16(bytes, at + 21) | LOG_APPEND_TIME);
  writeInt64(bytes, at + 35, nowMs);
  patchCrc(bytes, at);
}

/** Marks the batch as keeping its producer's timestamps, `maxTimestamp` being the largest of them. Renews the checksum. */
export function patchCreateTime(bytes: Uint8Array, at: number, maxTimestamp: number): void {
  writeInt16(bytes, at + 21, readInt16(bytes, at + 21) & ~LOG_APPEND_TIME);
  writeInt64(bytes, at + 35, maxTimestamp);
  patchCrc(bytes, at);
}

/** Computes and stores the checksum of a batch that is complete but for it. */
export function patchCrc(bytes: Uint8Array, at: number): void {
  writeInt32(bytes, at + CRC_AT, crc32c(bytes, at + CHECKED_FROM, at + batchSize(bytes, at)));
}

/** The caller knows that the whole batch is there. */
export function hasValidCrc(bytes: Uint8Array, at = 0): boolean {
  return (readInt32(bytes, at + CRC_AT) >>> 0) === crc32c(bytes, at + CHECKED_FROM, at + batchSize(bytes, at));
}

/**
 * Size of the whole batch that begins at `at`, or 0 when `bytes[at, end)` does not hold one: too short, a length that no batch
 * can have, another magic. Says nothing about the checksum.
 */
export function wholeBatchAt(bytes: Uint8Array, at: number, end = bytes.length): number {
  if (end - at < BATCH_HEADER_BYTES) return 0;
  const size = batchSize(bytes, at);
  return size >= BATCH_HEADER_BYTES && size <= end - at && readMagic(bytes, at) === MAGIC_V2 ? size : 0;
}

/** Calls `visit` for each whole batch, in order; answers with the position after the last one. */
export function forEachBatch(bytes: Uint8Array, visit: (at: number, size: number) => void, start = 0, end = bytes.length): number {
  let at = start;
  for (let size; (size = wholeBatchAt(bytes, at, end)) > 0; at += size) visit(at, size);
  return at;
}
