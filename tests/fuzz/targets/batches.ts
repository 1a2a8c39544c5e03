/**
 * Record batches as a producer sends them: the broker's checks, and then every reader of what they let in. What the checks take must be one
 * whole batch that all readers can read; of a compressed batch that nobody had to look into only the header is believed (HAZARDS N5).
 */
import {
  type BatchRules,
  compressionOf,
  CorruptRecords,
  decodeBatch,
  DecompressionLimitExceeded,
  forEachBatch,
  hasValidCrc,
  readBatchHeader,
  validateProduceBatch,
  wholeBatchAt,
} from "../../../lib/protocol/records/mod.ts";
import { NOW_MS, someBatches } from "../batches.ts";
import { must, type Target } from "../target.ts";

const PLAIN: BatchRules = {
  maxMessageBytes: 1_048_588,
  timestampType: "CreateTime",
  timestampBeforeMaxMs: Infinity,
  timestampAfterMaxMs: 3_600_000,
  compression: "producer",
  compacted: false,
};
/** Topics by what they ask of a batch. */
const RULES: Readonly<Record<string, BatchRules>> = {
  plain: PLAIN,
  compacted: { ...PLAIN, compacted: true },
  stamped: { ...PLAIN, timestampType: "LogAppendTime" },
  narrow: { ...PLAIN, timestampBeforeMaxMs: 3_600_000 },
  small: { ...PLAIN, maxMessageBytes: 200 },
  uncompressed: { ...PLAIN, compression: "none" },
  gzip: { ...PLAIN, compression: "gzip" },
  snappy: { ...PLAIN, compression: "snappy" },
  lz4: { ...PLAIN, compression: "lz4", compacted: true },
  zstd: { ...PLAIN, compression: "zstd", timestampType: "LogAppendTime" },
};
const NAMES = Object.keys(RULES);
const PAYLOAD_BYTES_MAX = 8 * 1024 * 1024;

export const batches: Target = {
  name: "batches",
  inputsInTest: 3_000,
  generate: (draws) => ({
    about: { topic: draws.pick(NAMES) },
    bytes: someBatches(draws),
  }),
  check({ about, bytes }) {
    readAll(bytes);
    const rules = RULES[String(about["topic"])]!;
    const verdict = validateProduceBatch(bytes.slice(), rules, { nowMs: NOW_MS, internal: false });
    if (!verdict.ok) {
      must(verdict.message.length > 10 && verdict.recordErrors.length <= 1_000, "A refusal without a reason");
      if (/^Cannot read/.test(verdict.message)) must(!isReadable(bytes), () => `Refused, but readers can read it: ${verdict.message}`);
      return;
    }
    const { records } = verdict;
    must(wholeBatchAt(records, 0) === records.length, "What is taken is not one whole batch");
    must(hasValidCrc(records), "What is taken has a wrong checksum");
    must(records.length <= rules.maxMessageBytes, "What is taken is larger than the topic allows");
    const header = readBatchHeader(records);
    must(header.recordCount > 0 && header.lastOffsetDelta === header.recordCount - 1, "What is taken has a wrong count");
    const codec = compressionOf(header);
    if (codec !== "none" && codec === compressionOf(readBatchHeader(bytes)) && !rules.compacted) return;
    const read = decodeBatch(records, 0, PAYLOAD_BYTES_MAX);
    must(read.length === header.recordCount, () => `What is taken says ${header.recordCount} records and has ${read.length}`);
    must(read.every(({ offset }, i) => offset === header.baseOffset + i), "What is taken has a hole");
  },
};

function isReadable(bytes: Uint8Array): boolean {
  try {
    return decodeBatch(bytes, 0, PAYLOAD_BYTES_MAX).every(({ offset }, i) => offset === readBatchHeader(bytes).baseOffset + i);
  } catch (error) {
    if (error instanceof CorruptRecords || error instanceof DecompressionLimitExceeded) return false;
    throw error;
  }
}

/** Whatever the bytes are, readers end with records or with their two errors. */
function readAll(bytes: Uint8Array): void {
  const end = forEachBatch(bytes, (at) => {
    try {
      decodeBatch(bytes, at, PAYLOAD_BYTES_MAX);
    } catch (error) {
      if (!(error instanceof CorruptRecords || error instanceof DecompressionLimitExceeded)) throw error;
    }
  });
  must(end <= bytes.length, "Batches go past the end");
}
