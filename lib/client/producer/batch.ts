/**
 * Records on their way to one partition, encoded into a record batch as they come, with who waits for each. Does not know when it is sent;
 * the head of the batch is written when that is decided. Source: KIP-98.
 */
import {
  attributesOf,
  BATCH_HEADER_BYTES,
  compress,
  type CompressionType,
  decodeBatch,
  LOG_OVERHEAD_BYTES,
  MAGIC_V2,
  patchCrc,
  type RecordHeader,
  varintBytes,
  varlongBytes,
  writeInt16,
  writeInt32,
  writeInt64,
  writeVarint,
  writeVarlong,
} from "../../protocol/mod.ts";
import type { KafkaError } from "../errors.ts";
import type { Bytes, OutgoingRecord, RecordMetadata } from "../types.ts";

/** Who waits for a record; `token` is theirs. */
export interface Delivery {
  onDelivered(token: number, metadata: RecordMetadata): void;
  onFailed(token: number, error: KafkaError): void;
}

/** A record's parts, with their lengths as bytes; strings are not encoded yet. */
export interface Parts {
  readonly key: Bytes | null;
  readonly value: Bytes | null;
  readonly headers: readonly RecordHeader[];
  /** Of key, value and headers. */
  readonly bytes: number;
}

export const byteLength = (bytes: Bytes | null): number =>
  bytes === null ? 0 : typeof bytes === "string" ? Buffer.byteLength(bytes) : bytes.length;

const NO_HEADERS: readonly RecordHeader[] = [];
const CAPACITY_BYTES_MIN = 1024;
export function partsOf(record: OutgoingRecord): Parts {
  const key = record.key ?? null;
  const headers = record.headers === undefined ? NO_HEADERS : headersOf(record.headers);
  let bytes = byteLength(key) + byteLength(record.value);
  for (const header of headers) bytes += byteLength(header.key) + byteLength(header.value);
  return { key, value: record.value, headers, bytes };
}

function headersOf(headers: NonNullable<OutgoingRecord["headers"]>): readonly RecordHeader[] {
  if (Array.isArray(headers)) return headers as readonly RecordHeader[];
  return Object.entries(headers as Readonly<Record<string, Bytes | null>>).map(([key, value]) => ({
    key,
    value: typeof value === "string" ? Buffer.from(value) : value,
  }));
}

export class Batch {
  readonly topic: string;
  readonly partition: number;
  /** On the monotonic clock: the earliest of its records'. */
  readonly deadlineAt: number;
  /** Identity under which it was or will be sent; -1: none yet. */
  producerId = -1;
  producerEpoch = -1;
  sequence = -1;
  /** It was sent under this identity and nothing that came back rules out that it is in the log. */
  mayBeWritten = false;
  /** Requests that it was in. */
  tries = 0;
  /** Its place among the batches of its partition. */
  ordinal = 0;
  /** The space up to the next ordinal: halves share it. */
  ordinalWidth = 1;
  /** Its records have their outcome; where it is still under way, only the sequence matters. */
  isSettled = false;
  #bytes: Buffer;
  #end = BATCH_HEADER_BYTES;
  readonly #bytesMax: number;
  readonly #timestamps: number[] = [];
  readonly #deliveries: Delivery[] = [];
  readonly #tokens: number[] = [];
  #onSettled: (() => void)[] = [];
  /** What it was split into: they have its records. */
  halves: readonly Batch[] = [];
  #maxTimestamp = -1;
  /** Bytes of keys, values and headers: what the producer's buffer counts. Those of halves are counted by what they are halves of. */
  payloadBytes = 0;
  /** Complete but for identity and checksum; null while records may come. */
  #sealed: Uint8Array | null = null;

  constructor(topic: string, partition: number, bytesMax: number, deadlineAt: number) {
    this.topic = topic;
    this.partition = partition;
    this.deadlineAt = deadlineAt;
    this.#bytesMax = bytesMax;
    this.#bytes = Buffer.allocUnsafeSlow(Math.min(bytesMax, CAPACITY_BYTES_MIN));
  }

  get count(): number {
    return this.#timestamps.length;
  }

  /** Of what goes on the wire. */
  get byteLength(): number {
    return this.#sealed?.length ?? this.#end;
  }

  get isSealed(): boolean {
    return this.#sealed !== null;
  }

  /** False when there is no room; an empty batch takes a record of any size. */
  append(parts: Parts, timestamp: number, delivery: Delivery, token: number): boolean {
    const { count } = this;
    const delta = count === 0 ? 0 : timestamp - this.#timestamps[0]!;
    const size = recordBytes(parts, delta, count);
    const needed = this.#end + varintBytes(size) + size;
    if (count > 0 && needed > this.#bytesMax) return false;
    if (needed > this.#bytes.length) this.#grow(needed);
    this.#end = writeRecord(this.#bytes, this.#end, size, parts, delta, count);
    this.#timestamps.push(timestamp);
    this.#deliveries.push(delivery);
    this.#tokens.push(token);
    if (timestamp > this.#maxTimestamp) this.#maxTimestamp = timestamp;
    this.payloadBytes += parts.bytes;
    return true;
  }

  /** No more records: compresses them, and writes all of the head but the identity. */
  seal(compression: CompressionType): void {
    if (this.#sealed !== null) return;
    const { count } = this;
    let bytes: Uint8Array = this.#bytes.subarray(0, this.#end);
    if (compression !== "none") {
      const packed = compress(compression, this.#bytes.subarray(BATCH_HEADER_BYTES, this.#end));
      bytes = new Uint8Array(BATCH_HEADER_BYTES + packed.length);
      bytes.set(packed, BATCH_HEADER_BYTES);
    }
    writeInt64(bytes, 0, 0);
    writeInt32(bytes, 8, bytes.length - LOG_OVERHEAD_BYTES);
    writeInt32(bytes, 12, -1);
    bytes[16] = MAGIC_V2;
    writeInt16(bytes, 21, attributesOf({ compression }));
    writeInt32(bytes, 23, count - 1);
    writeInt64(bytes, 27, this.#timestamps[0]!);
    writeInt64(bytes, 35, this.#maxTimestamp);
    writeInt32(bytes, 57, count);
    this.#sealed = bytes;
    this.#bytes = Buffer.alloc(0);
    this.identify(-1, -1, -1);
  }

  /** Who sends it, under which sequence. Not while a request with it is under way. */
  identify(producerId: number, producerEpoch: number, sequence: number): void {
    // A connection that is being given up may still hold the bytes of an earlier try.
    if (this.producerId >= 0) this.#sealed = this.#sealed!.slice();
    const bytes = this.#sealed!;
    this.producerId = producerId;
    this.producerEpoch = producerEpoch;
    this.sequence = sequence;
    writeInt64(bytes, 43, producerId);
    writeInt16(bytes, 51, producerEpoch);
    writeInt32(bytes, 53, sequence);
    patchCrc(bytes, 0);
  }

  /** The batch as it goes on the wire. */
  get bytes(): Uint8Array {
    return this.#sealed!;
  }

  /** Calls `told` once when its records have their outcome. */
  whenSettled(told: () => void): void {
    if (this.isSettled) told();
    else this.#onSettled.push(told);
  }

  /** @param baseOffset -1: not known. @param logAppendTimeMs -1: the records keep their own timestamps. */
  succeed(baseOffset: number, logAppendTimeMs: number): void {
    if (this.isSettled) return;
    this.isSettled = true;
    for (let i = 0; i < this.#tokens.length; i++) {
      this.#deliveries[i]!.onDelivered(this.#tokens[i]!, {
        topic: this.topic,
        partition: this.partition,
        offset: baseOffset < 0 ? -1 : baseOffset + i,
        timestamp: logAppendTimeMs < 0 ? this.#timestamps[i]! : logAppendTimeMs,
      });
    }
    this.#tellSettled();
  }

  /** @param errorOf the failure of the record at a place in the batch. */
  fail(errorOf: (index: number) => KafkaError): void {
    if (this.isSettled) return;
    this.isSettled = true;
    for (let i = 0; i < this.#tokens.length; i++) this.#deliveries[i]!.onFailed(this.#tokens[i]!, errorOf(i));
    this.#tellSettled();
  }

  /** Two batches with its records, sealed, neither identified, in its place; for one that a broker finds too large. It has two or more. */
  split(compression: CompressionType): readonly [Batch, Batch] {
    this.isSettled = true;
    const records = decodeBatch(this.#sealed!, 0, this.#end - BATCH_HEADER_BYTES);
    const halves = [0, 1].map(() => new Batch(this.topic, this.partition, Infinity, this.deadlineAt)) as [Batch, Batch];
    const middle = Math.ceil(records.length / 2);
    records.forEach((record, i) => {
      const parts = { key: record.key, value: record.value, headers: record.headers, bytes: 0 };
      halves[i < middle ? 0 : 1].append(parts, this.#timestamps[i]!, this.#deliveries[i]!, this.#tokens[i]!);
    });
    let unsettled = halves.length;
    halves.forEach((half, i) => {
      half.seal(compression);
      half.tries = this.tries;
      half.ordinalWidth = this.ordinalWidth / 2;
      half.ordinal = this.ordinal + i * half.ordinalWidth;
      half.whenSettled(() => --unsettled === 0 && this.#tellSettled());
    });
    return this.halves = halves;
  }

  #tellSettled(): void {
    const told = this.#onSettled;
    this.#onSettled = [];
    for (const tell of told) tell();
  }

  #grow(needed: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, Math.min(this.#bytesMax, 2 * this.#bytes.length)));
    grown.set(this.#bytes.subarray(0, this.#end));
    this.#bytes = grown;
  }
}

/** Without the varint that says so. */
function recordBytes({ key, value, headers }: Parts, timestampDelta: number, offsetDelta: number): number {
  let size = 1 + varlongBytes(timestampDelta) + varintBytes(offsetDelta) + fieldBytes(key) + fieldBytes(value) +
    varintBytes(headers.length);
  for (const header of headers) size += fieldBytes(header.key) + fieldBytes(header.value);
  return size;
}

function fieldBytes(field: Bytes | null): number {
  if (field === null) return 1;
  const length = byteLength(field);
  return varintBytes(length) + length;
}

function writeRecord(
  into: Buffer,
  from: number,
  size: number,
  { key, value, headers }: Parts,
  timestampDelta: number,
  offsetDelta: number,
) {
  let at = writeVarint(into, from, size);
  into[at++] = 0;
  at = writeVarint(into, writeVarlong(into, at, timestampDelta), offsetDelta);
  at = writeField(into, writeField(into, at, key), value);
  at = writeVarint(into, at, headers.length);
  for (const header of headers) at = writeField(into, writeField(into, at, header.key), header.value);
  return at;
}

function writeField(into: Buffer, at: number, field: Bytes | null): number {
  if (field === null) return writeVarint(into, at, -1);
  if (typeof field === "string") {
    const length = Buffer.byteLength(field);
    const from = writeVarint(into, at, length);
    into.write(field, from, length, "utf8");
    return from + length;
  }
  const from = writeVarint(into, at, field.length);
  into.set(field, from);
  return from + field.length;
}
