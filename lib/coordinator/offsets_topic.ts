/**
 * The internal topic that groups live in: made when the first group asks for its coordinator, once, however many ask at that moment.
 * Does not read or write its partitions.
 */
import type { Controller } from "../controller/types.ts";
import type { Deadline } from "../io/mod.ts";
import type { KafkaErrorName } from "../protocol/errors.ts";
import type { TopicImage } from "../state/metadata/image.ts";
import type { CoordinatorSettings } from "./types.ts";

export const OFFSETS_TOPIC = "__consumer_offsets";

const MESSAGE_BYTES_MAX = 8 * 1024 * 1024;

export class OffsetsTopic {
  readonly #controller: Controller;
  readonly #settings: CoordinatorSettings;
  #creating: Promise<KafkaErrorName> | null = null;

  constructor(controller: Controller, settings: CoordinatorSettings) {
    this.#controller = controller;
    this.#settings = settings;
  }

  /** Null while it does not exist. */
  get image(): TopicImage | null {
    return this.#controller.image.topics.get(OFFSETS_TOPIC) ?? null;
  }

  /** As it is, or as it will be created. */
  get partitionCount(): number {
    return this.image?.partitions.length ?? this.#settings.offsetsTopicPartitions;
  }

  /** NONE once the topic is there. */
  async ensure(deadline: Deadline): Promise<KafkaErrorName> {
    if (this.image !== null) return "NONE";
    this.#creating ??= this.#create(deadline).finally(() => this.#creating = null);
    return this.#creating;
  }

  async #create(deadline: Deadline): Promise<KafkaErrorName> {
    const brokers = [...this.#controller.image.brokers.values()].filter((broker) => !broker.fenced).length;
    const [row] = await this.#controller.createTopics(
      [{
        name: OFFSETS_TOPIC,
        partitions: this.#settings.offsetsTopicPartitions,
        replicationFactor: Math.max(1, Math.min(this.#settings.offsetsTopicReplicationFactor, brokers)),
        assignments: [],
        configs: [
          { name: "cleanup.policy", value: "compact" },
          { name: "compression.type", value: "producer" },
          // A group of 10,000 members is one record of several MB.
          { name: "max.message.bytes", value: String(MESSAGE_BYTES_MAX) },
          { name: "segment.bytes", value: String(this.#settings.offsetsTopicSegmentBytes) },
        ],
        internal: true,
      }],
      false,
      deadline,
    );
    if (row === undefined || row.ok || row.error === "TOPIC_ALREADY_EXISTS") return "NONE";
    // The client asks again; what it cannot mend is in the controller's log.
    return "COORDINATOR_NOT_AVAILABLE";
  }
}
