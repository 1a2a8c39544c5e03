/**
 * What one fetch brought for one partition: whole batches, looked into one after the other when they are to be handed out. Checksums are
 * checked, control batches and aborted transactions left out, gaps of compacted logs passed over. Keys and values are views into the
 * reply, or into what was decompressed: handing them on copies nothing, and keeping one keeps that buffer.
 */
import type { Deadline, Io } from "../../io/mod.ts";
import {
  BATCH_HEADER_BYTES,
  type BatchHeader,
  compressionOf,
  CorruptRecords,
  decompressAsync,
  DecompressionLimitExceeded,
  forEachBatch,
  forEachRecord,
  hasLogAppendTime,
  hasValidCrc,
  isControl,
  isTransactional,
  lastOffsetOf,
  MAGIC_V2,
  readBatchHeader,
  readControlType,
  readHeaders,
  readMagic,
  type RecordHeader,
  recordsPayload,
  wholeBatchAt,
} from "../../protocol/mod.ts";
import { CorruptBatch } from "../errors.ts";
import type { IncomingRecord, TopicPartition } from "../types.ts";
import type { AbortedTransactions } from "./aborted_transactions.ts";

/** One batch's records, as they are handed out. */
export interface OpenedBatch {
  /** Empty for a batch that is not for readers. */
  readonly records: readonly IncomingRecord[];
  /** Where reading goes on after it. */
  readonly nextOffset: number;
  readonly leaderEpoch: number;
  /** As it came. */
  readonly bytes: number;
}

/** What a single batch may decompress to: far above what brokers take by default, and a bound on what a hostile one can do. */
const DECOMPRESSED_BYTES_MAX = 256 * 1024 * 1024;
/** Below this the trip to the thread pool takes longer than the work. */
const OFF_LOOP_BYTES_MIN = 64 * 1024;
const NO_HEADERS: readonly RecordHeader[] = Object.freeze([]);

export class FetchedBatches {
  readonly #of: TopicPartition;
  readonly #bytes: Uint8Array;
  readonly #end: number;
  readonly #aborted: AbortedTransactions | null;
  readonly #from: number;
  #at = 0;
  /** Where the next fetch goes on. */
  readonly nextOffset: number;

  /**
   * @param bytes of the reply; what stands behind the last whole batch is passed over.
   * @param from the offset that was asked for: it may lie inside of the first batch. @param aborted null: nothing is filtered.
   */
  constructor(of: TopicPartition, bytes: Uint8Array, from: number, aborted: AbortedTransactions | null) {
    this.#of = of;
    this.#bytes = bytes;
    this.#from = from;
    this.#aborted = aborted;
    let nextOffset = from;
    this.#end = forEachBatch(bytes, (at) => {
      nextOffset = Math.max(nextOffset, lastOffsetOf(bytes, at) + 1);
    });
    this.nextOffset = nextOffset;
  }

  get bytesLeft(): number {
    return this.#end - this.#at;
  }
  get isEmpty(): boolean {
    return this.#at >= this.#end;
  }
  /** There are bytes, but no batch that can be read. */
  get isUnreadable(): boolean {
    return this.#end === 0 && this.#bytes.length > 0;
  }
  /** Why: for the message. */
  get unreadableBecause(): string {
    if (this.#bytes.length < BATCH_HEADER_BYTES) return `the broker sent ${this.#bytes.length} bytes, fewer than a batch has`;
    const magic = readMagic(this.#bytes);
    return magic === MAGIC_V2 ? "the broker sent a part of a batch only" : `its records are of the format v${magic}, 2 is known`;
  }

  /**
   * The next batch; null at the end. A promise only when a large batch is decompressed off the loop.
   * @throws {CorruptBatch} the batch stays where it is.
   */
  open(io: Io, deadline: Deadline): OpenedBatch | Promise<OpenedBatch> | null {
    const [bytes, at] = [this.#bytes, this.#at];
    const size = wholeBatchAt(bytes, at, this.#end);
    if (size === 0) return null;
    const header = readBatchHeader(bytes, at);
    if (!hasValidCrc(bytes, at)) throw this.#corrupt(header, "its checksum (CRC-32C) is wrong");
    const nextOffset = Math.max(this.#from, header.baseOffset + header.lastOffsetDelta + 1);
    const opened = { records: [], nextOffset, leaderEpoch: header.partitionLeaderEpoch, bytes: size };
    if (isControl(header)) {
      this.#readMarker(header);
      this.#at += size;
      return opened;
    }
    const { producerId } = header;
    if (isTransactional(header) && this.#aborted?.isAborted(producerId, nextOffset - 1)) {
      this.#at += size;
      return opened;
    }
    const codec = compressionOf(header);
    const finish = (payload: Uint8Array, start: number, end: number): OpenedBatch => {
      const records = this.#recordsOf(header, payload, start, end);
      this.#at = at + size;
      return { ...opened, records };
    };
    if (codec === "none") return finish(bytes, at + BATCH_HEADER_BYTES, at + size);
    if ((codec === "gzip" || codec === "zstd") && size >= OFF_LOOP_BYTES_MIN) {
      const packed = bytes.subarray(at + BATCH_HEADER_BYTES, at + size);
      return io.cpu.run(() => decompressAsync(codec, packed, DECOMPRESSED_BYTES_MAX), deadline)
        .catch((error) => this.#translate(header, error))
        .then((payload) => finish(payload, 0, payload.length));
    }
    const payload = this.#guarded(header, () => recordsPayload(bytes, at, header, DECOMPRESSED_BYTES_MAX));
    return finish(payload, 0, payload.length);
  }

  #readMarker(header: BatchHeader): void {
    if (this.#aborted === null) return;
    const payload = this.#guarded(header, () => recordsPayload(this.#bytes, this.#at, header, DECOMPRESSED_BYTES_MAX));
    this.#guarded(header, () =>
      forEachRecord(payload, 0, payload.length, header.recordCount, ({ key }) => {
        if (key !== null && readControlType(key) === "abort") this.#aborted?.markerRead(header.producerId, header.baseOffset);
        return false;
      }));
  }

  #recordsOf(header: BatchHeader, payload: Uint8Array, start: number, end: number): readonly IncomingRecord[] {
    const { topic, partition } = this.#of;
    const { baseOffset, baseTimestamp, maxTimestamp, partitionLeaderEpoch: leaderEpoch } = header;
    const stamped = hasLogAppendTime(header);
    const records: IncomingRecord[] = [];
    this.#guarded(header, () =>
      forEachRecord(payload, start, end, header.recordCount, (record) => {
        const offset = baseOffset + record.offsetDelta;
        if (offset < this.#from) return;
        records.push({
          topic,
          partition,
          offset,
          timestamp: stamped ? maxTimestamp : baseTimestamp + record.timestampDelta,
          timestampType: stamped ? "log-append" : "create",
          key: record.key,
          value: record.value,
          headers: payload[record.headersAt] === 0 ? NO_HEADERS : readHeaders(payload, record),
          leaderEpoch,
        });
      }));
    return records;
  }

  #guarded<T>(header: BatchHeader, read: () => T): T {
    try {
      return read();
    } catch (error) {
      return this.#translate(header, error);
    }
  }

  #translate(header: BatchHeader, error: unknown): never {
    if (error instanceof CorruptRecords || error instanceof DecompressionLimitExceeded) throw this.#corrupt(header, error.message, error);
    throw error;
  }

  #corrupt(header: BatchHeader, why: string, cause?: unknown): CorruptBatch {
    const { topic, partition } = this.#of;
    const { baseOffset, lastOffsetDelta } = header;
    const nextOffset = Math.max(this.#from, baseOffset + Math.max(0, lastOffsetDelta)) + 1;
    return new CorruptBatch({ topic, partition, baseOffset, nextOffset }, why, { cause });
  }
}
