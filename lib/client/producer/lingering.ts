/** Open batches wait for company, each for the same time; one timer serves them all. Closes nothing itself. */
import type { Io } from "../../io/mod.ts";
import type { Batch } from "./batch.ts";
import type { PartitionQueue } from "./partition_queue.ts";
import type { Topic } from "./topic.ts";

interface Entry {
  readonly topic: Topic;
  readonly queue: PartitionQueue;
  readonly batch: Batch;
  readonly dueAt: number;
}

export class Lingering {
  readonly #io: Io;
  readonly #lingerMs: number;
  readonly #onDue: (topic: Topic, queue: PartitionQueue) => void;
  /** In the order in which they fall due. */
  #entries: Entry[] = [];
  #isArmed = false;

  /** @param onDue told of queues whose open batch has waited long enough. */
  constructor(io: Io, lingerMs: number, onDue: (topic: Topic, queue: PartitionQueue) => void) {
    this.#io = io;
    this.#lingerMs = lingerMs;
    this.#onDue = onDue;
  }

  /** Without a time to linger a batch still takes what the same turn of the event loop brings. */
  add(topic: Topic, queue: PartitionQueue, batch: Batch): void {
    this.#entries.push({ topic, queue, batch, dueAt: this.#io.clock.mono() + this.#lingerMs });
    if (!this.#isArmed) this.#arm();
  }

  #arm(): void {
    this.#isArmed = true;
    if (this.#lingerMs === 0) Promise.resolve().then(() => this.#serve(Infinity));
    else this.#io.timers.after(Math.max(0, this.#entries[0]!.dueAt - this.#io.clock.mono()), () => this.#serve(this.#io.clock.mono()));
  }

  #serve(now: number): void {
    this.#isArmed = false;
    let due = 0;
    for (; due < this.#entries.length && this.#entries[due]!.dueAt <= now; due++) {
      const { topic, queue, batch } = this.#entries[due]!;
      if (queue.open === batch) this.#onDue(topic, queue);
    }
    this.#entries.splice(0, due);
    // Those that went before their time need no timer.
    this.#entries = this.#entries.filter(({ queue, batch }) => queue.open === batch);
    if (this.#entries.length > 0) this.#arm();
  }
}
