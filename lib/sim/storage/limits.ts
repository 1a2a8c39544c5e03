/** When a log may lose records that nobody asked it to lose: by retention, by compaction. Never before the time that its settings give them. */
import type { LogSettings } from "../../storage/mod.ts";

export class Limits {
  readonly isCompacted: boolean;
  /** The log may choose its start itself. */
  readonly isRetained: boolean;
  readonly #log: LogSettings;
  readonly #wall: () => number | null;

  /** @param wall the machine's clock; null where it jumped, so that nothing can be said of what it showed when. */
  constructor(log: LogSettings, wall: () => number | null) {
    this.isCompacted = log.cleanupPolicy.compact;
    this.isRetained = log.cleanupPolicy.delete && (log.retentionBytes >= 0 || log.retentionMs >= 0);
    this.#log = log;
    this.#wall = wall;
  }

  /** By retention. @param bytesLeft of the log behind it. */
  mayRetire(timestamp: number, bytesLeft: number): boolean {
    const { retentionBytes, retentionMs } = this.#log;
    return retentionBytes >= 0 && bytesLeft >= retentionBytes || retentionMs >= 0 && this.#isPast(timestamp, retentionMs);
  }

  /** For a later record of its key (KIP-58). */
  mayReplace(timestamp: number): boolean {
    return this.#isPast(timestamp, this.#log.minCompactionLagMs);
  }

  /** A tombstone: readers have had the time to see it (KIP-534). */
  mayForget(timestamp: number): boolean {
    return this.#isPast(timestamp, this.#log.deleteRetentionMs);
  }

  #isPast(timestamp: number, ms: number): boolean {
    const wall = this.#wall();
    return wall === null || wall >= timestamp + ms;
  }
}
