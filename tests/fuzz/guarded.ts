/**
 * A target in a process of its own whose checks also see what the target cannot: memory beyond what it may take, and what fails behind its back,
 * as rejections that nobody handles.
 */
import { MemoryWatch, type Taken } from "./memory.ts";
import { type Input, must, type Target } from "./target.ts";

const MEMORY_BYTES_MAX = 64 * 1024 * 1024;
const LATE_MS = 30;
const mib = (bytes: number): string => `${Math.ceil(bytes / 1024 / 1024)} MiB`;

/** Once in a process. */
export function guarded(target: Target): Target {
  const most = target.memoryBytesMax ?? MEMORY_BYTES_MAX;
  const memory = new MemoryWatch();
  const uncaught: unknown[] = [];
  for (const event of ["unhandledRejection", "uncaughtException"] as const) {
    process.on(event, (error: unknown) => void uncaught.push(error));
  }

  const unseen = (): void => {
    if (uncaught.length > 0) throw uncaught.splice(0)[0];
  };

  const tried = async (input: Input): Promise<Taken> => {
    memory.begin();
    const pending = target.check(input);
    if (pending !== undefined) await pending;
    const taken = memory.end();
    // What is not handled is told in the next turn.
    await new Promise((resolve) => setImmediate(resolve));
    unseen();
    return taken;
  };

  return {
    ...target,
    async check(input) {
      let taken = await tried(input);
      if (taken.grown > most && taken.largest <= most) {
        // The heap may have grown at this input without being its: then it does not a second time.
        Bun.gc(true);
        taken = await tried(input);
      }
      if (taken.grown <= most && taken.largest <= most) return;
      // What this one took must not count against the next ones.
      Bun.gc(true);
      must(taken.largest <= most, () => `A buffer of ${mib(taken.largest)} was asked for, where ${mib(most)} are allowed`);
      must(false, () => `It took ${mib(taken.grown)} of memory, where ${mib(most)} are allowed`);
    },
    async close() {
      await target.close?.();
      // Timers of the last input.
      await Bun.sleep(LATE_MS);
      unseen();
    },
  };
}
