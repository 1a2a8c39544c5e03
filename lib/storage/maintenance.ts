/**
 * What keeps logs from growing for ever: retention by age and size, compaction, expiry of producers. One look at all logs at a time, by a timer.
 * Deletes whole segments from the front only, never the active one's unread end.
 */
import { type Io, type Timer } from "../io/mod.ts";
import { compact, planCompaction } from "./compaction.ts";
import type { StoredLog } from "./log/partition_log.ts";
import { retentionStart } from "./retention.ts";
import type { StorageSettings } from "./settings.ts";

/** A wall clock that moved by more than this against the monotonic one has jumped (HAZARDS C1). */
const JUMP_MS = 60_000;
/** For so many looks after a jump one segment a look is deleted, so that a wrong clock costs little before somebody sees it. */
const CAREFUL_LOOKS = 12;

export interface MaintenanceNeeds {
  readonly io: Io;
  readonly settings: StorageSettings;
  logs(): Iterable<StoredLog>;
  /** Resolves when everything that is durable now is in a checkpoint, these logs as they are; to false when it could not be written. */
  checkpoint(logs: readonly StoredLog[]): Promise<boolean>;
  failed(error: unknown): void;
}

export class Maintenance {
  readonly #needs: MaintenanceNeeds;
  #timer: Timer | null = null;
  #running: Promise<void> | null = null;
  #stopped = false;
  #wallMs: number;
  #monoMs: number;
  #carefulLooks = 0;

  constructor(needs: MaintenanceNeeds) {
    this.#needs = needs;
    this.#wallMs = needs.io.clock.wall();
    this.#monoMs = needs.io.clock.mono();
  }

  start(): void {
    const { io, settings: { retentionCheckMs } } = this.#needs;
    if (retentionCheckMs <= 0 || this.#stopped) return;
    this.#timer = io.timers.after(retentionCheckMs, () => {
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
    return this.#running ??= this.#look().catch(this.#needs.failed).finally(() => {
      this.#running = null;
    });
  }

  async #look(): Promise<void> {
    const nowMs = this.#needs.io.clock.wall();
    this.#watchClock(nowMs);
    const careful = this.#carefulLooks > 0;
    for (const log of [...this.#needs.logs()]) {
      if (this.#stopped) return;
      if (log.isClosed || log.offlineReason !== null) continue;
      log.expireProducers(nowMs - this.#needs.settings.producerIdExpirationMs);
      await log.unlessClosed(() => this.#retain(log, nowMs, careful));
    }
    if (careful) this.#carefulLooks--;
    await this.#compact(nowMs);
  }

  async #compact(nowMs: number): Promise<void> {
    const { io, settings, logs, checkpoint } = this.#needs;
    const plans = [...logs()].flatMap((log) => planCompaction(log, nowMs) ?? []);
    if (plans.length === 0) return;
    // A restart must find the segments that are replaced as the checkpoint says they were: complete. And nothing that the WAL still has to
    // do again may meet the swap files that are written now.
    if (!await checkpoint(plans.map(({ log }) => log))) return;
    for (const plan of plans) {
      if (this.#stopped || plan.log.offlineReason !== null) continue;
      io.mark("storage.compaction");
      await plan.log.unlessClosed(() => compact(settings, plan, nowMs));
    }
  }

  async #retain(log: StoredLog, nowMs: number, careful: boolean): Promise<void> {
    const start = retentionStart(log, nowMs, careful ? 1 : Infinity);
    if (start <= log.logStartOffset && !log.hasSegmentsBelowStart) return;
    this.#needs.io.mark(start > log.logStartOffset ? "storage.retention" : "storage.rolled_below_start");
    await log.advanceLogStart(start, this.#needs.io.deadlines.in("retention", 30_000));
  }

  #watchClock(nowMs: number): void {
    const monoMs = this.#needs.io.clock.mono();
    const jumpMs = nowMs - this.#wallMs - (monoMs - this.#monoMs);
    this.#wallMs = nowMs;
    this.#monoMs = monoMs;
    if (Math.abs(jumpMs) <= JUMP_MS) return;
    this.#carefulLooks = CAREFUL_LOOKS;
    this.#needs.settings.log("warn", "The wall clock jumped: retention deletes one segment of a log at a time for a while", {
      jumpMs: Math.round(jumpMs),
    });
  }
}
