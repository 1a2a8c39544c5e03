/** Topics and partitions as the HTTP side writes and takes them. Reads the metadata image and the logs of this node; changes nothing. */
import { z } from "@hono/zod-openapi";
import type { Services } from "../../broker/mod.ts";
import { suggestion } from "../../config/mod.ts";
import type { NewTopic as TopicToMake } from "../../controller/types.ts";
import type { BrokerImage, PartitionImage, TopicImage } from "../../state/mod.ts";
import { count, field, flag, partitionIndex, text, topicName } from "./params.ts";
import { Refused } from "./status.ts";

const nodeId = field(z.int().min(0), "Id of a node", 1);

/** Of a setting: JSON's numbers and booleans are taken as their text. */
const configValue = z.union([z.string().max(32_768), z.number(), z.boolean()]).transform(String)
  .openapi({
    type: ["string", "number", "boolean"],
    description: "Value of a setting, as text or as a JSON number or boolean",
    examples: ["86400000"],
  });
export const configValues = z.record(z.string(), z.string()).openapi({
  additionalProperties: { type: "string", description: "Value of the setting", examples: ["86400000"] },
});
export const givenConfigs = z.record(z.string().min(1).max(249), configValue)
  .openapi({
    description: "Settings by name, see `/v1/topics/{topic}/configs` for what there is",
    examples: [{ "retention.ms": "86400000" }],
  });

const wanted = {
  partitions: z.int().min(1).max(100_000).optional().openapi({
    description: "How many partitions; `num.partitions` of the broker when absent",
    examples: [3],
  }),
  replicationFactor: z.int().min(1).max(32_767).optional()
    .openapi({ description: "Replicas of each partition; `default.replication.factor` of the broker when absent", examples: [1] }),
  replicas: field(
    z.array(z.array(z.int().min(0).max(2 ** 31 - 1)).min(1)).min(1).max(10_000).optional(),
    "Nodes of each partition, the preferred leader first, instead of the two counts",
    [[1], [1]],
  ),
  configs: givenConfigs.optional(),
};

interface Counted {
  readonly partitions?: unknown;
  readonly replicationFactor?: unknown;
  readonly replicas?: unknown;
}
const isCountedOnce = ({ partitions, replicationFactor, replicas }: Counted) =>
  replicas === undefined || (partitions === undefined && replicationFactor === undefined);
const countedOnce = { path: ["replicas"], message: "absent where `partitions` or `replicationFactor` is given" };

export const NewTopic = z.strictObject({ name: topicName, ...wanted }).refine(isCountedOnce, countedOnce).openapi("NewTopic");
export const WantedTopic = z.strictObject(wanted).refine(isCountedOnce, countedOnce).openapi("WantedTopic");

export const TopicSummary = z.object({
  name: topicName,
  topicId: text("Identity of the topic: another one with the same name has another", "8UaVCWgcQDSBLAKyLnTIPA"),
  internal: flag("Whether the brokers keep it for themselves", false),
  partitionCount: count("How many partitions it has"),
  replicationFactor: count("Replicas of a partition", 1),
  sizeBytes: count("Bytes of its logs on this node", 1048576),
}).openapi("TopicSummary");

export const PartitionView = z.object({
  partition: partitionIndex,
  leader: field(z.int().nullable(), "Node that leads it; null when none does", 1),
  leaderEpoch: count("Raised with every change of leader", 0),
  replicas: field(z.array(nodeId), "Nodes with a replica, the preferred leader first", [1]),
  inSyncReplicas: field(z.array(nodeId), "Those of them that have everything", [1]),
  offlineReplicas: field(z.array(nodeId), "Those of them that are not there", []),
  sizeBytes: field(z.int().min(0).nullable(), "Bytes of its log on this node; null when it has no replica here", 524288),
  startOffset: field(z.int().min(0).nullable(), "First offset that can be read; null when it has no replica here", 0),
  highWatermark: field(z.int().min(0).nullable(), "Offset after the last one that can be read; null when it has no replica here", 1042),
  endOffset: field(z.int().min(0).nullable(), "Offset that the next record gets; null when it has no replica here", 1042),
}).openapi("Partition");

export function topicSummary(topic: TopicImage, { partitions }: Services): z.output<typeof TopicSummary> {
  return {
    name: topic.name,
    topicId: topic.topicId,
    internal: topic.internal,
    partitionCount: topic.partitions.length,
    replicationFactor: topic.partitions[0]?.replicas.length ?? 0,
    sizeBytes: topic.partitions.reduce((sum, { partition }) => sum + (partitions.byName(topic.name, partition)?.sizeBytes ?? 0), 0),
  };
}

export function partitionView(topic: string, image: PartitionImage, { controller, partitions }: Services): z.output<typeof PartitionView> {
  const log = partitions.byName(topic, image.partition);
  return {
    partition: image.partition,
    leader: image.leader === -1 ? null : image.leader,
    leaderEpoch: image.leaderEpoch,
    replicas: [...image.replicas],
    inSyncReplicas: [...image.isr],
    offlineReplicas: image.replicas.filter((id) => controller.image.brokers.get(id)?.fenced ?? true),
    sizeBytes: log?.sizeBytes ?? null,
    startOffset: log?.logStartOffset ?? null,
    highWatermark: log?.highWatermark ?? null,
    endOffset: log?.logEndOffset ?? null,
  };
}

/** @throws {Refused} when there is no such topic. */
export function topicNamed(name: string, { controller }: Services): TopicImage {
  const topic = controller.image.topics.get(name);
  if (topic !== undefined) return topic;
  throw new Refused(
    "UNKNOWN_TOPIC_OR_PARTITION",
    `There is no topic "${name}"${suggestion(name, controller.image.topics.keys()) || ": list them at /v1/topics"}`,
  );
}

/** @throws {Refused} when there is no such broker. */
export function brokerWithId(id: number, { controller }: Services): BrokerImage {
  const { brokers } = controller.image;
  const broker = [...brokers.values()].find((one) => one.id === id);
  if (broker !== undefined) return broker;
  throw new Refused("RESOURCE_NOT_FOUND", `There is no broker ${id}: there are ${[...brokers.keys()].sort((a, b) => a - b).join(", ")}`);
}

export function toNewTopic(
  { name, partitions = -1, replicationFactor = -1, replicas = [], configs = {} }: z.output<typeof NewTopic>,
): TopicToMake {
  return {
    name,
    partitions,
    replicationFactor,
    assignments: replicas.map((nodes, partition) => ({ partition, replicas: nodes })),
    configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
  };
}

/** Names the second of two topics with one name. */
export function repeatedNames(topics: readonly { readonly name: string }[], context: z.core.$RefinementCtx): void {
  const seen = new Set<string>();
  for (const [at, { name }] of topics.entries()) {
    if (seen.has(name)) {
      context.addIssue({ code: "custom", path: [at, "name"], message: "a name that the request does not have already", input: name });
    }
    seen.add(name);
  }
}
