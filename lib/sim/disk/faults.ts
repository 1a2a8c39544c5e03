/** What is wrong with a simulated disk right now. Knows only times and counts; the disk asks. */
import type { DiskFault } from "../plan.ts";

export class DiskFaults {
  #stallsUntil = 0;
  #liesUntil = 0;
  #slowUntil = 0;
  #factor = 1;
  #fullUntil = 0;
  readonly #once = { syncFails: 0, writeFails: 0, readFails: 0, spaceFails: 0 };

  /** @param now virtual milliseconds. */
  apply(fault: DiskFault, now: number): void {
    switch (fault.kind) {
      case "readFails":
        // Beside the next read also the next question for space, which is rare and would hardly ever be the one.
        this.#once.spaceFails++;
        this.#once.readFails++;
        return;
      case "syncFails":
      case "writeFails":
        this.#once[fault.kind]++;
        return;
      case "syncStalls":
        this.#stallsUntil = Math.max(this.#stallsUntil, now + fault.forMs);
        return;
      case "syncLies":
        this.#liesUntil = Math.max(this.#liesUntil, now + fault.forMs);
        return;
      case "diskSlow":
        this.#slowUntil = now + fault.forMs;
        this.#factor = fault.factor;
        return;
      case "diskFull":
        this.#fullUntil = Math.max(this.#fullUntil, now + fault.forMs);
        return;
      case "bitRot":
        return; // Has happened once it is applied.
    }
  }

  heal(): void {
    this.#stallsUntil =
      this.#liesUntil =
      this.#slowUntil =
      this.#fullUntil =
        0;
    this.#once.syncFails =
      this.#once.writeFails =
      this.#once.readFails =
      this.#once.spaceFails =
        0;
  }

  /** Whether this call is the one that fails. */
  takes(what: "syncFails" | "writeFails" | "readFails" | "spaceFails"): boolean {
    if (this.#once[what] === 0) return false;
    this.#once[what]--;
    return true;
  }

  /** No sync ends before this. */
  get stallsUntil(): number {
    return this.#stallsUntil;
  }
  lies(now: number): boolean {
    return now < this.#liesUntil;
  }
  full(now: number): boolean {
    return now < this.#fullUntil;
  }
  /** How many times longer than usual a call takes. */
  slowness(now: number): number {
    return now < this.#slowUntil ? this.#factor : 1;
  }
}
