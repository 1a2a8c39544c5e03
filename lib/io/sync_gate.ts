/**
 * How many calls may wait for the device at once. A hung fdatasync holds a thread of the runtime's shared pool, so few of them run at a time and
 * the others wait their turn here, under their deadline. Knows nothing of what the calls do.
 */
import type { Deadline, Deadlines } from "./deadline.ts";
import { DeadlineExceeded, IoFailed } from "./errors.ts";

/** Outstanding fdatasync, fsync and O_DSYNC writes: one commit round and one background sync. */
const SYNCS_MAX = 2;
/** More calls than this waiting for the device means that someone ignores backpressure. */
const SYNC_QUEUE_MAX = 4096;

/** Lets at most `SYNCS_MAX` calls wait for the device; the others wait in order. A deadline that passes in the queue means: not started. */
export class SyncGate {
  readonly #deadlines: Deadlines;
  readonly #waiting = new Set<() => void>();
  #running = 0;
  readonly #ended = () => {
    this.#running--;
    for (const start of this.#waiting) {
      this.#waiting.delete(start);
      return start();
    }
  };

  constructor(deadlines: Deadlines) {
    this.#deadlines = deadlines;
  }

  run(deadline: Deadline, start: () => Promise<void>): Promise<void> {
    if (this.#running < SYNCS_MAX) return this.#start(start);
    if (this.#waiting.size >= SYNC_QUEUE_MAX) return Promise.reject(new IoFailed("sync", "queue", "EAGAIN"));
    return new Promise((resolve, reject) => {
      const begin = () => {
        waker.cancel();
        this.#start(start).then(resolve, reject);
      };
      const waker = this.#deadlines.wake(deadline, () => {
        if (this.#waiting.delete(begin)) reject(new DeadlineExceeded(deadline.op, "sync queue", 0));
      });
      this.#waiting.add(begin);
    });
  }

  #start(start: () => Promise<void>): Promise<void> {
    this.#running++;
    const work = start();
    work.then(this.#ended, this.#ended);
    return work;
  }
}
