/**
 * Watches the ends of partitions, those of topics that are made later too. Keeps for each where its reader was and which of them moved:
 * what one partition has to tell is one range, however many batches came, so that nothing here grows with the load.
 */
import type { Services } from "../broker/services.ts";
import type { Controller } from "../controller/types.ts";
import type { Partition } from "../replication/types.ts";
import type { TopicImage } from "../state/metadata/image.ts";
import type { AppendedEvent } from "./events.ts";

interface Watched {
  readonly partition: Partition;
  readonly isInternal: boolean;
  readonly subscription: { cancel(): void };
  /** Everything below it was told. */
  seen: number;
}

export class AppendWatch {
  readonly #services: Services;
  readonly #moved: () => void;
  /** By topic id and partition. */
  readonly #watched = new Map<string, Watched>();
  readonly #dirty = new Set<Watched>();
  readonly #metadata: { cancel(): void };

  /** @param moved called inside of the append: it may only plan. */
  constructor(services: Services, controller: Controller, moved: () => void) {
    this.#services = services;
    this.#moved = moved;
    for (const topic of controller.image.topics.values()) this.#watch(topic);
    this.#metadata = controller.onApplied((delta) => {
      for (const topic of delta.topicsDeleted) this.#forget(topic);
      for (const topic of [...delta.topicsCreated, ...delta.topicsChanged]) this.#watch(topic);
    });
  }

  /** What came since the last time, by partition; of topics that are not the broker's own. */
  *take(): Iterable<AppendedEvent> {
    const dirty = [...this.#dirty];
    this.#dirty.clear();
    for (const watched of dirty) {
      const { partition: { topic, partition, highWatermark, logStartOffset }, isInternal, seen } = watched;
      // What was deleted before anybody could be told is not there to be read.
      const baseOffset = Math.max(seen, Math.min(logStartOffset, highWatermark));
      watched.seen = highWatermark;
      if (highWatermark > baseOffset && !isInternal) yield { topic, partition, baseOffset, count: highWatermark - baseOffset };
    }
  }

  cancel(): void {
    this.#metadata.cancel();
    for (const { subscription } of this.#watched.values()) subscription.cancel();
    this.#watched.clear();
    this.#dirty.clear();
  }

  #watch(topic: TopicImage): void {
    for (const { partition: index } of topic.partitions) {
      const key = `${topic.topicId}/${index}`;
      const partition = this.#services.partitions.byId(topic.topicId, index);
      if (partition === null || this.#watched.has(key)) continue;
      const watched: Watched = {
        partition,
        isInternal: topic.internal,
        seen: partition.highWatermark,
        subscription: partition.subscribe(() => {
          if (partition.highWatermark === watched.seen || this.#dirty.has(watched)) return;
          this.#dirty.add(watched);
          this.#moved();
        }),
      };
      this.#watched.set(key, watched);
    }
  }

  #forget(topic: TopicImage): void {
    for (const { partition } of topic.partitions) {
      const key = `${topic.topicId}/${partition}`;
      const watched = this.#watched.get(key);
      if (watched === undefined) continue;
      watched.subscription.cancel();
      this.#watched.delete(key);
      this.#dirty.delete(watched);
    }
  }
}
