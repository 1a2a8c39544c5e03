/**
 * A node that hosts the metadata of a cluster, over a modelled store or over the real storage on a simulated disk: what is told to who
 * creates a topic must be so.
 */
import { NodeController, type Peers } from "../../controller/mod.ts";
import type { Io } from "../../io/mod.ts";
import { type NodeId, nodeId } from "../../protocol/mod.ts";
import type { Entry, Raft, SnapshotMeta } from "../../raft/mod.ts";
import { type MetadataRules, snapshotHash } from "../../state/mod.ts";
import { openStorage, type RaftStore, type StorageSettings } from "../../storage/mod.ts";
import { PageCacheDisk } from "../disk/disk.ts";
import { markOf } from "../disk/types.ts";
import { type EndKind, Machine } from "../machine.ts";
import { ModelDisk } from "../raft/disk.ts";
import type { Hosting, Member, Outcome, Setting } from "../raft/member.ts";
import { NO_NET } from "../raft/nothing.ts";
import { Promises } from "./promises.ts";

/** How long a start waits for a leader: longer than any run, so that what keeps it waiting is seen by the oracles. */
const START_MS = 1_000_000;
/** A proposal whose outcome is not known by then is given up, as a client would. */
const PROPOSE_MS = 3_000;

/** Images are compared after every so many entries: it takes all of each. */
const HASHED_EVERY = 16;

const RULES: MetadataRules = {
  defaultPartitions: 1,
  defaultReplicationFactor: 1,
  partitionsPerTopicMax: 1_000,
  partitionsPerClusterMax: 1_000_000,
  checkConfig: () => null,
  checkConfigs: () => null,
  listDefault: () => null,
};

/** Small files and frequent checkpoints, so that a run of seconds sees what takes days elsewhere. */
const STORAGE: Partial<StorageSettings> = {
  walFileBytes: 64 * 1024,
  checkpointWalBytes: 16 * 1024,
  checkpointMs: 700,
  retentionCheckMs: 0,
  minFreeBytes: 1,
};

export const METADATA: Hosting = (world) => {
  const promises = new Promises(world);
  return {
    member: (id, setting) => new MetadataMember(id, setting, promises),
    // Equal states have equal bytes. That they can be read is seen by whoever starts from them.
    stateOf: ({ index }, data) => ({ index, state: snapshotHash(data) }),
  };
};

class MetadataMember implements Member {
  readonly id: NodeId;
  readonly machine: Machine;
  readonly disk: ModelDisk | null;
  readonly #setting: Setting;
  readonly #promises: Promises;
  readonly #files: PageCacheDisk | null;
  #controller: NodeController | null = null;
  /** The snapshot of the last start. */
  #startedFrom: string | null = null;
  #pending = new Set<(outcome: Outcome) => void>();
  /** Topics that were told to be there, and were not asked to be deleted. */
  #topics: string[] = [];

  constructor(id: NodeId, setting: Setting, promises: Promises) {
    const { world, knobs, oracles, links } = setting;
    this.id = id;
    this.#setting = setting;
    this.#promises = promises;
    const isReal = knobs.world.realStore === 1;
    this.disk = isReal ? null : new ModelDisk(world, id, oracles, knobs.world);
    this.#files = isReal ? new PageCacheDisk(world, `node${id}`, { syncMs: [knobs.world.writeMs / 4, knobs.world.writeMs * 4] }) : null;
    this.machine = new Machine(world, `node${id}`, this.disk ?? this.#files!, NO_NET);
    links.join(id, this.machine, () => oracles.stepped(this));
  }

  get clock(): { mono(): number } {
    return this.machine.clock;
  }
  get core(): Raft | null {
    return this.machine.process === null ? null : this.#controller?.core ?? null;
  }
  get applied(): number {
    return this.#controller?.image.index ?? 0;
  }
  get state(): string {
    return this.#controller?.stateHash ?? "";
  }

  start(): void {
    const io = this.machine.start();
    const owner = this.machine.process!;
    this.#controller = null;
    // Messages that come before the storage is open are lost.
    const peers = this.#setting.links.attach(this.id, (message) => this.#setting.oracles.sent(this, message));
    const opened = this.disk !== null ? Promise.resolve(this.disk.open(owner, this.machine.clock)) : this.#openFiles(io);
    opened.then((store) => owner.alive ? this.#host(io, store, peers) : undefined).catch((error: unknown) => {
      if (owner.alive) this.#gaveUp(io, error);
    });
  }

  async #openFiles(io: Io): Promise<RaftStore> {
    return (await openStorage(io, { ...STORAGE, nodeId: this.id }, "data")).raft;
  }

  async #host(io: Io, store: RaftStore, peers: Peers): Promise<void> {
    const { knobs, voters } = this.#setting;
    if (this.disk !== null) this.#setting.oracles.opened(this.disk);
    const settings = {
      nodeId: this.id,
      voters,
      clusterId: null,
      rules: RULES,
      raft: knobs.raft,
      driver: knobs.driver,
      features: new Map<string, number>(),
      producerIdBlock: 10,
      startMs: START_MS,
    };
    const controller = this.#controller = new Watched(io, settings, store, peers, this, this.#setting);
    this.#looksAtStart(controller, store);
    controller.onApplied((_, { index }) => {
      if (index % HASHED_EVERY === 0) this.#setting.oracles.stateIs(this.id, index, controller.stateHash);
    });
    await controller.start();
  }

  /** The image must be what its snapshot says. The same snapshot once more would be the same image. */
  #looksAtStart(controller: NodeController, { recovered: { snapshot } }: RaftStore): void {
    const { oracles } = this.#setting;
    const hash = snapshot === null ? null : snapshotHash(snapshot.data);
    if (hash === null || hash !== this.#startedFrom) oracles.stateIs(this.id, controller.image.index, controller.stateHash);
    if (hash !== null) oracles.stateIs(this.id, snapshot!.meta.index, hash);
    this.#startedFrom = hash;
  }

  /** Only for the disk's reasons. */
  #gaveUp(io: Io, error: unknown): void {
    this.failed(error);
    io.fatal(70, error instanceof Error ? error.message : String(error));
  }

  failed(error: unknown): void {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const name = cause instanceof Error ? cause.name : "";
    const isOfDisk = name === "IoFailed" || name === "DeadlineExceeded" || name === "StorageFenced";
    if (!isOfDisk) this.#setting.world.fail(`Node ${this.id} gave up: ${error instanceof Error ? error.stack : String(error)}`);
  }

  end(kind: EndKind): void {
    this.machine.end(kind);
    this.#controller = null;
    const pending = this.#pending;
    this.#pending = new Set();
    for (const told of pending) told("unknown");
  }

  propose(id: number, told: (outcome: Outcome) => void): void {
    const owner = this.machine.process!;
    this.#pending.add(told);
    const tell = (outcome: Outcome): void => {
      if (owner.alive && this.#pending.delete(told)) told(outcome);
    };
    this.#change(id).then(() => tell("committed"), () => tell("unknown"));
  }

  /** Resolves when it was told to be done. */
  async #change(id: number): Promise<void> {
    const controller = this.#controller!;
    const deadline = { op: "propose", at: this.machine.clock.mono() + PROPOSE_MS };
    const known = this.#topics;
    const roll = id % 8;
    if (roll === 7 || controller.image.brokers.size === 0) {
      const broker = nodeId(1 + id % 3);
      this.#promises.registered(broker, await controller.registerBroker({ id: broker, rack: null, endpoints: [] }, deadline));
    } else if (roll >= 4 && roll <= 5 && known.length > 0) {
      const name = known.splice(id % known.length, 1)[0]!;
      this.#promises.deleting(name);
      const [row] = await controller.deleteTopics([{ name }], deadline);
      if (row?.ok !== true) return this.#setting.world.fail(`Node ${this.id} refuses to delete topic "${name}": ${row?.message}`);
      this.#promises.deleted(name);
      if (controller.image.topics.has(name)) {
        this.#setting.world.fail(`Node ${this.id} told that "${name}" is deleted, and has it`);
      }
    } else if (roll === 6) {
      this.#promises.producerId(await controller.nextProducerId(deadline));
    } else {
      const name = `t${id}`;
      const mark = markOf(id);
      const partitions = 1 + id % 3;
      const topic = { name, partitions, replicationFactor: 1, assignments: [], configs: [{ name: "mark", value: mark }] };
      const [row] = await controller.createTopics([topic], false, deadline);
      if (row?.ok !== true) return this.#setting.world.fail(`Node ${this.id} refuses topic "${name}": ${row?.message}`);
      this.#acknowledged(controller, name, mark);
      this.#promises.created({ name, partitions, mark });
      known.push(name);
    }
  }

  #acknowledged(controller: NodeController, name: string, mark: string): void {
    const { world, oracles } = this.#setting;
    if (!controller.image.topics.has(name)) world.fail(`Node ${this.id} told that "${name}" is created, and does not have it`);
    if (this.#files !== null) oracles.mustBeDurable(mark);
  }

  looksAtEnd(): void {
    this.#promises.judge(this.id, this.#controller!.image);
  }

  isDurable(mark: string): boolean {
    return this.#files === null || this.#files.isDurable(mark);
  }
}

/** The controller as it is, with the oracles looking on. */
class Watched extends NodeController {
  readonly #member: MetadataMember;
  readonly #setting: Setting;

  constructor(
    ...[io, settings, store, peers, member, setting]: [...ConstructorParameters<typeof NodeController>, MetadataMember, Setting]
  ) {
    super(io, settings, store, peers);
    this.#member = member;
    this.#setting = setting;
  }

  override apply(entries: readonly Entry[]): void {
    const { oracles } = this.#setting;
    let after = this.image.index;
    for (const entry of entries) {
      oracles.applied(this.#member, entry, after);
      after = entry.index;
    }
    super.apply(entries);
  }

  override install(meta: SnapshotMeta, data: Uint8Array): void {
    if (meta.index <= this.image.index) {
      this.#setting.world.fail(`Node ${this.#member.id} installs snapshot ${meta.index} over entry ${this.image.index}`);
    }
    super.install(meta, data);
  }

  override roleChanged(): void {
    super.roleChanged();
    if (this.#member.core !== null) this.#setting.oracles.roleChanged(this.#member);
  }

  override failed(error: Error): void {
    super.failed(error);
    this.#member.failed(error);
  }
}
