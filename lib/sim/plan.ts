/**
 * Everything that is decided before a run: a value, so that it can be printed, shrunk, kept in a file and run again. What is drawn while a run
 * goes on (delays, chunks, where a write tears) comes from the seed's streams.
 */

export type TierName = "raft" | "metadata" | "storage" | "broker";

export interface Plan {
  readonly tier: TierName;
  readonly seed: number;
  /** Until here with faults; afterwards everything is healed and must converge. Virtual milliseconds. */
  readonly horizonMs: number;
  readonly nodes: number;
  /** Settings and sizes that differ from the product's own, by name. */
  readonly knobs: Readonly<Record<string, number>>;
  readonly workloads: readonly WorkloadPlan[];
  readonly faults: readonly Fault[];
}

export interface WorkloadPlan {
  /** Names it in the tier's table of workloads. */
  readonly kind: string;
  readonly clients: number;
  /** Each client's. */
  readonly operations: number;
  readonly knobs: Readonly<Record<string, number>>;
}

interface At {
  /** Virtual milliseconds since the beginning. */
  readonly at: number;
}
interface OnNode extends At {
  /** From 1. */
  readonly node: number;
}
interface For {
  readonly forMs: number;
}

export type ProcessFault =
  | OnNode & For & { readonly kind: "kill" | "powerLoss" | "pause" }
  /** SIGTERM: the process ends in order, and comes back so much after its end. */
  | OnNode & For & { readonly kind: "stop" }
  | OnNode & { readonly kind: "wallJump"; readonly deltaMs: number }
  | OnNode & For & { readonly kind: "drift"; readonly rate: number };

/** Of a client's machine, by its name. */
export type ClientFault =
  | At & For & { readonly kind: "clientPause"; readonly machine: string }
  | At & For & { readonly kind: "clientDrift"; readonly machine: string; readonly rate: number };

export type DiskFault =
  /** The next sync fails with EIO; its pages count as clean afterwards and are lost with the power. */
  | OnNode & { readonly kind: "syncFails" }
  /** Syncs and durable writes that start now, or are under way, take this long. */
  | OnNode & For & { readonly kind: "syncStalls" }
  /** Syncs succeed and make nothing durable. */
  | OnNode & For & { readonly kind: "syncLies" }
  | OnNode & For & { readonly kind: "diskSlow"; readonly factor: number }
  | OnNode & For & { readonly kind: "diskFull" }
  /** The next write fails with EIO, nothing of it written. */
  | OnNode & { readonly kind: "writeFails" }
  /** The next read fails with EIO. */
  | OnNode & { readonly kind: "readFails" }
  /**
   * A bit of what is durable flips, in a file chosen by draws. With one copy nothing can mend it: whoever judges has to take a refusal
   * (of a read, or of a start) for right, but never other bytes, and never a shorter log.
   */
  | OnNode & { readonly kind: "bitRot" };

export type NetFault =
  /** Every connection of the machine is reset. */
  | OnNode & { readonly kind: "reset" }
  /** Bytes from one machine to another stand still; both ways if it happens twice. Names, because clients are machines too. */
  | At & For & { readonly kind: "cut"; readonly from: string; readonly to: string }
  /** One side of every connection between the two forgets it without a word. */
  | At & { readonly kind: "halfOpen"; readonly from: string; readonly to: string }
  | At & For & { readonly kind: "throttle"; readonly from: string; readonly to: string; readonly bytesPerMs: number };

/** Whoever is elected next is cut off from all others when it has sent so many messages as leader; who was so before comes back then. */
export type LeaderFault = At & For & { readonly kind: "leaderCut"; readonly messages: number };

export type Fault = ProcessFault | ClientFault | DiskFault | NetFault | LeaderFault;

export interface RunResult {
  /** Null when everything held. */
  readonly violation: string | null;
  /** Of everything that happened, in order. */
  readonly hash: string;
  readonly events: number;
  readonly virtualMs: number;
  readonly marks: ReadonlyMap<string, number>;
  /** What the run got done, for who wants to know that the faults left room for work: `acknowledged`, `read`, `committed`. */
  readonly counts: Readonly<Record<string, number>>;
  /** The last events as text, when they were asked for. */
  readonly lines: readonly string[];
}

/** One way to run the product, or a part of it. */
export interface Tier {
  readonly name: TierName;
  /** What the seed decides: first which classes of faults there are, then their rates, then the knobs (swarm). */
  plan(seed: number): Plan;
  /** Never throws for what the product does. @param trace keep the last events as text. */
  run(plan: Plan, trace?: boolean): RunResult;
}
