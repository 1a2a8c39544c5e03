/**
 * Waits for offsets to be acknowledged, in offset order: one queue for "on this disk", one for "below the high watermark".
 * Arms no timer per wait: the queue keeps one wake-up at its earliest deadline. Holds at most the appends and repeated batches of
 * the requests in flight, which the connections bound.
 */
import type { Deadline, Deadlines, Waker } from "../io/deadline.ts";
import type { Clock } from "../io/io.ts";
import type { KafkaErrorName } from "../protocol/errors.ts";
import type { AcknowledgementWaiter } from "./types.ts";

interface Wait {
  readonly offset: number;
  readonly deadline: Deadline;
  readonly waiter: AcknowledgementWaiter;
  readonly tag: number;
}

/** Settled waits are cut off the front once there are this many. */
const COMPACT_AT = 1024;

export class Acknowledgements {
  readonly #clock: Clock;
  readonly #deadlines: Deadlines;
  /** Ordered by offset; everything before `#head` is settled. */
  readonly #waits: Wait[] = [];
  #head = 0;
  #waker: Waker | null = null;
  #wakeAt = Infinity;
  readonly #expire = () => this.#expired();

  constructor(clock: Clock, deadlines: Deadlines) {
    this.#clock = clock;
    this.#deadlines = deadlines;
  }

  get size(): number {
    return this.#waits.length - this.#head;
  }

  /** Tells `waiter` null once `passed` names an end above `offset`, REQUEST_TIMED_OUT at the deadline: the outcome is then unknown. */
  wait(offset: number, deadline: Deadline, waiter: AcknowledgementWaiter, tag: number): void {
    const waits = this.#waits;
    const wait: Wait = { offset, deadline, waiter, tag };
    // Waits come in append order but for repeated batches, which ask for an older offset.
    let at = waits.length;
    while (at > this.#head && waits[at - 1]!.offset > offset) at--;
    if (at === waits.length) waits.push(wait);
    else waits.splice(at, 0, wait);
    if (deadline.at < this.#wakeAt) this.#arm(deadline);
  }

  /** Everything below `endOffset` is acknowledged. */
  passed(endOffset: number): void {
    const waits = this.#waits;
    while (this.#head < waits.length) {
      const wait = waits[this.#head]!;
      if (wait.offset >= endOffset) break;
      this.#head++;
      wait.waiter.acknowledged(wait.tag, null);
    }
    if (this.#head === waits.length) {
      waits.length = 0;
      this.#head = 0;
    } else if (this.#head >= COMPACT_AT) {
      waits.splice(0, this.#head);
      this.#head = 0;
    }
  }

  failAll(error: KafkaErrorName): void {
    const failed = this.#waits.splice(this.#head);
    this.#waits.length = 0;
    this.#head = 0;
    this.#waker?.cancel();
    this.#waker = null;
    this.#wakeAt = Infinity;
    for (const { waiter, tag } of failed) waiter.acknowledged(tag, error);
  }

  #arm(deadline: Deadline): void {
    this.#waker?.cancel();
    this.#wakeAt = deadline.at;
    this.#waker = this.#deadlines.wake(deadline, this.#expire);
  }

  /** The earliest deadline came; the wait that it belonged to may have been settled long ago. */
  #expired(): void {
    this.#waker = null;
    this.#wakeAt = Infinity;
    const now = this.#clock.mono();
    const kept: Wait[] = [];
    const late: Wait[] = [];
    let next: Deadline | null = null;
    for (let at = this.#head; at < this.#waits.length; at++) {
      const wait = this.#waits[at]!;
      if (wait.deadline.at <= now) late.push(wait);
      else {
        kept.push(wait);
        if (next === null || wait.deadline.at < next.at) next = wait.deadline;
      }
    }
    this.#waits.length = 0;
    this.#head = 0;
    for (const wait of kept) this.#waits.push(wait);
    if (next !== null) this.#arm(next);
    for (const { waiter, tag } of late) waiter.acknowledged(tag, "REQUEST_TIMED_OUT");
  }
}
