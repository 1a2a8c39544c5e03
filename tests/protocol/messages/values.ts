/** Random values of any message, by its layout. */
import fc from "fast-check";
import type { Layout, Shape, Uuid } from "../../../lib/protocol/mod.ts";

/** Values as decoding gives them: absent fields have their fallback. */
export function structValue(layout: Layout): fc.Arbitrary<Record<string, unknown>> {
  return fc.record(
    Object.fromEntries(layout.slots.map((slot) => [slot.name, slot.present ? anyValue(slot.shape) : fc.constant(slot.fallback)])),
  );
}

function anyValue(shape: Shape): fc.Arbitrary<unknown> {
  return shape.nullable ? fc.option(plainValue(shape), { freq: 3 }) : plainValue(shape);
}

function plainValue(shape: Shape): fc.Arbitrary<unknown> {
  switch (shape.kind) {
    case "struct":
      return structValue(shape.layout);
    case "array":
      return fc.array(anyValue(shape.of), { maxLength: 3 });
    case "bool":
      return fc.boolean();
    case "int8":
      return fc.integer({ min: -128, max: 127 });
    case "int16":
      return fc.integer({ min: -32768, max: 32767 });
    case "uint16":
      return fc.integer({ min: 0, max: 65535 });
    case "int32":
      return fc.integer();
    case "int64":
      return fc.oneof(fc.maxSafeInteger(), fc.constantFrom(-1, 2 ** 63, -(2 ** 63)));
    case "uuid":
      return fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes).toString("base64url") as Uuid);
    case "string":
      return fc.oneof(fc.string({ unit: "grapheme", maxLength: 20 }), fc.string({ unit: "grapheme-ascii", maxLength: 200 }));
    case "bytes":
      return fc.uint8Array({ maxLength: 40 });
    case "records":
      return fc.uint8Array({ maxLength: 700 });
  }
}

/** Elements of all arrays in a decoded value. */
export function elementCount(value: unknown): number {
  if (value instanceof Uint8Array) return 0;
  if (Array.isArray(value)) return value.reduce((sum: number, item) => sum + 1 + elementCount(item), 0);
  if (typeof value !== "object" || value === null) return 0;
  return Object.values(value).reduce((sum: number, member) => sum + elementCount(member), 0);
}
