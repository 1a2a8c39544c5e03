/**
 * Batches, good and bad, that both Apache Kafka and our checks are asked about: `tests/golden/generate/produce_checks.ts` puts them to
 * Kafka and keeps its answers, `produce_checks_test.ts` puts them to `validateProduceBatch()`.
 */
import {
  BATCH_HEADER_BYTES,
  encodeBatch,
  type NewBatch,
  type NewRecord,
  patchCrc,
  writeInt16,
  writeInt32,
  writeInt64,
} from "../../../lib/protocol/records/mod.ts";

export interface ProduceCase {
  readonly name: string;
  /** Name of one of `TOPICS`. */
  readonly topic: string;
  readonly bytes: (nowMs: number) => Uint8Array;
  readonly produceVersion?: number;
}

const HOUR = 3_600_000;

/** Topics by their configuration. */
export const TOPICS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  plain: {},
  compacted: { "cleanup.policy": "compact" },
  "both-policies": { "cleanup.policy": "compact,delete" },
  stamped: { "message.timestamp.type": "LogAppendTime" },
  "narrow-time": { "message.timestamp.before.max.ms": String(HOUR), "message.timestamp.after.max.ms": String(HOUR) },
  small: { "max.message.bytes": "200" },
  gzip: { "compression.type": "gzip" },
  snappy: { "compression.type": "snappy" },
  lz4: { "compression.type": "lz4" },
  zstd: { "compression.type": "zstd" },
  uncompressed: { "compression.type": "uncompressed" },
  "uncompressed-small": { "compression.type": "uncompressed", "max.message.bytes": "1000" },
  "stamped-zstd": { "message.timestamp.type": "LogAppendTime", "compression.type": "zstd" },
  "compacted-gzip": { "cleanup.policy": "compact", "compression.type": "gzip" },
};

const text = (value: string) => new TextEncoder().encode(value);
const row = (timestamp: number, more: Partial<NewRecord> = {}): NewRecord => ({ key: text("k"), value: text("value"), timestamp, ...more });
const three = (now: number, more: Partial<NewBatch> = {}) =>
  encodeBatch({ records: [row(now), row(now, { headers: [{ key: "h", value: null }] }), row(now, { value: null })], ...more });
const forged = (now: number, change: (bytes: Uint8Array) => void, more: Partial<NewBatch> = {}): Uint8Array => {
  const bytes = three(now, more);
  change(bytes);
  patchCrc(bytes, 0);
  return bytes;
};
const plain = (name: string, bytes: ProduceCase["bytes"]): ProduceCase => ({ name, topic: "plain", bytes });
/** A header with these records' bytes behind it. */
const withPayload = (now: number, payload: Uint8Array, count: number, attributes = 0): Uint8Array => {
  const bytes = new Uint8Array(BATCH_HEADER_BYTES + payload.length);
  bytes.set(three(now).subarray(0, BATCH_HEADER_BYTES));
  writeInt32(bytes, 8, bytes.length - 12);
  writeInt16(bytes, 21, attributes);
  writeInt32(bytes, 23, count - 1);
  writeInt32(bytes, 57, count);
  bytes.set(payload, BATCH_HEADER_BYTES);
  patchCrc(bytes, 0);
  return bytes;
};

const CODECS = ["none", "gzip", "snappy", "lz4", "zstd"] as const;

export const PRODUCE_CASES: readonly ProduceCase[] = [
  ...CODECS.map((compression) => plain(`good with ${compression}`, (now) => three(now, { compression }))),
  plain("idempotent", (now) => three(now, { producerId: 4000, producerEpoch: 0, baseSequence: 0 })),
  plain("bytes after the batch, too few for one", (now) => Buffer.concat([three(now), new Uint8Array(5)])),
  plain("two batches", (now) => Buffer.concat([three(now), three(now)])),
  plain("cut in its records", (now) => three(now).subarray(0, -1)),
  plain("cut in its header", (now) => three(now).subarray(0, 40)),
  plain("fewer bytes than a length", () => new Uint8Array(8)),
  plain("a length below the header", (now) => forgedLength(three(now), 20)),
  plain("a negative length", (now) => forgedLength(three(now), -1)),
  plain("wrong checksum", (now) => three(now).map((byte, i) => i === 70 ? byte ^ 1 : byte)),
  plain("magic 0", (now) => three(now).map((byte, i) => i === 16 ? 0 : byte)),
  plain("magic 1", (now) => three(now).map((byte, i) => i === 16 ? 1 : byte)),
  plain("magic 3", (now) => three(now).map((byte, i) => i === 16 ? 3 : byte)),
  plain("magic -1", (now) => three(now).map((byte, i) => i === 16 ? 255 : byte)),
  plain("base offset 7", (now) => three(now, { baseOffset: 7 })),
  plain("leader epoch 9", (now) => three(now, { leaderEpoch: 9 })),
  plain("count 0", (now) => forged(now, (b) => writeInt32(b, 57, 0))),
  plain("count -1", (now) => forged(now, (b) => writeInt32(b, 57, -1))),
  plain("count 4 of 3", (now) => forged(now, (b) => writeInt32(b, 57, 4))),
  plain("count and last offset 4 of 3", (now) => forged(now, (b) => (writeInt32(b, 57, 4), writeInt32(b, 23, 3)))),
  plain("count and last offset 2 of 3", (now) => forged(now, (b) => (writeInt32(b, 57, 2), writeInt32(b, 23, 1)))),
  plain("last offset 9", (now) => forged(now, (b) => writeInt32(b, 23, 9))),
  plain("last offset -1", (now) => forged(now, (b) => writeInt32(b, 23, -1))),
  plain("codec 5", (now) => forged(now, (b) => writeInt16(b, 21, 5))),
  plain("codec gzip on plain bytes", (now) => forged(now, (b) => writeInt16(b, 21, 1))),
  plain("codec none on zstd bytes", (now) => forged(now, (b) => writeInt16(b, 21, 0), { compression: "zstd" })),
  plain("control batch", (now) => three(now, { control: true })),
  plain("delete horizon", (now) => forged(now, (b) => writeInt16(b, 21, 0x40))),
  plain("log append time by the client", (now) => forged(now, (b) => writeInt16(b, 21, 0x08))),
  plain("unused attribute bits", (now) => forged(now, (b) => writeInt16(b, 21, 0x4080))),
  plain("max timestamp too low", (now) => forged(now, (b) => writeInt64(b, 35, now - 5))),
  plain("max timestamp too high", (now) => forged(now, (b) => writeInt64(b, 35, now + 5))),
  plain("no timestamps", () => three(-1)),
  plain("timestamp 0", () => three(0)),
  plain("producer without epoch", (now) => three(now, { producerId: 4001, baseSequence: 0 })),
  plain("producer without sequence", (now) => three(now, { producerId: 4002, producerEpoch: 0 })),
  plain("producer -5", (now) => three(now, { producerId: -5 })),
  plain("epoch without producer", (now) => three(now, { producerEpoch: 3 })),
  plain("sequence without producer", (now) => three(now, { baseSequence: 3 })),
  plain("garbage for records", (now) => withPayload(now, new Uint8Array(30).fill(0xff), 3)),
  plain("garbage for gzip", (now) => withPayload(now, new Uint8Array(30).fill(0xff), 3, 1)),
  plain("offset deltas with a hole", (now) => encodeBatch({ records: [row(now), row(now, { offsetDelta: 2 })] })),
  ...CODECS.map((compression): ProduceCase => ({
    name: `keyless second of three with ${compression}`,
    topic: "compacted",
    bytes: (now) => encodeBatch({ records: [row(now), row(now, { key: null }), row(now)], compression }),
  })),
  {
    name: "keyless second of three",
    topic: "both-policies",
    bytes: (now) => encodeBatch({ records: [row(now), row(now, { key: null })] }),
  },
  { name: "keys", topic: "compacted", bytes: (now) => three(now) },
  { name: "empty keys", topic: "compacted", bytes: (now) => encodeBatch({ records: [row(now, { key: text("") })] }) },
  { name: "keyless and another codec", topic: "compacted-gzip", bytes: (now) => encodeBatch({ records: [row(now, { key: null })] }) },
  { name: "keys and another codec", topic: "compacted-gzip", bytes: (now) => three(now) },
  { name: "garbage for zstd", topic: "compacted", bytes: (now) => withPayload(now, new Uint8Array(30).fill(0xff), 3, 4) },
  { name: "garbage for records", topic: "compacted", bytes: (now) => withPayload(now, new Uint8Array(30).fill(0xff), 3) },
  { name: "good", topic: "stamped", bytes: (now) => three(now - 5 * HOUR) },
  { name: "good with lz4", topic: "stamped", bytes: (now) => three(now - 5 * HOUR, { compression: "lz4" }) },
  { name: "log append time by the client", topic: "stamped", bytes: (now) => forged(now, (b) => writeInt16(b, 21, 0x08)) },
  { name: "good", topic: "stamped-zstd", bytes: (now) => three(now - 5 * HOUR, { compression: "lz4" }) },
  { name: "in time", topic: "narrow-time", bytes: (now) => three(now) },
  { name: "too old", topic: "narrow-time", bytes: (now) => encodeBatch({ records: [row(now - 2 * HOUR)] }) },
  { name: "too new", topic: "narrow-time", bytes: (now) => encodeBatch({ records: [row(now + 2 * HOUR)] }) },
  { name: "first too old", topic: "narrow-time", bytes: (now) => encodeBatch({ records: [row(now - 2 * HOUR), row(now)] }) },
  { name: "last too old", topic: "narrow-time", bytes: (now) => encodeBatch({ records: [row(now), row(now - 2 * HOUR)] }) },
  {
    name: "second of three too new",
    topic: "narrow-time",
    bytes: (now) => encodeBatch({ records: [row(now), row(now + 2 * HOUR), row(now)] }),
  },
  { name: "all too new, gzip", topic: "narrow-time", bytes: (now) => three(now + 2 * HOUR, { compression: "gzip" }) },
  { name: "too new by the header", topic: "narrow-time", bytes: (now) => forged(now, (b) => writeInt64(b, 35, now + 2 * HOUR)) },
  { name: "too new", topic: "plain", bytes: (now) => encodeBatch({ records: [row(now + 2 * HOUR)] }) },
  { name: "200 bytes", topic: "small", bytes: (now) => sized(now, 200) },
  { name: "201 bytes", topic: "small", bytes: (now) => sized(now, 201) },
  { name: "201 bytes, wrong checksum", topic: "small", bytes: (now) => sized(now, 201).map((byte, i) => i === 70 ? byte ^ 1 : byte) },
  ...["gzip", "snappy", "lz4", "zstd", "uncompressed"].flatMap((topic) =>
    CODECS.map((compression): ProduceCase => ({ name: `good with ${compression}`, topic, bytes: (now) => three(now, { compression }) }))
  ),
  {
    name: "idempotent",
    topic: "zstd",
    bytes: (now) => three(now, { producerId: 4003, producerEpoch: 1, baseSequence: 0, compression: "gzip" }),
  },
  { name: "garbage for gzip", topic: "zstd", bytes: (now) => withPayload(now, new Uint8Array(30).fill(0xff), 3, 1) },
  {
    name: "too large once decompressed",
    topic: "uncompressed-small",
    bytes: (now) => encodeBatch({ records: [row(now, { value: new Uint8Array(5000) })], compression: "gzip" }),
  },
  {
    name: "too large as it came",
    topic: "uncompressed-small",
    bytes: (now) => encodeBatch({ records: [row(now, { value: new Uint8Array(5000) })] }),
  },
  { name: "zstd in version 6", topic: "plain", bytes: (now) => three(now, { compression: "zstd" }), produceVersion: 6 },
  { name: "zstd in version 7", topic: "plain", bytes: (now) => three(now, { compression: "zstd" }), produceVersion: 7 },
  { name: "lz4 in version 3", topic: "plain", bytes: (now) => three(now, { compression: "lz4" }), produceVersion: 3 },
];

function forgedLength(bytes: Uint8Array, length: number): Uint8Array {
  writeInt32(bytes, 8, length);
  return bytes;
}

function sized(now: number, size: number): Uint8Array {
  const empty = encodeBatch({ records: [row(now, { value: text("") })] }).length;
  for (let more = 0;; more++) {
    const bytes = encodeBatch({ records: [row(now, { value: new Uint8Array(size - empty - more) })] });
    if (bytes.length === size) return bytes;
  }
}
