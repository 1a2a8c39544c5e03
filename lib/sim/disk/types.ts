/** A disk of the simulated world: it outlives the processes that use it, and is as treacherous as its faults say. */
import type { Deadlines, Disk } from "../../io/mod.ts";
import type { EndKind } from "../machine.ts";
import type { DiskFault } from "../plan.ts";
import type { Owner } from "../world.ts";

export interface SimDisk {
  /**
   * The disk as one process sees it. What a process asked for may still happen after its end, as in a kernel, but it is told nothing any more;
   * what it asks for afterwards does not happen.
   */
  mount(owner: Owner, deadlines: Deadlines): Disk;
  /** The process is gone, or the power. Locks are dropped. */
  end(kind: EndKind): void;
  /** From now on, for the time that it says. */
  apply(fault: DiskFault): void;
  /** No faults from here on: slow calls speed up, a full disk has room. What is damaged stays damaged. */
  heal(): void;
  /** Whether a mark that was written (`markOf`) would be found after the loss of power right now. For the oracle of law 3. */
  isDurable(mark: string): boolean;
}

/** Bytes that a workload puts into a record, a name or a text, by which the disk knows them again. @param id unique in the run. */
export const markOf = (id: number): string => `~${id.toString(36).padStart(7, "0")}~`;
