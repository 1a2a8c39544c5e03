/** The assignors by name, and whether a list of them lets members keep their partitions while they rejoin. */
import type { Assignor } from "../../types.ts";
import { range } from "./range.ts";
import { roundRobin } from "./round_robin.ts";
import { cooperativeSticky, sticky } from "./sticky.ts";
import type { PartitionAssignor } from "./types.ts";

export const ASSIGNORS: Readonly<Record<Assignor, PartitionAssignor>> = {
  "range": range,
  "roundrobin": roundRobin,
  "sticky": sticky,
  "cooperative-sticky": cooperativeSticky,
};

/** Only when every one does: the group may settle on any of them (KIP-429). */
export const isCooperative = (names: readonly Assignor[]): boolean => names.every((name) => ASSIGNORS[name].cooperative);
