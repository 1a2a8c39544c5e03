/** A group coordinator over partitions whose disk the test holds in its hand, on time that the test moves. */
import { type CoordinatorSettings, coordinatorSettings, Groups, OFFSETS_TOPIC } from "../../lib/coordinator/mod.ts";
import { NodeSettings } from "../../lib/config/mod.ts";
import type { Controller } from "../../lib/controller/types.ts";
import type { Deadline, Io } from "../../lib/io/mod.ts";
import { ReplicaSet } from "../../lib/replication/mod.ts";
import type { MetadataDelta, MetadataImage, TopicImage } from "../../lib/state/metadata/image.ts";
import type { Storage } from "../../lib/storage/types.ts";
import { BROKER, settle } from "../broker/handlers/broker_setup.ts";
import { ManualTime } from "../replication/manual_time.ts";
import { MemoryLog, MemoryStorage } from "../replication/memory_log.ts";
import { metadataDelta, metadataImage, topicImage } from "../replication/metadata.ts";
import { NODE, SETTINGS, timeOnly } from "../replication/partition_setup.ts";

export const PARTITIONS = 4;

export class TestNode {
  readonly time = new ManualTime();
  readonly log: { readonly event: string; readonly properties: Readonly<Record<string, unknown>> }[] = [];
  storage = new MemoryStorage();
  topics: TopicImage[];
  /** Calls of `createTopics`; it waits for `created` when that is set. */
  creations = 0;
  created: Promise<void> | null = null;
  groups!: Groups;
  replicaSet!: ReplicaSet;
  /** What the metadata tells next goes to these, in order. */
  #listeners: ((delta: MetadataDelta, image: MetadataImage) => void)[] = [];
  readonly #settings: Partial<CoordinatorSettings>;
  #drawn = 0;

  constructor(topics: readonly TopicImage[] = [], settings: Partial<CoordinatorSettings> = {}) {
    this.topics = [...topics];
    this.#settings = settings;
    this.#start();
  }

  get image(): MetadataImage {
    return metadataImage(this.topics, [BROKER]);
  }

  get io(): Io {
    const bytes = (length: number) => new Uint8Array(length).fill(++this.#drawn);
    return Object.assign(timeOnly(this.time), { random: () => ({ float: () => 0.5, bytes }) });
  }

  get controller(): Controller {
    const image = () => this.image;
    return {
      get image() {
        return image();
      },
      onApplied: (listener: (delta: MetadataDelta, image: MetadataImage) => void) => {
        this.#listeners.push(listener);
        return { cancel: () => this.#listeners = this.#listeners.filter((each) => each !== listener) };
      },
      createTopics: async ([topic]: readonly { readonly name: string; readonly partitions: number }[]) => {
        this.creations++;
        await this.created;
        return [{ ok: true, value: this.create(topicImage(topic!.name, 900, topic!.partitions)) }];
      },
    } as unknown as Controller;
  }

  create(topic: TopicImage): TopicImage {
    this.topics.push(topic);
    this.#apply(metadataDelta({ topicsCreated: [topic] }));
    return topic;
  }

  delete(topic: TopicImage): void {
    this.topics = this.topics.filter(({ name }) => name !== topic.name);
    this.#apply(metadataDelta({ topicsDeleted: [topic] }));
  }

  /** The log that the group's records go to. */
  logOf(groupId: string): MemoryLog {
    const topic = this.topics.find(({ name }) => name === OFFSETS_TOPIC)!;
    return this.storage.log(topic.topicId, this.groups.partitionFor(groupId))!;
  }

  /** What can run runs to its end, and every write becomes durable. */
  async settle(): Promise<void> {
    for (let i = 0; i < 4; i++) {
      await settle();
      this.storage.sync();
      this.time.advance(0);
    }
    await settle();
  }

  /** Kill and start: what was not durable is gone. */
  restart(): void {
    const survived = new MemoryStorage();
    for (const [key, log] of this.storage.byId) {
      const again = new MemoryLog(log, log.settings);
      for (const batch of log.batches) {
        if (batch.last < log.durableEndOffset) again.batches.push(batch);
      }
      again.logEndOffset = again.durableEndOffset = (again.batches.at(-1)?.last ?? -1) + 1;
      survived.byId.set(key, again);
    }
    this.groups.close();
    this.#listeners = [];
    this.storage = survived;
    this.#start();
  }

  deadline(ms = 60_000): Deadline {
    return this.time.deadlines.in("test", ms);
  }

  #start(): void {
    const storage = this.storage as unknown as Storage;
    this.replicaSet = new ReplicaSet({ io: this.io, nodeId: NODE, storage, settingsOf: () => SETTINGS, warn: () => {} });
    this.replicaSet.start(this.image);
    this.#listeners.push((delta, image) => this.replicaSet.apply(delta, image));
    this.groups = new Groups({
      io: this.io,
      controller: this.controller,
      partitions: this.replicaSet,
      settings: { ...coordinatorSettings(new NodeSettings().values), offsetsTopicPartitions: PARTITIONS, ...this.#settings },
      log: (_level, event, properties = {}) => this.log.push({ event, properties }),
    });
  }

  #apply(delta: MetadataDelta): void {
    for (const listener of this.#listeners) listener(delta, this.image);
  }
}

/** What a consumer of old asks: no round trip for its id. */
export function joining(groupId: string, clientId: string, memberId = "") {
  return {
    groupId,
    memberId,
    instanceId: null,
    clientId,
    clientHost: "/127.0.0.1",
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 10_000,
    protocolType: "consumer",
    protocols: [{ name: "range", metadata: new Uint8Array([0, 0, 0, 0, 0, 0]) }],
    requireKnownMemberId: false,
    canSkipAssignment: true,
  } as const;
}
