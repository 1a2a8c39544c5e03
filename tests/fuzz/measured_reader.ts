/**
 * A reader that adds up what decoding takes, apart from what the reader itself allows: bytes that were copied into strings and byte arrays,
 * and the memory of announced elements, whether the message turns out to be whole or not (HAZARDS N4).
 */
import { MEMORY_BYTES_FREE, MEMORY_PER_BYTE_MAX, Reader } from "../../lib/protocol/wire/mod.ts";
import { must } from "./target.ts";

export class MeasuredReader extends Reader {
  readonly #frameBytes: number;
  #copied = 0;
  #elements = 0;
  #memory = 0;

  constructor(bytes: Uint8Array) {
    super(bytes);
    this.#frameBytes = bytes.length;
  }

  /** @throws {Finding} */
  checkMemory(): void {
    const frame = this.#frameBytes;
    must(this.#copied <= frame, () => `Copied ${this.#copied} bytes out of a frame of ${frame}`);
    must(this.#elements <= frame, () => `Announced ${this.#elements} elements in a frame of ${frame} bytes`);
    const most = MEMORY_BYTES_FREE + MEMORY_PER_BYTE_MAX * frame;
    must(this.#memory <= most, () => `Announced elements of ${this.#memory} bytes of memory in a frame of ${frame}`);
  }

  override string(): string {
    return this.#text(super.string());
  }
  override nullableString(): string | null {
    return this.#text(super.nullableString());
  }
  override compactString(): string {
    return this.#text(super.compactString());
  }
  override compactNullableString(): string | null {
    return this.#text(super.compactNullableString());
  }
  override bytes(): Uint8Array {
    return this.#bytes(super.bytes());
  }
  override nullableBytes(): Uint8Array | null {
    return this.#bytes(super.nullableBytes());
  }
  override compactBytes(): Uint8Array {
    return this.#bytes(super.compactBytes());
  }
  override compactNullableBytes(): Uint8Array | null {
    return this.#bytes(super.compactNullableBytes());
  }
  override count(bytesMin: number, memory = 0): number {
    return this.#count(super.count(bytesMin, memory), memory);
  }
  override nullableCount(bytesMin: number, memory = 0): number {
    return this.#count(super.nullableCount(bytesMin, memory), memory);
  }
  override compactCount(bytesMin: number, memory = 0): number {
    return this.#count(super.compactCount(bytesMin, memory), memory);
  }
  override compactNullableCount(bytesMin: number, memory = 0): number {
    return this.#count(super.compactNullableCount(bytesMin, memory), memory);
  }

  #text<T extends string | null>(text: T): T {
    this.#copied += text?.length ?? 0;
    return text;
  }

  #bytes<T extends Uint8Array | null>(bytes: T): T {
    this.#copied += bytes?.length ?? 0;
    return bytes;
  }

  #count(count: number, memory: number): number {
    this.#elements += Math.max(0, count);
    this.#memory += Math.max(0, count) * memory;
    return count;
  }
}
