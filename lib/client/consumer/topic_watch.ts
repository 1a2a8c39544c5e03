/**
 * Which topics a subscription means, now and later: patterns are matched again, and the leader of a group looks whether topics have come,
 * gone or grown. Begins no rebalance itself.
 */
import type { Deadline, Io, Timer } from "../../io/mod.ts";
import type { Cluster } from "../types.ts";
import { Loop } from "./bell.ts";
import { compare } from "./assignors/types.ts";
import type { ConsumerSettings } from "./settings.ts";
import { KafkaError } from "../errors.ts";

export interface TopicWatchContext {
  readonly io: Io;
  readonly cluster: Cluster;
  readonly settings: ConsumerSettings;
  /** The pattern means other topics now. */
  onTopics(topics: readonly string[]): void;
  /** The leader's own look. */
  checkTopics(deadline: Deadline): Promise<void>;
  /** A topic that the group asks for is not there: look again soon. */
  hasMissingTopics(): boolean;
  onError(error: unknown): void;
}

export class TopicWatch {
  readonly #context: TopicWatchContext;
  readonly #loop: Loop;
  #pattern: RegExp | null = null;
  #matched: readonly string[] | null = null;
  #timer: Timer | null = null;
  #isStopped = false;

  constructor(context: TopicWatchContext) {
    this.#context = context;
    this.#loop = new Loop(context.io, context.settings.client, () => this.#step(), (error) => context.onError(error));
  }

  /** @param pattern null: the topics are named. */
  watch(pattern: RegExp | null): void {
    // A pattern with a memory of where it stood would match every other topic.
    this.#pattern = pattern === null ? null : new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ""));
    this.#matched = null;
    if (pattern !== null) this.#loop.kick();
    else this.plan();
  }

  /** When to look again; asked for when a rebalance has ended, because the group may have other topics then. */
  plan(): void {
    this.#timer?.cancel();
    if (this.#isStopped) return;
    const { metadataMaxAgeMs, retryBackoffMaxMs } = this.#context.settings.client;
    const delayMs = this.#context.hasMissingTopics() ? Math.min(retryBackoffMaxMs, metadataMaxAgeMs) : metadataMaxAgeMs;
    this.#timer = this.#context.io.timers.after(delayMs, () => this.#loop.kick(), false);
  }

  /** After an error that the application was told of. */
  resume(): void {
    this.#loop.resume();
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
    this.#loop.stop();
  }

  async #step(): Promise<"done" | "failed"> {
    const { io, cluster, settings } = this.#context;
    const deadline = io.deadlines.in("watch topics", settings.client.requestTimeoutMs);
    try {
      const pattern = this.#pattern;
      if (pattern !== null) {
        const all = await cluster.allTopics(deadline);
        const names = all.filter(({ name, isInternal }) => !isInternal && pattern.test(name)).map(({ name }) => name).sort(compare);
        if (pattern === this.#pattern && names.join("/") !== this.#matched?.join("/")) {
          this.#matched = names;
          this.#context.onTopics(names);
        }
      }
      await this.#context.checkTopics(deadline);
    } catch (error) {
      if (error instanceof KafkaError && error.retriable) return "failed";
      throw error;
    }
    this.plan();
    return "done";
  }
}
