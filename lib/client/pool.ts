/**
 * The pool under producer, consumer and admin: one lane for each node and class of request, metadata and coordinators over them. Chooses
 * who is asked; what the replies say is their callers' business. Uses only the `Io` that it is given.
 */
import type { Address, Deadline, Io } from "../io/mod.ts";
import { type AnyApi, type Api, FindCoordinator, Metadata } from "../protocol/mod.ts";
import { logOf } from "../telemetry/mod.ts";
import { VERSION } from "../version.ts";
import { Coordinators } from "./coordinators.ts";
import { KafkaError } from "./errors.ts";
import { firstConnected } from "./first_connected.ts";
import { Lane, type LaneContext } from "./lane.ts";
import { MetadataCache } from "./metadata.ts";
import { addressOf, type ClientSettings, clientSettings } from "./options.ts";
import { retry, type RetryClock } from "./retry.ts";
import type { CallOptions, ClientOptions, Cluster, ClusterNode, Target, TopicView } from "./types.ts";

/** Metadata without the wish to make topics can be said from this version on (KIP-204). */
const METADATA_VERSION_MIN = 4;

type LaneName = NonNullable<CallOptions["lane"]>;

/** Opens nothing yet: the first call dials. @throws {KafkaError} `INVALID_CONFIG` */
export function openCluster(io: Io, options: ClientOptions): Cluster {
  return new Pool(io, clientSettings(options));
}

class Pool implements Cluster {
  readonly options: ClientSettings;
  readonly #io: Io;
  readonly #context: LaneContext;
  readonly #metadata: MetadataCache;
  readonly #coordinators: Coordinators;
  readonly #bootstrap: readonly Address[];
  /** By node and class: `3/default`; a bootstrap server is a node by its place: `bootstrap 0/default`. */
  readonly #lanes = new Map<string, Lane>();
  readonly #pauses = new Set<(error: KafkaError) => void>();
  readonly #retryClock: RetryClock;
  #closed: KafkaError | null = null;

  constructor(io: Io, settings: ClientSettings) {
    this.#io = io;
    this.options = settings;
    this.#bootstrap = settings.bootstrapServers.map(addressOf);
    this.#context = {
      io,
      settings,
      softwareVersion: VERSION,
      log: logOf("client"),
      onUnreachable: () => this.#metadata.forgetNodes(),
    };
    this.#metadata = new MetadataCache(
      {
        deadlines: io.deadlines,
        mono: () => io.clock.mono(),
        maxAgeMs: settings.metadataMaxAgeMs,
        requestTimeoutMs: settings.requestTimeoutMs,
      },
      (request, deadline) => this.call("any", Metadata, request, { deadline, minVersion: METADATA_VERSION_MIN }),
    );
    this.#coordinators = new Coordinators({
      version: async () => await this.versionOf("any", FindCoordinator, this.#ownDeadline()) ?? FindCoordinator.maxVersion,
      ask: (request, maxVersion) => this.call("any", FindCoordinator, request, { deadline: this.#ownDeadline(), maxVersion }),
      learnNode: (node) => this.#metadata.learnNode(node),
    });
    this.#retryClock = {
      mono: () => io.clock.mono(),
      random: () => io.random("client").float(),
      pause: (ms) => this.#pause(ms),
    };
  }

  call<Out, Read>(target: Target, api: Api<unknown, never, Out, Read>, draft: Out, options: CallOptions): Promise<Read> {
    const lane = this.#knownLane(target, options);
    if (lane !== null) return lane.submit(api, draft, options);
    return this.#laneFor(target, options).then((lane) => lane.submit(api, draft, options));
  }

  tell<Out>(target: Target, api: Api<unknown, never, Out, unknown>, draft: Out, options: CallOptions): Promise<void> {
    const ask = api as Api<unknown, never, Out, void>;
    const lane = this.#knownLane(target, options);
    if (lane !== null) return lane.submit(ask, draft, options, false);
    return this.#laneFor(target, options).then((lane) => lane.submit(ask, draft, options, false));
  }

  async versionOf(target: Target, api: Pick<AnyApi, "key" | "minVersion" | "maxVersion">, deadline: Deadline): Promise<number | null> {
    return await (await this.#laneFor(target, { deadline })).versionOf(api, deadline);
  }

  nodes(deadline: Deadline): Promise<readonly ClusterNode[]> {
    return this.#metadata.nodes(deadline);
  }

  clusterId(deadline: Deadline): Promise<string | null> {
    return this.#metadata.clusterId(deadline);
  }

  topics(names: readonly string[], deadline: Deadline, allowAutoCreate = false): Promise<ReadonlyMap<string, TopicView | KafkaError>> {
    return this.#metadata.topics(names, deadline, allowAutoCreate);
  }

  allTopics(deadline: Deadline): Promise<readonly TopicView[]> {
    return this.#metadata.allTopics(deadline);
  }

  forgetTopic(name: string): void {
    this.#metadata.forgetTopic(name);
  }

  forgetNodes(): void {
    this.#metadata.forgetNodes();
  }

  hintLeader(topic: string, partition: number, leader: number, leaderEpoch: number, node: ClusterNode | null): void {
    if (node !== null) this.#metadata.learnNode(node);
    this.#metadata.hintLeader(topic, partition, leader, leaderEpoch);
  }

  coordinator(type: "group" | "transaction", key: string, deadline: Deadline): Promise<number> {
    return this.retry(deadline, () => this.#coordinators.find(type, key));
  }

  forgetCoordinator(type: "group" | "transaction", key: string): void {
    this.#coordinators.forget(type, key);
  }

  retry<T>(deadline: Deadline, attempt: () => Promise<T>): Promise<T> {
    return retry(this.#retryClock, this.options, deadline, attempt);
  }

  async close(): Promise<void> {
    if (this.#closed !== null) return;
    this.#closed = new KafkaError("NETWORK_EXCEPTION", "Cannot go on: the client is closed", { retriable: false });
    for (const lane of this.#lanes.values()) lane.close(this.#closed);
    for (const end of this.#pauses) end(this.#closed);
    this.#pauses.clear();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #ownDeadline(): Deadline {
    return this.#io.deadlines.in("find coordinator", this.options.requestTimeoutMs);
  }

  async #laneFor(target: Target, { deadline, lane = "default" }: { readonly deadline: Deadline; readonly lane?: LaneName }): Promise<Lane> {
    if (target === "controller") return this.#lane(await this.#metadata.controller(deadline), lane);
    if (typeof target === "number") {
      if (this.#metadata.nodeById(target) === null) await this.#metadata.nodes(deadline);
      return this.#lane(target, lane);
    }
    return this.#idlest(lane) ?? await firstConnected(this.#io.timers, this.#candidates(lane), deadline);
  }

  /** Without an await in between where the node is known: calls leave in the order in which they are made. */
  #knownLane(target: Target, { lane = "default" }: CallOptions): Lane | null {
    return typeof target === "number" && this.#metadata.nodeById(target) !== null ? this.#lane(target, lane) : null;
  }

  #lane(node: number, name: LaneName): Lane {
    return this.#laneAt(`${node}/${name}`, `node ${node}`, () => this.#metadata.nodeById(node), name);
  }

  #laneAt(key: string, label: string, address: () => Address | null, name: LaneName): Lane {
    let lane = this.#lanes.get(key);
    if (lane === undefined) {
      lane = new Lane(this.#context, label, address, name !== "default");
      if (this.#closed !== null) lane.close(this.#closed);
      this.#lanes.set(key, lane);
    }
    return lane;
  }

  /** Of the nodes with an open connection the one with the least to do. */
  #idlest(name: LaneName): Lane | null {
    let best: Lane | null = null;
    for (const { id } of this.#metadata.knownNodes) {
      const lane = this.#lanes.get(`${id}/${name}`);
      if (lane?.isConnected && (best === null || lane.load < best.load)) best = lane;
    }
    return best;
  }

  /** Nodes of the metadata in any order, then the bootstrap servers: when nobody whom we know answers, they may know others (KIP-899). */
  #candidates(name: LaneName): readonly Lane[] {
    const random = this.#io.random("client");
    const nodes = this.#metadata.knownNodes.map(({ id }) => ({ lane: this.#lane(id, name), order: random.float() }));
    const bootstrap = this.#bootstrap.map((address, i) => this.#laneAt(`bootstrap ${i}/${name}`, "", () => address, name));
    return [...nodes.sort((a, b) => a.order - b.order).map(({ lane }) => lane), ...bootstrap];
  }

  #pause(ms: number): Promise<void> {
    if (this.#closed !== null) return Promise.reject(this.#closed);
    return new Promise((resolve, reject) => {
      const timer = this.#io.timers.after(ms, () => {
        this.#pauses.delete(end);
        resolve();
      });
      const end = (error: KafkaError) => {
        timer.cancel();
        reject(error);
      };
      this.#pauses.add(end);
    });
  }
}
