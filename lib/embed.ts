/** The broker as a value: a real one, on a free port, for tests and for programs that carry their own. The same path as the executable. */
import { loadSettings, NodeSettings } from "./config/mod.ts";
import { type BrokerEventName, type BrokerEvents, Events, type Subscription } from "./embed/events.ts";
import { type FixtureRecord, produce, type ProducedRecord } from "./embed/produce.ts";
import { type Decoded, records, type RecordsOptions, type SeenRecord } from "./embed/records.ts";
import { createTopic, deleteTopic, type FixtureTopic } from "./embed/topics.ts";
import { waitForEvent, waitUntil } from "./embed/wait.ts";
import type { Address, Deadline } from "./io/mod.ts";
import { createMemoryIo } from "./io/memory/mod.ts";
import { createRealIo } from "./io/real/mod.ts";
import { type BootTopic, type RunningNode, SettingsRefused, startNode } from "./node.ts";
import { logOf } from "./telemetry/mod.ts";

export interface BrokerOptions {
  /** `"memory"` keeps nothing; anything else is the path of the data directory. */
  readonly storage: "memory" | (string & Record<never, never>);
  /** `host:port` or `NAME://host:port`; a free port of the loopback address when absent. */
  readonly listen?: string | readonly string[];
  /** Topics to make: names, or names with partitions and settings. */
  readonly topics?:
    readonly (string | { readonly name: string; readonly partitions?: number; readonly configs?: Readonly<Record<string, string>> })[];
  /** By their Kafka names: `{ "num.partitions": "3" }`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** `host:port` of the HTTP admin API; off when absent. */
  readonly admin?: string;
}

export interface WaitOptions {
  /** Default 5 000. */
  readonly timeoutMs?: number;
}

/** How many of a partition's records a group has not read. */
export interface GroupLag {
  readonly topic: string;
  readonly partition: number;
  readonly committedOffset: number;
  readonly lag: number;
}

const WAIT_MS = 5_000;

export class Broker implements AsyncDisposable {
  /** @internal What runs inside: no promise is made about it. */
  readonly node: RunningNode;
  readonly #events: Events;
  #closing: Promise<void> | null = null;

  private constructor(node: RunningNode) {
    this.node = node;
    this.#events = new Events(node);
  }

  /**
   * Resolves when clients are served.
   * @throws {SettingsRefused} for an option that cannot be used. @throws {DataDirectoryRefused} @throws {IoFailed} for an address in use.
   */
  static async start(options: BrokerOptions): Promise<Broker> {
    const inMemory = options.storage === "memory";
    const listen = options.listen === undefined
      ? "127.0.0.1:0"
      : typeof options.listen === "string"
      ? options.listen
      : options.listen.join(",");
    const flags = new Map([["listeners", listen], ["admin.listener", options.admin ?? "none"], ...Object.entries(options.settings ?? {})]);
    const { given, errors } = loadSettings({ flags });
    if (errors.length > 0) throw new SettingsRefused(errors.join("; "));
    let running: RunningNode | null = null;
    const onFatal = (_: number, why: string) => {
      logOf("node")("error", "The broker stops because it cannot go on safely", { cause: why });
      void running?.stop().catch((cause: unknown) => logOf("node")("error", "Cannot stop in order", { cause: String(cause) }));
    };
    running = await startNode({
      io: inMemory ? createMemoryIo({ onFatal }) : createRealIo({ onFatal }),
      config: new NodeSettings(given),
      directory: inMemory ? "memory" : options.storage,
      inMemory,
      topics: (options.topics ?? []).map(bootTopic),
    });
    return new Broker(running);
  }

  /** Of the first listener. */
  get address(): Address {
    const [first] = this.node.listeners;
    return { host: first!.bound.host, port: first!.bound.port };
  }
  /** What clients take as `bootstrap.servers`. */
  get bootstrapServers(): string {
    return this.node.listeners.map(({ bound }) =>
      bound.host.includes(":") ? `[${bound.host}]:${bound.port}` : `${bound.host}:${bound.port}`
    ).join(",");
  }
  /** Of the HTTP admin API; null when it is off. */
  get adminAddress(): Address | null {
    return this.node.adminAddress;
  }

  // ── fixtures: what a test puts in and looks at, without a client ──

  /** @throws {RequestRefused} as a client would be refused. */
  async createTopic(name: string, topic: FixtureTopic = {}): Promise<void> {
    await createTopic(this.node, name, topic, this.#in("createTopic", WAIT_MS));
  }

  /** @throws {RequestRefused} */
  deleteTopic(name: string): Promise<void> {
    return deleteTopic(this.node, name, this.#in("deleteTopic", WAIT_MS));
  }

  /** Names of all topics but the broker's own. */
  get topics(): readonly string[] {
    return [...this.node.controller.image.topics.values()].filter(({ internal }) => !internal).map(({ name }) => name);
  }

  /**
   * Durable and readable when it resolves; where each record went, in their order. A missing topic is made.
   * @throws {RequestRefused} as a client would be refused.
   */
  produce(
    topic: string,
    records: readonly (FixtureRecord | string)[],
    { timeoutMs = WAIT_MS }: WaitOptions = {},
  ): Promise<readonly ProducedRecord[]> {
    return produce(this.node, topic, records, this.#in("produce", timeoutMs));
  }

  /**
   * What is there, or the first `count` as soon as there are so many; in order of partition and offset.
   * @throws {RequestRefused} @throws {WaitedInVain} when `count` did not come in time. @throws {SyntaxError} for a value that is no JSON.
   */
  records<As extends keyof Decoded = "text">(topic: string, options: RecordsOptions<As> = {}): Promise<readonly SeenRecord<As>[]> {
    const timeoutMs = options.timeoutMs ?? WAIT_MS;
    return records(this.node, topic, { ...options, timeoutMs }, this.#in("records", timeoutMs));
  }

  /** Every committed offset of a group beside the end of its partition; empty for a group that there is not. */
  async lag(groupId: string): Promise<readonly GroupLag[]> {
    const { partitions } = await this.node.services.groups.lag(groupId, this.#in("lag", WAIT_MS));
    return partitions.map(({ topic, partition, committed, lag }) => ({
      topic,
      partition,
      committedOffset: committed.offset,
      lag: lag ?? 0,
    }));
  }

  // ── events ──

  /** Calls `listener` for every event from now on, in a turn of its own. What it throws is logged and nothing else. */
  on<Name extends BrokerEventName>(name: Name, listener: (event: BrokerEvents[Name]) => void): Subscription {
    return this.#events.on(name, listener);
  }

  /**
   * Events from now on, for `for await`; ends when the broker closes or the loop is left.
   * @param bufferMax of events that were not taken; above it the iteration fails with `Overloaded`. Default 1,024.
   */
  events<Name extends BrokerEventName>(name: Name, bufferMax?: number): AsyncIterableIterator<BrokerEvents[Name]> {
    return this.#events.iterate(name, bufferMax);
  }

  /** The next event that fits. @throws {WaitedInVain} */
  waitFor<Name extends BrokerEventName>(
    name: Name,
    fits?: (event: BrokerEvents[Name]) => boolean,
    options?: WaitOptions,
  ): Promise<BrokerEvents[Name]>;
  /**
   * The first value of `condition` that is neither false nor null nor undefined. It is asked at once, and again after whatever changes in the
   * broker: topics, records, committed offsets, groups. @throws {WaitedInVain} and whatever `condition` throws.
   */
  waitFor<T>(condition: () => T | Promise<T>, options?: WaitOptions): Promise<Exclude<T, false | null | undefined>>;
  waitFor(
    what: BrokerEventName | (() => unknown),
    second?: ((event: never) => boolean) | WaitOptions,
    third?: WaitOptions,
  ): Promise<unknown> {
    const { deadlines } = this.node.services.io;
    if (typeof what === "function") {
      const { timeoutMs = WAIT_MS } = (second ?? {}) as WaitOptions;
      return waitUntil(this.#events, what, deadlines, this.#in("waitFor", timeoutMs), timeoutMs);
    }
    const { timeoutMs = WAIT_MS } = third ?? {};
    const fits = (second ?? (() => true)) as (event: BrokerEvents[BrokerEventName]) => boolean;
    return waitForEvent(this.#events, what, fits, deadlines, this.#in("waitFor", timeoutMs), timeoutMs);
  }

  /** Answers what is in work, syncs, closes. Calling it again is fine. */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#events.close();
    try {
      await this.node.stop();
    } finally {
      // Of a thousand brokers in one process nothing is to stay.
      this.node.services.io.deadlines.rest();
    }
  }

  #in(op: string, budgetMs: number): Deadline {
    return this.node.services.io.deadlines.in(`embed.${op}`, budgetMs);
  }
}

function bootTopic(topic: NonNullable<BrokerOptions["topics"]>[number]): BootTopic {
  if (typeof topic === "string") return { name: topic, partitions: -1, configs: new Map() };
  return { name: topic.name, partitions: topic.partitions ?? -1, configs: new Map(Object.entries(topic.configs ?? {})) };
}
