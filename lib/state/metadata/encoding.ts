/**
 * Bytes of a metadata entry: format byte, record count, then for each record its type, version, whether a reader may skip it, its
 * length and body. It must not interpret what a record means. What a newer version wrote and marked as required is refused
 * by name (HAZARDS U1); what may be skipped is skipped.
 */
import type { Uuid } from "../../protocol/ids.ts";

const FORMAT = 1;
const REQUIRED = 1;

/** The bytes are not what this version can read; the message says why. The node must not go on without them. */
export class UnreadableMetadata extends Error {
  override readonly name = "UnreadableMetadata";
}

export interface RawRecord {
  readonly type: number;
  readonly version: number;
  readonly body: Uint8Array;
}

/** Grows by doubling; `take` hands the bytes out once. */
export class BodyWriter {
  #bytes = new Uint8Array(256);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;

  take(): Uint8Array {
    return this.#bytes.subarray(0, this.#at);
  }
  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#at++] = value;
  }
  int32(value: number): void {
    this.#reserve(4);
    this.#view.setInt32(this.#at, value);
    this.#at += 4;
  }
  /** Exact up to 2^53: ids and epochs that count up. */
  int64(value: number): void {
    this.int32(Math.floor(value / 0x1_0000_0000));
    this.int32(value | 0);
  }
  string(value: string): void {
    this.bytes(Buffer.from(value, "utf8"));
  }
  nullableString(value: string | null): void {
    if (value === null) this.int32(-1);
    else this.string(value);
  }
  uuid(value: Uuid): void {
    this.#raw(Buffer.from(value, "base64url"));
  }
  bytes(value: Uint8Array): void {
    this.int32(value.length);
    this.#raw(value);
  }
  list<T>(items: readonly T[], write: (item: T) => void): void {
    this.int32(items.length);
    for (const item of items) write(item);
  }

  #raw(value: Uint8Array): void {
    this.#reserve(value.length);
    this.#bytes.set(value, this.#at);
    this.#at += value.length;
  }
  #reserve(count: number): void {
    if (this.#at + count <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#at + count));
    grown.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}

/** @throws {UnreadableMetadata} from every method when the bytes end early. */
export class BodyReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }
  byte(): number {
    return this.#bytes[this.#take(1)]!;
  }
  int32(): number {
    return this.#view.getInt32(this.#take(4));
  }
  int64(): number {
    const high = this.int32();
    return high * 0x1_0000_0000 + (this.int32() >>> 0);
  }
  string(): string {
    return utf8(this.bytes());
  }
  nullableString(): string | null {
    const length = this.int32();
    return length === -1 ? null : utf8(this.#raw(length));
  }
  uuid(): Uuid {
    const raw = this.#raw(16);
    return Buffer.from(raw.buffer, raw.byteOffset, raw.length).toString("base64url") as Uuid;
  }
  /** A view into the bytes that are read. */
  bytes(): Uint8Array {
    return this.#raw(this.int32());
  }
  list<T>(read: () => T): T[] {
    const count = this.int32();
    if (count < 0 || count > this.remaining) throw new UnreadableMetadata(`Cannot read a metadata record: list of ${count}`);
    return Array.from({ length: count }, read);
  }

  #raw(length: number): Uint8Array {
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }
  #take(count: number): number {
    const at = this.#at;
    if (count < 0 || at + count > this.#bytes.length) {
      throw new UnreadableMetadata(`Cannot read a metadata record: ${count} bytes at ${at} of ${this.#bytes.length}`);
    }
    this.#at += count;
    return at;
  }
}

const utf8 = (raw: Uint8Array): string => Buffer.from(raw.buffer, raw.byteOffset, raw.length).toString("utf8");

export function encodeFrame(records: readonly RawRecord[]): Uint8Array {
  const out = new BodyWriter();
  out.byte(FORMAT);
  out.list(records, (record) => {
    out.byte(record.type);
    out.byte(record.version);
    out.byte(REQUIRED);
    out.bytes(record.body);
  });
  return out.take();
}

/**
 * @param newest highest version known of a type; undefined for an unknown type.
 * @throws {UnreadableMetadata} for a required record of an unknown type or version, or damaged bytes.
 */
export function decodeFrame(bytes: Uint8Array, newest: (type: number) => number | undefined): RawRecord[] {
  const input = new BodyReader(bytes);
  const format = input.byte();
  if (format !== FORMAT) throw newer(`entry format ${format}`);
  const records: RawRecord[] = [];
  const count = input.int32();
  for (let at = 0; at < count; at++) {
    const [type, version, flags, body] = [input.byte(), input.byte(), input.byte(), input.bytes()];
    if (version <= (newest(type) ?? -1)) records.push({ type, version, body });
    else if ((flags & REQUIRED) !== 0) throw newer(`record type ${type} version ${version}`);
  }
  if (input.remaining > 0) throw new UnreadableMetadata(`Cannot read a metadata entry: ${input.remaining} bytes left over`);
  return records;
}

const newer = (what: string): UnreadableMetadata =>
  new UnreadableMetadata(`Cannot read the metadata: ${what} is unknown, a newer version wrote it; start that version or a newer one`);
