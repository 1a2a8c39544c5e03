/**
 * A disk that dies at its k-th changing call: before it, in the middle of it (a write leaves a durable prefix), or after it. From then on
 * nothing ever returns, as for a process that is gone. Another `Io` over the same memory is what the next start finds.
 */
import type { Deadline, Disk } from "../../lib/io/mod.ts";
import type { MemoryDisk } from "../../lib/io/memory/mod.ts";
import { guardedDisk } from "../support/guarded_disk.ts";

export type CrashPoint = "before" | "torn" | "after";
/** `power`: what was not synced is lost. `process`: everything that was written is still there. */
export type CrashKind = "power" | "process";

export interface FaultyDisk extends Disk {
  readonly died: Promise<void>;
  /** Dies now, if it has not yet. */
  kill(): Promise<void>;
}

export function faultyDisk(inner: MemoryDisk, at = Infinity, point: CrashPoint = "before", kind: CrashKind = "power"): FaultyDisk {
  const { promise: died, resolve } = Promise.withResolvers<void>();
  let calls = 0;
  let isDead = false;

  const kill = async (): Promise<void> => {
    if (isDead) return;
    isDead = true;
    if (kind === "process") await syncAll(inner, "");
    inner.crash();
    resolve();
  };
  const disk = guardedDisk(inner, {
    async change(work, half = async () => void await work()) {
      if (isDead) return never();
      if (++calls !== at) return work();
      try {
        if (point === "torn") await half();
        else if (point === "after") await work();
      } finally {
        // Also when the call fails, as some are expected to.
        await kill();
      }
      return never();
    },
    async look(work) {
      if (isDead) return never();
      const result = await work();
      return isDead ? never() : result;
    },
  });
  return { ...disk, died, kill };
}

function never<T>(): Promise<T> {
  return new Promise(() => {});
}

const SOON: Deadline = { op: "test", at: Infinity };

async function syncAll(disk: MemoryDisk, path: string): Promise<void> {
  await disk.syncDirectory(path, SOON);
  for (const { name, kind } of await disk.list(path, SOON)) {
    if (kind === "directory") await syncAll(disk, `${path}/${name}`);
    else {
      const file = await disk.open(`${path}/${name}`, { mode: "write" }, SOON);
      await file.sync(SOON);
      await file.close(SOON);
    }
  }
}
