/**
 * What keeps logs from growing for ever: retention by age and size, expiry of producers. One look at all logs at a time, by a timer.
 * Deletes whole segments from the front only, never the active one's unread end; compaction is `compaction.ts`.
 */
import { type Io, type Timer } from "../io/mod.ts";
import type { StoredLog } from "./log/partition_log.ts";
import { retentionStart } from "./retention.ts";
import type { StorageSettings } from "./settings.ts";

/** A wall clock that moved by more than this against the monotonic one has jumped (HAZARDS C1). */
const JUMP_MS = 60_000;
/** For so many looks after a jump one segment a look is deleted, so that a wrong clock costs little before somebody sees it. */
const CAREFUL_LOOKS = 12;

export class Maintenance {
  readonly #io: Io;
  readonly #settings: StorageSettings;
  readonly #logs: () => Iterable<StoredLog>;
  readonly #failed: (error: unknown) => void;
  #timer: Timer | null = null;
  #running: Promise<void> | null = null;
  #stopped = false;
  #wallMs: number;
  #monoMs: number;
  #carefulLooks = 0;

  constructor(io: Io, settings: StorageSettings, logs: () => Iterable<StoredLog>, failed: (error: unknown) => void) {
    this.#io = io;
    this.#settings = settings;
    this.#logs = logs;
    this.#failed = failed;
    this.#wallMs = io.clock.wall();
    this.#monoMs = io.clock.mono();
  }

  start(): void {
    const { retentionCheckMs } = this.#settings;
    if (retentionCheckMs <= 0 || this.#stopped) return;
    this.#timer = this.#io.timers.after(retentionCheckMs, () => {
      void this.run().finally(() => this.start());
    }, false);
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  async idle(): Promise<void> {
    await this.#running;
  }

  run(): Promise<void> {
    return this.#running ??= this.#look().catch(this.#failed).finally(() => {
      this.#running = null;
    });
  }

  async #look(): Promise<void> {
    const nowMs = this.#io.clock.wall();
    this.#watchClock(nowMs);
    const careful = this.#carefulLooks > 0;
    for (const log of [...this.#logs()]) {
      if (this.#stopped) return;
      if (log.isClosed || log.offlineReason !== null) continue;
      log.expireProducers(nowMs - this.#settings.producerIdExpirationMs);
      await this.#retain(log, nowMs, careful);
    }
    if (careful) this.#carefulLooks--;
  }

  async #retain(log: StoredLog, nowMs: number, careful: boolean): Promise<void> {
    const start = retentionStart(log, nowMs, careful ? 1 : Infinity);
    if (start <= log.logStartOffset) return;
    this.#io.mark("storage.retention");
    await log.advanceLogStart(start, this.#io.deadlines.in("retention", 30_000));
  }

  #watchClock(nowMs: number): void {
    const monoMs = this.#io.clock.mono();
    const jumpMs = nowMs - this.#wallMs - (monoMs - this.#monoMs);
    this.#wallMs = nowMs;
    this.#monoMs = monoMs;
    if (Math.abs(jumpMs) <= JUMP_MS) return;
    this.#carefulLooks = CAREFUL_LOOKS;
    this.#settings.log("warn", "The wall clock jumped: retention deletes one segment of a log at a time for a while", {
      jumpMs: Math.round(jumpMs),
    });
  }
}
