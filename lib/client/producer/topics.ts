/** The topics that a producer writes to: looked up when first named, made by asking where the cluster allows it, looked up again when old. */
import type { Io } from "../../io/mod.ts";
import { KafkaError } from "../errors.ts";
import type { Cluster, TopicView } from "../types.ts";
import { type Arrival, Arrivals } from "./arrivals.ts";
import type { ProducerSettings } from "./settings.ts";
import { Topic } from "./topic.ts";

export interface TopicsSink {
  /** A record's topic is known now. */
  place(arrival: Arrival, topic: Topic): void;
  /** A record that waited for its topic has failed. */
  onGone(arrival: Arrival): void;
}

export class Topics {
  readonly #io: Io;
  readonly #cluster: Cluster;
  readonly #settings: ProducerSettings;
  readonly #sink: TopicsSink;
  readonly #known = new Map<string, Topic>();

  constructor(io: Io, cluster: Cluster, settings: ProducerSettings, sink: TopicsSink) {
    this.#io = io;
    this.#cluster = cluster;
    this.#settings = settings;
    this.#sink = sink;
  }

  all(): Iterable<Topic> {
    return this.#known.values();
  }

  /** Known or on its way; records for one that is not known yet belong into its `arrivals`. */
  get(name: string): Topic {
    const known = this.#known.get(name);
    if (known === undefined) return this.#begin(name);
    if (known.view !== null && this.#io.clock.mono() - known.loadedAt > this.#cluster.options.metadataMaxAgeMs) {
      known.loadedAt = this.#io.clock.mono();
      void this.refresh(known);
    }
    return known;
  }

  /** Asks for the topic as it is now. A failure changes nothing: whoever needed it meets it again, and has a deadline. */
  async refresh(topic: Topic): Promise<void> {
    try {
      this.#learn(topic, await this.#lookUp(topic.name));
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
    }
  }

  #begin(name: string): Topic {
    const arrivals = new Arrivals(this.#io.deadlines, `topic "${name}" is not in the metadata`, (arrival) => this.#sink.onGone(arrival));
    const topic = new Topic(name, this.#settings, this.#io.random("client"), arrivals);
    this.#known.set(name, topic);
    void this.#load(topic);
    return topic;
  }

  async #load(topic: Topic): Promise<void> {
    // A topic that is being made is there soon; one that nobody makes should not take as long as a delivery may.
    const budgetMs = Math.min(this.#settings.deliveryTimeoutMs, this.#cluster.options.requestTimeoutMs);
    try {
      const deadline = this.#io.deadlines.in(`find topic ${topic.name}`, budgetMs);
      this.#learn(topic, await this.#cluster.retry(deadline, () => this.#lookUp(topic.name)));
      for (let one = topic.arrivals.shift(); one !== null; one = topic.arrivals.shift()) this.#sink.place(one, topic);
    } catch (error) {
      this.#known.delete(topic.name);
      topic.arrivals.failAll(
        error instanceof KafkaError
          ? new KafkaError(error.error, error.message, { cause: error, retriable: error.retriable })
          : new KafkaError("UNKNOWN_SERVER_ERROR", `Cannot find topic "${topic.name}": ${String(error)}`, { cause: error }),
      );
    }
  }

  async #lookUp(name: string): Promise<TopicView> {
    const view = (await this.#cluster.topics([name], this.#io.deadlines.in("metadata", this.#cluster.options.requestTimeoutMs), true)).get(
      name,
    )!;
    if (view instanceof KafkaError) throw view;
    if (view.partitions.length === 0) throw new KafkaError("LEADER_NOT_AVAILABLE", `Cannot send to "${name}": it has no partitions yet`);
    return view;
  }

  #learn(topic: Topic, view: TopicView): void {
    topic.learn(view, this.#io.clock.mono());
  }
}
