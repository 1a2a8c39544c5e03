/** The real machine behind the seam. The only room that names Bun and Node. */
import { createCpu } from "../cpu.ts";
import { createDeadlines } from "../deadline.ts";
import type { Io } from "../io.ts";
import { realClock, realRandom, realTimers } from "./clock.ts";
import { createRealDisk } from "./disk.ts";
import { GarbageRelief } from "./garbage.ts";
import { createRealNet } from "./net.ts";
import { processMeter } from "./process.ts";

export interface RealIoOptions {
  /** What `io.fatal` does: the executable logs and exits, an embedded broker stops itself. */
  readonly onFatal: (exitCode: number, why: string) => void;
  /** Resident bytes from which garbage is collected early. Only for who owns the process; absent or 0: the runtime decides alone. */
  readonly residentSoftLimitBytes?: number;
}

export function createRealIo({ onFatal, residentSoftLimitBytes = 0 }: RealIoOptions): Io {
  const deadlines = createDeadlines(realClock, realTimers);
  return {
    clock: realClock,
    timers: realTimers,
    random: () => realRandom,
    disk: createRealDisk(deadlines),
    net: createRealNet(
      deadlines,
      residentSoftLimitBytes === 0 ? null : new GarbageRelief(processMeter(), () => Bun.gc(true), residentSoftLimitBytes),
    ),
    cpu: createCpu(deadlines),
    deadlines,
    fatal: onFatal,
    mark() {},
  };
}
