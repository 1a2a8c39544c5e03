/** Asks the coordinator of each group, one request for each node, and looks for new ones where they have moved. Knows no APIs. */
import type { Deadline } from "../../io/mod.ts";
import { KafkaError } from "../errors.ts";
import type { Cluster, Outcome } from "../types.ts";
import { eachOutcome, failedWith } from "./outcomes.ts";

/** @param attempt sends the groups of one node and answers in their order. */
export function atCoordinators<T>(
  cluster: Cluster,
  deadline: Deadline,
  groups: readonly string[],
  attempt: (node: number, groups: readonly string[]) => Promise<readonly Outcome<T>[]>,
): Promise<readonly Outcome<T>[]> {
  return eachOutcome(cluster, deadline, groups, async (pending) => {
    const outcomes = new Map<string, Outcome<T>>();
    const fail = (group: string, error: unknown) => {
      if (!(error instanceof KafkaError)) throw error;
      outcomes.set(group, failedWith(error));
    };
    const byNode = new Map<number, string[]>();
    await Promise.all(pending.map(async (group) => {
      try {
        const node = await cluster.coordinator("group", group, deadline);
        if (byNode.get(node)?.push(group) === undefined) byNode.set(node, [group]);
      } catch (error) {
        fail(group, error);
      }
    }));
    await Promise.all([...byNode].map(async ([node, asked]) => {
      try {
        const rows = await attempt(node, asked);
        asked.forEach((group, i) => outcomes.set(group, rows[i]!));
      } catch (error) {
        for (const group of asked) fail(group, error);
      }
    }));
    for (const [group, outcome] of outcomes) {
      // Whatever may pass may also mean that another node is in charge by now.
      if (!outcome.ok && outcome.error.retriable) cluster.forgetCoordinator("group", group);
    }
    return pending.map((group) => outcomes.get(group)!);
  });
}
