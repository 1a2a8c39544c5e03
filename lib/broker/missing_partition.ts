/** What to say of a partition that this node does not host. Reads the metadata image only. */
import type { KafkaErrorName } from "../protocol/errors.ts";
import type { Services } from "./services.ts";

/** The cluster has it, so another node must be asked; or nobody has it. */
export function missingPartition({ controller }: Services, topic: string, partition: number): KafkaErrorName {
  const exists = controller.image.topics.get(topic)?.partitions[partition] !== undefined;
  return exists ? "NOT_LEADER_OR_FOLLOWER" : "UNKNOWN_TOPIC_OR_PARTITION";
}
