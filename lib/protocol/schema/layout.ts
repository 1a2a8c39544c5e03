/**
 * One version of a declaration: which fields are there, whether lengths are compact, what may be null, what an absent field
 * holds. The one reading of the declarations that decoder, encoder and tests share. Source: KIP-482.
 */
import { ZERO_UUID } from "../ids.ts";
import { UUID_BYTES } from "../wire/mod.ts";
import { type AnyType, type Fields, isType, type PrimitiveKind } from "./types.ts";

/** A type in one version. */
export type Shape =
  | { readonly kind: PrimitiveKind; readonly nullable: boolean; readonly charsMax?: number }
  | { readonly kind: "array"; readonly nullable: boolean; readonly of: Shape }
  | { readonly kind: "struct"; readonly nullable: boolean; readonly layout: Layout };

/** A field in one version. */
export interface Slot {
  readonly name: string;
  /** From the message's top, `topics[].partitions[].index`. */
  readonly path: string;
  readonly shape: Shape;
  readonly present: boolean;
  readonly tag: number | null;
  /** What an absent field holds. */
  readonly fallback: unknown;
  /** Whether a value may leave it out. */
  readonly optional: boolean;
}

/** A struct in one version. */
export interface Layout {
  readonly flexible: boolean;
  /** In wire order, tagged and absent ones included. */
  readonly slots: readonly Slot[];
}

interface Versioned {
  readonly flexibleSince: number | null;
  readonly fields: Fields;
}

/** The layout of a message's body in `version`. */
export function layoutOf(message: Versioned, version: number): Layout {
  return resolveStruct(message.fields, version, message.flexibleSince !== null && version >= message.flexibleSince, "");
}

/** The fewest bytes that a value can take on the wire, at least 1: what bounds an array's count. */
export function bytesMin(shape: Shape, flexible: boolean): number {
  if (shape.kind === "struct") return shape.nullable ? 1 : structBytesMin(shape.layout);
  if (shape.kind === "array") return flexible ? 1 : 4;
  return primitiveBytesMin(shape.kind, flexible);
}

/** About as many bytes of memory does an array take for its shortest element; tests/protocol/messages/memory_test.ts holds it to the heap. */
export const elementMemory = (of: Shape): number => REFERENCE_BYTES + memoryOf(of);

export function presentSlots(layout: Layout): Slot[] {
  return layout.slots.filter((slot) => slot.present && slot.tag === null);
}

/** In tag order, as they must be written. */
export function taggedSlots(layout: Layout): (Slot & { readonly tag: number })[] {
  const tagged = layout.slots.filter((slot): slot is Slot & { readonly tag: number } => slot.present && slot.tag !== null);
  return tagged.sort((a, b) => a.tag - b.tag);
}

function resolveStruct(fields: Fields, version: number, flexible: boolean, parent: string): Layout {
  const slots = Object.entries(fields).map(([name, declared]): Slot => {
    const path = parent === "" ? name : `${parent}.${name}`;
    if (isType(declared)) {
      const shape = resolve(declared, version, flexible, path);
      return { name, path, shape, present: true, tag: null, fallback: fallbackOf(shape), optional: false };
    }
    const shape = resolve(declared.type, version, flexible, path);
    const fallback = "fallback" in declared ? declared.fallback : fallbackOf(shape);
    const present = version >= declared.since && version <= declared.until;
    return { name, path, shape, present, tag: declared.tag, fallback, optional: declared.optional };
  });
  return { flexible, slots };
}

function resolve(type: AnyType, version: number, flexible: boolean, path: string): Shape {
  const nullable = type.nullableSince !== undefined && version >= type.nullableSince;
  switch (type.kind) {
    case "array":
      return { kind: "array", nullable, of: resolve(type.of!, version, flexible, `${path}[]`) };
    case "struct":
      return { kind: "struct", nullable, layout: resolveStruct(type.fields!, version, flexible, path) };
    default:
      return type.charsMax === undefined ? { kind: type.kind, nullable } : { kind: type.kind, nullable, charsMax: type.charsMax };
  }
}

/** Where a declaration states none: zero, empty, or a struct of fallbacks. */
function fallbackOf(shape: Shape): unknown {
  switch (shape.kind) {
    case "array":
      return [];
    case "struct":
      return Object.fromEntries(shape.layout.slots.map((slot) => [slot.name, slot.fallback]));
    case "bool":
      return false;
    case "uuid":
      return ZERO_UUID;
    case "string":
      return "";
    case "bytes":
      return new Uint8Array(0);
    case "records":
      return null;
    default:
      return 0;
  }
}

const REFERENCE_BYTES = 8;
const OBJECT_BYTES = 32;
const ARRAY_BYTES = 48;
const TEXT_BYTES = 16;
const VIEW_BYTES = 96;

/** Beside the place that refers to it. Numbers are in that place. */
function memoryOf(shape: Shape): number {
  switch (shape.kind) {
    case "struct":
      return shape.layout.slots.reduce((sum, slot) => sum + REFERENCE_BYTES + memoryOf(slot.shape), OBJECT_BYTES);
    case "array":
      return ARRAY_BYTES;
    case "string":
      return TEXT_BYTES;
    case "uuid":
      return 3 * TEXT_BYTES;
    case "bytes":
    case "records":
      return VIEW_BYTES;
    default:
      return 0;
  }
}

function structBytesMin(layout: Layout): number {
  let bytes = layout.flexible ? 1 : 0;
  for (const slot of presentSlots(layout)) bytes += bytesMin(slot.shape, layout.flexible);
  return Math.max(1, bytes);
}

function primitiveBytesMin(kind: PrimitiveKind, flexible: boolean): number {
  switch (kind) {
    case "bool":
    case "int8":
      return 1;
    case "int16":
    case "uint16":
      return 2;
    case "int32":
      return 4;
    case "int64":
      return 8;
    case "uuid":
      return UUID_BYTES;
    case "string":
      return flexible ? 1 : 2;
    case "bytes":
    case "records":
      return flexible ? 1 : 4;
  }
}
