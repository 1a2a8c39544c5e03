/**
 * Lists a page at a time: in the order of their keys, with a cursor that names the last key of a page. What is made or deleted between two
 * pages moves nothing else: no row comes twice and none is left out.
 */
import { z } from "@hono/zod-openapi";
import { Refused } from "./status.ts";
import { integerParam } from "./params.ts";

const DEFAULT_LIMIT = 100;
const LIMIT_MAX = 1_000;

export const pageQuery = {
  limit: integerParam({ min: 1, max: LIMIT_MAX, default: DEFAULT_LIMIT, example: 50 }, "Rows of one page").optional(),
  cursor: z.string().min(1).max(65_536).optional().openapi({
    description: "`nextCursor` of the page before; the first page when absent",
    example: "b3JkZXJz",
  }),
};

export const nextCursor = z.string().nullable().openapi({
  description: "Where the next page begins, for `cursor`; null after the last row",
  examples: ["b3JkZXJz"],
});

export interface Page<T> {
  readonly rows: readonly T[];
  readonly nextCursor: string | null;
}

export interface PageRequest {
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

/** @param rows any order. @param keyOf unique; rows are in its order. @throws {Refused} for a cursor that is none of ours. */
export function pageByText<T>(rows: Iterable<T>, keyOf: (row: T) => string, { limit = DEFAULT_LIMIT, cursor }: PageRequest): Page<T> {
  const after = cursor === undefined ? null : decodeCursor(cursor);
  const left = [...rows].filter((row) => after === null || keyOf(row) > after).sort((a, b) => keyOf(a) < keyOf(b) ? -1 : 1);
  return cut(left, keyOf, limit);
}

/** The same for keys that are whole numbers. */
export function pageByNumber<T>(rows: Iterable<T>, keyOf: (row: T) => number, { limit = DEFAULT_LIMIT, cursor }: PageRequest): Page<T> {
  const after = cursor === undefined ? -1 : Number(decodeCursor(cursor));
  if (!Number.isSafeInteger(after)) throw unreadable(cursor!);
  const left = [...rows].filter((row) => keyOf(row) > after).sort((a, b) => keyOf(a) - keyOf(b));
  return cut(left, (row) => String(keyOf(row)), limit);
}

function cut<T>(left: readonly T[], keyOf: (row: T) => string, limit: number): Page<T> {
  const rows = left.slice(0, limit);
  return { rows, nextCursor: left.length > limit ? encodeCursor(keyOf(rows.at(-1)!)) : null };
}

const encodeCursor = (key: string): string => new TextEncoder().encode(key).toBase64({ alphabet: "base64url", omitPadding: true });

function decodeCursor(cursor: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.fromBase64(cursor, { alphabet: "base64url" }));
  } catch {
    throw unreadable(cursor);
  }
}

function unreadable(cursor: string): Refused {
  return new Refused("INVALID_REQUEST", "Cannot go on there: the cursor is none of this list, begin without one", [
    { in: "query", path: "cursor", accepted: "`nextCursor` of the page before", got: JSON.stringify(cursor.slice(0, 100)) },
  ]);
}
