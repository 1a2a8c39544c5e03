/**
 * Records that cannot go into a batch yet, because the buffer is full or their topic is not known: in order, each with its time. Chooses no
 * partition.
 */
import type { Deadlines, Waker } from "../../io/mod.ts";
import { KafkaError } from "../errors.ts";
import type { OutgoingRecord } from "../types.ts";
import type { Delivery, Parts } from "./batch.ts";

/** Records that wait in one place; more are refused. */
export const ARRIVALS_MAX = 1_000_000;

export interface Arrival {
  readonly record: OutgoingRecord;
  readonly parts: Parts;
  readonly delivery: Delivery;
  readonly token: number;
  /** On the monotonic clock. */
  readonly deadlineAt: number;
}

export class Arrivals {
  readonly #deadlines: Deadlines;
  readonly #why: string;
  readonly #onGone: (arrival: Arrival) => void;
  #list: Arrival[] = [];
  #head = 0;
  #waker: Waker | null = null;
  /** Told when the arrival at a place has left, in order of place. Places count from the first ever. */
  #told: { readonly place: number; readonly tell: () => void }[] = [];
  #left = 0;

  /** @param why continues "Cannot send a record in time: ". @param onGone told of those whose time passed or that were failed. */
  constructor(deadlines: Deadlines, why: string, onGone: (arrival: Arrival) => void = () => {}) {
    this.#deadlines = deadlines;
    this.#why = why;
    this.#onGone = onGone;
  }

  get length(): number {
    return this.#list.length - this.#head;
  }

  push(arrival: Arrival): void {
    if (this.length >= ARRIVALS_MAX) {
      const why = `Cannot accept a record: ${ARRIVALS_MAX} wait already, await the results of earlier ones`;
      arrival.delivery.onFailed(arrival.token, new KafkaError("THROTTLING_QUOTA_EXCEEDED", why, { retriable: false }));
      return this.#onGone(arrival);
    }
    this.#list.push(arrival);
    if (this.#waker === null) this.#watch();
  }

  shift(): Arrival | null {
    if (this.length === 0) return null;
    const arrival = this.#list[this.#head]!;
    this.#head++;
    this.#left++;
    if (this.#head === this.#list.length) {
      this.#list = [];
      this.#head = 0;
    }
    while (this.#told.length > 0 && this.#told[0]!.place < this.#left) this.#told.shift()!.tell();
    return arrival;
  }

  failAll(error: KafkaError): void {
    for (let one = this.shift(); one !== null; one = this.shift()) {
      one.delivery.onFailed(one.token, error);
      this.#onGone(one);
    }
  }

  /** Resolves when everything that waits now has left. */
  whenLeft(): Promise<void> {
    if (this.length === 0) return Promise.resolve();
    return new Promise((tell) => this.#told.push({ place: this.#left + this.length - 1, tell }));
  }

  /** The first has the earliest deadline. */
  #watch(): void {
    const first = this.#list[this.#head];
    if (first === undefined) return;
    this.#waker = this.#deadlines.wake({ op: "send", at: first.deadlineAt }, () => {
      this.#waker = null;
      while (this.length > 0 && this.#list[this.#head]!.deadlineAt <= first.deadlineAt) {
        const late = this.shift()!;
        late.delivery.onFailed(late.token, new KafkaError("REQUEST_TIMED_OUT", `Cannot send a record in time: ${this.#why}`));
        this.#onGone(late);
      }
      this.#watch();
    });
  }
}
