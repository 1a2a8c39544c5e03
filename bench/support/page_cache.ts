/**
 * Fills the page cache before a bench. On a virtual machine memory that is touched for the first time costs about as much as the whole work
 * of a broker (the host backs it on demand), so a bench that writes into empty page cache measures the host.
 */
import { closeSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const LEAVE_FREE_MIB = 1024;
const FILE_MIB = 1024;

const memoryMib = (field: "MemFree" | "MemTotal"): number =>
  Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(readFileSync("/proc/meminfo", "utf8"))?.[1] ?? 0) / 1024;

/** Writes files until little memory is free. Answers with what removes them: only at the end, the host takes freed memory back at once. */
export function fillPageCache(): () => void {
  const block = Buffer.alloc(8 << 20, 3);
  const files: string[] = [];
  // No more than there is memory: older pages may make room for newer ones without ever less being free.
  const filesMax = Math.ceil(memoryMib("MemTotal") / FILE_MIB);
  while (memoryMib("MemFree") > LEAVE_FREE_MIB && files.length < filesMax) {
    const path = join(tmpdir(), `bench-fill-${process.pid}-${files.length}`);
    files.push(path);
    const file = openSync(path, "w");
    for (let written = 0; written < FILE_MIB && memoryMib("MemFree") > LEAVE_FREE_MIB; written += 8) writeSync(file, block);
    closeSync(file);
  }
  console.log(`filled the page cache with ${files.length} GiB`);
  return () => files.forEach((path) => rmSync(path, { force: true }));
}
