/**
 * The batches of one partition in their order: open, waiting, under way; and the sequence numbers under which they go. Keeps the order
 * whatever comes back, and never gives a batch that may be in the log another identity. Decides; sends nothing and knows no clock.
 * Source: KIP-98, KIP-360.
 *
 * A producer that is idempotent but not transactional has its state per partition at the broker, so every partition has its own epoch here: one
 * that must start over raises it for itself alone, and what was sent before and arrives late is refused as old.
 */
import type { Batch } from "./batch.ts";

const SEQUENCES = 2 ** 31;
const EPOCH_MAX = 32_767;

export interface Identity {
  readonly producerId: number;
  readonly producerEpoch: number;
}

/**
 * What must happen once nothing is under way and the first that waits is known not to be written: `renumber` closes the gap of a batch that is known not
 * to be in the log, `epoch` starts over after one of which that is not known, `identity` after the broker refused the one we have.
 */
type Reset = "none" | "renumber" | "epoch" | "identity";
const STRENGTH: Readonly<Record<Reset, number>> = { none: 0, renumber: 1, epoch: 2, identity: 3 };

export class PartitionQueue {
  readonly topic: string;
  readonly partition: number;
  /** Takes records; the last in the order. */
  open: Batch | null = null;
  /** The open batch may go. Until somebody takes it, it still takes records. */
  isRipe = false;
  /** Sealed; those that were under way before come first, in their order. */
  readonly waiting: Batch[] = [];
  /** In the order in which they left. */
  readonly underWay: Batch[] = [];
  /** On the monotonic clock: a pause after a failure. */
  notBefore = 0;
  readonly #underWayMax: number;
  #identity: Identity | null = null;
  #nextSequence = 0;
  #lastAcknowledged = -1;
  #reset: Reset = "none";
  #nextOrdinal = 0;

  constructor(topic: string, partition: number, underWayMax: number) {
    this.topic = topic;
    this.partition = partition;
    this.#underWayMax = underWayMax;
  }

  get isEmpty(): boolean {
    return this.open === null && this.waiting.length === 0 && this.underWay.length === 0;
  }

  /** Whether `take` would give a batch. */
  isSendable(now: number): boolean {
    const first = this.waiting[0] ?? (this.isRipe ? this.open : null);
    if (first === null || now < this.notBefore || this.underWay.length >= this.#underWayMax) return false;
    if (this.underWay.length === 0) return true;
    // Nothing overtakes what is sent again; and a broker that knows nothing of us yet would take any sequence as the first.
    const isBrokerSure = this.#identity === null || this.#lastAcknowledged >= 0;
    return first.tries === 0 && this.#reset === "none" && isBrokerSure;
  }

  /** The open batch, sealed by now, takes no more records. */
  close(batch: Batch): void {
    this.open = null;
    this.isRipe = false;
    batch.ordinal = this.#nextOrdinal++;
    this.waiting.push(batch);
  }

  /**
   * The next batch, under way from now on. Ask `isSendable` before, and close a ripe batch when nothing else waits.
   * @param current the producer's identity; null: it has none, and batches go without sequences.
   */
  take(current: Identity | null): Batch {
    if (current !== null) this.#prepare(current);
    const batch = this.waiting.shift()!;
    if (this.#identity !== null && batch.sequence < 0) {
      batch.identify(this.#identity.producerId, this.#identity.producerEpoch, this.#nextSequence);
      this.#nextSequence = (this.#nextSequence + batch.count) % SEQUENCES;
    }
    batch.tries++;
    this.underWay.push(batch);
    return batch;
  }

  /** Whether the identity is refused or used up and `take` needs another one than `current` before it goes on. */
  needsIdentity(current: Identity): boolean {
    if (this.#identity?.producerId !== current.producerId || !this.#canReset) return false;
    return this.#reset === "identity" || (this.#reset === "epoch" && this.#identity.producerEpoch >= EPOCH_MAX);
  }

  /** The batch is in the log. */
  acknowledged(batch: Batch): void {
    this.#leave(batch);
    if (!this.#isOurs(batch)) return;
    const last = (batch.sequence + batch.count - 1) % SEQUENCES;
    // The answer to an earlier one may come later, to its second try: what a later batch has used up stays used up.
    const isNews = this.#lastAcknowledged < 0 || (last - this.#lastAcknowledged + SEQUENCES) % SEQUENCES < SEQUENCES / 2;
    if (isNews) this.#lastAcknowledged = last;
  }

  /** The batch goes again. @param reset what its failure asks for. */
  again(batch: Batch, reset: Reset = "none"): void {
    this.#leave(batch);
    this.#insert(batch);
    this.#want(reset);
  }

  /** The batch is given up: its records have their failure. */
  gaveUp(batch: Batch): void {
    this.#leave(batch);
    const at = this.waiting.indexOf(batch);
    if (at >= 0) this.waiting.splice(at, 1);
    if (this.open === batch) {
      this.open = null;
      this.isRipe = false;
    }
    if (this.#isOurs(batch)) this.#want(batch.mayBeWritten ? "epoch" : "renumber");
  }

  /** `halves` go in the place of `batch`, which is known not to be in the log; they share its sequences. */
  splitInto(batch: Batch, halves: readonly Batch[]): void {
    this.#leave(batch);
    let { sequence } = batch;
    for (const half of halves) {
      if (sequence >= 0) {
        half.identify(batch.producerId, batch.producerEpoch, sequence);
        sequence = (sequence + half.count) % SEQUENCES;
      }
      this.#insert(half);
    }
  }

  /** Whether nothing before the batch has its outcome still to come, so that the broker should have taken its sequence. */
  isFirst(batch: Batch): boolean {
    const isLater = ({ ordinal }: Batch) => ordinal >= batch.ordinal;
    return this.#reset === "none" && this.waiting.every(isLater) && this.underWay.every(isLater);
  }

  /** The sequences of later batches would have a gap before them if the first were not written, so it alone counts. */
  get #canReset(): boolean {
    return this.underWay.length === 0 && this.waiting[0]?.mayBeWritten !== true;
  }

  #isOurs({ producerId, producerEpoch }: Batch): boolean {
    return producerId >= 0 && producerId === this.#identity?.producerId && producerEpoch === this.#identity.producerEpoch;
  }

  #want(reset: Reset): void {
    if (STRENGTH[reset] > STRENGTH[this.#reset]) this.#reset = reset;
  }

  #prepare(current: Identity): void {
    if (this.#identity === null) this.#identity = current;
    if (this.#reset === "none" || !this.#canReset) return;
    if (this.#reset === "renumber") this.#nextSequence = (this.#lastAcknowledged + 1) % SEQUENCES;
    else {
      const { producerId, producerEpoch } = this.#identity;
      this.#identity = current.producerId === producerId ? { producerId, producerEpoch: producerEpoch + 1 } : current;
      this.#nextSequence = 0;
      this.#lastAcknowledged = -1;
    }
    this.#reset = "none";
    for (const batch of this.waiting) {
      batch.mayBeWritten = false;
      if (batch.sequence >= 0) batch.identify(-1, -1, -1);
    }
  }

  #leave(batch: Batch): void {
    const at = this.underWay.indexOf(batch);
    if (at >= 0) this.underWay.splice(at, 1);
  }

  #insert(batch: Batch): void {
    const at = this.waiting.findIndex(({ ordinal }) => ordinal > batch.ordinal);
    this.waiting.splice(at < 0 ? this.waiting.length : at, 0, batch);
  }
}
