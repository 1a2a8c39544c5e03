/** The real machine behind the seam. The only room that names Bun and Node. */
import { createCpu } from "../cpu.ts";
import { createDeadlines } from "../deadline.ts";
import type { Io } from "../io.ts";
import { realClock, realRandom, realTimers } from "./clock.ts";
import { createRealDisk } from "./disk.ts";
import { createRealNet } from "./net.ts";

export interface RealIoOptions {
  /** What `io.fatal` does: the executable logs and exits, an embedded broker stops itself. */
  readonly onFatal: (exitCode: number, why: string) => void;
}

export function createRealIo({ onFatal }: RealIoOptions): Io {
  const deadlines = createDeadlines(realClock, realTimers);
  return {
    clock: realClock,
    timers: realTimers,
    random: () => realRandom,
    disk: createRealDisk(deadlines),
    net: createRealNet(deadlines),
    cpu: createCpu(deadlines),
    deadlines,
    fatal: onFatal,
    mark() {},
  };
}
