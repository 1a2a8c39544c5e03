/** What the tier asks of a node, whatever the node hosts: a machine, what it has on disk, and the process that runs there now. */
import type { NodeId } from "../../protocol/mod.ts";
import type { Raft, SnapshotMeta } from "../../raft/mod.ts";
import type { EndKind, Machine } from "../machine.ts";
import type { World } from "../world.ts";
import type { Knobs } from "./knobs.ts";
import type { Links } from "./links.ts";
import type { Oracles, Seen } from "./oracles.ts";

/** What the nodes of a run have in common. */
export interface Setting {
  readonly world: World;
  readonly voters: readonly NodeId[];
  readonly knobs: Knobs;
  readonly links: Links;
  readonly oracles: Oracles;
}

/** What a proposer is told. `unknown`: the node is not leader any more, or is gone. */
export type Outcome = "committed" | "unknown";

/** What the nodes of a tier replicate; made anew for each run. */
export type Hosting = (world: World) => Hosted;
export interface Hosted {
  member(id: NodeId, setting: Setting): Member;
  /** What a snapshot says: the index of the last entry in it, and the state as something to compare. */
  stateOf(meta: SnapshotMeta, data: Uint8Array): { readonly index: number; readonly state: number | string };
}

export interface Member extends Seen {
  readonly id: NodeId;
  readonly machine: Machine;
  readonly core: Raft | null;
  /** Last applied entry of the running process. */
  readonly applied: number;
  /** What the state after `applied` is, as something to compare. */
  readonly state: number | string;
  start(): void;
  end(kind: EndKind): void;
  /** Only at the leader. @param id unique in the run. */
  propose(id: number, told: (outcome: Outcome) => void): void;
  /** All nodes are one again: may look at what it has. */
  looksAtEnd?(): void;
}
