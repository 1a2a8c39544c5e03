/**
 * Watches the free space of the data directory (HAZARDS W3): looked at as bytes are written, and each second while it is short. Below the
 * minimum producers are refused, everybody else goes on. Frees nothing itself.
 */
import { type Io, type Timer } from "../io/mod.ts";

const CHECK_EVERY_BYTES = 16 * 1024 * 1024;
const RECHECK_MS = 1000;
const SPACE_MS = 5000;
const GIB = 1024 * 1024 * 1024;

export class Space {
  readonly #io: Io;
  readonly #directory: string;
  readonly #minFreeBytes: number | null;
  readonly #changed: () => void;
  #full = false;
  /** A write failed for want of space: only a look after it can say that there is room again. */
  #uncheckedBytes = 0;
  #checking = false;
  #timer: Timer | null = null;
  #stopped = false;

  constructor(io: Io, directory: string, minFreeBytes: number | null, changed: () => void) {
    this.#io = io;
    this.#directory = directory;
    this.#minFreeBytes = minFreeBytes;
    this.#changed = changed;
  }

  get isFull(): boolean {
    return this.#full;
  }

  wrote(bytes: number): void {
    this.#uncheckedBytes += bytes;
    if (this.#uncheckedBytes >= CHECK_EVERY_BYTES) void this.check();
  }

  /** A write has just failed with ENOSPC. It is tried again after the next look: at once, it would fail again, and again. */
  ranOut(): void {
    if (!this.#full) {
      this.#full = true;
      this.#changed();
    }
    this.#later();
  }

  async check(): Promise<void> {
    if (this.#checking || this.#stopped) return;
    this.#checking = true;
    this.#uncheckedBytes = 0;
    try {
      const { freeBytes, totalBytes } = await this.#io.disk.space(this.#directory, this.#io.deadlines.in("storage.space", SPACE_MS));
      this.#set(freeBytes < (this.#minFreeBytes ?? Math.min(GIB, totalBytes / 20)));
    } catch {
      // Not knowing is no reason to refuse or to let in: the state stays, and the next write asks again.
      this.#io.mark("storage.space.unknown");
    }
    this.#checking = false;
    if (this.#full) this.#later();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #later(): void {
    if (this.#timer !== null || this.#stopped) return;
    this.#timer = this.#io.timers.after(RECHECK_MS, () => {
      this.#timer = null;
      void this.check();
    }, false);
  }

  #set(full: boolean): void {
    if (this.#full === full) {
      // Still short, but writes that failed may fit now: let them try.
      if (full) this.#changed();
      return;
    }
    this.#full = full;
    this.#changed();
  }
}
