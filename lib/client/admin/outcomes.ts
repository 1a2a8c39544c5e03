/**
 * Several things in one call, each with its own success or failure; those whose failure is worth it are asked for again, the others keep
 * what they have. Knows no APIs.
 */
import type { Deadline } from "../../io/mod.ts";
import { failureOf, KafkaError } from "../errors.ts";
import type { Cluster, Outcome } from "../types.ts";

export const succeeded = <T>(value: T): Outcome<T> => ({ ok: true, value });
export const failedWith = <T>(error: KafkaError): Outcome<T> => ({ ok: false, error });

/** The outcome of a row: `value` is only asked for when the code is 0. */
export function outcomeOf<T>(code: number, action: string, detail: string | null, value: () => T): Outcome<T> {
  return code === 0 ? succeeded(value()) : failedWith(failureOf(code, action, detail));
}

/** Whether a failure is worth another try; `tries` counts those that were made. */
export type Again = (error: KafkaError, tries: number) => boolean;

/** A thing that the cluster does not know may have been made a moment ago, elsewhere: it is looked for this often. */
const UNKNOWN_TRIES_MAX = 3;

export const whatIsRetriable: Again = ({ error, retriable }, tries) =>
  retriable && (error !== "UNKNOWN_TOPIC_OR_PARTITION" || tries < UNKNOWN_TRIES_MAX);

/**
 * Calls `attempt` for all items, and again for those that failed in a way that `again` wants repeated, until the deadline. What `attempt`
 * throws as a `KafkaError` is the outcome of every item of that try.
 * @param attempt answers in the order of its items.
 */
export async function eachOutcome<Item, T>(
  cluster: Cluster,
  deadline: Deadline,
  items: readonly Item[],
  attempt: (items: readonly Item[]) => Promise<readonly Outcome<T>[]>,
  again: Again = whatIsRetriable,
): Promise<readonly Outcome<T>[]> {
  const outcomes: Outcome<T>[] = [];
  let pending = items.map((_, i) => i);
  let tries = 0;
  const tryPending = async (): Promise<void> => {
    const rows = await attempt(pending.map((i) => items[i]!)).catch((error) => {
      if (!(error instanceof KafkaError)) throw error;
      return pending.map(() => failedWith<T>(error));
    });
    pending.forEach((i, k) => outcomes[i] = rows[k]!);
    tries++;
    let worthIt: KafkaError | null = null;
    pending = pending.filter((i) => {
      const outcome = outcomes[i]!;
      if (outcome.ok || !outcome.error.retriable || !again(outcome.error, tries)) return false;
      worthIt = outcome.error;
      return true;
    });
    if (worthIt !== null) throw worthIt;
  };
  if (items.length === 0) return outcomes;
  try {
    await cluster.retry(deadline, tryPending);
  } catch (error) {
    // No time is left: what failed last is in `outcomes`.
    if (!(error instanceof KafkaError)) throw error;
  }
  return outcomes;
}

/** The outcomes by the names that were asked for. */
export function byName<T>(names: readonly string[], outcomes: readonly Outcome<T>[]): ReadonlyMap<string, Outcome<T>> {
  return new Map(names.map((name, i) => [name, outcomes[i]!]));
}

/** For rows that a broker left out. */
export const noAnswer = <T>(action: string): Outcome<T> =>
  failedWith(new KafkaError("UNKNOWN_SERVER_ERROR", `Cannot ${action}: the broker did not mention it in its answer`));
