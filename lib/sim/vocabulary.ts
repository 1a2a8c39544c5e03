/**
 * What a plan asks for that no plan of this version does: the words of a script that was written by another version, or by hand. They are looked up
 * in the plans of many seeds, so that no tier has to keep a list of them.
 */
import type { Plan, Tier } from "./plan.ts";

/** So many that every word occurs. */
const SEEDS = 2_000;

export interface Unknown {
  /** Nothing can be run with these. */
  readonly workloads: readonly string[];
  /** Nor with these, by kind. */
  readonly faults: readonly string[];
  /** Without effect: `walFileBites`, and `topic.partitoins` for one of a workload. */
  readonly knobs: readonly string[];
}

export function unknownIn(tier: Tier, plan: Plan): Unknown {
  const wanted = wordsOf(plan);
  const left = { workloads: new Set(wanted.workloads), faults: new Set(wanted.faults), knobs: new Set(wanted.knobs) };
  for (let seed = 1; seed <= SEEDS && left.workloads.size + left.faults.size + left.knobs.size > 0; seed++) {
    const known = wordsOf(tier.plan(seed));
    for (const word of known.workloads) left.workloads.delete(word);
    for (const word of known.faults) left.faults.delete(word);
    for (const word of known.knobs) left.knobs.delete(word);
  }
  return { workloads: [...left.workloads], faults: [...left.faults], knobs: [...left.knobs] };
}

const wordsOf = ({ knobs, workloads, faults }: Plan): Unknown => ({
  workloads: workloads.map(({ kind }) => kind),
  faults: faults.map(({ kind }) => kind),
  knobs: [...Object.keys(knobs), ...workloads.flatMap(({ kind, knobs }) => Object.keys(knobs).map((name) => `${kind}.${name}`))],
});
