/** Round-robin: all partitions of all topics in order, dealt out one by one; a member that does not want the topic is passed over. */
import { type AssignorMember, Draft, inOrder, type PartitionAssignor, subscribers } from "./types.ts";

export const roundRobin: PartitionAssignor = {
  name: "roundrobin",
  cooperative: false,
  userData: () => null,
  assign(members, partitionCounts) {
    const draft = new Draft(members);
    const order = inOrder(members);
    let turn = 0;
    for (const [topic, wanting] of subscribers(order, partitionCounts)) {
      const wants = new Set<AssignorMember>(wanting);
      for (let partition = 0; partition < partitionCounts.get(topic)!; partition++) {
        while (!wants.has(order[turn % order.length]!)) turn++;
        draft.give(order[turn++ % order.length]!.memberId, topic, partition);
      }
    }
    return draft.finish();
  },
};
