/**
 * The metadata of a cluster on three and five nodes, with Raft under it and the same faults as where Raft runs alone. Half of the seeds have it in the
 * real storage on a simulated disk: four times as slow as in a modelled store, and so much closer to the product.
 */
import type { Plan, Tier } from "../plan.ts";
import { runRaft } from "../raft/run.ts";
import { planRaft } from "../raft/swarm.ts";
import { Draws } from "../random.ts";
import { METADATA } from "./member.ts";

const REAL_STORE_SHARE = 0.5;

function planMetadata(seed: number): Plan {
  const plan = planRaft(seed);
  const isReal = new Draws(seed, "plan/store").chance(REAL_STORE_SHARE);
  return { ...plan, tier: "metadata", knobs: isReal ? { ...plan.knobs, realStore: 1 } : plan.knobs };
}

export const metadataTier: Tier = { name: "metadata", plan: planMetadata, run: (plan, trace) => runRaft(METADATA, plan, trace) };
