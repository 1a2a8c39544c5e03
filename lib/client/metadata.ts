/**
 * What the client believes of the cluster: brokers, controller, topics with their leaders. Asks for what is missing in one request, however
 * many want it at once, and never lets an older leader epoch replace a newer one (KIP-320). Chooses no connection.
 */
import { type Deadline, DeadlineExceeded, type Deadlines } from "../io/mod.ts";
import { type Draft, type Infer, type Metadata, ZERO_UUID } from "../protocol/mod.ts";
import { expectNoError, failureOf, KafkaError } from "./errors.ts";
import type { ClusterNode, PartitionView, TopicView } from "./types.ts";

/** Topics that are remembered; beyond that the one asked for longest ago goes. */
const TOPICS_MAX = 20_000;

type Reply = Infer<typeof Metadata.response>;
type TopicRow = Reply["topics"][number];
export type AskMetadata = (request: Draft<typeof Metadata.request>, deadline: Deadline) => Promise<Reply>;
type Answers = ReadonlyMap<string, TopicView | KafkaError>;

interface Known {
  view: TopicView;
  /** On the monotonic clock; -Infinity: ask again. */
  askedAt: number;
}

/** Names that are asked for together, with or without the wish that missing topics are made. */
interface Asking {
  /** Collects names until its turn of the event loop ends. */
  next: { readonly names: Set<string>; readonly answers: Promise<Answers> } | null;
  readonly underWay: Map<string, Promise<Answers>>;
}

export interface MetadataContext {
  readonly deadlines: Deadlines;
  mono(): number;
  readonly maxAgeMs: number;
  readonly requestTimeoutMs: number;
}

export class MetadataCache {
  readonly #context: MetadataContext;
  readonly #ask: AskMetadata;
  readonly #topics = new Map<string, Known>();
  readonly #nodes = new Map<number, ClusterNode>();
  #listed: readonly ClusterNode[] = [];
  #clusterId: string | null = null;
  #controllerId = -1;
  #nodesAskedAt = -Infinity;
  readonly #asking: Asking = { next: null, underWay: new Map() };
  readonly #making: Asking = { next: null, underWay: new Map() };
  #nodesUnderWay: Promise<void> | null = null;

  constructor(context: MetadataContext, ask: AskMetadata) {
    this.#context = context;
    this.#ask = ask;
  }

  /** As far as known, without asking. */
  nodeById(id: number): ClusterNode | null {
    return this.#nodes.get(id) ?? null;
  }

  get knownNodes(): readonly ClusterNode[] {
    return this.#listed;
  }

  /** A reply named a node that the metadata may not have yet. */
  learnNode(node: ClusterNode): void {
    const known = this.#nodes.get(node.id);
    if (known?.host !== node.host || known.port !== node.port) this.#nodes.set(node.id, node);
  }

  async nodes(deadline: Deadline): Promise<readonly ClusterNode[]> {
    await this.#freshNodes(deadline);
    return this.#listed;
  }

  async clusterId(deadline: Deadline): Promise<string | null> {
    await this.#freshNodes(deadline);
    return this.#clusterId;
  }

  /** @throws {KafkaError} `NOT_CONTROLLER`, which is retriable, while there is none. */
  async controller(deadline: Deadline): Promise<number> {
    await this.#freshNodes(deadline);
    if (this.#controllerId >= 0) return this.#controllerId;
    this.forgetNodes();
    throw new KafkaError("NOT_CONTROLLER", "Cannot find the controller: the cluster has none at the moment");
  }

  forgetNodes(): void {
    this.#nodesAskedAt = -Infinity;
  }

  forgetTopic(name: string): void {
    const known = this.#topics.get(name);
    if (known !== undefined) known.askedAt = -Infinity;
    // An answer that is under way may be as old as what we have.
    this.#asking.underWay.delete(name);
    this.#making.underWay.delete(name);
  }

  hintLeader(topic: string, partition: number, leader: number, leaderEpoch: number): void {
    const known = this.#topics.get(topic);
    const at = known?.view.partitions.findIndex((view) => view.partition === partition) ?? -1;
    const old = known?.view.partitions[at];
    if (known === undefined || old === undefined || leaderEpoch <= old.leaderEpoch) return;
    known.view = { ...known.view, partitions: known.view.partitions.with(at, { ...old, leader, leaderEpoch }) };
  }

  async topics(names: readonly string[], deadline: Deadline, allowAutoCreate: boolean): Promise<Answers> {
    const found = new Map<string, TopicView | KafkaError>();
    const missing: string[] = [];
    const freshFrom = this.#context.mono() - this.#context.maxAgeMs;
    for (const name of new Set(names)) {
      const known = this.#topics.get(name);
      if (known !== undefined && known.askedAt >= freshFrom) found.set(name, known.view);
      else missing.push(name);
    }
    if (missing.length === 0) return found;
    const answers = await this.#guarded(deadline, this.#askTogether(missing, allowAutoCreate));
    for (const name of missing) found.set(name, answers.get(name) ?? failureOf("UNKNOWN_TOPIC_OR_PARTITION", `find topic "${name}"`));
    return found;
  }

  async allTopics(deadline: Deadline): Promise<readonly TopicView[]> {
    const reply = await this.#ask({ topics: null, allowAutoTopicCreation: false }, deadline);
    const views = this.#learn(reply).values();
    return [...views].filter((view): view is TopicView => !(view instanceof KafkaError));
  }

  async #askTogether(names: readonly string[], allowAutoCreate: boolean): Promise<Answers> {
    const asking = allowAutoCreate ? this.#making : this.#asking;
    const wanted = new Set<Promise<Answers>>();
    for (const name of names) wanted.add(asking.underWay.get(name) ?? this.#join(asking, name, allowAutoCreate));
    const parts = await Promise.all(wanted);
    return parts.length === 1 ? parts[0]! : new Map(parts.flatMap((part) => [...part]));
  }

  /** Everything that is wanted within one turn goes into one request, which has its own budget: one asker's hurry fails no other. */
  #join(asking: Asking, name: string, allowAutoCreate: boolean): Promise<Answers> {
    const { names, answers } = asking.next ??= this.#nextRequest(asking, allowAutoCreate);
    names.add(name);
    asking.underWay.set(name, answers);
    return answers;
  }

  #nextRequest(asking: Asking, allowAutoTopicCreation: boolean): NonNullable<Asking["next"]> {
    const names = new Set<string>();
    const answers = Promise.resolve().then(async () => {
      asking.next = null;
      const topics = [...names].map((name) => ({ name, topicId: ZERO_UUID }));
      try {
        return this.#learn(await this.#ask({ topics, allowAutoTopicCreation }, this.#ownDeadline()));
      } finally {
        for (const name of names) if (asking.underWay.get(name) === answers) asking.underWay.delete(name);
      }
    });
    return { names, answers };
  }

  #ownDeadline(): Deadline {
    return this.#context.deadlines.in("metadata", this.#context.requestTimeoutMs);
  }

  async #freshNodes(deadline: Deadline): Promise<void> {
    if (this.#nodesAskedAt >= this.#context.mono() - this.#context.maxAgeMs) return;
    this.#nodesUnderWay ??= this.#ask({ topics: [], allowAutoTopicCreation: false }, this.#ownDeadline())
      .then((reply) => void this.#learn(reply)).finally(() => this.#nodesUnderWay = null);
    await this.#guarded(deadline, this.#nodesUnderWay);
  }

  async #guarded<T>(deadline: Deadline, work: Promise<T>): Promise<T> {
    try {
      return await this.#context.deadlines.guard(deadline, "cluster", work);
    } catch (error) {
      if (!(error instanceof DeadlineExceeded)) throw error;
      throw new KafkaError("REQUEST_TIMED_OUT", `Cannot get metadata in time: ${error.message}`, { cause: error });
    }
  }

  #learn(reply: Reply): Map<string, TopicView | KafkaError> {
    expectNoError(reply.errorCode, "get metadata");
    this.#learnNodes(reply);
    const answers = new Map<string, TopicView | KafkaError>();
    for (const row of reply.topics) {
      if (row.name === null) continue; // Asked by an id: nobody here does.
      answers.set(row.name, row.errorCode === 0 ? this.#learnTopic(row, row.name) : this.#noTopic(row.name, row.errorCode));
    }
    return answers;
  }

  #learnNodes({ brokers, clusterId, controllerId }: Reply): void {
    this.#listed = brokers.map(({ nodeId, host, port, rack }) => ({ id: nodeId, host, port, rack }));
    this.#nodes.clear();
    for (const node of this.#listed) this.#nodes.set(node.id, node);
    this.#clusterId = clusterId;
    this.#controllerId = controllerId;
    this.#nodesAskedAt = this.#context.mono();
  }

  #noTopic(name: string, code: number): KafkaError {
    this.#topics.delete(name);
    return failureOf(code, `find topic "${name}"`);
  }

  #learnTopic(row: TopicRow, name: string): TopicView {
    const old = this.#topics.get(name)?.view;
    const isSameTopic = old !== undefined && old.topicId === row.topicId;
    const partitions = row.partitions.map((one): PartitionView => {
      const { partitionIndex: partition, leaderId: leader, leaderEpoch, replicaNodes: replicas, isrNodes: isr } = one;
      const before = isSameTopic ? old.partitions[partition] : undefined;
      const isOlder = before?.partition === partition && leaderEpoch >= 0 && leaderEpoch < before.leaderEpoch;
      return isOlder ? before : { partition, leader, leaderEpoch, replicas, isr };
    }).sort((a, b) => a.partition - b.partition);
    const view: TopicView = { name, topicId: row.topicId ?? ZERO_UUID, isInternal: row.isInternal, partitions };
    this.#topics.delete(name); // To the end of the order.
    this.#topics.set(name, { view, askedAt: this.#context.mono() });
    if (this.#topics.size > TOPICS_MAX) this.#topics.delete(this.#topics.keys().next().value!);
    return view;
  }
}
