/** The partition that this node leads, or why it has none. Reads the image and the replica set only. */
import type { Partition } from "../replication/types.ts";
import { refused, type Row } from "../state/mod.ts";
import { missingPartition } from "./missing_partition.ts";
import type { Services } from "./services.ts";

export function ledPartition(services: Services, topic: string, index: number): Row<Partition> {
  const partition = services.partitions.byName(topic, index);
  if (partition?.isLeader) return { ok: true, value: partition };
  const image = services.controller.image.topics.get(topic);
  if (image === undefined) return refused("UNKNOWN_TOPIC_OR_PARTITION", `There is no topic "${topic}"`);
  const leader = image.partitions[index]?.leader ?? -1;
  if (leader === services.nodeId) {
    return refused("NOT_LEADER_OR_FOLLOWER", `Partition ${index} of "${topic}" is not open here yet: ask again`);
  }
  const error = partition === null ? missingPartition(services, topic, index) : "NOT_LEADER_OR_FOLLOWER";
  if (error === "UNKNOWN_TOPIC_OR_PARTITION") {
    return refused(error, `There is no partition ${index} of "${topic}": it has ${image.partitions.length}, from 0 on`);
  }
  return refused(error, `This node does not lead partition ${index} of "${topic}"${leader === -1 ? "" : `: ask node ${leader}`}`);
}
