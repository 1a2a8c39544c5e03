/**
 * The fold of all metadata records. `replay` is total and the only thing that changes it; it must not check rules (the decisions did).
 * Topics, partitions and brokers are immutable values, so the committed and the speculative state of a controller share them.
 */
import { type NodeId, type ProducerId, producerId, type Uuid, ZERO_UUID } from "../../protocol/mod.ts";
import { DeltaRecorder } from "./delta.ts";
import type { BrokerImage, ConfigResourceType, MetadataDelta, MetadataImage, PartitionImage, TopicImage } from "./image.ts";
import type { MetadataRecord } from "./records.ts";

const NO_CONFIGS: ReadonlyMap<string, string> = new Map();

export class MetadataState implements MetadataImage {
  index = 0;
  #clusterId: Uuid = ZERO_UUID;
  #brokers = new Map<NodeId, BrokerImage>();
  #topics = new Map<string, TopicImage>();
  #names = new Map<Uuid, string>();
  /** Names with `.` folded into `_`: two topics of one such name would collide in metrics, as Kafka sees it. */
  #folded = new Map<string, string>();
  /** Overrides of brokers, groups and client metrics by type and name; never an empty map. */
  #configs = new Map<ConfigResourceType, Map<string, ReadonlyMap<string, string>>>();
  #features = new Map<string, number>();
  #partitionCount = 0;
  #nextProducerId: ProducerId = producerId(0);
  #brokerEpoch = 0;
  #delta = new DeltaRecorder();

  get clusterId(): Uuid {
    return this.#clusterId;
  }
  get brokers(): ReadonlyMap<NodeId, BrokerImage> {
    return this.#brokers;
  }
  get topics(): ReadonlyMap<string, TopicImage> {
    return this.#topics;
  }
  get features(): ReadonlyMap<string, number> {
    return this.#features;
  }
  get partitionCount(): number {
    return this.#partitionCount;
  }
  /** The lowest id that was never reserved. */
  get nextProducerId(): ProducerId {
    return this.#nextProducerId;
  }
  /** The largest broker epoch given so far. */
  get brokerEpoch(): number {
    return this.#brokerEpoch;
  }

  topicById(topicId: Uuid): TopicImage | null {
    const name = this.#names.get(topicId);
    return name === undefined ? null : this.#topics.get(name) ?? null;
  }
  configs(type: ConfigResourceType, name: string): ReadonlyMap<string, string> {
    if (type === "topic") return this.#topics.get(name)?.configs ?? NO_CONFIGS;
    return this.#configs.get(type)?.get(name) ?? NO_CONFIGS;
  }
  configured(type: ConfigResourceType): readonly string[] {
    if (type === "topic") return [...this.#topics.values()].filter((topic) => topic.configs.size > 0).map((topic) => topic.name);
    return [...this.#configs.get(type)?.keys() ?? []];
  }
  /** Another topic whose name differs from `name` only in `.` and `_`; null when there is none. */
  collidingTopic(name: string): string | null {
    const other = this.#folded.get(fold(name));
    return other === undefined || other === name ? null : other;
  }

  replay(record: MetadataRecord): void {
    switch (record.type) {
      case "clusterCreated":
        this.#clusterId = record.clusterId;
        return;
      case "brokerRegistered":
        this.#brokers.set(record.broker.id, record.broker);
        this.#brokerEpoch = Math.max(this.#brokerEpoch, record.broker.brokerEpoch);
        return this.#delta.brokers();
      case "topicCreated":
        return this.#create(record.topic);
      case "topicDeleted":
        return this.#delete(record.topicId);
      case "partitionsAdded":
        return this.#addPartitions(record.topicId, record.partitions);
      case "configsChanged":
        return this.#changeConfigs(record.resource, record.name, record.changes);
      case "producerIdsReserved":
        this.#nextProducerId = producerId(Math.max(this.#nextProducerId, record.next));
        return;
      case "featureSet":
        if (record.level === 0) this.#features.delete(record.feature);
        else this.#features.set(record.feature, record.level);
        return;
    }
  }

  /** What the records replayed since the last call changed, for those who keep something in step. */
  takeDelta(): MetadataDelta {
    return this.#delta.take();
  }

  /** A second state to try records on; values are shared, nothing that changes is. */
  clone(): MetadataState {
    const copy = new MetadataState();
    copy.index = this.index;
    copy.#clusterId = this.#clusterId;
    copy.#brokers = new Map(this.#brokers);
    copy.#topics = new Map(this.#topics);
    copy.#names = new Map(this.#names);
    copy.#folded = new Map(this.#folded);
    copy.#configs = new Map([...this.#configs].map(([type, byName]) => [type, new Map(byName)]));
    copy.#features = new Map(this.#features);
    copy.#partitionCount = this.#partitionCount;
    copy.#nextProducerId = this.#nextProducerId;
    copy.#brokerEpoch = this.#brokerEpoch;
    return copy;
  }

  #create(topic: TopicImage): void {
    this.#topics.set(topic.name, topic);
    this.#names.set(topic.topicId, topic.name);
    this.#folded.set(fold(topic.name), topic.name);
    this.#partitionCount += topic.partitions.length;
    this.#delta.created(topic);
  }

  #delete(topicId: Uuid): void {
    const topic = this.topicById(topicId);
    if (topic === null) return;
    this.#topics.delete(topic.name);
    this.#names.delete(topicId);
    this.#folded.delete(fold(topic.name));
    this.#partitionCount -= topic.partitions.length;
    this.#delta.deleted(topic);
  }

  #addPartitions(topicId: Uuid, partitions: readonly PartitionImage[]): void {
    const topic = this.topicById(topicId);
    if (topic === null) return;
    this.#change({ ...topic, partitions: [...topic.partitions, ...partitions] });
    this.#partitionCount += partitions.length;
  }

  #changeConfigs(type: ConfigResourceType, name: string, changes: readonly (readonly [string, string | null])[]): void {
    const configs = new Map(this.configs(type, name));
    for (const [key, value] of changes) {
      if (value === null) configs.delete(key);
      else configs.set(key, value);
    }
    if (type === "topic") {
      const topic = this.#topics.get(name);
      if (topic === undefined) return;
      this.#change({ ...topic, configs });
    } else {
      const byName = this.#configs.get(type) ?? new Map<string, ReadonlyMap<string, string>>();
      this.#configs.set(type, byName);
      if (configs.size === 0) byName.delete(name);
      else byName.set(name, configs);
    }
    this.#delta.configs(type, name);
  }

  #change(topic: TopicImage): void {
    this.#topics.set(topic.name, topic);
    this.#delta.changed(topic);
  }
}

const fold = (name: string): string => name.replaceAll(".", "_");
