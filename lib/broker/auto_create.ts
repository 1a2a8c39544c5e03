/**
 * Topics created because a client named them (`auto.create.topics.enable`). Free of races: whoever names a topic that somebody else is
 * creating waits for the same commit and finds it in the image.
 */
import type { Deadline } from "../io/mod.ts";
import type { KafkaErrorName } from "../protocol/mod.ts";
import { isInternalTopic } from "../state/mod.ts";
import { kafkaErrorOf } from "./error_mapping.ts";
import type { Services } from "./services.ts";

/**
 * Creates the topics of `names` that do not exist, in one entry, with the default counts.
 * @returns why a topic is still not there; what is not in the map exists and is usable.
 */
export async function autoCreate(
  { controller }: Pick<Services, "controller">,
  names: readonly string[],
  deadline: Deadline,
): Promise<ReadonlyMap<string, KafkaErrorName>> {
  const problems = new Map<string, KafkaErrorName>();
  // The coordinators create their own topics, with the counts and settings that those need.
  const wanted = names.filter((name) => !isInternalTopic(name) && !controller.image.topics.has(name));
  for (const name of names) if (isInternalTopic(name)) problems.set(name, "UNKNOWN_TOPIC_OR_PARTITION");
  if (wanted.length === 0) return problems;
  try {
    const topics = wanted.map((name) => ({ name, partitions: -1, replicationFactor: -1, assignments: [], configs: [] }));
    const rows = await controller.createTopics(topics, false, deadline);
    for (const [at, row] of rows.entries()) {
      if (!row.ok && row.error !== "TOPIC_ALREADY_EXISTS") problems.set(wanted[at]!, row.error);
    }
  } catch (error) {
    const name = kafkaErrorOf(error);
    // A client that asks for metadata tries this one again; what the failure was is in the log and the counters.
    for (const topic of wanted) {
      problems.set(topic, name === "REQUEST_TIMED_OUT" || name === "NOT_CONTROLLER" ? "LEADER_NOT_AVAILABLE" : name);
    }
  }
  return problems;
}
