/** Moves the start of one log forward, by whichever door it was asked. Source: KIP-107. */
import type { Deadline } from "../io/mod.ts";
import { refused, type Row } from "../state/mod.ts";
import { kafkaErrorOf } from "./error_mapping.ts";
import { ledPartition } from "./led_partition.ts";
import type { Services } from "./services.ts";

/** @param offset -1: the high watermark. @returns the new start, durable; after the deadline the outcome is unknown: REQUEST_TIMED_OUT. */
export async function deleteRecordsBefore(
  services: Services,
  topic: string,
  index: number,
  offset: number,
  deadline: Deadline,
): Promise<Row<number>> {
  const hosted = services.partitions.byName(topic, index) !== null;
  if (hosted && services.controller.image.topics.get(topic)?.internal === true) {
    return refused("INVALID_TOPIC_EXCEPTION", `Cannot delete records of "${topic}": the brokers keep it for themselves`);
  }
  const partition = ledPartition(services, topic, index);
  if (!partition.ok) return partition;
  try {
    return { ok: true, value: await partition.value.deleteRecords(offset, deadline) };
  } catch (error) {
    const name = kafkaErrorOf(error);
    return refused(name, error instanceof Error ? error.message : String(error));
  }
}
