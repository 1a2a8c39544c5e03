/**
 * Bounds the bytes of fetch replies that were read from disk and have not left for their sockets yet, over all connections.
 * A fetch that finds nothing left waits in line until others have been sent, or answers empty when its time is over (HAZARDS X2).
 *
 * Clients that do not read, or slowly, keep what they were given for long. So that they cannot keep it from the others: nobody gets more than
 * half of what is left, a client that holds its share already gets nothing more, and one that holds nothing gets a little in any case.
 */
import type { Lease } from "../io/buffers.ts";
import { invariant } from "../io/mod.ts";
import type { Deadline, Deadlines } from "../io/deadline.ts";

/** Of a whole node, without the reserve. */
export const FETCH_BUDGET_BYTES = 64 * 1024 * 1024;
/** Nobody is given less than this, unless less was asked: a share below a batch's size would be overdrawn at once. */
const SHARE_BYTES_MIN = 1024 * 1024;
/** Of the limit: at this much unsent a client waits for its own bytes to leave. */
const CLIENT_SHARE = 1 / 8;
/** Of the limit, on top of it: only for clients that hold nothing, in pieces of … */
const RESERVE_SHARE = 1 / 2;
/** … this part of the limit. */
const PIECE_SHARE = 1 / 1024;

/** Whose bytes they are; told apart by identity. */
export type FetchClient = object;

interface Waiting {
  readonly wanted: number;
  readonly client: FetchClient;
  readonly grant: (bytes: number) => void;
}

export class FetchBudget {
  readonly #deadlines: Deadlines;
  readonly #limit: number;
  /** Below 0 by what the reserve has given, and by first batches that were larger than their grant. */
  #free: number;
  readonly #held = new Map<FetchClient, number>();
  readonly #line: Waiting[] = [];

  constructor(deadlines: Deadlines, limitBytes: number = FETCH_BUDGET_BYTES) {
    this.#deadlines = deadlines;
    this.#limit = limitBytes;
    this.#free = limitBytes;
  }

  /** Bytes that are read and unsent. May pass the limit by the reserve, and by one batch per reply: the first batch is always given whole. */
  get usedBytes(): number {
    return this.#limit - this.#free;
  }
  get waiting(): number {
    return this.#line.length;
  }

  /** Up to `wanted` bytes now, or 0 when there are none: then `take` waits for some. */
  tryTake(wanted: number, client: FetchClient): number {
    return this.#line.length > 0 ? this.#piece(wanted, client) : this.#share(wanted, client);
  }

  /** Resolves to what is granted, at least 1 byte, or to 0 at the deadline. First come, first served, as far as each holds less than its share. */
  take(wanted: number, client: FetchClient, deadline: Deadline): Promise<number> {
    const now = this.tryTake(wanted, client);
    if (now > 0) return Promise.resolve(now);
    return new Promise((resolve) => {
      const waiting: Waiting = {
        wanted,
        client,
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
  settle(grantedBytes: number, usedBytes: number, client: FetchClient): Lease {
    this.#give(grantedBytes - usedBytes, client);
    let count = 1;
    return {
      retain: () => {
        invariant(count > 0, "a fetch budget that was given back is not held again");
        count++;
      },
      release: () => {
        invariant(count > 0, "a fetch budget is given back once");
        if (--count === 0) this.#give(usedBytes, client);
      },
    };
  }

  #share(wanted: number, client: FetchClient): number {
    if (this.#hasItsShare(client)) return 0;
    if (this.#free < Math.min(wanted, SHARE_BYTES_MIN, this.#limit)) return this.#piece(wanted, client);
    return this.#grant(Math.min(wanted, Math.max(this.#free / 2, Math.min(SHARE_BYTES_MIN, this.#free))), client);
  }

  #piece(wanted: number, client: FetchClient): number {
    if (this.#held.has(client) || this.#free <= -this.#limit * RESERVE_SHARE) return 0;
    return this.#grant(Math.min(wanted, this.#limit * PIECE_SHARE), client);
  }

  #grant(upTo: number, client: FetchClient): number {
    const bytes = Math.max(1, Math.floor(upTo));
    this.#free -= bytes;
    this.#held.set(client, (this.#held.get(client) ?? 0) + bytes);
    return bytes;
  }

  #hasItsShare(client: FetchClient): boolean {
    return (this.#held.get(client) ?? 0) >= this.#limit * CLIENT_SHARE;
  }

  #give(bytes: number, client: FetchClient): void {
    this.#free += bytes;
    const held = (this.#held.get(client) ?? 0) - bytes;
    if (held === 0) this.#held.delete(client);
    else this.#held.set(client, held);
    for (let at = 0; at < this.#line.length;) {
      const { wanted, client, grant } = this.#line[at]!;
      const share = this.#share(wanted, client);
      if (share > 0) {
        this.#line.splice(at, 1);
        grant(share);
      } else if (this.#hasItsShare(client)) at++; // It waits for its own bytes, the others do not wait for it.
      else return;
    }
  }
}
