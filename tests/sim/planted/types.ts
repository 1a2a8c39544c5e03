/**
 * Bugs that are put into a copy of the source to see whether the simulator finds them. Lists, one a tier, beside this file: `raft.ts`, `metadata.ts`,
 * `storage.ts`, `broker.ts`, each with `export const PLANTED: readonly PlantedBug[]`. `run.ts` makes them and counts seeds.
 */
import type { TierName } from "../../../lib/sim/mod.ts";

export interface PlantedBug {
  /** What is wrong with it, in a few words; unique over all tiers. */
  readonly name: string;
  /** The simulator that must find it. */
  readonly tier: TierName;
  /** From the root of the project: `lib/storage/wal/wal.ts`. */
  readonly file: string;
  /** Occurs exactly once in the file; may be a part of a line, or several lines. */
  readonly line: string;
  /** What stands there instead. */
  readonly wrong: string;
  /** The same in other files, where two of them keep the promise: without the second one nothing would come of the bug. */
  readonly also?: readonly { readonly file: string; readonly line: string; readonly wrong: string }[];
  /**
   * A hunt that took so many without finding it has missed it, and the night fails; without it a thousand. More only where the mean in
   * `docs/planted-bugs.md` asks for it, about eight times as many; less for what `npm test` finds each time.
   */
  readonly seedsMax?: number;
  /** Found by this script (tests/sim/scripts/…), which is tried before any seed. */
  readonly script?: string;
}
