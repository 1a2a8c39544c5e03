/** The Raft room and its driver alone, with three and five voters: what the metadata of a cluster rests on. */
import type { Tier } from "../plan.ts";
import { LEDGER } from "./ledger_member.ts";
import { runRaft } from "./run.ts";
import { planRaft } from "./swarm.ts";

export const raftTier: Tier = { name: "raft", plan: planRaft, run: (plan, trace) => runRaft(LEDGER, plan, trace) };
