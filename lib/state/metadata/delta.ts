/** Collects what records changed until someone takes it. It must not hold anything once taken. */
import type { Uuid } from "../../protocol/ids.ts";
import type { ConfigResourceType, MetadataDelta, TopicImage } from "./image.ts";

export class DeltaRecorder {
  #created = new Map<Uuid, TopicImage>();
  #deleted = new Map<Uuid, TopicImage>();
  #changed = new Map<Uuid, TopicImage>();
  #configs = new Map<string, { readonly type: ConfigResourceType; readonly name: string }>();
  #brokers = false;

  created(topic: TopicImage): void {
    this.#created.set(topic.topicId, topic);
  }
  /** A topic that came and went between two takes is in neither list. */
  deleted(topic: TopicImage): void {
    this.#changed.delete(topic.topicId);
    if (!this.#created.delete(topic.topicId)) this.#deleted.set(topic.topicId, topic);
  }
  changed(topic: TopicImage): void {
    if (this.#created.has(topic.topicId)) this.#created.set(topic.topicId, topic);
    else this.#changed.set(topic.topicId, topic);
  }
  configs(type: ConfigResourceType, name: string): void {
    this.#configs.set(`${type} ${name}`, { type, name });
  }
  brokers(): void {
    this.#brokers = true;
  }

  take(): MetadataDelta {
    const delta: MetadataDelta = {
      topicsCreated: [...this.#created.values()],
      topicsDeleted: [...this.#deleted.values()],
      topicsChanged: [...this.#changed.values()],
      brokersChanged: this.#brokers,
      configsChanged: [...this.#configs.values()],
    };
    this.#created.clear();
    this.#deleted.clear();
    this.#changed.clear();
    this.#configs.clear();
    this.#brokers = false;
    return delta;
  }
}
