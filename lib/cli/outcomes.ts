/** Things done to several at once: what became of each, as JSON or as talk, and the exit code of the whole. */
import type { KafkaError, Outcome } from "../client/mod.ts";
import type { Context } from "./context.ts";
import { explained } from "./errors.ts";
import { CommandFailed } from "./exit.ts";

/** How a failure of one looks in JSON. */
export function errorJson(error: KafkaError): { readonly ok: false; readonly error: string; readonly message: string } {
  return { ok: false, error: error.error, message: error.message };
}

export interface Row<T> {
  /** What names it in JSON: `{ topic: "orders" }`. */
  readonly of: Readonly<Record<string, unknown>>;
  readonly outcome: Outcome<T>;
}

/**
 * Says of each what became of it.
 * @param did the talk about a success. @param json what else JSON has about a success.
 * @throws {CommandFailed} when one failed, after all have been said.
 */
export async function settle<T>(
  { out }: Context,
  rows: readonly Row<T>[],
  did: (row: Row<T> & { readonly value: T }) => string,
  json: (value: T) => Readonly<Record<string, unknown>> = () => ({}),
): Promise<void> {
  if (out.isJson) {
    await out.result(
      rows.map(({ of, outcome }) => ({ ...of, ...(outcome.ok ? { ok: true, ...json(outcome.value) } : errorJson(outcome.error)) })),
      () => "",
    );
  }
  for (const row of rows) {
    if (!row.outcome.ok) out.error(explained(row.outcome.error));
    else if (!out.isJson) out.note(did({ ...row, value: row.outcome.value }));
  }
  if (rows.some(({ outcome }) => !outcome.ok)) throw new CommandFailed("");
}

/** The values of a map in the order of `names`. What the cluster did not answer for is not made up. */
export function inOrder<T>(names: readonly string[], found: ReadonlyMap<string, Outcome<T>>): readonly (readonly [string, Outcome<T>])[] {
  return names.flatMap((name) => {
    const outcome = found.get(name);
    return outcome === undefined ? [] : [[name, outcome] as const];
  });
}

/** @throws the error of a failure. */
export function valueOf<T>(outcome: Outcome<T>): T {
  if (!outcome.ok) throw outcome.error;
  return outcome.value;
}
