/**
 * Looks at every record of an uncompressed payload on behalf of a broker, without making an object of any: are they as many as the header
 * says, in offset order, in time, with keys. Copies nothing. Source: KIP-98, "Record" in Kafka's documentation.
 */
import type { BatchHeader } from "./batch.ts";
import { CorruptRecords } from "./errors.ts";
import { type Cursor, readVarint, readVarlong } from "./varint.ts";
import type { BadRecord } from "./validate.ts";

export interface RecordRules {
  /** Every record needs a key. */
  readonly keys: boolean;
  /** The range of timestamps, both inclusive; records without timestamp (-1) are never out of it. */
  readonly oldestMs: number;
  readonly newestMs: number;
}

export interface Inspection {
  /** -1 when no record has a timestamp. */
  readonly maxTimestamp: number;
  readonly keyless: number;
  readonly badTimestamps: number;
  /** The first of them: a reply must not grow with the number of bad records. */
  readonly badRecords: readonly BadRecord[];
}

/** Attributes, two deltas, key length, value length, header count. */
const RECORD_BYTES_MIN = 6;
const BAD_RECORDS_LISTED_MAX = 1_000;
const NO_BAD_RECORDS: readonly BadRecord[] = [];

/** @throws {CorruptRecords} when the bytes from `start` on are not exactly the records that `header` announces. */
export function inspectRecords(bytes: Uint8Array, start: number, header: BatchHeader, rules: RecordRules): Inspection {
  const { recordCount, baseTimestamp } = header;
  const { keys, oldestMs, newestMs } = rules;
  const end = bytes.length;
  const cursor: Cursor = { bytes, at: start, end };
  let at = start;
  let maxTimestamp = -1;
  let keyless = 0;
  let badTimestamps = 0;
  let badRecords: BadRecord[] | null = null;
  for (let i = 0; i < recordCount; i++) {
    // Varints of one and two bytes are read right here, all others by `readVarint`: 9 instead of 30 ns a record, and 20 ns are 4 % of all that
    // a node spends on a record of 100 bytes.
    let length = bytes[at]!;
    if (length < 0x80) {
      length = (length >>> 1) ^ -(length & 1);
      at++;
    } else if (bytes[at + 1]! < 0x80) {
      length = (length & 0x7f) | (bytes[at + 1]! << 7);
      length = (length >>> 1) ^ -(length & 1);
      at += 2;
    } else {
      cursor.at = at;
      length = readVarint(cursor);
      at = cursor.at;
    }
    const recordEnd = at + length;
    if (!(length >= RECORD_BYTES_MIN && recordEnd <= end)) throw new CorruptRecords(`Cannot read record ${i}: it has the length ${length}`);
    at++; // attributes, unused

    let timestampDelta = bytes[at]!;
    if (timestampDelta < 0x80) {
      timestampDelta = (timestampDelta >>> 1) ^ -(timestampDelta & 1);
      at++;
    } else {
      cursor.at = at;
      timestampDelta = readVarlong(cursor);
      at = cursor.at;
    }
    const timestamp = baseTimestamp + timestampDelta;

    let offsetDelta = bytes[at]!;
    if (offsetDelta < 0x80) {
      offsetDelta = (offsetDelta >>> 1) ^ -(offsetDelta & 1);
      at++;
    } else if (bytes[at + 1]! < 0x80) {
      offsetDelta = (offsetDelta & 0x7f) | (bytes[at + 1]! << 7);
      offsetDelta = (offsetDelta >>> 1) ^ -(offsetDelta & 1);
      at += 2;
    } else {
      cursor.at = at;
      offsetDelta = readVarint(cursor);
      at = cursor.at;
    }
    if (offsetDelta !== i) throw new CorruptRecords(`Cannot accept record ${i}: it has the offset delta ${offsetDelta}`);

    let keyBytes = bytes[at]!;
    if (keyBytes < 0x80) {
      keyBytes = (keyBytes >>> 1) ^ -(keyBytes & 1);
      at++;
    } else {
      cursor.at = at;
      keyBytes = readVarint(cursor);
      at = cursor.at;
    }
    if (keyBytes > 0) at += keyBytes;
    if (at >= recordEnd) throw new CorruptRecords(`Cannot read record ${i}: its key does not fit`);

    let valueBytes = bytes[at]!;
    if (valueBytes < 0x80) {
      valueBytes = (valueBytes >>> 1) ^ -(valueBytes & 1);
      at++;
    } else if (bytes[at + 1]! < 0x80) {
      valueBytes = (valueBytes & 0x7f) | (bytes[at + 1]! << 7);
      valueBytes = (valueBytes >>> 1) ^ -(valueBytes & 1);
      at += 2;
    } else {
      cursor.at = at;
      valueBytes = readVarint(cursor);
      at = cursor.at;
    }
    if (valueBytes > 0) at += valueBytes;
    if (at >= recordEnd) throw new CorruptRecords(`Cannot read record ${i}: its value does not fit`);

    // No headers is one byte.
    if (bytes[at] === 0) at++;
    else {
      cursor.at = at;
      skipHeaders(cursor, recordEnd, i);
      at = cursor.at;
    }
    if (at !== recordEnd) throw new CorruptRecords(`Cannot read record ${i}: it ends at ${at}, not where its length says (${recordEnd})`);

    if (timestamp > maxTimestamp) maxTimestamp = timestamp;
    const outOfTime = timestamp !== -1 && (timestamp < oldestMs || timestamp > newestMs);
    if (outOfTime) badTimestamps++;
    else if (keys && keyBytes < 0) keyless++;
    else continue;
    badRecords ??= [];
    if (badRecords.length < BAD_RECORDS_LISTED_MAX) {
      badRecords.push({
        batchIndex: i,
        message: outOfTime
          ? `Timestamp ${timestamp} is out of the range that the topic accepts`
          : "Compacted topics accept no record without a key",
      });
    }
  }
  if (at !== end) {
    throw new CorruptRecords(`Cannot read records: ${end - at} bytes are left after the last of ${recordCount}`);
  }
  return { maxTimestamp, keyless, badTimestamps, badRecords: badRecords ?? NO_BAD_RECORDS };
}

/** @throws {CorruptRecords} unless they are what their count says, inside of the record. */
function skipHeaders(cursor: Cursor, recordEnd: number, record: number): void {
  const count = readVarint(cursor);
  if (count < 0) throw new CorruptRecords(`Cannot read record ${record}: it has ${count} headers`);
  for (let left = count; left > 0; left--) {
    const keyBytes = readVarint(cursor);
    if (keyBytes < 0) throw new CorruptRecords(`Cannot read record ${record}: a header has no key`);
    cursor.at += keyBytes;
    const valueBytes = cursor.at < recordEnd ? readVarint(cursor) : Infinity;
    if (valueBytes > 0) cursor.at += valueBytes;
    if (cursor.at > recordEnd) throw new CorruptRecords(`Cannot read record ${record}: its headers do not fit`);
  }
}
