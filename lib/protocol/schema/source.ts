/**
 * Pieces of generated codec source that reader and writer share. Everything that goes into it comes from our own declarations,
 * never from a peer. Generated functions decode two and encode three times as fast as composed closures.
 */
import type { Shape } from "./layout.ts";
import type { PrimitiveKind } from "./types.ts";

const IDENTIFIER = /^[a-z][A-Za-z0-9]*$/;

/** The method of `Reader` and `Writer` for a primitive: `compactNullableString`. */
export function primitiveMethod(shape: Shape & { readonly kind: PrimitiveKind }, flexible: boolean, path: string): string {
  const sized = shape.kind === "string" || shape.kind === "bytes" || shape.kind === "records";
  if (shape.nullable && !sized) throw new TypeError(`Cannot compile "${path}": ${shape.kind} cannot be null`);
  const words = [...(sized && flexible ? ["compact"] : []), ...(shape.nullable ? ["nullable"] : []), shape.kind];
  return words.map((word, i) => i === 0 ? word : word.charAt(0).toUpperCase() + word.slice(1)).join("");
}

/** The method of `Reader` for an array's count: `compactNullableCount`. */
export function countMethod(nullable: boolean, flexible: boolean): string {
  if (flexible) return nullable ? "compactNullableCount" : "compactCount";
  return nullable ? "nullableCount" : "count";
}

/** Source of a fallback: a fresh value each time it runs. */
export function literal(value: unknown): string {
  if (value instanceof Uint8Array) return `new Uint8Array([${value.join()}])`;
  if (Array.isArray(value)) return `[${value.map(literal).join()}]`;
  if (typeof value === "object" && value !== null) {
    return `{${Object.entries(value).map(([name, member]) => `${identifier(name)}:${literal(member)}`).join()}}`;
  }
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}

/** @throws {TypeError} for a field name that could not stand in source as it is. */
export function identifier(name: string): string {
  if (!IDENTIFIER.test(name)) throw new TypeError(`Cannot compile field "${name}": not a camelCase name`);
  return name;
}

/** Runs source that ends in `return <function>`. */
export function evaluate<F>(functions: readonly string[], entry: string): F {
  return new Function(`"use strict";\n${functions.join("\n")}\nreturn ${entry};`)() as F;
}
