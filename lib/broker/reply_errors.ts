/**
 * Counts the errors that a reply tells, wherever in it they stand: the places follow from the message's declaration, so that a new API is
 * counted without a line here. Looks only; costs one read for each place.
 */
import type { Fields } from "../protocol/mod.ts";

/** @param reply as a handler returns it: fields may be left out. */
export type CountErrors = (reply: unknown) => void;

type Struct = Readonly<Record<string, unknown>>;

/** @param counts by error code; grows by the codes that Kafka has. */
export function errorCounterOf(fields: Fields, counts: Map<number, number>): CountErrors {
  const codes: string[] = [];
  const nested: { readonly name: string; readonly isArray: boolean; readonly count: CountErrors }[] = [];
  for (const [name, declared] of Object.entries(fields)) {
    const type = declared.kind === "field" ? declared.type : declared;
    const inner = type.kind === "array" ? type.of?.fields : type.kind === "struct" ? type.fields : undefined;
    if (/errorCode$/i.test(name)) codes.push(name);
    else if (inner !== undefined && holdsErrors(inner)) {
      nested.push({ name, isArray: type.kind === "array", count: errorCounterOf(inner, counts) });
    }
  }
  return (reply) => {
    for (const name of codes) {
      const code = (reply as Struct)[name];
      if (typeof code === "number" && code !== 0) counts.set(code, (counts.get(code) ?? 0) + 1);
    }
    for (const { name, isArray, count } of nested) {
      const value = (reply as Struct)[name];
      if (value === undefined || value === null) continue;
      if (isArray) { for (const element of value as readonly unknown[]) count(element); }
      else count(value);
    }
  };
}

function holdsErrors(fields: Fields): boolean {
  return Object.entries(fields).some(([name, declared]) => {
    const type = declared.kind === "field" ? declared.type : declared;
    const inner = type.kind === "array" ? type.of?.fields : type.fields;
    return /errorCode$/i.test(name) || (inner !== undefined && holdsErrors(inner));
  });
}
