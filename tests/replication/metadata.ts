/** Metadata images and deltas for tests, of as many topics as they need. */
import { type NodeId, type Uuid, ZERO_UUID } from "../../lib/protocol/mod.ts";
import type { BrokerImage, MetadataDelta, MetadataImage, PartitionImage, TopicImage } from "../../lib/state/metadata/image.ts";
import { partitionState } from "./partition_setup.ts";

export function topicId(number: number): Uuid {
  return `${String(number).padStart(21, "T")}A` as Uuid;
}

export function topicImage(name: string, number: number, partitionCount: number, more: Partial<TopicImage> = {}): TopicImage {
  const partitions: PartitionImage[] = Array.from({ length: partitionCount }, (_, partition) => partitionState({ partition }));
  return { name, topicId: topicId(number), internal: false, partitions, configs: new Map(), ...more };
}

export function metadataImage(topics: readonly TopicImage[], brokers: readonly BrokerImage[] = [], index = 1): MetadataImage {
  return {
    index,
    clusterId: ZERO_UUID,
    brokers: new Map<NodeId, BrokerImage>(brokers.map((broker) => [broker.id, broker])),
    topics: new Map(topics.map((topic) => [topic.name, topic])),
    topicById: (id) => topics.find((topic) => topic.topicId === id) ?? null,
    configs: () => new Map(),
    configured: () => [],
    features: new Map(),
    partitionCount: topics.reduce((sum, { partitions }) => sum + partitions.length, 0),
  };
}

export function metadataDelta(more: Partial<MetadataDelta>): MetadataDelta {
  return { topicsCreated: [], topicsDeleted: [], topicsChanged: [], brokersChanged: false, configsChanged: [], ...more };
}
