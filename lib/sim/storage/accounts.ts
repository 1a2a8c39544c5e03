/** Storage's books, looked at every now and then: nothing below zero, nothing beyond its stated maximum, and its health told as it is. */
import { DEFAULT_STORAGE_SETTINGS } from "../../storage/mod.ts";
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
  // A shrunk plan has few knobs: what it does not name is as the product has it.
  const setting = (name: "queueBytesMax" | "queueBytesReserved" | "tailBytesLimit" | "roundBytesMax" | "openFilesMax" | "syncStalledMs") =>
    run.knob(name, DEFAULT_STORAGE_SETTINGS[name]);
  const { queuedBytes, unwrittenBytes, indexBytes, openFiles } = storage.stats;
  const most = run.largestBatchBytes;
  const queueBytesMax = Math.max(most, setting("queueBytesMax") + setting("queueBytesReserved"));
  within("bytes in the commit queue", queuedBytes, queueBytesMax);
  // Recovery may go beyond the limit by one round; from then on what is beyond it counts as waiting.
  const beyond = Math.max(queueBytesMax, setting("roundBytesMax"));
  within("queued and unwritten bytes", queuedBytes + unwrittenBytes, setting("tailBytesLimit") + beyond);
  within("bytes of indexes", indexBytes, Infinity);
  within("open files", openFiles, setting("openFilesMax") + FILES_IN_USE_MAX);
  const { state, syncRunningMs, reason } = storage.health;
  if (syncRunningMs > setting("syncStalledMs") + LATE_MS && state !== "stalled" && state !== "failed" && !hasClockFaults(run)) {
    throw new Violation(`A round has been running for ${Math.round(syncRunningMs)} ms, and storage says that it is ${state}`);
  }
  if ((state === "ok") !== (reason === null)) throw new Violation(`Storage is ${state}, and its reason is ${reason}`);
}

const hasClockFaults = ({ happened }: StorageRun): boolean => happened.has("drift") || happened.has("pause");

function within(what: string, value: number, most: number): void {
  if (value < 0 || value > most) throw new Violation(`There are ${value} ${what}, allowed are 0 to ${most}`);
}
