/** Makes record batches v2 (KIP-98): for the coordinators, the client, rewriting under another codec, and tests. */
import {
  attributesOf,
  BATCH_HEADER_BYTES,
  type BatchHeader,
  compressionOf,
  type CompressionType,
  LOG_OVERHEAD_BYTES,
  MAGIC_V2,
  patchCrc,
  readBatchHeader,
  writeInt16,
  writeInt32,
  writeInt64,
} from "./batch.ts";
import { compress, decompress } from "./compression/mod.ts";
import { CorruptRecords } from "./errors.ts";
import { encodeRecords, forEachRecord, type NewRecord, readHeaders, type RecordHeader } from "./record.ts";

export interface NewBatch {
  /** At least one. */
  readonly records: readonly NewRecord[];
  readonly compression?: CompressionType;
  readonly baseOffset?: number;
  readonly leaderEpoch?: number;
  readonly producerId?: number;
  readonly producerEpoch?: number;
  readonly baseSequence?: number;
  readonly transactional?: boolean;
  readonly control?: boolean;
}

/** One whole batch with its checksum. */
export function encodeBatch(batch: NewBatch): Uint8Array {
  const first = batch.records[0];
  if (!first) throw new CorruptRecords("Cannot encode a batch without records");
  const last = batch.records.at(-1)!;
  const payload = compress(batch.compression ?? "none", encodeRecords(batch.records, first.timestamp));
  const bytes = new Uint8Array(BATCH_HEADER_BYTES + payload.length);
  writeInt64(bytes, 0, batch.baseOffset ?? 0);
  writeInt32(bytes, 12, batch.leaderEpoch ?? -1);
  writeInt16(bytes, 21, attributesOf(batch));
  writeInt32(bytes, 23, last.offsetDelta ?? batch.records.length - 1);
  writeInt64(bytes, 27, first.timestamp);
  writeInt64(bytes, 35, batch.records.reduce((most, record) => Math.max(most, record.timestamp), -1));
  writeInt64(bytes, 43, batch.producerId ?? -1);
  writeInt16(bytes, 51, batch.producerEpoch ?? -1);
  writeInt32(bytes, 53, batch.baseSequence ?? -1);
  writeInt32(bytes, 57, batch.records.length);
  return sealed(bytes, payload);
}

/** Completes a batch whose header fields from the attributes on are set. */
function sealed(bytes: Uint8Array, payload: Uint8Array): Uint8Array {
  writeInt32(bytes, 8, bytes.length - LOG_OVERHEAD_BYTES);
  bytes[16] = MAGIC_V2;
  bytes.set(payload, BATCH_HEADER_BYTES);
  patchCrc(bytes, 0);
  return bytes;
}

/** The batch's records as bytes, decompressed. @throws {CorruptRecords} @throws {DecompressionLimitExceeded} */
export function recordsPayload(bytes: Uint8Array, at: number, header: BatchHeader, maxOutputBytes: number): Uint8Array {
  const codec = compressionOf(header);
  if (codec === null) throw new CorruptRecords(`Cannot decompress batch: its codec ${header.attributes & 7} is unknown`);
  return decompress(codec, bytes.subarray(at + BATCH_HEADER_BYTES, at + LOG_OVERHEAD_BYTES + header.batchLength), maxOutputBytes);
}

export interface DecodedRecord {
  readonly offset: number;
  readonly timestamp: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly RecordHeader[];
}

/** All records of the batch at `at`; keys and values are views. @throws {CorruptRecords} @throws {DecompressionLimitExceeded} */
export function decodeBatch(bytes: Uint8Array, at: number, maxOutputBytes: number): DecodedRecord[] {
  const header = readBatchHeader(bytes, at);
  const payload = recordsPayload(bytes, at, header, maxOutputBytes);
  const stamped = (header.attributes & 0x08) !== 0;
  const records: DecodedRecord[] = [];
  forEachRecord(payload, 0, payload.length, header.recordCount, (record) => {
    records.push({
      offset: header.baseOffset + record.offsetDelta,
      timestamp: stamped ? header.maxTimestamp : header.baseTimestamp + record.timestampDelta,
      key: record.key,
      value: record.value,
      headers: readHeaders(payload, record),
    });
  });
  return records;
}

/** The same batch under another codec (topic config `compression.type`); every other header field is kept. */
export function recompressed(bytes: Uint8Array, at: number, payload: Uint8Array, compression: CompressionType): Uint8Array {
  const packed = compress(compression, payload);
  const rewritten = new Uint8Array(BATCH_HEADER_BYTES + packed.length);
  rewritten.set(bytes.subarray(at, at + BATCH_HEADER_BYTES));
  const header = readBatchHeader(bytes, at);
  writeInt16(rewritten, 21, (header.attributes & ~7) | attributesOf({ compression }));
  return sealed(rewritten, packed);
}
