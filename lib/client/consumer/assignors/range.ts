/**
 * Range: of each topic every subscriber gets a run of neighbouring partitions, the first members one more. Keeps partitions of the same
 * number of several topics together. Does not look at racks: with replicas everywhere there is nothing to choose.
 */
import { Draft, inOrder, type PartitionAssignor, subscribers } from "./types.ts";

export const range: PartitionAssignor = {
  name: "range",
  cooperative: false,
  userData: () => null,
  assign(members, partitionCounts) {
    const draft = new Draft(members);
    for (const [topic, wanting] of subscribers(inOrder(members), partitionCounts)) {
      const count = partitionCounts.get(topic)!;
      const each = Math.floor(count / wanting.length);
      const oneMore = count % wanting.length;
      let partition = 0;
      wanting.forEach(({ memberId }, place) => {
        const end = partition + each + (place < oneMore ? 1 : 0);
        for (; partition < end; partition++) draft.give(memberId, topic, partition);
      });
    }
    return draft.finish();
  },
};
