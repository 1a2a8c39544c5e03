/**
 * Writes Kafka's primitive types into bytes of its own and gives them out as a list of chunks, so that record bytes are passed
 * on and not copied. Does not know messages. Source: Kafka protocol guide, KIP-482 (compact types, tags).
 */
import { EncodeError } from "./errors.ts";
import { STRING_BYTES_MAX } from "./limits.ts";
import { UUID_BYTES, writeUuid } from "./uuid.ts";

const TWO_32 = 4_294_967_296;
const TWO_63 = 9_223_372_036_854_775_808;
const NULL = -1;
/** Messages share a slab until it is used up: most replies are small, and fresh memory is what costs. */
const SLAB_BYTES = 64 * 1024;
/** A slab that grew beyond this is not kept for the next message. */
const SLAB_KEPT_BYTES_MAX = 1024 * 1024;
/** Records shorter than this are copied: a chunk of their own costs more. */
const COPIED_RECORDS_BYTES_MAX = 512;
const UTF8_BYTES_PER_UNIT_MAX = 3;

/** One or several byte ranges that are sent one after the other. */
export type Chunks = Uint8Array | readonly Uint8Array[];

/** Reusable: `finish` hands out the message and begins the next. Positions ("marks") count from the message's first own byte. */
export class Writer {
  /** What is being written and where in it, for the text of an `EncodeError`. Set by the codecs. */
  context = "";
  field = "";
  #slab: Uint8Array;
  /** Where the message began in the slab. */
  #start = 0;
  #at = 0;
  /** Foreign chunks, each with the mark before which it belongs. */
  #foreign: Uint8Array[] = [];
  #foreignMarks: number[] = [];
  #foreignBytes = 0;
  #utf8: TextEncoder | null = null;

  /** @param slabBytes what is allocated at a time; a longer message gets more. */
  constructor(readonly slabBytes: number = SLAB_BYTES) {
    this.#slab = new Uint8Array(slabBytes);
  }

  /** Bytes of the message so far, foreign chunks included. */
  get byteLength(): number {
    return this.#at - this.#start + this.#foreignBytes;
  }

  /**
   * The message as chunks in order; the writer begins the next one behind it. The chunks stay valid for as long as someone
   * holds them, foreign ones as long as their owner says.
   */
  finish(): Uint8Array[] {
    const chunks: Uint8Array[] = [];
    let from = this.#start;
    for (let i = 0; i < this.#foreign.length; i++) {
      const until = this.#start + this.#foreignMarks[i]!;
      if (until > from) chunks.push(this.#slab.subarray(from, until));
      chunks.push(this.#foreign[i]!);
      from = until;
    }
    if (this.#at > from) chunks.push(this.#slab.subarray(from, this.#at));
    this.#start = this.#at;
    this.#dropForeign();
    if (this.#slab.length > SLAB_KEPT_BYTES_MAX) this.#newSlab();
    return chunks;
  }

  /** The message in one piece: a copy if records came as chunks of their own. */
  finishJoined(): Uint8Array {
    const length = this.byteLength;
    const chunks = this.finish();
    if (chunks.length === 1) return chunks[0]!;
    const joined = new Uint8Array(length);
    let at = 0;
    for (const chunk of chunks) {
      joined.set(chunk, at);
      at += chunk.length;
    }
    return joined;
  }

  /** Forgets the message that was begun, after an `EncodeError`. */
  reset(): void {
    this.#at = this.#start;
    this.#dropForeign();
  }

  /** @throws {EncodeError} always; `problem` continues a sentence that begins with the field. */
  fail(problem: string): never {
    throw new EncodeError(this.context, this.field, problem);
  }

  bool(value: boolean): void {
    this.#room(1);
    this.#slab[this.#at++] = value ? 1 : 0;
  }

  int8(value: number): void {
    if (value << 24 >> 24 !== value) this.fail(`is ${value}, not an int8`);
    this.#room(1);
    this.#slab[this.#at++] = value;
  }

  int16(value: number): void {
    if (value << 16 >> 16 !== value) this.fail(`is ${value}, not an int16`);
    this.#twoBytes(value);
  }

  uint16(value: number): void {
    if ((value & 0xffff) !== value) this.fail(`is ${value}, not a uint16`);
    this.#twoBytes(value);
  }

  int32(value: number): void {
    if ((value | 0) !== value) this.fail(`is ${value}, not an int32`);
    this.#fourBytes(value);
  }

  uint32(value: number): void {
    if (value >>> 0 !== value) this.fail(`is ${value}, not a uint32`);
    this.#fourBytes(value);
  }

  /** What lies outside of int64 is clamped to its ends, so that the maximum comes back as it was read. */
  int64(value: number): void {
    if (!Number.isInteger(value)) this.fail(`is ${value}, not an int64`);
    if (value >= TWO_63) {
      this.#fourBytes(0x7fffffff);
      this.#fourBytes(0xffffffff);
    } else if (value <= -TWO_63) {
      this.#fourBytes(0x80000000);
      this.#fourBytes(0);
    } else {
      const high = Math.floor(value / TWO_32);
      this.#fourBytes(high);
      this.#fourBytes(value - high * TWO_32);
    }
  }

  uuid(value: string): void {
    this.#room(UUID_BYTES);
    if (typeof value !== "string" || !writeUuid(value, this.#slab, this.#at)) this.fail(`is ${JSON.stringify(value)}, not a UUID`);
    this.#at += UUID_BYTES;
  }

  uvarint(value: number): void {
    this.#room(5);
    let rest = value;
    while (rest > 0x7f) {
      this.#slab[this.#at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#slab[this.#at++] = rest;
  }

  /** At most `charsMax` characters: of a longer text the beginning and the end, which says why. */
  shortened<T extends string | null>(value: T, charsMax: number): T | string {
    if (typeof value !== "string" || value.length <= charsMax) return value;
    const half = (charsMax - 1) >> 1;
    return `${value.slice(0, half)}…${value.slice(-half)}`;
  }

  string(value: string): void {
    if (typeof value !== "string") this.fail(`is ${value}, not a string`);
    this.#text(value, false);
  }

  nullableString(value: string | null): void {
    if (value === null) this.int16(NULL);
    else this.string(value);
  }

  compactString(value: string): void {
    if (typeof value !== "string") this.fail(`is ${value}, not a string`);
    this.#text(value, true);
  }

  compactNullableString(value: string | null): void {
    if (value === null) this.uvarint(0);
    else this.compactString(value);
  }

  bytes(value: Uint8Array): void {
    if (!(value instanceof Uint8Array)) this.fail("is not bytes");
    this.int32(value.length);
    this.raw(value);
  }

  nullableBytes(value: Uint8Array | null): void {
    if (value === null) this.int32(NULL);
    else this.bytes(value);
  }

  compactBytes(value: Uint8Array): void {
    if (!(value instanceof Uint8Array)) this.fail("is not bytes");
    this.uvarint(value.length + 1);
    this.raw(value);
  }

  compactNullableBytes(value: Uint8Array | null): void {
    if (value === null) this.uvarint(0);
    else this.compactBytes(value);
  }

  /** Not copied unless short: the bytes must stay unchanged until the message has left. */
  records(value: Chunks): void {
    this.int32(this.#lengthOf(value));
    this.chunks(value);
  }

  nullableRecords(value: Chunks | null): void {
    if (value === null) this.int32(NULL);
    else this.records(value);
  }

  compactRecords(value: Chunks): void {
    this.uvarint(this.#lengthOf(value) + 1);
    this.chunks(value);
  }

  compactNullableRecords(value: Chunks | null): void {
    if (value === null) this.uvarint(0);
    else this.compactRecords(value);
  }

  /** Copies bytes as they are. */
  raw(value: Uint8Array): void {
    this.#room(value.length);
    this.#slab.set(value, this.#at);
    this.#at += value.length;
  }

  /** Passes bytes on as they are; copied only when short. */
  chunks(value: Chunks): void {
    if (value instanceof Uint8Array) this.#chunk(value);
    else for (const chunk of value) this.#chunk(chunk);
  }

  count(value: number): void {
    this.int32(value);
  }

  compactCount(value: number): void {
    this.uvarint(value + 1);
  }

  /** Leaves room for an int32 that is known later. */
  reserveInt32(): number {
    const mark = this.#at - this.#start;
    this.#room(4);
    this.#at += 4;
    return mark;
  }

  /** Fills in what `reserveInt32` left. */
  patchInt32(mark: number, value: number): void {
    const end = this.#at;
    this.#at = this.#start + mark;
    this.int32(value);
    this.#at = end;
  }

  /** Begins a tagged field's value, whose size is written before it once it is known. No chunks may be passed on inside. */
  beginSized(): number {
    const mark = this.#at - this.#start;
    this.#room(1);
    this.#at++;
    return mark;
  }

  endSized(mark: number): void {
    const size = this.#at - this.#start - mark - 1;
    let moreBytes = 0;
    for (let rest = size; rest > 0x7f; rest >>>= 7) moreBytes++;
    this.#room(moreBytes);
    const slab = this.#slab;
    let at = this.#start + mark;
    if (moreBytes > 0) slab.copyWithin(at + 1 + moreBytes, at + 1, this.#at);
    this.#at += moreBytes;
    let rest = size;
    for (; rest > 0x7f; rest >>>= 7) slab[at++] = (rest & 0x7f) | 0x80;
    slab[at] = rest;
  }

  #twoBytes(value: number): void {
    this.#room(2);
    const slab = this.#slab;
    slab[this.#at++] = value >>> 8;
    slab[this.#at++] = value;
  }

  #fourBytes(value: number): void {
    this.#room(4);
    const slab = this.#slab;
    const at = this.#at;
    slab[at] = value >>> 24;
    slab[at + 1] = value >>> 16;
    slab[at + 2] = value >>> 8;
    slab[at + 3] = value;
    this.#at = at + 4;
  }

  /** Room for the longest form first, then ASCII by hand, and the encoder only for what is not. */
  #text(value: string, compact: boolean): void {
    const length = value.length;
    if (length > STRING_BYTES_MAX) this.fail(`has ${length} characters, a string may have ${STRING_BYTES_MAX} bytes`);
    this.#room(length * UTF8_BYTES_PER_UNIT_MAX + 3);
    const begin = this.#at;
    this.#textLength(length, compact);
    const slab = this.#slab;
    let at = this.#at;
    for (let i = 0; i < length; i++) {
      const unit = value.charCodeAt(i);
      if (unit > 0x7f) return this.#unicode(value, begin, compact);
      slab[at++] = unit;
    }
    this.#at = at;
  }

  #unicode(value: string, begin: number, compact: boolean): void {
    this.#utf8 ??= new TextEncoder();
    const encoded = this.#utf8.encode(value);
    if (encoded.length > STRING_BYTES_MAX) this.fail(`has ${encoded.length} bytes, a string may have ${STRING_BYTES_MAX}`);
    this.#at = begin;
    this.#textLength(encoded.length, compact);
    this.raw(encoded);
  }

  #textLength(length: number, compact: boolean): void {
    if (compact) this.uvarint(length + 1);
    else this.int16(length);
  }

  #lengthOf(value: Chunks): number {
    if (value instanceof Uint8Array) return value.length;
    if (!Array.isArray(value)) this.fail("is not bytes");
    let length = 0;
    for (const chunk of value as readonly Uint8Array[]) length += chunk.length;
    return length;
  }

  #chunk(chunk: Uint8Array): void {
    if (chunk.length <= COPIED_RECORDS_BYTES_MAX) return this.raw(chunk);
    this.#foreign.push(chunk);
    this.#foreignMarks.push(this.#at - this.#start);
    this.#foreignBytes += chunk.length;
  }

  #room(bytes: number): void {
    if (this.#slab.length - this.#at < bytes) this.#grow(bytes);
  }

  #grow(bytes: number): void {
    const used = this.#at - this.#start;
    const needed = used + bytes;
    const grown = new Uint8Array(needed <= this.slabBytes >>> 1 ? this.slabBytes : 2 * needed);
    grown.set(this.#slab.subarray(this.#start, this.#at));
    this.#slab = grown;
    this.#start = 0;
    this.#at = used;
  }

  #newSlab(): void {
    this.#slab = new Uint8Array(this.slabBytes);
    this.#start = 0;
    this.#at = 0;
  }

  #dropForeign(): void {
    if (this.#foreign.length === 0) return;
    this.#foreign = [];
    this.#foreignMarks = [];
    this.#foreignBytes = 0;
  }
}
