/**
 * Records on their way: how many may be, who waits for a place, and the first that failed. The producer bounds its own memory; this bounds
 * the promises, and stops reading at the first failure, so that the place of a failure is the place where the input stopped.
 */
import type { OutgoingRecord, ProducerApi, RecordMetadata } from "../../client/mod.ts";

export interface WindowLimits {
  readonly records: number;
  readonly bytes: number;
}

/** Well below the producer's own bound, so that `send` itself never has to wait. */
export const WINDOW_LIMITS: WindowLimits = { records: 20_000, bytes: 16 * 1024 * 1024 };

/** @param mark what the caller gave with the record. */
type OnDone<Mark> = (metadata: RecordMetadata, bytes: number, mark: Mark) => void;

export interface Failure<Mark> {
  readonly mark: Mark;
  readonly error: unknown;
}

export class SendWindow<Mark> {
  readonly #producer: ProducerApi;
  readonly #limits: WindowLimits;
  readonly #onDone: OnDone<Mark>;
  #records = 0;
  #bytes = 0;
  #failure: Failure<Mark> | null = null;
  #failed = 0;
  /** Called when a record left the window. */
  #wake: (() => void) | null = null;

  constructor(producer: ProducerApi, onDone: OnDone<Mark>, limits: WindowLimits = WINDOW_LIMITS) {
    this.#producer = producer;
    this.#onDone = onDone;
    this.#limits = limits;
  }

  /** The first that failed. */
  get failure(): Failure<Mark> | null {
    return this.#failure;
  }
  get failed(): number {
    return this.#failed;
  }

  get isFull(): boolean {
    return this.#records >= this.#limits.records || this.#bytes >= this.#limits.bytes;
  }

  /** Resolves when there is room for one more. One caller at a time. */
  async room(): Promise<void> {
    while (this.isFull) await this.#change();
  }

  /** Hands the record over in the order of the calls; what becomes of it is counted. @param mark comes back with it. */
  send(record: OutgoingRecord, mark: Mark): void {
    const bytes = sizeOf(record);
    this.#records++;
    this.#bytes += bytes;
    this.#producer.send(record).then(
      (metadata) => {
        this.#left(bytes);
        this.#onDone(metadata, bytes, mark);
      },
      (error: unknown) => {
        this.#left(bytes);
        this.#failed++;
        this.#failure ??= { mark, error };
      },
    );
  }

  /** Resolves when every record has its result. */
  async drained(): Promise<void> {
    await this.#producer.flush();
    while (this.#records > 0) await this.#change();
  }

  #left(bytes: number): void {
    this.#records--;
    this.#bytes -= bytes;
    this.#wake?.();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = null;
        resolve();
      };
    });
  }
}

function sizeOf({ key, value }: OutgoingRecord): number {
  return (key?.length ?? 0) + (value?.length ?? 0);
}
