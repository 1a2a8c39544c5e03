/**
 * Reads Kafka's primitive types from bytes that a peer sent. Trusts none of them: every length is checked against what is
 * there before anything is allocated. Does not know messages. Source: Kafka protocol guide, KIP-482 (compact types, tags).
 */
import type { Uuid } from "../ids.ts";
import { DecodeError } from "./errors.ts";
import {
  ARRAY_ELEMENTS_MAX,
  MEMORY_BYTES_FREE,
  MEMORY_PER_BYTE_MAX,
  MESSAGE_ELEMENTS_MAX,
  STRING_BYTES_MAX,
  TAGGED_FIELDS_MAX,
  VARINT_BYTES_MAX,
} from "./limits.ts";
import { readUuid, UUID_BYTES } from "./uuid.ts";

const TWO_32 = 4_294_967_296;
const NULL = -1;

/** Bun's and Node's own slicing, faster than TextDecoder for ASCII; it takes any Uint8Array as its receiver. */
const latin1Slice = (Buffer.prototype as unknown as { latin1Slice(this: Uint8Array, start: number, end: number): string }).latin1Slice;

/** Reads forward through `bytes[start, end)`. Strings and `bytes` are copied out; `records` are views. */
export class Reader {
  /** What is being read and where in it, for the text of a `DecodeError`. Set by the codecs. */
  context = "";
  field = "";
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at: number;
  #elements = 0;
  /** What the elements announced so far may still take. */
  #memoryLeft: number;
  #utf8: TextDecoder | null = null;

  /** @param bytes must stay unchanged while the reader and the views from it are in use. */
  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
    this.#memoryLeft = MEMORY_BYTES_FREE + MEMORY_PER_BYTE_MAX * (end - start);
  }

  /** Position of the next byte, from the beginning of `bytes`. */
  get offset(): number {
    return this.#at;
  }

  get remaining(): number {
    return this.#end - this.#at;
  }

  /** @throws {DecodeError} always; `problem` continues a sentence that begins with the field. */
  fail(problem: string): never {
    throw new DecodeError(this.context, this.field, problem, this.#at);
  }

  bool(): boolean {
    return this.#bytes[this.#take(1)]! !== 0;
  }

  int8(): number {
    return (this.#bytes[this.#take(1)]! << 24) >> 24;
  }

  int16(): number {
    const at = this.#take(2);
    const bytes = this.#bytes;
    return (bytes[at]! << 24 >> 16) | bytes[at + 1]!;
  }

  uint16(): number {
    const at = this.#take(2);
    return (this.#bytes[at]! << 8) | this.#bytes[at + 1]!;
  }

  int32(): number {
    const at = this.#take(4);
    const bytes = this.#bytes;
    return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
  }

  uint32(): number {
    return this.int32() >>> 0;
  }

  /** Exact up to 2^53; above that the nearest double. */
  int64(): number {
    const at = this.#take(8);
    const bytes = this.#bytes;
    const high = (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
    const low = (bytes[at + 4]! << 24) | (bytes[at + 5]! << 16) | (bytes[at + 6]! << 8) | bytes[at + 7]!;
    return high * TWO_32 + (low >>> 0);
  }

  uuid(): Uuid {
    return readUuid(this.#bytes, this.#take(UUID_BYTES));
  }

  /** Unsigned varint of 32 bits: at most five bytes, no bits beyond the 32nd. */
  uvarint(): number {
    let value = 0;
    for (let i = 0; i < VARINT_BYTES_MAX; i++) {
      const byte = this.#bytes[this.#take(1)]!;
      if (i === VARINT_BYTES_MAX - 1 && byte > 0x0f) break;
      value |= (byte & 0x7f) << (7 * i);
      if (byte < 0x80) return value >>> 0;
    }
    this.fail("is a varint of more than 32 bits");
  }

  string(): string {
    return this.#text(this.int16()) ?? this.fail("is null");
  }

  nullableString(): string | null {
    return this.#text(this.int16());
  }

  compactString(): string {
    return this.#text(this.uvarint() - 1) ?? this.fail("is null");
  }

  compactNullableString(): string | null {
    return this.#text(this.uvarint() - 1);
  }

  /** A copy. */
  bytes(): Uint8Array {
    return this.#copy(this.int32()) ?? this.fail("is null");
  }

  nullableBytes(): Uint8Array | null {
    return this.#copy(this.int32());
  }

  compactBytes(): Uint8Array {
    return this.#copy(this.uvarint() - 1) ?? this.fail("is null");
  }

  compactNullableBytes(): Uint8Array | null {
    return this.#copy(this.uvarint() - 1);
  }

  /** A view into the reader's bytes: valid for as long as those are. */
  records(): Uint8Array {
    return this.#view(this.int32()) ?? this.fail("is null");
  }

  nullableRecords(): Uint8Array | null {
    return this.#view(this.int32());
  }

  compactRecords(): Uint8Array {
    return this.#view(this.uvarint() - 1) ?? this.fail("is null");
  }

  compactNullableRecords(): Uint8Array | null {
    return this.#view(this.uvarint() - 1);
  }

  /** The next `length` bytes as a view: for what carries its own layout. */
  view(length: number): Uint8Array {
    return this.#view(length) ?? this.fail("has a negative length");
  }

  /**
   * Element count of an array whose elements take at least `elementBytesMin` bytes each: a count that cannot be true is refused.
   * @param elementMemory about as many bytes of memory does the shortest of them take: what would take far more than the message is refused.
   */
  count(elementBytesMin: number, elementMemory = 0): number {
    const count = this.int32();
    return count === NULL ? this.fail("is null") : this.#counted(count, elementBytesMin, elementMemory);
  }

  /** -1 for null. */
  nullableCount(elementBytesMin: number, elementMemory = 0): number {
    const count = this.int32();
    return count === NULL ? NULL : this.#counted(count, elementBytesMin, elementMemory);
  }

  compactCount(elementBytesMin: number, elementMemory = 0): number {
    const count = this.uvarint() - 1;
    return count === NULL ? this.fail("is null") : this.#counted(count, elementBytesMin, elementMemory);
  }

  /** -1 for null. */
  compactNullableCount(elementBytesMin: number, elementMemory = 0): number {
    const count = this.uvarint() - 1;
    return count === NULL ? NULL : this.#counted(count, elementBytesMin, elementMemory);
  }

  /** The marker before a nullable struct: negative is null, 1 is there. */
  present(): boolean {
    return this.int8() >= 0;
  }

  tagCount(): number {
    const count = this.uvarint();
    if (count > TAGGED_FIELDS_MAX) this.fail(`has ${count} tagged fields, more than ${TAGGED_FIELDS_MAX}`);
    return count;
  }

  /** Reads the size of a tagged field; returns the offset at which it must end. */
  tagEnd(): number {
    const size = this.uvarint();
    if (size > this.remaining) this.fail(`has a tagged field of ${size} bytes where ${this.remaining} are left`);
    return this.#at + size;
  }

  /** Skips to an offset that `tagEnd` gave. */
  skipTo(offset: number): void {
    this.#at = offset;
  }

  /** @throws {DecodeError} unless reading stands exactly at `offset`. */
  expectAt(offset: number): void {
    if (this.#at !== offset) this.fail(`is a tagged field that ends at byte ${this.#at}, not where its size says (${offset})`);
  }

  /** All tagged fields of a struct that declares none. */
  skipTags(): void {
    for (let left = this.tagCount(); left > 0; left--) {
      this.uvarint();
      this.#at = this.tagEnd();
    }
  }

  /** @throws {DecodeError} unless every byte was read. */
  expectEnd(): void {
    if (this.#at !== this.#end) {
      this.field = "the message";
      this.fail(`is followed by ${this.remaining} more bytes`);
    }
  }

  #take(length: number): number {
    const at = this.#at;
    if (this.#end - at < length) this.fail(`needs ${length} bytes where ${this.#end - at} are left`);
    this.#at = at + length;
    return at;
  }

  /** Null for -1. @throws {DecodeError} for other negative lengths and for more than is there. */
  #length(length: number): number | null {
    if (length < 0) return length === NULL ? null : this.fail(`has a length of ${length}`);
    if (length > this.#end - this.#at) this.fail(`has a length of ${length} where ${this.#end - this.#at} bytes are left`);
    return length;
  }

  #counted(count: number, elementBytesMin: number, elementMemory: number): number {
    if (count < 0 || count > ARRAY_ELEMENTS_MAX || count * elementBytesMin > this.#end - this.#at) {
      this.fail(`has a count of ${count} where ${this.#end - this.#at} bytes are left`);
    }
    this.#elements += count;
    if (this.#elements > MESSAGE_ELEMENTS_MAX) this.fail(`makes more than ${MESSAGE_ELEMENTS_MAX} array elements in one message`);
    this.#memoryLeft -= count * elementMemory;
    if (this.#memoryLeft < 0) this.fail(`has a count of ${count}: too much memory for a message of its size`);
    return count;
  }

  #text(wireLength: number): string | null {
    const length = this.#length(wireLength);
    if (length === null) return null;
    if (length > STRING_BYTES_MAX) this.fail(`has ${length} bytes, a string may have ${STRING_BYTES_MAX}`);
    const start = this.#at;
    const end = start + length;
    const bytes = this.#bytes;
    for (let i = start; i < end; i++) {
      if (bytes[i]! > 0x7f) return this.#unicode(start, end);
    }
    this.#at = end;
    return latin1Slice.call(bytes, start, end);
  }

  #unicode(start: number, end: number): string {
    this.#utf8 ??= new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    let text: string;
    try {
      text = this.#utf8.decode(this.#bytes.subarray(start, end));
    } catch {
      this.fail("is not valid UTF-8");
    }
    this.#at = end;
    return text;
  }

  #copy(wireLength: number): Uint8Array | null {
    const length = this.#length(wireLength);
    if (length === null) return null;
    const start = this.#at;
    this.#at = start + length;
    return Uint8Array.prototype.slice.call(this.#bytes, start, this.#at);
  }

  #view(wireLength: number): Uint8Array | null {
    const length = this.#length(wireLength);
    if (length === null) return null;
    const start = this.#at;
    this.#at = start + length;
    return this.#bytes.subarray(start, this.#at);
  }
}
