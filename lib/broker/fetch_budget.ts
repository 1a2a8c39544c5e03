/**
 * Bounds the bytes of fetch replies that were read from disk and have not left for their sockets yet, over all connections.
 * A fetch that finds nothing left waits in line until others have been sent, or answers empty when its time is over (HAZARDS X2).
 */
import type { Lease } from "../io/buffers.ts";
import { invariant } from "../io/mod.ts";
import type { Deadline, Deadlines } from "../io/deadline.ts";

/** Of a whole node. One reply may hold up to `fetch.max.bytes` of it. */
export const FETCH_BUDGET_BYTES = 64 * 1024 * 1024;
/** Nobody is given less than this, unless less was asked: a share below a batch's size would be overdrawn at once. */
const SHARE_BYTES_MIN = 1024 * 1024;

interface Waiting {
  readonly wanted: number;
  readonly grant: (bytes: number) => void;
}

export class FetchBudget {
  readonly #deadlines: Deadlines;
  readonly #limit: number;
  #free: number;
  readonly #line: Waiting[] = [];

  constructor(deadlines: Deadlines, limitBytes: number = FETCH_BUDGET_BYTES) {
    this.#deadlines = deadlines;
    this.#limit = limitBytes;
    this.#free = limitBytes;
  }

  /** Bytes that are read and unsent. May pass the limit by one batch per reply: the first batch is always given whole. */
  get usedBytes(): number {
    return this.#limit - this.#free;
  }
  get waiting(): number {
    return this.#line.length;
  }

  /** Up to `wanted` bytes now, or 0 when there are none: then `take` waits for some. */
  tryTake(wanted: number): number {
    return this.#line.length > 0 ? 0 : this.#share(wanted);
  }

  /** Resolves to what is granted, at least 1 byte, or to 0 at the deadline. First come, first served. */
  take(wanted: number, deadline: Deadline): Promise<number> {
    const now = this.tryTake(wanted);
    if (now > 0) return Promise.resolve(now);
    return new Promise((resolve) => {
      const waiting: Waiting = {
        wanted,
        grant: (bytes) => {
          waker.cancel();
          resolve(bytes);
        },
      };
      this.#line.push(waiting);
      const waker = this.#deadlines.wake(deadline, () => {
        const at = this.#line.indexOf(waiting);
        if (at < 0) return;
        this.#line.splice(at, 1);
        resolve(0);
      });
    });
  }

  /**
   * Corrects a grant once it is known what was read (the first batch comes whole and may need more), and makes the lease on what is
   * used: release it when the bytes have left.
   */
  settle(grantedBytes: number, usedBytes: number): Lease {
    this.#give(grantedBytes - usedBytes);
    let count = 1;
    return {
      retain: () => {
        invariant(count > 0, "a fetch budget that was given back is not held again");
        count++;
      },
      release: () => {
        invariant(count > 0, "a fetch budget is given back once");
        if (--count === 0) this.#give(usedBytes);
      },
    };
  }

  #share(wanted: number): number {
    if (this.#free < Math.min(wanted, SHARE_BYTES_MIN, this.#limit)) return 0;
    const bytes = Math.max(1, Math.min(wanted, this.#free));
    this.#free -= bytes;
    return bytes;
  }

  #give(bytes: number): void {
    this.#free += bytes;
    while (this.#line.length > 0) {
      const bytes = this.#share(this.#line[0]!.wanted);
      if (bytes === 0) return;
      this.#line.shift()!.grant(bytes);
    }
  }
}
