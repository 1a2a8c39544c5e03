/**
 * Group records as record batches of `__consumer_offsets`, and back. Knows the format, not what the records mean. Batches are not
 * compressed, as Kafka's are not by default (`offsets.topic.compression.codec`), but read in any codec.
 */
import {
  decodeBatch,
  encodeBatch,
  forEachBatch,
  isControl,
  isTransactional,
  lastOffsetOf,
  readBatchHeader,
} from "../protocol/records/mod.ts";
import { decodeGroupRecord, encodeGroupRecord, type GroupRecord } from "../state/groups/mod.ts";

/** A batch is closed when it has this much; a single record may be larger. */
const BATCH_BYTES_TARGET = 512 * 1024;
/** A batch that decompresses to more than this was not written by a coordinator. */
const DECOMPRESSED_BYTES_MAX = 64 * 1024 * 1024;

/** One batch, or several where the records would make it large. `records` has at least one. */
export function encodeAppend(records: readonly GroupRecord[], nowWallMs: number): Uint8Array[] {
  const batches: Uint8Array[] = [];
  let open: { key: Uint8Array; value: Uint8Array | null; timestamp: number }[] = [];
  let bytes = 0;
  for (const record of records) {
    const { key, value } = encodeGroupRecord(record);
    const size = key.length + (value?.length ?? 0);
    if (open.length > 0 && bytes + size > BATCH_BYTES_TARGET) {
      batches.push(encodeBatch({ records: open }));
      open = [];
      bytes = 0;
    }
    open.push({ key, value, timestamp: nowWallMs });
    bytes += size;
  }
  batches.push(encodeBatch({ records: open }));
  return batches;
}

/**
 * Calls `visit` for every group record in whole batches; kinds that are not known are passed over. Returns the offset behind the last batch,
 * -1 when there was none.
 * @throws {CorruptRecords} @throws {DecodeError} for damaged records: a state with holes would be wrong.
 */
export function decodeAppends(bytes: Uint8Array, visit: (record: GroupRecord) => void): number {
  let next = -1;
  forEachBatch(bytes, (at) => {
    const header = readBatchHeader(bytes, at);
    next = lastOffsetOf(bytes, at) + 1;
    if (isControl(header)) return;
    // Whether they count is decided by a marker that this broker does not write or read.
    if (isTransactional(header)) throw new Error(`Cannot read group records at offset ${header.baseOffset}: they belong to a transaction`);
    for (const { key, value } of decodeBatch(bytes, at, DECOMPRESSED_BYTES_MAX)) {
      const record = key === null ? null : decodeGroupRecord(key, value);
      if (record !== null) visit(record);
    }
  });
  return next;
}
