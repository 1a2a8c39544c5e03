/** Storage's books, looked at every now and then: nothing below zero, nothing beyond its stated maximum, and its health told as it is. */
import { Violation } from "../world.ts";
import type { Serving, StorageRun } from "./run.ts";

const EVERY_MS = 400;
/** A look at the watch may come one tick of the deadlines late. */
const LATE_MS = 30;
/** Files in use at once beyond the cache's maximum: two writers, a checkpoint, maintenance, the inspection, and the readers. */
const FILES_IN_USE_MAX = 16;

export function watchAccounts(run: StorageRun): void {
  const look = (): void => {
    if (run.serving !== null && !run.serving.incarnation.paused) checkAccounts(run, run.serving);
    run.world.after(EVERY_MS, "accounts", null, look);
  };
  run.world.after(EVERY_MS, "accounts", null, look);
}

function checkAccounts(run: StorageRun, { storage }: Serving): void {
  const { queuedBytes, unwrittenBytes, indexBytes, openFiles } = storage.stats;
  const most = run.largestBatchBytes;
  const queueBytesMax = Math.max(most, run.knob("queueBytesMax", 0) + run.knob("queueBytesReserved", 0));
  within("bytes in the commit queue", queuedBytes, queueBytesMax);
  // No round starts at the limit but before an entry that somebody waits for; the one that is under way may go beyond it.
  within("unwritten bytes", unwrittenBytes, run.knob("tailBytesLimit", 0) + Math.max(most, run.knob("roundBytesMax", 0)) + queueBytesMax);
  within("bytes of indexes", indexBytes, Infinity);
  within("open files", openFiles, run.knob("openFilesMax", 0) + FILES_IN_USE_MAX);
  const { state, syncRunningMs, reason } = storage.health;
  if (syncRunningMs > run.knob("syncStalledMs", 0) + LATE_MS && state !== "stalled" && state !== "failed" && !hasClockFaults(run)) {
    throw new Violation(`A round has been running for ${Math.round(syncRunningMs)} ms, and storage says that it is ${state}`);
  }
  if ((state === "ok") !== (reason === null)) throw new Violation(`Storage is ${state}, and its reason is ${reason}`);
}

const hasClockFaults = ({ happened }: StorageRun): boolean => happened.has("drift") || happened.has("pause");

function within(what: string, value: number, most: number): void {
  if (value < 0 || value > most) throw new Violation(`There are ${value} ${what}, allowed are 0 to ${most}`);
}
