/** A node that hosts the ledger, over a modelled store: the driver and the core, and as little as possible around them. */
import { RaftDriver, type RaftHost } from "../../controller/mod.ts";
import type { NodeId } from "../../protocol/mod.ts";
import { type Entry, Raft, type SnapshotMeta } from "../../raft/mod.ts";
import { type EndKind, Machine } from "../machine.ts";
import type { World } from "../world.ts";
import { ModelDisk } from "./disk.ts";
import type { Knobs } from "./knobs.ts";
import { chained, commandOf, decodeState, EMPTY_CHAIN, encodeState } from "./ledger.ts";
import type { Links } from "./links.ts";
import type { Hosting, Member, Outcome, Setting } from "./member.ts";
import { NO_NET } from "./nothing.ts";
import type { Oracles } from "./oracles.ts";

export const LEDGER: Hosting = () => ({
  member: (id, setting) => new LedgerMember(id, setting),
  stateOf: (_, data) => decodeState(data),
});

class LedgerMember implements Member, RaftHost {
  readonly id: NodeId;
  readonly machine: Machine;
  readonly disk: ModelDisk;
  readonly #world: World;
  readonly #knobs: Knobs;
  readonly #voters: readonly NodeId[];
  readonly #links: Links;
  readonly #oracles: Oracles;
  #driver: RaftDriver | null = null;
  #applied = 0;
  #chain = EMPTY_CHAIN;
  #waiting: { readonly index: number; readonly data: Uint8Array; readonly told: (outcome: Outcome) => void }[] = [];

  constructor(id: NodeId, { world, voters, knobs, links, oracles }: Setting) {
    this.id = id;
    this.#world = world;
    this.#knobs = knobs;
    this.#voters = voters;
    this.#links = links;
    this.#oracles = oracles;
    this.disk = new ModelDisk(world, id, oracles, knobs.world);
    this.machine = new Machine(world, `node${id}`, this.disk, NO_NET);
    links.join(id, this.machine, () => oracles.stepped(this));
  }

  get clock(): { mono(): number } {
    return this.machine.clock;
  }
  get core(): Raft | null {
    return this.machine.process === null ? null : this.#driver?.raft ?? null;
  }
  get applied(): number {
    return this.#applied;
  }
  get state(): number {
    return this.#chain;
  }

  start(): void {
    const io = this.machine.start();
    const store = this.disk.open(this.machine.process!, this.machine.clock);
    const { snapshot } = store.recovered;
    this.#oracles.opened(this.disk);
    this.#restore(snapshot === null ? null : snapshot.data);
    const election = io.random("election");
    const raft = new Raft({
      id: this.id,
      voters: this.#voters,
      recovered: store.recovered,
      settings: this.#knobs.raft,
      random: () => election.float(),
    });
    const peers = this.#links.attach(this.id, (message) => this.#oracles.sent(this, message));
    this.#driver = new RaftDriver(io, this.#knobs.driver, raft, store, peers, this);
    this.#driver.start();
  }

  end(kind: EndKind): void {
    this.machine.end(kind);
    this.#tellUnknown();
  }

  propose(id: number, told: (outcome: Outcome) => void): void {
    const data = commandOf(id, this.#knobs.world.padding);
    const index = this.#driver!.propose(data);
    this.#waiting.push({ index, data, told });
  }

  // ── called by the driver ────────────────────────────────────────────────────────────────────────────────────────────

  apply(entries: readonly Entry[]): void {
    for (const entry of entries) {
      this.#oracles.applied(this, entry, this.#applied);
      this.#applied = entry.index;
      this.#chain = chained(this.#chain, entry);
      this.#oracles.stateIs(this.id, entry.index, this.#chain);
      const first = this.#waiting[0];
      if (first !== undefined && first.index === entry.index) {
        this.#waiting.shift();
        first.told(first.data === entry.data ? "committed" : "unknown");
      }
    }
  }

  install(meta: SnapshotMeta, data: Uint8Array): void {
    if (meta.index <= this.#applied) this.#world.fail(`Node ${this.id} installs snapshot ${meta.index} over entry ${this.#applied}`);
    if (this.disk.snapshotIndex < meta.index) this.#world.fail(`Node ${this.id} installs snapshot ${meta.index} before it is stored`);
    this.#restore(data);
  }

  roleChanged(): void {
    this.#oracles.roleChanged(this);
    if (this.core!.role !== "leader") this.#tellUnknown();
  }

  takeSnapshot(): Uint8Array {
    return encodeState(this.#applied, this.#chain);
  }

  failed(error: Error): void {
    this.#tellUnknown();
    const isOfDisk = error.name === "IoFailed" || error.name === "DeadlineExceeded";
    if (!isOfDisk) this.#world.fail(`Node ${this.id} gave up: ${error.stack ?? error.message}`);
  }

  #restore(data: Uint8Array | null): void {
    const { index, state } = data === null ? { index: 0, state: EMPTY_CHAIN } : decodeState(data);
    this.#applied = index;
    this.#chain = state;
    this.#oracles.stateIs(this.id, index, state);
  }

  #tellUnknown(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { told } of waiting) told("unknown");
  }
}
