/** The topics of a run as the metadata has them, and the model of each of their partitions. They outlive every process. */
import type { TopicConfig } from "../../config/mod.ts";
import { type NodeId, nodeId, type Uuid, ZERO_UUID } from "../../protocol/mod.ts";
import type { MetadataImage, TopicImage } from "../../state/metadata/image.ts";
import { Limits } from "./limits.ts";
import { PartitionModel } from "./partition_model.ts";
import { type Knobs, NODE_ID, topicConfig } from "./settings.ts";

const OTHER_NODE_ID = 2;

export class TopicModel {
  readonly topicId: Uuid;
  readonly name: string;
  readonly config: TopicConfig;
  readonly partitions: readonly PartitionModel[];
  /** Another node leads: what comes is written as it comes, and cut. */
  readonly isFollowed: boolean;

  constructor(name: string, number: number, knobs: Knobs, wall: () => number | null) {
    this.name = name;
    this.topicId = `${String(number).padStart(21, "T")}A` as Uuid;
    this.config = topicConfig(knobs);
    this.isFollowed = knobs["followed"] === 1;
    const limits = new Limits(this.config.log, wall);
    this.partitions = Array.from(
      { length: knobs["partitions"] ?? 1 },
      (_, partition) => new PartitionModel(`${name}-${partition} (${number})`, limits),
    );
  }

  image(leaderEpoch: number): TopicImage {
    const self = nodeId(NODE_ID);
    const replicas: NodeId[] = this.isFollowed ? [nodeId(OTHER_NODE_ID), self] : [self];
    const partitions = this.partitions.map((_, partition) => ({
      partition,
      leader: replicas[0]!,
      leaderEpoch,
      partitionEpoch: 0,
      replicas,
      isr: replicas,
    }));
    return { name: this.name, topicId: this.topicId, internal: false, partitions, configs: new Map() };
  }
}

export class Topics {
  readonly #topics = new Map<string, TopicModel>();
  readonly #wall: () => number | null;
  #created = 0;

  /** @param wall as `Limits` asks for it. */
  constructor(wall: () => number | null) {
    this.#wall = wall;
  }

  /** Takes the place of the one of the same name, if there is any. */
  create(name: string, knobs: Knobs): TopicModel {
    const topic = new TopicModel(name, ++this.#created, knobs, this.#wall);
    this.#topics.set(name, topic);
    return topic;
  }

  byName(name: string): TopicModel {
    return this.#topics.get(name)!;
  }
  all(): Iterable<TopicModel> {
    return this.#topics.values();
  }

  image(leaderEpoch: number): MetadataImage {
    const images = [...this.#topics.values()].map((topic) => topic.image(leaderEpoch));
    return {
      index: 1,
      clusterId: ZERO_UUID,
      brokers: new Map(),
      topics: new Map(images.map((topic) => [topic.name, topic])),
      topicById: (id) => images.find((topic) => topic.topicId === id) ?? null,
      configs: () => new Map(),
      configured: () => [],
      features: new Map(),
      partitionCount: images.reduce((sum, { partitions }) => sum + partitions.length, 0),
    };
  }
}
