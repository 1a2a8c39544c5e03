/** Messages made by the layouts of their declarations: values at the ends of their types, and where in the bytes the lengths and counts are. */
import { type AnyMessage, encode, type Layout, layoutOf, type Shape, Writer } from "./protocol.ts";
import type { Draws } from "../../lib/sim/random.ts";
import { spliced } from "./mutate.ts";

/** A length, a count, a size or a number of tags. */
export interface Mark {
  readonly at: number;
  readonly kind: "int16" | "int32" | "uvarint";
}

/** A writer that remembers where it wrote them. Behind a tagged field they may be off by its size. */
class MarkingWriter extends Writer {
  marks: Mark[] = [];
  override uvarint(value: number): void {
    this.marks.push({ at: this.byteLength, kind: "uvarint" });
    super.uvarint(value);
  }
  override count(value: number): void {
    this.marks.push({ at: this.byteLength, kind: "int32" });
    super.count(value);
  }
  override compactCount(value: number): void {
    this.marks.push({ at: this.byteLength, kind: "uvarint" });
    super.compactCount(value);
  }
  override string(value: string): void {
    this.marks.push({ at: this.byteLength, kind: "int16" });
    super.string(value);
  }
  override compactString(value: string): void {
    this.marks.push({ at: this.byteLength, kind: "uvarint" });
    super.compactString(value);
  }
  override bytes(value: Uint8Array): void {
    this.marks.push({ at: this.byteLength, kind: "int32" });
    super.bytes(value);
  }
  override records(value: Uint8Array): void {
    this.marks.push({ at: this.byteLength, kind: "int32" });
    super.records(value);
  }
}

export interface Encoded {
  readonly bytes: Uint8Array;
  readonly marks: readonly Mark[];
}

/** What a target puts into messages instead of anything at all; null: anything. */
export interface Flavour {
  text(draws: Draws): string;
  records(draws: Draws): Uint8Array;
  int32(draws: Draws, name: string): number | null;
}

/** By message and version; made once, as it takes longer than an input. */
const layouts = new Map<string, Layout>();
const writer = new MarkingWriter();

export function encodedMessage(message: AnyMessage, version: number, draws: Draws, flavour: Flavour | null = null): Encoded {
  const name = `${message.name} v${version}`;
  let layout = layouts.get(name);
  if (layout === undefined) layouts.set(name, layout = layoutOf(message, version));
  writer.marks = [];
  encode(message, version, structOf(layout, { draws, flavour }, 0), writer);
  return { bytes: writer.finishJoined().slice(), marks: writer.marks };
}

const UVARINTS = [0, 1, 2, 3, 127, 128, 16_384, 1_000_001, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1];
const INT16S = [0, 1, -1, -2, 255, 32_767, -32_768];
const INT32S = [0, 1, 2, -1, -2, 65_536, 1_000_000, 1_000_001, 2 ** 31 - 1, -(2 ** 31)];

/** Another number where a length stands. */
export function withOtherLength({ bytes, marks }: Encoded, draws: Draws): Uint8Array {
  if (marks.length === 0) return bytes;
  const { at, kind } = draws.pick(marks);
  if (at >= bytes.length) return bytes;
  switch (kind) {
    case "int16": {
      const now = (bytes[at]! << 24 >> 16) | (bytes[at + 1] ?? 0);
      return spliced(bytes, at, Math.min(2, bytes.length - at), int16(draws.chance(0.3) ? now + draws.pick([-1, 1]) : draws.pick(INT16S)));
    }
    case "int32": {
      const now = new DataView(bytes.buffer, bytes.byteOffset).getUint8(Math.min(at + 3, bytes.length - 1));
      return spliced(bytes, at, Math.min(4, bytes.length - at), int32(draws.chance(0.3) ? now + draws.pick([-1, 1]) : draws.pick(INT32S)));
    }
    case "uvarint": {
      let size = 1;
      while (size < 5 && bytes[at + size - 1]! > 0x7f) size++;
      const now = bytes[at]! & 0x7f;
      const put = draws.chance(0.1)
        ? Uint8Array.of(now | 0x80, 0x80, 0)
        : uvarint(draws.chance(0.3) ? Math.max(0, now + draws.pick([-1, 1])) : draws.pick(UVARINTS));
      return spliced(bytes, at, Math.min(size, bytes.length - at), put);
    }
  }
}

const int16 = (value: number): Uint8Array => Uint8Array.of(value >> 8, value);
const int32 = (value: number): Uint8Array => Uint8Array.of(value >> 24, value >> 16, value >> 8, value);

function uvarint(value: number): Uint8Array {
  const bytes: number[] = [];
  for (; value > 0x7f; value = Math.floor(value / 128)) bytes.push((value & 0x7f) | 0x80);
  return Uint8Array.from([...bytes, value]);
}

interface Source {
  readonly draws: Draws;
  readonly flavour: Flavour | null;
}

function structOf(layout: Layout, source: Source, depth: number): Record<string, unknown> {
  const value: Record<string, unknown> = {};
  for (const { name, present, shape, fallback, tag } of layout.slots) {
    // Most tagged fields keep their fallback, which is not written.
    const isLeftOut = !present || tag !== null && source.draws.chance(0.5);
    value[name] = isLeftOut ? fallback : valueOf(shape, name, source, depth);
  }
  return value;
}

const TEXTS = ["", "a", "orders", "__consumer_offsets", "ü", "\u0000", "👋", "x".repeat(200), "ö".repeat(130), "\uFEFF", "."];

function valueOf(shape: Shape, name: string, source: Source, depth: number): unknown {
  const { draws, flavour } = source;
  if (shape.nullable && draws.chance(0.2)) return null;
  switch (shape.kind) {
    case "struct":
      return structOf(shape.layout, source, depth);
    case "array": {
      const count = draws.chance(0.02) ? 40 : draws.below(depth < 2 ? 4 : 2);
      return Array.from({ length: count }, () => valueOf(shape.of, name, source, depth + 1));
    }
    case "bool":
      return draws.chance(0.5);
    case "int8":
      return draws.pick([0, 1, 2, -1, 127, -128]);
    case "int16":
      return draws.pick(INT16S);
    case "uint16":
      return draws.pick([0, 1, 9092, 65_535]);
    case "int32":
      return flavour?.int32(draws, name) ?? draws.pick(INT32S);
    case "int64":
      return draws.pick([0, 1, -1, -2, 2 ** 31, 2 ** 32, -(2 ** 32), Number.MAX_SAFE_INTEGER, 2 ** 63, -(2 ** 63)]);
    case "uuid":
      return Buffer.from(draws.chance(0.3) ? new Uint8Array(16) : draws.bytes(16)).toString("base64url");
    case "string":
      // What is longer than a sentence for people may be is shortened when it is written.
      if (flavour !== null && draws.chance(0.8)) return flavour.text(draws);
      return draws.chance(0.01) ? "z".repeat(32_767) : draws.pick(TEXTS);
    case "bytes":
      return draws.bytes(draws.chance(0.05) ? 3_000 : draws.below(10));
    case "records":
      if (flavour !== null) return flavour.records(draws);
      return draws.bytes(draws.chance(0.05) ? 3_000 : draws.below(30));
  }
}
