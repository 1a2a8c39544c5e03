/**
 * Questions that wait for their answer: promises that the machine's replies resolve, each bounded by its request's deadline, so that a
 * client that is gone leaves nothing behind. Knows nothing of groups.
 */
import type { Deadline, Deadlines, Waker } from "../io/mod.ts";
import type { KafkaErrorName } from "../protocol/errors.ts";

/** What is told of a write that is in the log and not acknowledged. */
export const UNKNOWN_OUTCOME = "REQUEST_TIMED_OUT" satisfies KafkaErrorName;

interface Waiting {
  readonly answer: (reply: unknown) => void;
  /** The same question's answer that tells an error. */
  readonly refuse: (error: KafkaErrorName) => unknown;
  readonly late: KafkaErrorName;
  /** Null while it is being asked: most questions are answered at once. */
  waker: Waker | null;
}

export class Tickets {
  readonly #deadlines: Deadlines;
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;

  constructor(deadlines: Deadlines) {
    this.#deadlines = deadlines;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /**
   * Opens a ticket and hands its number to `ask`, which may answer at once.
   * @param late what is told when the deadline passes first, and a later answer is dropped: for writes, `UNKNOWN_OUTCOME`.
   */
  open<Reply>(
    deadline: Deadline,
    refuse: (error: KafkaErrorName) => Reply,
    late: KafkaErrorName,
    ask: (ticket: number) => void,
  ): Promise<Reply> {
    const { promise, resolve } = Promise.withResolvers<Reply>();
    const ticket = ++this.#last;
    // The machine answers a ticket with the reply of its command: `ask` ties the two together.
    const waiting: Waiting = { answer: resolve as (reply: unknown) => void, refuse, late, waker: null };
    this.#waiting.set(ticket, waiting);
    ask(ticket);
    if (this.#waiting.has(ticket)) waiting.waker = this.#deadlines.wake(deadline, () => this.answer(ticket, refuse(late)));
    return promise;
  }

  /** Drops answers that nobody waits for any more. */
  answer(ticket: number, reply: unknown): void {
    const waiting = this.#waiting.get(ticket);
    if (waiting === undefined) return;
    this.#waiting.delete(ticket);
    waiting.waker?.cancel();
    waiting.answer(reply);
  }

  /** Nothing is answered here any more. Who waits for a write is told that nobody knows what becomes of it, everybody else `error`. */
  refuseAll(error: KafkaErrorName): void {
    for (const [ticket, { refuse, late }] of [...this.#waiting]) this.answer(ticket, refuse(late === UNKNOWN_OUTCOME ? late : error));
  }
}
