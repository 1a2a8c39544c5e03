/**
 * The checks of a batch before it may enter a log, as Kafka's broker makes them for message format v2. Answers with Kafka's error and rows
 * for single records where one record is to blame (KIP-467). Pure: the time is an argument. Never decompresses unless the topic's
 * configuration makes it necessary (HAZARDS N5): of a compressed batch the header is then believed, where Kafka would count and correct.
 * What Kafka 4.3.1 says to every sort of batch, and where we differ: tests/protocol/records/produce_checks_test.ts.
 */
import type { KafkaErrorName } from "../errors.ts";
import {
  BATCH_HEADER_BYTES,
  type BatchHeader,
  batchSize,
  compressionOf,
  type CompressionType,
  hasDeleteHorizon,
  hasLogAppendTime,
  hasValidCrc,
  isControl,
  isTransactional,
  LOG_OVERHEAD_BYTES,
  MAGIC_V2,
  patchCreateTime,
  patchLogAppendTime,
  readBatchHeader,
  readMagic,
} from "./batch.ts";
import { recompressed, recordsPayload } from "./build.ts";
import { CorruptRecords, DecompressionLimitExceeded } from "./errors.ts";
import { inspectRecords, type RecordRules } from "./inspect.ts";

/** What the topic's configuration asks of a batch. */
export interface BatchRules {
  /** `max.message.bytes`: of the whole batch as it is stored. */
  readonly maxMessageBytes: number;
  readonly timestampType: "CreateTime" | "LogAppendTime";
  /** `message.timestamp.before.max.ms`; Infinity: no limit. */
  readonly timestampBeforeMaxMs: number;
  /** `message.timestamp.after.max.ms`; Infinity: no limit. */
  readonly timestampAfterMaxMs: number;
  /** `compression.type`; `producer` keeps what came. */
  readonly compression: CompressionType | "producer";
  /** `cleanup.policy` has `compact`: every record needs a key. */
  readonly compacted: boolean;
}

export interface BatchContext {
  /** Wall clock, milliseconds. */
  readonly nowMs: number;
  /** The broker's own batch: control records and any producer id are fine then. */
  readonly internal: boolean;
  /** Version of the Produce request, for codecs that came later (zstd: 7, KIP-110); absent: newest. */
  readonly produceVersion?: number;
}

export interface BadRecord {
  readonly batchIndex: number;
  readonly message: string | null;
}

export type BatchCheck =
  | {
    readonly ok: true;
    /** What is to be appended: the bytes that came, or new ones when the codec had to change. */
    readonly records: Uint8Array;
    /** -1: none. */
    readonly producerId: number;
    /** -1 unless the broker stamped the batch. */
    readonly logAppendTimeMs: number;
  }
  | { readonly ok: false; readonly error: KafkaErrorName; readonly message: string; readonly recordErrors: readonly BadRecord[] };

/** Bounds of what a batch may decompress to when its records must be looked at (HAZARDS N5). */
const DECOMPRESSED_BYTES_MAX = 64 * 1024 * 1024;
const DECOMPRESSED_BYTES_MIN = 1024 * 1024;
const DECOMPRESSED_FACTOR = 4;
const ZSTD_PRODUCE_VERSION_MIN = 7;

const refuse = (error: KafkaErrorName, message: string, recordErrors: readonly BadRecord[] = []): BatchCheck => ({
  ok: false,
  error,
  message,
  recordErrors,
});

/**
 * `bytes` holds what the request had for one partition. Its header is corrected in place where Kafka would do so: stamped when the topic
 * wants LogAppendTime, given the records' own largest timestamp otherwise.
 */
export function validateProduceBatch(bytes: Uint8Array, rules: BatchRules, context: BatchContext): BatchCheck {
  const malformed = checkEnvelope(bytes);
  if (malformed) return malformed;
  const header = readBatchHeader(bytes);
  const refused = checkHeader(bytes, header, rules, context);
  if (refused) return refused;
  const codec = compressionOf(header)!;
  const control = isControl(header);
  const target = rules.compression === "producer" || control ? codec : rules.compression;
  let records = bytes;
  let { maxTimestamp } = header;
  if (!control && (codec === "none" || codec !== target || rules.compacted || wantsTimestampsRead(header, rules, context.nowMs))) {
    const asks = recordRules(rules, context.nowMs);
    try {
      const payload = codec === "none" ? bytes : recordsPayload(bytes, 0, header, decompressedBytesMax(rules));
      const found = inspectRecords(payload, codec === "none" ? BATCH_HEADER_BYTES : 0, header, asks);
      if (found.badTimestamps) return refuse("INVALID_TIMESTAMP", timestampRefusal(asks), found.badRecords);
      if (found.keyless) {
        return refuse("INVALID_RECORD", "One or more records have no key, which a compacted topic needs", found.badRecords);
      }
      maxTimestamp = found.maxTimestamp;
      if (codec !== target) {
        records = recompressed(bytes, 0, codec === "none" ? payload.subarray(BATCH_HEADER_BYTES) : payload, target);
        if (records.length > rules.maxMessageBytes) return tooLarge(records.length, rules);
      }
    } catch (error) {
      if (error instanceof CorruptRecords) return refuse("INVALID_RECORD", error.message);
      if (error instanceof DecompressionLimitExceeded) return refuse("MESSAGE_TOO_LARGE", error.message);
      throw error;
    }
  }
  const stamps = rules.timestampType === "LogAppendTime";
  if (stamps) patchLogAppendTime(records, 0, context.nowMs);
  else if (maxTimestamp !== header.maxTimestamp || hasLogAppendTime(header)) patchCreateTime(records, 0, maxTimestamp);
  return {
    ok: true,
    records,
    producerId: header.producerId,
    logAppendTimeMs: stamps ? context.nowMs : -1,
  };
}

/** Whether `bytes` are one whole batch, whatever is in it: what can be said without any topic. */
export const isOneBatch = (bytes: Uint8Array): boolean => checkEnvelope(bytes) === null;

/** Exactly one whole batch of a format that is still accepted (KIP-98; formats v0 and v1 ended with Kafka 4.0, KIP-724). */
function checkEnvelope(bytes: Uint8Array): BatchCheck | null {
  if (bytes.length <= LOG_OVERHEAD_BYTES + 4) {
    return refuse("INVALID_RECORD", `The records have ${bytes.length} bytes: too few for a batch`);
  }
  const size = batchSize(bytes);
  if (size <= LOG_OVERHEAD_BYTES + 4) return refuse("CORRUPT_MESSAGE", `The batch says it has ${size} bytes: too few for a batch`);
  const magic = readMagic(bytes);
  if (magic < 0 || magic > MAGIC_V2) return refuse("CORRUPT_MESSAGE", `The batch has the magic ${magic}, 2 is known`);
  if (magic < MAGIC_V2) return refuse("INVALID_RECORD", `Message format v${magic} is not accepted: send record batches (v2)`);
  if (size < BATCH_HEADER_BYTES) return refuse("CORRUPT_MESSAGE", `The batch says it has ${size} bytes: its header alone has more`);
  if (size > bytes.length) return refuse("INVALID_RECORD", `The batch says it has ${size} bytes: ${bytes.length} came`);
  if (size < bytes.length) return refuse("INVALID_RECORD", "The records of a partition must be exactly one batch: more came");
  return null;
}

function checkHeader(bytes: Uint8Array, header: BatchHeader, rules: BatchRules, context: BatchContext): BatchCheck | null {
  const codec = compressionOf(header);
  if (codec === null) return refuse("INVALID_RECORD", `The batch has the unknown codec ${header.attributes & 7}`);
  if (codec === "zstd" && (context.produceVersion ?? ZSTD_PRODUCE_VERSION_MIN) < ZSTD_PRODUCE_VERSION_MIN) {
    return refuse("UNSUPPORTED_COMPRESSION_TYPE", "zstd needs Produce version 7 or newer");
  }
  if (!context.internal && header.baseOffset !== 0) {
    return refuse("INVALID_RECORD", `The batch has the base offset ${header.baseOffset}: producers send 0`);
  }
  if (bytes.length > rules.maxMessageBytes) return tooLarge(bytes.length, rules);
  if (!hasValidCrc(bytes)) return refuse("CORRUPT_MESSAGE", "The batch's checksum (CRC-32C) is wrong");
  const { recordCount, lastOffsetDelta, producerId, producerEpoch, baseSequence } = header;
  if (recordCount <= 0 || lastOffsetDelta !== recordCount - 1) {
    return refuse("INVALID_RECORD", `The batch has ${recordCount} records and the last offset delta ${lastOffsetDelta}`);
  }
  if (hasDeleteHorizon(header)) return refuse("INVALID_RECORD", "The batch has a delete horizon, which only brokers set");
  if (context.internal) return null;
  if (isControl(header)) return refuse("INVALID_RECORD", "Control batches are written by brokers only");
  if (producerId >= 0 && (producerEpoch < 0 || baseSequence < 0)) {
    return refuse("INVALID_RECORD", `The batch of producer ${producerId} has the epoch ${producerEpoch} and the sequence ${baseSequence}`);
  }
  if (producerId < 0 && isTransactional(header)) return refuse("INVALID_RECORD", "A transactional batch needs a producer id");
  if (hasLogAppendTime(header) && rules.timestampType === "LogAppendTime") {
    return refuse("INVALID_TIMESTAMP", "Producers must not mark a batch as stamped by the broker (LogAppendTime)");
  }
  return null;
}

function recordRules(rules: BatchRules, nowMs: number): RecordRules {
  const checked = rules.timestampType === "CreateTime";
  return {
    keys: rules.compacted,
    oldestMs: checked ? nowMs - rules.timestampBeforeMaxMs : -Infinity,
    newestMs: checked ? nowMs + rules.timestampAfterMaxMs : Infinity,
  };
}

/** The header has the largest timestamp only: a topic that refuses old records must have them all read. */
function wantsTimestampsRead({ maxTimestamp }: BatchHeader, rules: BatchRules, nowMs: number): boolean {
  return rules.timestampType === "CreateTime" &&
    (rules.timestampBeforeMaxMs !== Infinity || maxTimestamp > nowMs + rules.timestampAfterMaxMs);
}

const decompressedBytesMax = (rules: BatchRules): number =>
  Math.min(DECOMPRESSED_BYTES_MAX, Math.max(DECOMPRESSED_BYTES_MIN, DECOMPRESSED_FACTOR * rules.maxMessageBytes));

const timestampRefusal = ({ oldestMs, newestMs }: RecordRules): string =>
  `One or more timestamps are out of the range from ${oldestMs} to ${newestMs} that the topic accepts`;

const tooLarge = (size: number, rules: BatchRules): BatchCheck =>
  refuse("MESSAGE_TOO_LARGE", `The batch has ${size} bytes: "max.message.bytes" allows ${rules.maxMessageBytes}`);
