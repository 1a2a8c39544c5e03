/** The whole broker of one node, as the executable starts it, with clients that speak to it over real wire bytes. */
import { loadAdmin } from "../../admin/mod.ts";
import type { Plan, Tier } from "../plan.ts";
import { Draws } from "../random.ts";
import { WORKLOADS } from "../workloads/mod.ts";
import { drawFaults } from "./draw_faults.ts";
import { drawKnobs } from "./knobs.ts";
import { clientName } from "./names.ts";
import { BrokerRun } from "./run.ts";

/** As long as clients have something to do: about `SPAN_MS_MAX` of the workloads, and what faults add. */
const HORIZON_MS = 10_000;
/** Sessions of members, and all that follows when they are over, take longer. */
const GROUPS_HORIZON_MS = 20_000;
/** More kinds at once would leave each of them little. */
const WORKLOADS_MAX = 2;
/** A workload may have a machine or two more than clients. */
const MORE_MACHINES = 2;

/** What a broker loads while it runs: in a world whose time stands still meanwhile it would never come. */
export const loadBroker = loadAdmin;

export const brokerTier: Tier = {
  name: "broker",

  plan(seed: number): Plan {
    const draws = (stream: string) => new Draws(seed, `plan/${stream}`);
    const choose = draws("workloads");
    const kinds = [...WORKLOADS.keys()].map((kind) => ({ kind, order: choose.float() })).sort((a, b) => a.order - b.order);
    const workloads = kinds.slice(0, 1 + choose.below(WORKLOADS_MAX)).map(({ kind }) => WORKLOADS.get(kind)!.plan(draws(kind)));
    const machines = workloads.reduce((sum, { clients }) => sum + clients, 0) + MORE_MACHINES;
    const clients = Array.from({ length: machines }, (_, at) => clientName(at + 1));
    const horizonMs = workloads.some(({ kind }) => kind === "groups") ? GROUPS_HORIZON_MS : HORIZON_MS;
    return {
      tier: "broker",
      seed,
      horizonMs,
      nodes: 1,
      knobs: drawKnobs(draws("knobs")),
      workloads,
      faults: drawFaults(draws("faults"), { horizonMs, clients }),
    };
  },

  run: (plan, trace = false) => new BrokerRun(plan, trace).run(),
};
