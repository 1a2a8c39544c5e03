/** What the controller needs to know, resolved by the composition root from the node's settings. */
import type { NodeId, Uuid } from "../protocol/ids.ts";
import { defaultRaftSettings, type RaftSettings } from "../raft/mod.ts";
import type { MetadataRules } from "../state/mod.ts";
import { defaultRaftDriverSettings, type RaftDriverSettings } from "./raft_driver.ts";

export interface ControllerSettings {
  readonly nodeId: NodeId;
  /** Voters of a new cluster; later the log knows. */
  readonly voters: readonly NodeId[];
  /** Of a new cluster; null makes one up. */
  readonly clusterId: Uuid | null;
  readonly rules: MetadataRules;
  readonly raft: RaftSettings;
  readonly driver: RaftDriverSettings;
  /** Feature levels that a new cluster begins with. */
  readonly features: ReadonlyMap<string, number>;
  /** Producer ids reserved by one entry (KIP-730); what is left of a block at a stop is never given. */
  readonly producerIdBlock: number;
  /** Budget for the first leader and the first commit at start. */
  readonly startMs: number;
}

/** A node of its own: one voter, everything else as shipped. */
export function loneController(nodeId: NodeId, rules: MetadataRules, clusterId: Uuid | null = null): ControllerSettings {
  return {
    nodeId,
    voters: [nodeId],
    clusterId,
    rules,
    raft: defaultRaftSettings,
    driver: defaultRaftDriverSettings,
    features: new Map(),
    producerIdBlock: 1_000,
    startMs: 30_000,
  };
}
