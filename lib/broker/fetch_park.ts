/**
 * Parks a fetch until enough bytes came, something changed that must be told at once, or its time is over. Woken by the
 * partitions' own events; polls nothing and reads nothing. While parked it costs one subscription per partition.
 */
import type { Deadline, Waker } from "../io/deadline.ts";
import type { Io } from "../io/io.ts";
import type { Partition } from "../replication/types.ts";
import type { FetchTarget } from "./fetch_session.ts";

export interface ParkedPartition {
  readonly partition: Partition;
  readonly target: FetchTarget;
  /** `partition.readableBytes` as of the last look at it. */
  readonly mark: number;
}

/** @param missingBytes how much more than the last look gave is wanted, over all partitions. */
export function parked(io: Io, partitions: readonly ParkedPartition[], missingBytes: number, deadline: Deadline): Promise<void> {
  return new Promise((resolve) => new Park(io, partitions, missingBytes, deadline, resolve));
}

class Park {
  readonly #subscriptions: { cancel(): void }[] = [];
  readonly #resolve: () => void;
  #waker: Waker | null = null;
  #missing: number;
  #done = false;

  constructor(io: Io, partitions: readonly ParkedPartition[], missingBytes: number, deadline: Deadline, resolve: () => void) {
    this.#missing = missingBytes;
    this.#resolve = resolve;
    for (const { partition, target, mark } of partitions) {
      let seen = mark;
      const look = () => {
        const bytes = Math.min(partition.readableBytes - seen, target.maxBytes);
        seen = partition.readableBytes;
        this.#missing -= bytes;
        if (this.#missing <= 0 || mustTell(partition, target)) this.#finish();
      };
      // What happened between the last look and now.
      look();
      if (this.#done) return;
      this.#subscriptions.push(partition.subscribe(look));
    }
    this.#waker = io.deadlines.wake(deadline, () => this.#finish());
  }

  #finish(): void {
    if (this.#done) return;
    this.#done = true;
    this.#waker?.cancel();
    for (const subscription of this.#subscriptions) subscription.cancel();
    this.#resolve();
  }
}

/** Lost leadership, another epoch, a closed partition, or records deleted under the reader. */
function mustTell(partition: Partition, target: FetchTarget): boolean {
  return partition.checkEpoch(target.currentLeaderEpoch) !== null ||
    target.fetchOffset < partition.logStartOffset || target.fetchOffset > partition.logEndOffset;
}
