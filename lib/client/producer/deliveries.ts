/** Who waits for records: one caller for one record, or one for a whole list. */
import type { KafkaError } from "../errors.ts";
import type { RecordMetadata } from "../types.ts";
import type { Delivery } from "./batch.ts";

export class OneRecord implements Delivery {
  readonly result: Promise<RecordMetadata>;
  #resolve!: (metadata: RecordMetadata) => void;
  #reject!: (error: KafkaError) => void;

  constructor() {
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  onDelivered(_token: number, metadata: RecordMetadata): void {
    this.#resolve(metadata);
  }

  onFailed(_token: number, error: KafkaError): void {
    this.#reject(error);
  }
}

/** The token of a record is its place in the list. Fails with the first failure, once all have their outcome. */
export class ManyRecords implements Delivery {
  readonly result: Promise<readonly RecordMetadata[]>;
  /** The first failure: no more need to be given. */
  error: KafkaError | null = null;
  readonly #done: RecordMetadata[] = [];
  #settled = 0;
  #expected = Infinity;
  #resolve!: (all: readonly RecordMetadata[]) => void;
  #reject!: (error: KafkaError) => void;

  constructor() {
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** So many were given; no more come. */
  finish(count: number): void {
    this.#expected = count;
    this.#check();
  }

  onDelivered(token: number, metadata: RecordMetadata): void {
    this.#done[token] = metadata;
    this.#settled++;
    this.#check();
  }

  onFailed(_token: number, error: KafkaError): void {
    this.error ??= error;
    this.#settled++;
    this.#check();
  }

  #check(): void {
    if (this.#settled < this.#expected) return;
    if (this.error === null) this.#resolve(this.#done);
    else this.#reject(this.error);
  }
}
