/** Two small things that waiting needs here: a bell that wakes whoever waits for a change, and a loop that runs when there is work. */
import type { Deadline, Io } from "../../io/mod.ts";
import { backoffMs } from "../retry.ts";
import type { ClientSettings } from "../options.ts";

/** Nothing is remembered: look first, then wait, without an await in between. */
export class Bell {
  readonly #waiting = new Set<() => void>();

  ring(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  /** Until it rings or the deadline passes; true when it rang. */
  wait(io: Io, deadline: Deadline | null): Promise<boolean> {
    return new Promise((resolve) => {
      const waker = deadline === null ? null : io.deadlines.wake(deadline, () => end(false));
      const end = (rang: boolean) => {
        this.#waiting.delete(wake);
        waker?.cancel();
        resolve(rang);
      };
      const wake = () => end(true);
      this.#waiting.add(wake);
    });
  }
}

/**
 * Runs `step` until it says that there is nothing to do, one at a time; `kick` while it runs makes it look once more. After a step that
 * failed it pauses, longer each time.
 */
export class Loop {
  readonly #io: Io;
  readonly #settings: ClientSettings;
  readonly #step: () => Promise<"done" | "again" | "failed">;
  readonly #onCrash: (error: unknown) => void;
  readonly #paused = new Bell();
  #isRunning = false;
  #isKicked = false;
  #isStopped = false;
  #hasCrashed = false;

  /** @param step answers whether there is more to do; what it throws goes to `onCrash`, and the loop waits for the next kick. */
  constructor(io: Io, settings: ClientSettings, step: () => Promise<"done" | "again" | "failed">, onCrash: (error: unknown) => void) {
    this.#io = io;
    this.#settings = settings;
    this.#step = step;
    this.#onCrash = onCrash;
  }

  kick(): void {
    this.#isKicked = true;
    if (this.#isRunning || this.#isStopped) return;
    this.#isRunning = true;
    void this.#run();
  }

  /** Whoever was told what went wrong goes on: so does this, if it stopped for that. */
  resume(): void {
    if (this.#hasCrashed) this.kick();
  }

  /** What runs ends with its present step. */
  stop(): void {
    this.#isStopped = true;
    this.#paused.ring();
  }

  async #run(): Promise<void> {
    let failures = 0;
    while (this.#isKicked && !this.#isStopped) {
      this.#isKicked = false;
      this.#hasCrashed = false;
      try {
        const outcome = await this.#step();
        if (outcome !== "done") this.#isKicked = true;
        failures = outcome === "failed" ? failures + 1 : 0;
        if (failures > 0 && !this.#isStopped) await this.#pause(failures);
      } catch (error) {
        this.#hasCrashed = true;
        this.#onCrash(error);
      }
    }
    this.#isRunning = false;
  }

  async #pause(failures: number): Promise<void> {
    const ms = backoffMs(failures, this.#settings, this.#io.random("client").float());
    // A timer of its own keeps the process alive: who waits for records waits for the broker to come back.
    const timer = this.#io.timers.after(ms, () => this.#paused.ring());
    await this.#paused.wait(this.#io, null);
    timer.cancel();
  }
}
