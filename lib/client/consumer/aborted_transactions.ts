/**
 * Tells records of aborted transactions from others while a log is read in order, from the list that comes with a fetch. Only for readers
 * of committed records. Source: KIP-98.
 */

export interface AbortedTransaction {
  readonly producerId: number;
  /** Of the transaction's first record. */
  readonly firstOffset: number;
}

export class AbortedTransactions {
  /** Not begun at the place where the reader is, in order of first offset. */
  readonly #ahead: AbortedTransaction[];
  /** Producers in the middle of a transaction that was aborted. */
  readonly #open = new Set<number>();

  constructor(list: readonly AbortedTransaction[]) {
    this.#ahead = list.toSorted((a, b) => b.firstOffset - a.firstOffset);
  }

  /** Whether a transactional batch of `producerId` that ends at `lastOffset` was aborted. Batches are shown in order. */
  isAborted(producerId: number, lastOffset: number): boolean {
    this.#advance(lastOffset);
    return this.#open.has(producerId);
  }

  /** An abort marker of `producerId` was read: what it writes after it is another transaction. */
  markerRead(producerId: number, offset: number): void {
    this.#advance(offset);
    this.#open.delete(producerId);
  }

  #advance(offset: number): void {
    for (let next; (next = this.#ahead.at(-1)) !== undefined && next.firstOffset <= offset;) {
      this.#open.add(next.producerId);
      this.#ahead.pop();
    }
  }
}
