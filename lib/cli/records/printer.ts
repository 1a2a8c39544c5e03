/** Prints records in lots, and knows up to where what was printed has really been taken by whoever reads our output. */
import type { IncomingRecord, TopicPartition } from "../../client/mod.ts";
import type { Output } from "../output.ts";
import { ByteSink } from "./byte_sink.ts";
import type { RecordWriter } from "./format.ts";

/** Output that waits before it is written. */
const LOT_BYTES = 64 * 1024;

type Next = TopicPartition & { readonly offset: number };

export class Printer {
  readonly #out: Output;
  readonly #write: RecordWriter;
  readonly #sink = new ByteSink();
  /** By partition, the offset after the last printed record: still in the sink, and taken but not yet asked for. */
  readonly #waiting = new Map<string, Next>();
  readonly #flushed = new Map<string, Next>();

  constructor(out: Output, write: RecordWriter) {
    this.#out = out;
    this.#write = write;
  }

  get isFull(): boolean {
    return this.#sink.length >= LOT_BYTES;
  }

  print(record: IncomingRecord): void {
    this.#write(record, this.#sink);
    const { topic, partition, offset } = record;
    this.#waiting.set(`${topic}/${partition}`, { topic, partition, offset: offset + 1 });
  }

  /** Resolves when the output was taken. @throws {Error} `EPIPE` */
  async flush(): Promise<void> {
    if (this.#sink.length > 0) {
      await this.#out.data(this.#sink.take());
      this.#sink.done();
    }
    for (const [key, next] of this.#waiting) this.#flushed.set(key, next);
    this.#waiting.clear();
  }

  /** What was flushed since the last call, as offsets to commit. */
  takeFlushed(): readonly Next[] {
    const offsets = [...this.#flushed.values()];
    this.#flushed.clear();
    return offsets;
  }
}
