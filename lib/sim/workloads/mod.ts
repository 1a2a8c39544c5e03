/** Every workload of the broker tier, by kind. */
import { doors } from "./doors.ts";
import { groups } from "./groups.ts";
import { log } from "./log.ts";
import { pipeline } from "./pipeline.ts";
import { retention } from "./retention.ts";
import { sequences } from "./sequences.ts";
import { topics } from "./topics.ts";
import type { Workload } from "./types.ts";

export const WORKLOADS: ReadonlyMap<string, Workload> = new Map(
  [log, sequences, groups, topics, retention, pipeline, doors].map((workload) => [workload.kind, workload]),
);

/** @throws {RangeError} for a kind that there is not. */
export function workloadOf(kind: string): Workload {
  const workload = WORKLOADS.get(kind);
  if (workload === undefined) throw new RangeError(`There is no workload "${kind}"`);
  return workload;
}
