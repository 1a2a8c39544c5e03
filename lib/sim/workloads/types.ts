/**
 * What clients do to a broker while it is hurt, and what must hold of it afterwards. A workload speaks through clients on machines of its own,
 * tells what it asked and was told, and knows nothing of faults; its oracles judge what was told and nothing else.
 */
import type { HistoryEvent, Oracle } from "../history.ts";
import type { Machine } from "../machine.ts";
import type { WorkloadPlan } from "../plan.ts";
import type { Draws } from "../random.ts";
import type { World } from "../world.ts";

export interface WorkloadContext {
  readonly world: World;
  readonly plan: WorkloadPlan;
  /** A client machine of its own: another one each time. `start()` gives the process on it; its `Io` speaks over the simulated network. */
  machine(name: string): Machine;
  /** Where the brokers are, for the options of clients. */
  readonly bootstrap: readonly string[];
  /** One request to the broker's HTTP door, from the process on that machine. @throws {IoFailed} when nobody knows what became of it. */
  http(machine: Machine, request: Request): Promise<Response>;
  /** In the order in which things were told; oracles judge it at the end. */
  record(event: HistoryEvent): void;
  /** Called when the run is over before its clients are: what they had asked for and were not told goes into the history then. */
  atEnd(end: () => void): void;
  /** Unique in the run: for values of records and for names. */
  nextMark(): string;
  /** True when this mark survives the loss of power right now on a node that acknowledged it. */
  isDurable(mark: string): boolean;
  /** Something got done: `acknowledged`, `read`, `committed`. */
  count(name: string, by?: number): void;
}

export interface Workload {
  readonly kind: string;
  /** What the seed decides for it. */
  plan(draws: Draws): WorkloadPlan;
  /** Topics and settings are made by the workload itself over the wire. Resolves when every operation that it began is resolved; a rejection is a violation. */
  run(context: WorkloadContext): Promise<void>;
  /** After everything was healed and `run` has ended: reads what must be there and records it (`whole`). Called twice, with a restart of the broker between. */
  finish(context: WorkloadContext, reader: string): Promise<void>;
  readonly oracles: readonly Oracle[];
}
