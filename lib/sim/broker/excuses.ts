/**
 * Which faults explain that a process ended itself or would not start: each only what it can lead to, as the exit's text says it, and a fault that one call
 * meets only one end. What nothing explains is a bug.
 */
import type { DiskFault } from "../plan.ts";

/** What is met late still counts: retries, timeouts, a start that reads what was written. */
export const PATIENCE_MS = 15_000;
/** The code for a broken disk and for broken promises of our own (EX_SOFTWARE); a supervisor starts again after it. */
const EXIT_CODE = 70;

type Kind = DiskFault["kind"] | "pause";

/** A process says which call failed and how. */
const READ_FAILED = /Cannot read [^:]*: EIO/;
const WRITE_FAILED = /Cannot (?:write|create|resize|allocate|truncate|link|rename|remove|open)\b[^:]*: EIO/;
const SYNC_FAILED = /Cannot (?:write\b[^:]*: EIO|sync\b[^:]*: (?:EIO|ENOSPC))/;
const NO_ROOM = /: ENOSPC/;
/** Stalls and passed deadlines. */
const TOO_LATE = /did not end|not (?:done|end)[^:]* (?:with)?in \d+ ms|within \d+ ms|took longer|stall|hang|deadline/i;

const EXPLAINS: Readonly<Partial<Record<Kind, RegExp>>> = {
  readFails: READ_FAILED,
  writeFails: WRITE_FAILED,
  syncFails: SYNC_FAILED,
  diskFull: NO_ROOM,
  syncStalls: TOO_LATE,
  diskSlow: TOO_LATE,
  pause: TOO_LATE,
};
/** Those that explain less come first: what they explain is not laid to others. */
const EXPLAINED = Object.entries(EXPLAINS) as readonly (readonly [Kind, RegExp])[];
/** One call meets it, and nobody else. */
const ONCE: ReadonlySet<Kind> = new Set<Kind>(["readFails", "writeFails", "syncFails"]);

export class Excuses {
  readonly #until = new Map<Kind, number>();
  /** Faults of one call that no end has been laid to yet. */
  readonly #unmet = new Map<Kind, number>();

  /** @param forMs Infinity for what waits for its call. */
  add(kind: Kind, now: number, forMs: number): void {
    this.#until.set(kind, Math.max(this.#until.get(kind) ?? 0, now + forMs + PATIENCE_MS));
    if (ONCE.has(kind)) this.#unmet.set(kind, (this.#unmet.get(kind) ?? 0) + 1);
  }

  /** No fault happens any more. */
  heal(now: number): void {
    for (const [kind, until] of this.#until) this.#until.set(kind, Math.min(until, now + PATIENCE_MS));
  }

  /** Whether something may be late now. */
  isSlow(now: number): boolean {
    return [...this.#until].some(([kind, until]) => (EXPLAINS[kind] === TOO_LATE || kind === "diskFull") && until >= now);
  }

  /** Whether a fault that is in force explains an end with this text; if one of a single call does, it explains no other end. */
  explain(text: string, now: number): boolean {
    for (const [kind, explained] of EXPLAINED) {
      if ((this.#until.get(kind) ?? -1) < now || !explained.test(text)) continue;
      const unmet = this.#unmet.get(kind);
      if (unmet === undefined) return true;
      if (unmet === 0) continue;
      this.#unmet.set(kind, unmet - 1);
      return true;
    }
    return false;
  }

  /** The same of an exit. */
  explainExit(code: number, why: string, now: number): boolean {
    return code === EXIT_CODE && !why.includes("Invariant broken") && this.explain(why, now);
  }
}
