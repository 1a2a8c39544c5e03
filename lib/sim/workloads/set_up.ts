/** Making what a workload works on. */
import { type KafkaError, openAdmin, type TopicPartition } from "../../client/mod.ts";
import type { Client } from "./client.ts";
import { patientOptions } from "./knobs.ts";

export const partitionsOf = (topic: string, count: number): readonly TopicPartition[] =>
  Array.from({ length: count }, (_, partition) => ({ topic, partition }));

/** Makes a topic of which only this workload knows; a topic that is there already was made by an earlier try. */
export async function makeTopic(
  client: Client,
  topic: string,
  partitions: number,
  configs: Readonly<Record<string, string>> = {},
): Promise<void> {
  const detail = Object.entries(configs).map(([name, value]) => `${name}=${value}`).join(" ");
  const tell = client.asks((asked) => ({
    ...asked,
    kind: "changed",
    change: "createTopic",
    topic,
    partition: partitions,
    detail,
    told: "unknown",
  }));
  const admin = openAdmin(client.io, patientOptions(client.context));
  await client.insist(async () => {
    const outcome = (await admin.createTopics([{ name: topic, partitions, configs }])).get(topic)!;
    if (!outcome.ok && !isThere(outcome.error)) throw outcome.error;
  });
  tell((asked) => ({ ...asked, kind: "changed", change: "createTopic", topic, partition: partitions, detail, told: "ok" }));
  await admin.close();
}

const isThere = ({ error }: KafkaError): boolean => error === "TOPIC_ALREADY_EXISTS";
