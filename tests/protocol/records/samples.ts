/** The batches that golden files are about, made by us; `GoldenRecords.java` makes the same with Kafka's classes. */
import {
  COMPRESSION_TYPES,
  compressionOf,
  crc32c,
  decodeBatch,
  encodeBatch,
  encodeEndTransactionMarker,
  forEachBatch,
  hasLogAppendTime,
  isControl,
  isTransactional,
  type NewRecord,
  readBatchHeader,
} from "../../../lib/protocol/records/mod.ts";

const TIME = 1_700_000_000_000;
const utf8 = (text: string) => new TextEncoder().encode(text);

const SMALL: readonly NewRecord[] = [
  { timestamp: TIME, key: utf8("key"), value: utf8("value"), headers: [{ key: "h", value: utf8("1") }, { key: "ü", value: null }] },
  { timestamp: TIME - 70_000, key: null, value: utf8("no key") },
  { timestamp: TIME + 5, key: utf8("no value"), value: null },
  { timestamp: TIME, key: utf8(""), value: utf8("") },
];

function noise(size: number): Uint8Array {
  let state = 1;
  return Uint8Array.from({ length: size }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) | 0;
    return state >>> 16;
  });
}

/** More than one block of every codec: text that repeats, and bytes that do not. */
const LARGE: readonly NewRecord[] = [
  { timestamp: TIME, key: utf8("repeats"), value: utf8("The quick brown fox. ".repeat(12_000)) },
  { timestamp: TIME, key: utf8("noise"), value: noise(3_000) },
];

export interface Sample {
  readonly name: string;
  readonly bytes: Uint8Array;
}

export function samples(): Sample[] {
  const whole = { baseOffset: 100, leaderEpoch: 5, producerId: 4000, producerEpoch: 2, baseSequence: 30 };
  const marker = { producerId: 4000, producerEpoch: 3, coordinatorEpoch: 9, timestamp: TIME };
  return [
    ...COMPRESSION_TYPES.flatMap((compression) => [
      { name: `small ${compression}`, bytes: encodeBatch({ ...whole, compression, records: SMALL }) },
      // Uncompressed, it would be half a megabyte of golden file that shows nothing new.
      ...(compression === "none" ? [] : [{ name: `large ${compression}`, bytes: encodeBatch({ ...whole, compression, records: LARGE }) }]),
    ]),
    ...(["commit", "abort"] as const).map((type) => ({
      name: `end of transaction ${type}`,
      bytes: encodeEndTransactionMarker({ ...marker, type }),
    })),
  ];
}

function field(bytes: Uint8Array | null): string | null {
  if (bytes === null) return null;
  return bytes.length <= 64 ? Buffer.from(bytes).toString("hex") : `${bytes.length} bytes, crc32c ${crc32c(bytes).toString(16)}`;
}

/** What is in these batches, in the words of the golden files. */
export function described(bytes: Uint8Array): object[] {
  const found: object[] = [];
  const end = forEachBatch(bytes, (at) => {
    const header = readBatchHeader(bytes, at);
    found.push({
      codec: compressionOf(header),
      baseOffset: header.baseOffset,
      lastOffset: header.baseOffset + header.lastOffsetDelta,
      partitionLeaderEpoch: header.partitionLeaderEpoch,
      maxTimestamp: header.maxTimestamp,
      producerId: header.producerId,
      producerEpoch: header.producerEpoch,
      baseSequence: header.baseSequence,
      transactional: isTransactional(header),
      control: isControl(header),
      logAppendTime: hasLogAppendTime(header),
      records: decodeBatch(bytes, at, 1 << 20).map(({ offset, timestamp, key, value, headers }) => ({
        offset,
        timestamp,
        key: field(key),
        value: field(value),
        headers: headers.map((h) => `${h.key}=${field(h.value)}`),
      })),
    });
  });
  if (end !== bytes.length) throw new Error(`${bytes.length - end} bytes are left`);
  return found;
}
