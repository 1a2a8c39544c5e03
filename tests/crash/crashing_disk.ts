/**
 * A simulated disk that dies at the k-th changing call of a process: before it, while it is under way, or once it is done. What then becomes of
 * calls under way and of what was not synced, the simulated disk draws.
 */
import type { Disk } from "../../lib/io/mod.ts";
import { guardedDisk } from "../support/guarded_disk.ts";

export type CrashPoint = "before" | "torn" | "after";

/** @param die ends the process, at once. */
export function crashingDisk(inner: Disk, at: number, point: CrashPoint, die: () => void): Disk {
  let calls = 0;
  return guardedDisk(inner, {
    look: (work) => work(),
    change(work) {
      if (++calls !== at) return work();
      if (point === "before") die();
      const doing = work();
      if (point === "torn") die();
      // Also when the call fails, as some are expected to.
      else if (point === "after") doing.then(die, die);
      return doing;
    },
  });
}
