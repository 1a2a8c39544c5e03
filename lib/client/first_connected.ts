/**
 * Finds a broker that answers: candidates are tried one after the other, without waiting for one that is silent. Knows nothing of what
 * they are asked later. Source: RFC 8305's staggered starts.
 */
import type { Deadline, Timer, Timers } from "../io/mod.ts";
import { KafkaError } from "./errors.ts";

/** So long a candidate is tried alone. */
const STAGGER_MS = 250;

export interface Candidate {
  /** @throws {KafkaError} */
  connect(deadline: Deadline): Promise<unknown>;
}

/** The first that is connected; the others may become so later. @throws {KafkaError} the last failure, when all have failed. */
export function firstConnected<C extends Candidate>(timers: Timers, candidates: readonly C[], deadline: Deadline): Promise<C> {
  return new Promise((resolve, reject) => {
    let started = 0;
    let failed = 0;
    let timer: Timer | null = null;
    let isDone = false;
    const finish = (settle: () => void) => {
      isDone = true;
      timer?.cancel();
      settle();
    };
    const startNext = () => {
      timer?.cancel();
      const candidate = candidates[started];
      if (candidate === undefined || isDone) return;
      started++;
      timer = timers.after(STAGGER_MS, startNext);
      candidate.connect(deadline).then(
        () => isDone || finish(() => resolve(candidate)),
        (error) => {
          failed++;
          if (isDone) return;
          if (failed === candidates.length) return finish(() => reject(error));
          startNext();
        },
      );
    };
    if (candidates.length === 0) reject(new KafkaError("NETWORK_EXCEPTION", "Cannot find a broker: none is known"));
    startNext();
  });
}
