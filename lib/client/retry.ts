/** Trying again: how long to pause, and until when. What is worth another try is said by the error itself. */
import type { Deadline } from "../io/mod.ts";
import { KafkaError } from "./errors.ts";

/** Either way from the middle, so that clients that failed together do not return together. */
const JITTER = 0.2;

export interface Backoff {
  readonly retryBackoffMs: number;
  readonly retryBackoffMaxMs: number;
}

/** The pause after `failures` failures in a row, from 1. @param random uniform in [0, 1). */
export function backoffMs(failures: number, { retryBackoffMs, retryBackoffMaxMs }: Backoff, random: number): number {
  const doubled = retryBackoffMs * 2 ** Math.min(30, Math.max(0, failures - 1));
  return Math.min(doubled, retryBackoffMaxMs) * (1 - JITTER + 2 * JITTER * random);
}

export interface RetryClock {
  mono(): number;
  random(): number;
  /** @throws {KafkaError} when the client closes. */
  pause(ms: number): Promise<void>;
}

/** Calls `attempt` until it succeeds, fails for good, or no time is left for another try; then its last failure is thrown. */
export async function retry<T>(clock: RetryClock, backoff: Backoff, deadline: Deadline, attempt: () => Promise<T>): Promise<T> {
  for (let failures = 1;; failures++) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof KafkaError) || !error.retriable) throw error;
      const ms = backoffMs(failures, backoff, clock.random());
      if (clock.mono() + ms >= deadline.at) throw error;
      await clock.pause(ms);
    }
  }
}
