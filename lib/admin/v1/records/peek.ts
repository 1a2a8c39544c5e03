/**
 * A look at the records of a partition, from an offset on, bounded by count and by bytes. Reads up to the high watermark, as consumers do;
 * commits nothing and waits for nothing that is not there yet.
 */
import { type Deadline, type Io, narrow } from "../../../io/mod.ts";
import {
  BATCH_HEADER_BYTES,
  type BatchHeader,
  batchSize,
  compressionOf,
  decompressAsync,
  DecompressionLimitExceeded,
  forEachBatch,
  forEachRecord,
  hasLogAppendTime,
  isControl,
  readBatchHeader,
  readHeaders,
  type RecordHeader,
} from "../../../protocol/mod.ts";
import type { Partition } from "../../../replication/types.ts";
import { Refused } from "../status.ts";

export interface PeekedRecord {
  readonly offset: number;
  readonly timestamp: number;
  /** The broker's time, not the producer's. */
  readonly isAppendTime: boolean;
  /** Views into a buffer of their batch: to be told at once, not kept. */
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly RecordHeader[];
}

export interface PeekRequest {
  readonly from: number;
  readonly limit: number;
  /** Of keys, values and headers; the first record comes whatever its size. */
  readonly maxBytes: number;
}

export interface Peeked {
  readonly records: readonly PeekedRecord[];
  /** Where the next look begins. */
  readonly nextOffset: number;
}

/** Batches made of other batches' markers, or emptied by compaction, may follow each other: after so many reads the look ends early. */
const READS_MAX = 64;
const READ_BYTES = 256 * 1024;
/** HAZARDS N5: a small batch may hold a lot of air. */
const DECOMPRESSED_BYTES_MAX = 16 * 1024 * 1024;

export async function peek(partition: Partition, { from, limit, maxBytes }: PeekRequest, io: Io, deadline: Deadline): Promise<Peeked> {
  const end = partition.highWatermark;
  const records: PeekedRecord[] = [];
  let offset = from;
  let bytes = 0;
  for (let reads = 0; reads < READS_MAX && offset < end; reads++) {
    const { records: read } = await partition.read(
      { fetchOffset: offset, maxBytes: READ_BYTES, atLeastOne: true, reader: "consumer" },
      deadline,
    );
    try {
      const whole = joined(read.chunks, read.byteLength);
      const places: number[] = [];
      forEachBatch(whole, (at) => void places.push(at));
      if (places.length === 0) break;
      for (const at of places) {
        const header = readBatchHeader(whole, at);
        const after = header.baseOffset + header.lastOffsetDelta + 1;
        if (!isControl(header)) {
          for (const record of await opened(whole, at, header, io, deadline)) {
            if (record.offset < offset) continue;
            const size = sizeOf(record);
            if (records.length === limit || (records.length > 0 && bytes + size > maxBytes)) return { records, nextOffset: record.offset };
            records.push(record);
            bytes += size;
          }
        }
        offset = Math.max(offset, after);
      }
    } finally {
      read.lease.release();
    }
  }
  return { records, nextOffset: Math.max(from, Math.min(offset, end)) };
}

async function opened(bytes: Uint8Array, at: number, header: BatchHeader, io: Io, deadline: Deadline): Promise<PeekedRecord[]> {
  const codec = compressionOf(header);
  if (codec === null) throw new Refused("UNSUPPORTED_COMPRESSION_TYPE", `The batch at offset ${header.baseOffset} has an unknown codec`);
  const packed = bytes.subarray(at + BATCH_HEADER_BYTES, at + batchSize(bytes, at));
  const inner = narrow(deadline, "admin.decompress", io.clock.mono(), Infinity);
  const payload = codec === "none"
    ? packed
    : await io.cpu.run(() => decompressAsync(codec, packed, DECOMPRESSED_BYTES_MAX), inner).catch((error: unknown) => {
      if (!(error instanceof DecompressionLimitExceeded)) throw error;
      const why = `holds more than ${DECOMPRESSED_BYTES_MAX} bytes: read it with a Kafka client, or go on behind it`;
      throw new Refused(
        "MESSAGE_TOO_LARGE",
        `The batch from offset ${header.baseOffset} to ${header.baseOffset + header.lastOffsetDelta} ${why}`,
      );
    });
  const isAppendTime = hasLogAppendTime(header);
  const records: PeekedRecord[] = [];
  forEachRecord(payload, 0, payload.length, header.recordCount, (record) => {
    records.push({
      offset: header.baseOffset + record.offsetDelta,
      timestamp: isAppendTime ? header.maxTimestamp : header.baseTimestamp + record.timestampDelta,
      isAppendTime,
      key: record.key,
      value: record.value,
      headers: readHeaders(payload, record),
    });
  });
  return records;
}

/** A copy: the log's own bytes go back with the lease, and a look goes on for several turns. */
function joined(chunks: readonly Uint8Array[], byteLength: number): Uint8Array {
  const whole = new Uint8Array(byteLength);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

const sizeOf = ({ key, value, headers }: PeekedRecord): number =>
  (key?.length ?? 0) + (value?.length ?? 0) + headers.reduce((sum, header) => sum + header.key.length + (header.value?.length ?? 0), 0);
