/** The machine with its disk in memory: clock, timers and network are the real ones. For `storage: "memory"` and for fast tests. */
import type { Io } from "../io.ts";
import { createRealIo, type RealIoOptions } from "../real/mod.ts";
import { createMemoryDisk, type MemoryDisk } from "./disk.ts";

export type { MemoryDisk } from "./disk.ts";
export { createMemoryDisk } from "./disk.ts";

/** When full, writes fail with `ENOSPC` as on a real disk. */
const CAPACITY_BYTES = 1024 * 1024 * 1024;

export interface MemoryIo extends Io {
  readonly disk: MemoryDisk;
}

export function createMemoryIo(
  { capacityBytes = CAPACITY_BYTES, ...options }: RealIoOptions & { readonly capacityBytes?: number },
): MemoryIo {
  return { ...createRealIo(options), disk: createMemoryDisk(capacityBytes) };
}
