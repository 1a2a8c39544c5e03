/**
 * The checks of a batch before it may enter a log, as Kafka's broker makes them for message format v2: what a client sent is trusted in
 * nothing. Answers with Kafka's error and rows for single records where one record is to blame (KIP-467). Pure: the time is an argument.
 */
import type { KafkaErrorName } from "../errors.ts";
import {
  BATCH_HEADER_BYTES,
  type BatchHeader,
  batchSize,
  compressionOf,
  type CompressionType,
  hasDeleteHorizon,
  hasValidCrc,
  isControl,
  isTransactional,
  LOG_OVERHEAD_BYTES,
  MAGIC_V2,
  patchLogAppendTime,
  readBatchHeader,
  readMagic,
} from "./batch.ts";
import { recompressed, recordsPayload } from "./build.ts";
import { CorruptRecords, DecompressionLimitExceeded } from "./errors.ts";
import { forEachRecord } from "./record.ts";

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
    readonly header: BatchHeader;
    /** -1: none. */
    readonly producerId: number;
    /** -1 unless the broker stamped the batch. */
    readonly logAppendTimeMs: number;
  }
  | { readonly ok: false; readonly error: KafkaErrorName; readonly message: string; readonly recordErrors: readonly BadRecord[] };

/** Bound of what a batch may decompress to when its records must be looked at (HAZARDS N5). */
const DECOMPRESSED_BYTES_MAX = 64 * 1024 * 1024;
const ZSTD_PRODUCE_VERSION_MIN = 7;

const refuse = (error: KafkaErrorName, message: string, recordErrors: readonly BadRecord[] = []): BatchCheck => ({
  ok: false,
  error,
  message,
  recordErrors,
});

/** `bytes` holds what the request had for one partition. Stamps it in place when the topic wants LogAppendTime. */
export function validateProduceBatch(bytes: Uint8Array, rules: BatchRules, context: BatchContext): BatchCheck {
  const refused = checkEnvelope(bytes) ?? checkHeader(bytes, rules, context);
  if (refused) return refused;
  let header = readBatchHeader(bytes);
  const codec = compressionOf(header)!;
  const target = rules.compression === "producer" || isControl(header) ? codec : rules.compression;
  let records = bytes;
  if (rules.compacted && !isControl(header) || target !== codec) {
    const looked = lookInside(bytes, header, rules, context, target);
    if (!looked.ok) return looked;
    records = looked.records;
  }
  if (records.length > rules.maxMessageBytes) {
    return refuse("MESSAGE_TOO_LARGE", `The batch has ${records.length} bytes: "max.message.bytes" allows ${rules.maxMessageBytes}`);
  }
  const stamps = rules.timestampType === "LogAppendTime";
  if (stamps) patchLogAppendTime(records, 0, context.nowMs);
  if (stamps || records !== bytes) header = readBatchHeader(records);
  return { ok: true, records, header, producerId: header.producerId, logAppendTimeMs: stamps ? context.nowMs : -1 };
}

/** Exactly one whole batch of a format that is still accepted (KIP-98; formats v0 and v1 ended with Kafka 4.0, KIP-724). */
function checkEnvelope(bytes: Uint8Array): BatchCheck | null {
  if (bytes.length <= LOG_OVERHEAD_BYTES + 4) {
    return refuse("CORRUPT_MESSAGE", `The records have ${bytes.length} bytes: too few for a batch`);
  }
  const magic = readMagic(bytes);
  if (magic !== MAGIC_V2) {
    return magic >= 0 && magic < MAGIC_V2
      ? refuse("UNSUPPORTED_FOR_MESSAGE_FORMAT", `Message format v${magic} is not accepted: send record batches (v2)`)
      : refuse("CORRUPT_MESSAGE", `The batch has the magic ${magic}, 2 is known`);
  }
  if (bytes.length < BATCH_HEADER_BYTES) return refuse("CORRUPT_MESSAGE", `The batch ends after ${bytes.length} bytes of its header`);
  const size = batchSize(bytes);
  if (size < BATCH_HEADER_BYTES || size > bytes.length) {
    return refuse("CORRUPT_MESSAGE", `The batch says it has ${size} bytes: ${bytes.length} came`);
  }
  if (size < bytes.length) return refuse("INVALID_RECORD", "The records of a partition must be exactly one batch: more came");
  return null;
}

function checkHeader(bytes: Uint8Array, rules: BatchRules, context: BatchContext): BatchCheck | null {
  const header = readBatchHeader(bytes);
  const codec = compressionOf(header);
  if (codec === null) return refuse("CORRUPT_MESSAGE", `The batch has the unknown codec ${header.attributes & 7}`);
  if (codec === "zstd" && (context.produceVersion ?? ZSTD_PRODUCE_VERSION_MIN) < ZSTD_PRODUCE_VERSION_MIN) {
    return refuse("UNSUPPORTED_COMPRESSION_TYPE", "zstd needs Produce version 7 or newer");
  }
  if (!hasValidCrc(bytes)) return refuse("CORRUPT_MESSAGE", "The batch's checksum (CRC-32C) is wrong");
  const { recordCount, lastOffsetDelta, producerId, producerEpoch, baseSequence } = header;
  if (recordCount <= 0 || lastOffsetDelta !== recordCount - 1) {
    return refuse("INVALID_RECORD", `The batch has ${recordCount} records and the last offset delta ${lastOffsetDelta}`);
  }
  if (hasDeleteHorizon(header)) return refuse("INVALID_RECORD", "The batch has a delete horizon, which only brokers set");
  if (!context.internal) {
    if (isControl(header)) return refuse("INVALID_RECORD", "Control batches are written by brokers only");
    if (producerId >= 0 && (producerEpoch < 0 || baseSequence < 0)) {
      return refuse(
        "INVALID_RECORD",
        `The batch of producer ${producerId} has the epoch ${producerEpoch} and the sequence ${baseSequence}`,
      );
    }
    if (producerId < 0 && isTransactional(header)) return refuse("INVALID_RECORD", "A transactional batch needs a producer id");
  }
  return rules.timestampType === "CreateTime" ? checkTimestamps(header, rules, context) : null;
}

/** The largest timestamp of a batch stands in its header, so that no record must be looked at. */
function checkTimestamps(header: BatchHeader, rules: BatchRules, context: BatchContext): BatchCheck | null {
  const [oldest, newest] = [context.nowMs - rules.timestampBeforeMaxMs, context.nowMs + rules.timestampAfterMaxMs];
  const wrong = [header.baseTimestamp, header.maxTimestamp].find((timestamp) =>
    timestamp >= 0 && (timestamp < oldest || timestamp > newest)
  );
  if (wrong === undefined) return null;
  const message = `Timestamp ${wrong} is out of the range from ${oldest} to ${newest} that the topic accepts`;
  return refuse("INVALID_TIMESTAMP", message, [{ batchIndex: wrong === header.baseTimestamp ? 0 : header.recordCount - 1, message }]);
}

/** For topics whose configuration makes the broker look at the records: keys on compacted ones, another codec. */
function lookInside(bytes: Uint8Array, header: BatchHeader, rules: BatchRules, context: BatchContext, target: CompressionType): BatchCheck {
  try {
    const payload = recordsPayload(bytes, 0, header, DECOMPRESSED_BYTES_MAX);
    const keyless: BadRecord[] = [];
    let index = 0;
    forEachRecord(payload, 0, payload.length, header.recordCount, (record) => {
      if (rules.compacted && record.key === null) {
        keyless.push({ batchIndex: index, message: "Compacted topics accept no record without a key" });
      }
      index++;
    });
    if (keyless.length > 0) return refuse("INVALID_RECORD", "One or more records have no key, which a compacted topic needs", keyless);
    const records = compressionOf(header) === target ? bytes : recompressed(bytes, 0, payload, target);
    return { ok: true, records, header, producerId: header.producerId, logAppendTimeMs: context.nowMs };
  } catch (error) {
    if (error instanceof CorruptRecords) return refuse("CORRUPT_MESSAGE", error.message);
    if (error instanceof DecompressionLimitExceeded) return refuse("MESSAGE_TOO_LARGE", error.message);
    throw error;
  }
}
