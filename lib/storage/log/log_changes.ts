/**
 * What a log does to its files by an entry of the WAL: its start moves, its end is cut, compacted segments take the place of others. Each in the
 * log's turn from its entry on, so that a restart does them again in the order in which they were done.
 */
import { Closed } from "../../io/mod.ts";
import type { LogNeeds } from "./log_needs.ts";
import type { LogRepair } from "./log_repair.ts";
import type { LogChange, LogState } from "./log_state.ts";
import type { StoredLog } from "./partition_log.ts";
import type { Segment } from "./segment.ts";

export class LogChanges {
  readonly #needs: LogNeeds;
  readonly #log: StoredLog;
  readonly #state: LogState;
  readonly #repair: LogRepair;
  /** Writes what is durable to the segments; in turn only. */
  readonly #flush: () => Promise<void>;

  constructor(needs: LogNeeds, log: StoredLog, state: LogState, repair: LogRepair, flush: () => Promise<void>) {
    this.#needs = needs;
    this.#log = log;
    this.#state = state;
    this.#repair = repair;
    this.#flush = flush;
  }

  /** To where the start is already: removes what came to lie below it since. */
  advanceStart(to: number): Promise<void> {
    return this.#log.inTurn(async () => {
      const offset = Math.max(to, this.#state.start);
      if (offset === this.#state.start && !this.#state.hasSegmentsBelowStart) return;
      this.#state.check();
      let isMoved = false;
      try {
        await this.#change({ kind: "logStart", offset }, () => {
          this.#log.moveStart(offset);
          isMoved = true;
          return this.#dropBelowStart();
        });
      } catch (error) {
        // The start is durable, and holds. What lies below it goes with the next look of maintenance; a file that could not be renamed, with the next start.
        if (!isMoved || error instanceof Closed) throw error;
        const { topicId, partition } = this.#log;
        this.#needs.settings.log("warn", "Cannot remove what lies below the start of a log yet", {
          topicId,
          partition,
          cause: String(error),
        });
      }
    });
  }

  truncate(offset: number): Promise<void> {
    return this.#log.inTurn(async () => {
      if (offset >= this.#state.end) return;
      this.#state.check();
      await this.#change({ kind: "truncate", offset }, () => this.#cut(offset));
    });
  }

  /** False when not all of `replaced` are there any more, or the log was cut since it had been cut `cuts` times. */
  swap(replaced: readonly Segment[], segment: Segment, cleanedTo: number, cuts: number): Promise<boolean> {
    return this.#log.inTurn(async () => {
      const { segments } = this.#state;
      const at = segments.indexOf(replaced[0]!);
      if (this.#state.closed || this.#state.cuts !== cuts || at < 0 || replaced.some((one, index) => segments[at + index] !== one)) {
        return false;
      }
      const change = { kind: "swap", replaced: replaced.map(({ base }) => base), segment: JSON.stringify(segment.dump()) } as const;
      await this.#change(change, () => {
        const swapped = this.#log.store.finishSwap(replaced, segment).then(() => {
          segments.splice(at, replaced.length, segment);
          this.#state.cleanedTo = cleanedTo;
          this.#state.sparseTo = Math.max(this.#state.sparseTo, this.#state.endOf(segment));
        });
        const over = () => {
          this.#state.swapping = null;
        };
        this.#state.swapping = swapped.then(over, over);
        return swapped;
      });
      return true;
    });
  }

  /** For recovery, which has found the entry. */
  cut(offset: number): Promise<void> {
    return this.#log.inTurn(() => this.#cut(offset));
  }
  dropBelowStart(): Promise<void> {
    return this.#log.inTurn(() => this.#dropBelowStart());
  }

  /** The WAL says it first; a checkpoint that is written before `work` is done carries it. */
  async #change(change: LogChange, work: () => Promise<void>): Promise<void> {
    await this.#needs.record((round) => round.entries.change(this.#log.walId, change), () => {
      this.#state.begin(change);
      this.#needs.changed(this.#log);
    });
    try {
      await work();
    } catch (error) {
      // What memory says and what a restart will do are not the same any more; only a restart can bring them together.
      if (change.kind !== "logStart" && !(error instanceof Closed)) {
        this.#state.takeOffline(`"${change.kind}" was not finished: ${String(error)}`);
      }
      throw error;
    }
    this.#state.finish();
    this.#needs.changed(this.#log);
  }

  async #cut(offset: number): Promise<void> {
    this.#state.cuts++;
    this.#log.failed(new Closed(`what partition ${this.#log.partition} of topic ${this.#log.topicId} had from offset ${offset} on`));
    await this.#flush();
    await this.#repair.cut(offset);
    // Whoever looked at the end meanwhile saw one that is gone as well.
    this.#state.cuts++;
  }

  /** Retires segments that lie wholly below the log start; their files are deleted after the delay that the topic asks for. */
  async #dropBelowStart(): Promise<void> {
    while (this.#state.hasSegmentsBelowStart) {
      await this.#flush();
      const segment = this.#state.segments.shift()!;
      this.#needs.changed(this.#log);
      if (segment.made) await this.#retire(segment);
    }
  }

  async #retire(segment: Segment): Promise<void> {
    const { store } = this.#log;
    await store.retire(segment);
    this.#needs.removeLater(this.#state.settings.fileDeleteDelayMs, store.path(segment, ".log"), () => store.remove(segment, true));
  }
}
