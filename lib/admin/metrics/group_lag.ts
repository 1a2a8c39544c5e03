/** How far groups are behind, by topic: committed offsets beside the ends of the partitions that this node hosts. Bounded by a setting. */
import type { Services } from "../../broker/mod.ts";

export interface GroupLagRow {
  readonly group: string;
  readonly topic: string;
  readonly lag: number;
}

const ANSWER_MS = 1_000;

/** @returns `omitted`: rows that were found and not told, and a row for each group that was not looked at. */
export async function groupLag(services: Services): Promise<{ readonly rows: readonly GroupLagRow[]; readonly omitted: number }> {
  const max = services.settings.metricsGroupLagMax;
  const rows: GroupLagRow[] = [];
  let omitted = 0;
  if (max === 0) return { rows, omitted };
  const deadline = services.io.deadlines.in("metrics.lag", ANSWER_MS);
  for (const { groupId: group } of services.groups.list().groups) {
    if (rows.length >= max || services.io.clock.mono() > deadline.at) {
      omitted++;
      continue;
    }
    // Commits that are on their way are not waited for: the next scrape has them.
    const { topics } = await services.groups.fetch(group, null, false, deadline);
    for (const { topic, partitions } of topics) {
      let lag = 0;
      let isKnown = false;
      for (const { partition, committed } of partitions) {
        const end = services.partitions.byName(topic, partition)?.highWatermark;
        if (committed === null || end === undefined) continue;
        isKnown = true;
        lag += Math.max(0, end - committed.offset);
      }
      // Partitions of other nodes: those know, and no lag is not the same as not knowing.
      if (!isKnown) continue;
      if (rows.length < max) rows.push({ group, topic, lag });
      else omitted++;
    }
  }
  return { rows, omitted };
}
