/**
 * The controller of one node: hosts the metadata state over Raft. Every change goes through `Proposals`, every applied entry through
 * `apply`; there is no other way to the image (law 3, HAZARDS R6).
 */
import type { Deadline } from "../io/deadline.ts";
import { DeadlineExceeded } from "../io/mod.ts";
import type { Io } from "../io/io.ts";
import type { ProducerId, Uuid } from "../protocol/ids.ts";
import { ZERO_UUID } from "../protocol/mod.ts";
import { type Entry, Raft, type SnapshotMeta } from "../raft/mod.ts";
import {
  decodeRecords,
  decodeSnapshot,
  encodeSnapshot,
  type MetadataDelta,
  type MetadataImage,
  MetadataMachine,
  MetadataState,
  stateHash,
  type TopicImage,
} from "../state/mod.ts";
import type { RaftStore } from "../storage/types.ts";
import { NotController } from "./errors.ts";
import type { Peers } from "./peers.ts";
import { ProducerIds } from "./producer_ids.ts";
import { Proposals } from "./proposals.ts";
import { RaftDriver, type RaftHost } from "./raft_driver.ts";
import type { ControllerSettings } from "./settings.ts";
import type { BrokerRegistration, ConfigChange, Controller, NewPartitions, NewTopic, QuorumStatus, Row } from "./types.ts";
import { randomUuid } from "./uuid.ts";

type Applied = (delta: MetadataDelta, image: MetadataImage) => void;

export class NodeController implements Controller, RaftHost {
  readonly #io: Io;
  readonly #settings: ControllerSettings;
  readonly #driver: RaftDriver;
  readonly #proposals: Proposals;
  readonly #producerIds: ProducerIds;
  #state: MetadataState;
  #listeners: Applied[] = [];
  /** Term of the last applied entry. */
  #appliedTerm = 0;
  /** Woken by whatever `start` may be waiting for. */
  #starting: (() => void)[] = [];
  #failure: Error | null = null;
  #closed = false;

  /** Use `openController`. @throws {UnreadableMetadata} when the stored state is from a newer version. */
  constructor(io: Io, settings: ControllerSettings, store: RaftStore, peers: Peers | null) {
    this.#io = io;
    this.#settings = settings;
    const { snapshot } = store.recovered;
    this.#state = snapshot === null ? new MetadataState() : decodeSnapshot(snapshot.data, snapshot.meta.index);
    const election = io.random("election");
    const raft = new Raft({
      id: settings.nodeId,
      voters: settings.voters,
      recovered: store.recovered,
      settings: settings.raft,
      random: () => election.float(),
    });
    this.#driver = new RaftDriver(io, settings.driver, raft, store, peers, this);
    this.#proposals = new Proposals(io, new MetadataMachine(settings.rules), () => this.#driver);
    const reserve = (): Promise<ProducerId> =>
      this.#proposals.propose(
        { kind: "reserveProducerIds", count: settings.producerIdBlock },
        io.deadlines.in("reserve producer ids", settings.driver.persistMs),
      );
    this.#producerIds = new ProducerIds(reserve, settings.producerIdBlock);
  }

  /** Resolves when the metadata is usable: what was committed is applied, the cluster has its id. */
  async start(): Promise<void> {
    const deadline = this.#io.deadlines.in("start of the metadata", this.#settings.startMs);
    let expired = false;
    const waker = this.#io.deadlines.wake(deadline, () => {
      expired = true;
      this.#wakeStart();
    });
    this.#driver.start();
    while (!this.#usable) {
      if (this.#failure !== null) throw this.#failure;
      if (expired) throw new DeadlineExceeded(deadline.op, "metadata", this.#settings.startMs);
      // The proposal goes out with the new leader's first entry, in one write.
      const created = this.#proposals.leading && this.#state.clusterId === ZERO_UUID && await this.#createCluster(deadline);
      if (!created) await new Promise<void>((resolve) => this.#starting.push(resolve));
    }
    waker.cancel();
  }

  /** The consensus core, for whoever watches over its promises. It must not be stepped. */
  get core(): Raft {
    return this.#driver.raft;
  }
  get image(): MetadataImage {
    return this.#state;
  }
  /** Equal on two nodes whose images at the same index are equal. */
  get stateHash(): string {
    return stateHash(this.#state);
  }

  onApplied(listener: Applied): { cancel(): void } {
    this.#listeners = [...this.#listeners, listener];
    return { cancel: () => void (this.#listeners = this.#listeners.filter((other) => other !== listener)) };
  }

  quorum(): QuorumStatus {
    const { id, leader, term, commit, lastIndex, voters, followers } = this.#driver.raft.status;
    const wall = this.#io.clock.wall();
    const mono = this.#io.clock.mono();
    const wallOf = (at: number): number => Number.isFinite(at) ? Math.round(wall - (mono - at)) : -1;
    return {
      leader,
      term,
      highWatermark: commit,
      snapshotFailure: this.#driver.snapshotFailure,
      voters: voters.map((voter) => {
        if (voter === id) return { id: voter, logEndOffset: lastIndex, lastFetchMs: wall, lastCaughtUpMs: wall };
        const follower = followers.find((candidate) => candidate.id === voter);
        return {
          id: voter,
          logEndOffset: follower?.match ?? -1,
          lastFetchMs: wallOf(follower?.contactAt ?? -Infinity),
          lastCaughtUpMs: wallOf(follower?.caughtUpAt ?? -Infinity),
        };
      }),
    };
  }

  async createTopics(topics: readonly NewTopic[], validateOnly: boolean, deadline: Deadline): Promise<readonly Row<TopicImage>[]> {
    const withIds = topics.map((topic) => ({ ...topic, topicId: randomUuid(this.#io) }));
    return await this.#proposals.propose({ kind: "createTopics", topics: withIds }, deadline, validateOnly);
  }
  async deleteTopics(
    topics: readonly ({ readonly name: string } | { readonly topicId: Uuid })[],
    deadline: Deadline,
  ): Promise<readonly Row<TopicImage>[]> {
    return await this.#proposals.propose({ kind: "deleteTopics", topics }, deadline);
  }
  async createPartitions(
    requests: readonly NewPartitions[],
    validateOnly: boolean,
    deadline: Deadline,
  ): Promise<readonly Row<TopicImage>[]> {
    return await this.#proposals.propose({ kind: "createPartitions", requests }, deadline, validateOnly);
  }
  async changeConfigs(changes: readonly ConfigChange[], validateOnly: boolean, deadline: Deadline): Promise<readonly Row<null>[]> {
    return await this.#proposals.propose({ kind: "changeConfigs", changes }, deadline, validateOnly);
  }
  async registerBroker(broker: BrokerRegistration, deadline: Deadline): Promise<number> {
    return await this.#proposals.propose({ kind: "registerBroker", broker }, deadline);
  }
  async nextProducerId(deadline: Deadline): Promise<ProducerId> {
    return await this.#io.deadlines.guard(deadline, "producer ids", this.#producerIds.next());
  }

  /** Waits for the write under way; what still waits is answered as unknown. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#driver.close();
    this.#proposals.follow(new NotController(null, true));
    this.#listeners = [];
  }

  // ── called by the driver ────────────────────────────────────────────────────────────────────────────────────────────

  apply(entries: readonly Entry[]): void {
    for (const entry of entries) {
      if (entry.kind === "command") {
        for (const record of this.#proposals.recordsOf(entry) ?? decodeRecords(entry.data)) this.#state.replay(record);
      }
      this.#state.index = entry.index;
      this.#tell(this.#state.takeDelta());
      this.#appliedTerm = entry.term;
      this.#proposals.applied(entry.index);
    }
    this.#wakeStart();
  }

  install(meta: SnapshotMeta, data: Uint8Array): void {
    const before = this.#state;
    this.#state = decodeSnapshot(data, meta.index);
    this.#appliedTerm = meta.term;
    this.#tell(difference(before, this.#state));
  }

  roleChanged(): void {
    const raft = this.#driver.raft;
    if (raft.role === "leader") this.#proposals.lead(this.#state, raft.unapplied());
    else if (this.#proposals.leading) this.#proposals.follow(new NotController(raft.leader, true));
    this.#wakeStart();
  }

  takeSnapshot(): Uint8Array {
    return encodeSnapshot(this.#state);
  }

  failed(error: Error): void {
    this.#failure = error;
    this.#proposals.follow(error);
    this.#wakeStart();
  }

  #tell(delta: MetadataDelta): void {
    for (const listener of this.#listeners) listener(delta, this.#state);
  }

  /** An entry of the current term is applied, so everything committed before it is too. */
  get #usable(): boolean {
    return this.#appliedTerm === this.#driver.raft.term && this.#state.clusterId !== ZERO_UUID;
  }

  #wakeStart(): void {
    for (const resolve of this.#starting.splice(0)) resolve();
  }

  /** @returns whether an entry of this node's term made or confirmed the cluster. */
  async #createCluster(deadline: Deadline): Promise<boolean> {
    const { features, clusterId } = this.#settings;
    try {
      await this.#proposals.propose({ kind: "createCluster", clusterId: clusterId ?? randomUuid(this.#io), features }, deadline);
    } catch (error) {
      if (!(error instanceof NotController)) throw error; // another leader does it
    }
    return this.#usable;
  }
}

/** What a snapshot changed against what was known before, so that listeners need no second path. */
function difference(before: MetadataState, after: MetadataState): MetadataDelta {
  const topics = [...after.topics.values()];
  const types = ["broker", "group", "client-metrics"] as const;
  return {
    topicsCreated: topics.filter((topic) => before.topicById(topic.topicId) === null),
    topicsDeleted: [...before.topics.values()].filter((topic) => after.topicById(topic.topicId) === null),
    topicsChanged: topics.filter((topic) => before.topicById(topic.topicId) !== null),
    brokersChanged: true,
    configsChanged: types.flatMap((type) =>
      [...new Set([...before.configured(type), ...after.configured(type)])].map((name) => ({ type, name }))
    ),
  };
}
