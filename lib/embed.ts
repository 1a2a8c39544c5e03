/** The broker as a value: a real one, on a free port, for tests and for programs that carry their own. The same path as the executable. */
import { loadSettings, NodeSettings } from "./config/mod.ts";
import type { Address } from "./io/mod.ts";
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

export class Broker implements AsyncDisposable {
  readonly #node: RunningNode;

  private constructor(node: RunningNode) {
    this.#node = node;
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
    const [first] = this.#node.listeners;
    return { host: first!.bound.host, port: first!.bound.port };
  }
  /** What clients take as `bootstrap.servers`. */
  get bootstrapServers(): string {
    return this.#node.listeners.map(({ bound }) =>
      bound.host.includes(":") ? `[${bound.host}]:${bound.port}` : `${bound.host}:${bound.port}`
    ).join(",");
  }
  /** Of the HTTP admin API; null when it is off. */
  get adminAddress(): Address | null {
    return this.#node.adminAddress;
  }

  /** Answers what is in work, syncs, closes. Calling it again is fine. */
  close(): Promise<void> {
    return this.#node.stop();
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function bootTopic(topic: NonNullable<BrokerOptions["topics"]>[number]): BootTopic {
  if (typeof topic === "string") return { name: topic, partitions: -1, configs: new Map() };
  return { name: topic.name, partitions: topic.partitions ?? -1, configs: new Map(Object.entries(topic.configs ?? {})) };
}
