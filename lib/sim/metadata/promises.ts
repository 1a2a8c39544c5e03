/**
 * What somebody was told about the metadata of the cluster, and so must be true for ever: looked at in every node's image once all are one again.
 * Knows nothing of entries and snapshots, so it also sees what they leave out alike on all nodes.
 */
import type { MetadataImage } from "../../state/mod.ts";
import type { World } from "../world.ts";

/** A topic that only one proposal makes. */
export interface PromisedTopic {
  readonly name: string;
  readonly partitions: number;
  /** Value of its config `mark`. */
  readonly mark: string;
}

export class Promises {
  readonly #world: World;
  /** Told to be there, and nobody has asked to delete them. */
  readonly #topics = new Map<string, PromisedTopic>();
  /** Told to be gone. */
  readonly #deleted = new Set<string>();
  readonly #producerIds = new Set<number>();
  /** By broker: the newest of the epochs that it was told. */
  readonly #epochs = new Map<number, number>();

  constructor(world: World) {
    this.#world = world;
  }

  created(topic: PromisedTopic): void {
    this.#topics.set(topic.name, topic);
  }
  /** From now on it may be there or not. */
  deleting(name: string): void {
    this.#topics.delete(name);
  }
  deleted(name: string): void {
    this.#deleted.add(name);
  }

  /** Nobody else may ever have it (KIP-730). */
  producerId(id: number): void {
    if (this.#producerIds.has(id)) this.#world.fail(`Producer id ${id} was given twice`);
    this.#producerIds.add(id);
  }

  /** Every registration has an epoch of its own. */
  registered(broker: number, epoch: number): void {
    const before = this.#epochs.get(broker) ?? -1;
    if (epoch === before) this.#world.fail(`Broker ${broker} was registered twice with epoch ${epoch}`);
    this.#epochs.set(broker, Math.max(before, epoch));
  }

  /** @param image of a node that has applied all that was committed. */
  judge(node: number, image: MetadataImage): void {
    const has = (what: string, is: boolean): void => {
      if (!is) this.#world.fail(`Node ${node} does not have what was told to be done: ${what}`);
    };
    for (const { name, partitions, mark } of this.#topics.values()) {
      const topic = image.topics.get(name);
      has(`topic "${name}"`, topic !== undefined);
      has(`the id of topic "${name}"`, topic !== undefined && image.topicById(topic.topicId) === topic);
      has(`${partitions} partition(s) of topic "${name}"`, topic?.partitions.length === partitions);
      has(`the config of topic "${name}"`, topic?.configs.get("mark") === mark);
    }
    for (const name of this.#deleted) has(`that topic "${name}" is deleted`, !image.topics.has(name));
    const partitions = [...image.topics.values()].reduce((sum, topic) => sum + topic.partitions.length, 0);
    has(`${partitions} partitions in all, counted ${image.partitionCount}`, image.partitionCount === partitions);
    for (const [broker, epoch] of this.#epochs) {
      const registered = [...image.brokers.values()].find(({ id }) => id === broker);
      has(`broker ${broker} with epoch ${epoch} or a later one`, (registered?.brokerEpoch ?? -1) >= epoch);
    }
  }
}
