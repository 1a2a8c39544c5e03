/**
 * The records inside a batch v2: walked one by one over uncompressed bytes, and written. Lengths are checked before anything is read.
 * Source: KIP-98, "Record" in Kafka's documentation.
 */
import { CorruptRecords } from "./errors.ts";
import { type Cursor, readVarint, readVarlong, varintBytes, varlongBytes, writeVarint, writeVarlong } from "./varint.ts";

export interface RecordHeader {
  readonly key: string;
  readonly value: Uint8Array | null;
}

/** Keys and values are views into the bytes that were read. */
export interface RecordView {
  readonly offsetDelta: number;
  readonly timestampDelta: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  /** Where the headers begin, for `readHeaders`. */
  readonly headersAt: number;
  readonly end: number;
}

const RECORD_BYTES_MIN = 7;

/**
 * Calls `visit` for each of the `count` records in `bytes[start, end)`; `false` from it ends the walk early.
 * @throws {CorruptRecords} when the bytes are not exactly `count` records.
 */
export function forEachRecord(
  bytes: Uint8Array,
  start: number,
  end: number,
  count: number,
  visit: (record: RecordView) => boolean | void,
): void {
  if (count < 0 || count > (end - start) / RECORD_BYTES_MIN) {
    throw new CorruptRecords(`Cannot read records: ${count} do not fit in ${end - start} bytes`);
  }
  const cursor: Cursor = { bytes, at: start, end };
  for (let i = 0; i < count; i++) {
    const length = readVarint(cursor);
    const recordEnd = cursor.at + length;
    if (length < RECORD_BYTES_MIN - 1 || recordEnd > end) throw new CorruptRecords(`Cannot read record ${i}: it has the length ${length}`);
    cursor.at++; // attributes, unused
    const timestampDelta = readVarlong(cursor);
    const offsetDelta = readVarint(cursor);
    const key = readBytes(cursor, recordEnd, i);
    const value = readBytes(cursor, recordEnd, i);
    if (cursor.at >= recordEnd) throw new CorruptRecords(`Cannot read record ${i}: it ends before its headers`);
    const headersAt = cursor.at;
    if (visit({ offsetDelta, timestampDelta, key, value, headersAt, end: recordEnd }) === false) return;
    cursor.at = recordEnd;
  }
  if (cursor.at !== end) throw new CorruptRecords(`Cannot read records: ${end - cursor.at} bytes are left after the last of ${count}`);
}

function readBytes(cursor: Cursor, limit: number, record: number): Uint8Array | null {
  const length = readVarint(cursor);
  if (length < 0) return null;
  const at = cursor.at;
  if (length > limit - at) throw new CorruptRecords(`Cannot read record ${record}: a field of ${length} bytes does not fit`);
  cursor.at += length;
  return cursor.bytes.subarray(at, at + length);
}

/** @throws {CorruptRecords} */
export function readHeaders(bytes: Uint8Array, record: RecordView): RecordHeader[] {
  const cursor: Cursor = { bytes, at: record.headersAt, end: record.end };
  const count = readVarint(cursor);
  if (count < 0 || count > (record.end - cursor.at) / 2) throw new CorruptRecords(`Cannot read headers: ${count} do not fit`);
  const headers: RecordHeader[] = [];
  const text = new TextDecoder();
  for (let i = 0; i < count; i++) {
    const key = readBytes(cursor, record.end, i);
    if (key === null) throw new CorruptRecords("Cannot read headers: a key is null");
    headers.push({ key: text.decode(key), value: readBytes(cursor, record.end, i) });
  }
  if (cursor.at !== record.end) throw new CorruptRecords("Cannot read headers: bytes are left after the last");
  return headers;
}

/** What `encodeRecords` writes. */
export interface NewRecord {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers?: readonly RecordHeader[];
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  /** Distance from the base offset; its place in the batch when absent. */
  readonly offsetDelta?: number;
}

/** The records of a batch, uncompressed. */
export function encodeRecords(records: readonly NewRecord[], baseTimestamp: number): Uint8Array {
  const text = new TextEncoder();
  const bodies = records.map((record, i) => {
    const headers = (record.headers ?? []).map((header) => ({ key: text.encode(header.key), value: header.value }));
    const [timestampDelta, offsetDelta] = [record.timestamp - baseTimestamp, record.offsetDelta ?? i];
    let size = 1 + varlongBytes(timestampDelta) + varintBytes(offsetDelta) + fieldBytes(record.key) + fieldBytes(record.value) +
      varintBytes(headers.length);
    for (const header of headers) size += fieldBytes(header.key) + fieldBytes(header.value);
    return { record, headers, timestampDelta, offsetDelta, size };
  });
  const bytes = new Uint8Array(bodies.reduce((sum, body) => sum + varintBytes(body.size) + body.size, 0));
  let at = 0;
  for (const { record, headers, timestampDelta, offsetDelta, size } of bodies) {
    at = writeVarint(bytes, at, size) + 1;
    at = writeVarint(bytes, writeVarlong(bytes, at, timestampDelta), offsetDelta);
    at = writeField(bytes, writeField(bytes, at, record.key), record.value);
    at = writeVarint(bytes, at, headers.length);
    for (const header of headers) at = writeField(bytes, writeField(bytes, at, header.key), header.value);
  }
  return bytes;
}

const fieldBytes = (field: Uint8Array | null): number => field === null ? 1 : varintBytes(field.length) + field.length;

function writeField(bytes: Uint8Array, at: number, field: Uint8Array | null): number {
  if (field === null) return writeVarint(bytes, at, -1);
  const from = writeVarint(bytes, at, field.length);
  bytes.set(field, from);
  return from + field.length;
}
