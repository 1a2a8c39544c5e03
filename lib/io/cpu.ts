/**
 * Jobs beside the event loop's own work: at most two at a time, the rest in order of arrival up to a limit (HAZARDS N5). Starts no
 * threads itself: a job is a call that goes to a thread pool (zlib), or short work of its own.
 */
import type { Deadline, Deadlines } from "./deadline.ts";
import { DeadlineExceeded, Overloaded } from "./errors.ts";
import type { Cpu } from "./io.ts";

const RUNNING_MAX = 2;
export const CPU_QUEUE_MAX = 1024;

/** @throws (from `run`) {Overloaded} when `CPU_QUEUE_MAX` jobs wait. A job whose deadline passes while it waits never runs. */
export function createCpu(deadlines: Deadlines): Cpu {
  const waiting = new Set<() => void>();
  let running = 0;

  function next(): void {
    running--;
    for (const start of waiting) {
      waiting.delete(start);
      start();
      return;
    }
  }

  async function start<T>(job: () => T | Promise<T>): Promise<T> {
    running++;
    try {
      return await job();
    } finally {
      next();
    }
  }

  function enqueue<T>(job: () => T | Promise<T>, deadline: Deadline): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const begin = () => {
        waker.cancel();
        deadlines.guard(deadline, "cpu job", start(job)).then(resolve, reject);
      };
      const waker = deadlines.wake(deadline, () => {
        if (waiting.delete(begin)) reject(new DeadlineExceeded(deadline.op, "cpu queue", 0));
      });
      waiting.add(begin);
    });
  }

  return {
    run(job, deadline) {
      if (running < RUNNING_MAX) return deadlines.guard(deadline, "cpu job", start(job));
      if (waiting.size >= CPU_QUEUE_MAX) return Promise.reject(new Overloaded("cpu jobs", CPU_QUEUE_MAX));
      return enqueue(job, deadline);
    },
  };
}
