/**
 * The words that declare a message: primitive types, arrays, structs, and the versions in which a field is there. Plain data with
 * the TypeScript type attached; the codecs are compiled from it. Source: Kafka's message format notes, KIP-482 (tagged fields).
 */
import type { Uuid } from "../ids.ts";
import { type Chunks, EXPLANATION_CHARS_MAX } from "../wire/mod.ts";

export type PrimitiveKind = "bool" | "int8" | "int16" | "uint16" | "int32" | "int64" | "uuid" | "string" | "bytes" | "records";

/** `Read` is what decoding gives, `Written` what encoding takes (more: fields with a fallback may be left out). */
export interface Type<Read, Written = Read> {
  readonly kind: PrimitiveKind | "array" | "struct";
  /** First version in which null is allowed; absent: never. */
  readonly nullableSince?: number;
  /** Of a string: what is longer loses its middle when it is written. */
  readonly charsMax?: number;
  /** Of an array. */
  readonly of?: AnyType;
  /** Of a struct, in wire order. */
  readonly fields?: Fields;
  /** These two carry types and are never set. */
  readonly read?: Read;
  readonly written?: (value: Written) => void;
}

/** A type with the versions in which the field is there. `Optional`: it may be left out when writing. */
export interface Field<Read, Written, Optional extends boolean> {
  readonly kind: "field";
  readonly type: Type<Read, Written>;
  readonly since: number;
  readonly until: number;
  readonly tag: number | null;
  /** What the field holds where it is absent, in a version without it or in a value that leaves it out. */
  readonly fallback?: Read;
  readonly optional: Optional;
}

// deno-lint-ignore no-explicit-any -- the declarations are heterogeneous; what is inferred from them is not
export type AnyType = Type<any, any>;
// deno-lint-ignore no-explicit-any -- as above
export type AnyField = Field<any, any, boolean>;

/** Declares a struct: names in wire order. */
export type Fields = { readonly [name: string]: AnyType | AnyField };

type ReadOf<F> = F extends Field<infer Read, infer _W, infer _O> ? Read : F extends Type<infer Read, infer _> ? Read : never;
type WrittenOf<F> = F extends Field<infer _R, infer Written, infer _O> ? Written : F extends Type<infer _, infer Written> ? Written : never;
type OptionalNames<F extends Fields> = { [Name in keyof F]: F[Name] extends { readonly optional: true } ? Name : never }[keyof F];

/** What decoding a struct gives: every field, in every version. */
export type ReadStruct<F extends Fields> = { readonly [Name in keyof F]: ReadOf<F[Name]> };
/** What encoding a struct takes: fields with a stated fallback may be left out. */
export type WrittenStruct<F extends Fields> =
  & { readonly [Name in Exclude<keyof F, OptionalNames<F>>]: WrittenOf<F[Name]> }
  & { readonly [Name in OptionalNames<F>]?: WrittenOf<F[Name]> };

export const bool: Type<boolean> = { kind: "bool" };
export const int8: Type<number> = { kind: "int8" };
export const int16: Type<number> = { kind: "int16" };
export const uint16: Type<number> = { kind: "uint16" };
export const int32: Type<number> = { kind: "int32" };
/** Exact up to 2^53, beyond that the nearest double. */
export const int64: Type<number> = { kind: "int64" };
export const uuid: Type<Uuid> = { kind: "uuid" };
export const string: Type<string> = { kind: "string" };
/** Words for people. It may quote what a peer sent, which may be as long as any string: the sentence around it must still fit. */
export const explanation: Type<string> = { kind: "string", charsMax: EXPLANATION_CHARS_MAX };
/** Copied when decoded. */
export const bytes: Type<Uint8Array> = { kind: "bytes" };
/** Record batches: a view into the frame when decoded, passed on without copying when encoded. */
export const records: Type<Uint8Array, Chunks> = { kind: "records" };

/** Null is allowed, from version `since` on. */
export function nullable<Read, Written>(type: Type<Read, Written>, since = 0): Type<Read | null, Written | null> {
  return { ...type, nullableSince: since } as Type<Read | null, Written | null>;
}

export function struct<F extends Fields>(fields: F): Type<ReadStruct<F>, WrittenStruct<F>> {
  return { kind: "struct", fields };
}

/** An array of a type, or of structs with the given fields. */
export function array<Read, Written>(of: Type<Read, Written>): Type<readonly Read[], readonly Written[]>;
export function array<F extends Fields>(of: F): Type<readonly ReadStruct<F>[], readonly WrittenStruct<F>[]>;
export function array(of: AnyType | Fields): AnyType {
  return { kind: "array", of: isType(of) ? of : struct(of) };
}

/** In every version, but may be left out when writing. */
export function optional<Read, Written>(type: Type<Read, Written>, fallback: NoInfer<Read>): Field<Read, Written, true> {
  return field(type, 0, Infinity, null, fallback);
}

/** From version `since` on. A stated fallback makes it optional when writing. */
export function since<Read, Written>(since: number, type: Type<Read, Written>, fallback: NoInfer<Read>): Field<Read, Written, true>;
export function since<Read, Written>(since: number, type: Type<Read, Written>): Field<Read, Written, false>;
export function since(since: number, type: AnyType, ...fallback: unknown[]): AnyField {
  return field(type, since, Infinity, null, ...fallback);
}

/** Up to version `until`, that one included. */
export function until<Read, Written>(until: number, type: Type<Read, Written>, fallback: NoInfer<Read>): Field<Read, Written, true>;
export function until<Read, Written>(until: number, type: Type<Read, Written>): Field<Read, Written, false>;
export function until(until: number, type: AnyType, ...fallback: unknown[]): AnyField {
  return field(type, 0, until, null, ...fallback);
}

/** From version `first` to version `last`, both included. */
export function between<Read, Written>(
  first: number,
  last: number,
  type: Type<Read, Written>,
  fallback: NoInfer<Read>,
): Field<Read, Written, true>;
export function between<Read, Written>(first: number, last: number, type: Type<Read, Written>): Field<Read, Written, false>;
export function between(first: number, last: number, type: AnyType, ...fallback: unknown[]): AnyField {
  return field(type, first, last, null, ...fallback);
}

/** A tagged field from version `since` on: written only when it differs from its fallback. */
export function tagged<Read, Written>(
  tag: number,
  since: number,
  type: Type<Read, Written>,
  ...fallback: [] | [NoInfer<Read>]
): Field<Read, Written, true> {
  return field(type, since, Infinity, tag, ...fallback) as Field<Read, Written, true>;
}

export function isType(declared: AnyType | AnyField | Fields): declared is AnyType {
  return typeof declared.kind === "string" && declared.kind !== "field";
}

function field<Read, Written>(
  type: Type<Read, Written>,
  since: number,
  until: number,
  tag: number | null,
  ...fallback: unknown[]
): Field<Read, Written, true> {
  const base = { kind: "field" as const, type, since, until, tag, optional: (tag !== null || fallback.length > 0) as true };
  return fallback.length > 0 ? { ...base, fallback: fallback[0] as Read } : base;
}
