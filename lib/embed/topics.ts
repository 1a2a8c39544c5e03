/** Topics of an embedded broker: made, found, deleted. The same proposals as those of clients; decides nothing itself. */
import type { Deadline } from "../io/mod.ts";
import type { RunningNode } from "../node.ts";
import type { TopicImage } from "../state/metadata/image.ts";
import { RequestRefused } from "./errors.ts";

export interface FixtureTopic {
  /** As `num.partitions` when absent. */
  readonly partitions?: number;
  readonly configs?: Readonly<Record<string, string>>;
}

/** @throws {RequestRefused} */
export async function createTopic(node: RunningNode, name: string, topic: FixtureTopic, deadline: Deadline): Promise<TopicImage> {
  const configs = Object.entries(topic.configs ?? {}).map(([name, value]) => ({ name, value }));
  const wanted = { name, partitions: topic.partitions ?? -1, replicationFactor: -1, assignments: [], configs };
  const [row] = await node.controller.createTopics([wanted], false, deadline);
  if (!row!.ok) throw new RequestRefused(row!.error, row!.message ?? `Cannot create "${name}": ${row!.error}`);
  return row!.value;
}

/** @throws {RequestRefused} */
export async function deleteTopic(node: RunningNode, name: string, deadline: Deadline): Promise<void> {
  const [row] = await node.controller.deleteTopics([{ name }], deadline);
  if (!row!.ok) throw new RequestRefused(row!.error, row!.message ?? `Cannot delete "${name}": ${row!.error}`);
}

/** The topic, made now if it is missing and `auto.create.topics.enable` says so. @throws {RequestRefused} */
export async function topicOf(node: RunningNode, name: string, deadline: Deadline): Promise<TopicImage> {
  const found = node.controller.image.topics.get(name);
  if (found !== undefined) return found;
  if (!node.services.settings.autoCreateTopicsEnable) throw unknownTopic(node, name);
  try {
    return await createTopic(node, name, {}, deadline);
  } catch (error) {
    const made = node.controller.image.topics.get(name);
    if (error instanceof RequestRefused && error.error === "TOPIC_ALREADY_EXISTS" && made !== undefined) return made;
    throw error;
  }
}

export function unknownTopic(node: RunningNode, name: string): RequestRefused {
  const names = [...node.controller.image.topics.values()].filter(({ internal }) => !internal).map(({ name }) => `"${name}"`);
  const there = names.length === 0 ? "there are none" : `there are ${names.slice(0, 10).join(", ")}${names.length > 10 ? ", …" : ""}`;
  return new RequestRefused("UNKNOWN_TOPIC_OR_PARTITION", `Cannot find the topic "${name}": ${there}`);
}
