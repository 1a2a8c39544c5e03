/**
 * Parks a fetch until enough bytes came, something changed that must be told at once, or its time is over. Woken by the
 * partitions' own events; polls nothing and reads nothing. While parked it costs one subscription per partition.
 */
import type { Deadline, Deadlines, Waker } from "../io/deadline.ts";
import type { Partition } from "../replication/types.ts";
import type { FetchTarget } from "./fetch_session.ts";

export interface ParkedPartition {
  readonly partition: Partition;
  readonly target: FetchTarget;
  /** `partition.readableBytes` as of the last look at it. */
  readonly mark: number;
}

/** Who asked, as far as a wait must know. */
export interface ParkedFor {
  whenGone(fire: () => void): { cancel(): void };
}

/** All parked fetches of a node. Bounded by the requests that connections may have in work. */
export class FetchParks {
  readonly #deadlines: Deadlines;
  readonly #waiting = new Set<Park>();
  #isReleased = false;

  constructor(deadlines: Deadlines) {
    this.#deadlines = deadlines;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** @param missingBytes how much more than the last look gave is wanted, over all partitions. */
  wait(partitions: readonly ParkedPartition[], missingBytes: number, deadline: Deadline, client: ParkedFor): Promise<void> {
    if (this.#isReleased) return Promise.resolve();
    return new Promise((resolve) => {
      let watch: { cancel(): void } | null = null;
      const park = new Park(missingBytes, () => {
        this.#waiting.delete(park);
        watch?.cancel();
        resolve();
      });
      this.#waiting.add(park);
      // It may be gone already: then this ends the wait before it began.
      watch = client.whenGone(() => park.finish());
      park.begin(this.#deadlines, partitions, deadline);
    });
  }

  /** The node stops: everybody is answered with what there is, and nobody parks any more. */
  release(): void {
    this.#isReleased = true;
    for (const park of [...this.#waiting]) park.finish();
  }
}

class Park {
  readonly #subscriptions: { cancel(): void }[] = [];
  readonly #resolve: () => void;
  #waker: Waker | null = null;
  #missing: number;
  #done = false;

  constructor(missingBytes: number, resolve: () => void) {
    this.#missing = missingBytes;
    this.#resolve = resolve;
  }

  begin(deadlines: Deadlines, partitions: readonly ParkedPartition[], deadline: Deadline): void {
    if (this.#done) return;
    for (const { partition, target, mark } of partitions) {
      let seen = mark;
      const look = () => {
        const bytes = Math.min(partition.readableBytes - seen, target.maxBytes);
        seen = partition.readableBytes;
        this.#missing -= bytes;
        if (this.#missing <= 0 || mustTell(partition, target)) this.finish();
      };
      // What happened between the last look and now.
      look();
      if (this.#done) return;
      this.#subscriptions.push(partition.subscribe(look));
    }
    this.#waker = deadlines.wake(deadline, () => this.finish());
  }

  finish(): void {
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
