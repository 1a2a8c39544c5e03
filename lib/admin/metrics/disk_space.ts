/**
 * Free space of the data directory for the metrics. One question to the disk is under way at a time: a disk that hangs costs one thread,
 * however often it is asked, and the scrape goes on without it.
 */
import { DeadlineExceeded, type Deadlines, IoFailed } from "../../io/mod.ts";
import type { Services } from "../../broker/mod.ts";

export interface Space {
  readonly totalBytes: number;
  readonly usableBytes: number;
}

const ANSWER_MS = 500;

export class DiskSpace {
  readonly #storage: Pick<Services["storage"], "usage">;
  readonly #deadlines: Deadlines;
  #asking: Promise<Space | null> | null = null;

  constructor(storage: Pick<Services["storage"], "usage">, deadlines: Deadlines) {
    this.#storage = storage;
    this.#deadlines = deadlines;
  }

  /** Null when the disk does not say, or not in time. */
  look(): Promise<Space | null> {
    return this.#asking ??= this.#ask().finally(() => this.#asking = null);
  }

  async #ask(): Promise<Space | null> {
    try {
      return await this.#storage.usage(this.#deadlines.in("metrics.space", ANSWER_MS));
    } catch (error) {
      if (error instanceof DeadlineExceeded || error instanceof IoFailed) return null;
      throw error;
    }
  }
}
