/**
 * Raft's promises, looked at from outside while things happen: what leaves a node, what is on its disk, what it applies, what it takes itself
 * for. Knows nothing of how the core decides. Thesis figure 3.2, HAZARDS R1-R5.
 */
import type { Entry, Message, SnapshotMeta } from "../../raft/mod.ts";
import type { World } from "../world.ts";
import type { DiskWatch, ModelDisk } from "./disk.ts";
import { sameEntry } from "./ledger.ts";

/** What can be seen of the core of a running node. */
export interface SeenCore {
  readonly role: string;
  readonly term: number;
  readonly commit: number;
  readonly lastIndex: number;
  readonly leaseUntil: number;
}

/** A node as the oracles see it. Disks of real files are not looked into entry by entry: then there is none. */
export interface Seen {
  readonly id: number;
  readonly disk: ModelDisk | null;
  /** Null while no process runs. */
  readonly core: SeenCore | null;
  readonly clock: { mono(): number };
  /** With real files: whether these bytes would be found after the loss of power. */
  isDurable?(mark: string): boolean;
}

/** What a snapshot holds: the state after an entry, as something to compare. */
export type StateOf = (meta: SnapshotMeta, data: Uint8Array) => { readonly index: number; readonly state: number | string };

export class Oracles implements DiskWatch {
  readonly #world: World;
  #nodes: readonly Seen[] = [];
  #majority = 1;
  readonly #ledger: Entry[] = [];
  /** By index: the term of who was first to apply the entry, and so at least the one in which it was committed. */
  readonly #committedIn: number[] = [];
  /** By index: what the state is after it, on every node. */
  readonly #states: (number | string)[] = [];
  readonly #stateOf: StateOf;
  readonly #leaders = new Map<number, number>();
  /** By node and term: whom it voted for, as far as anybody was told. */
  readonly #votes = new Map<number, number>();
  /** By index and term: the one entry, and the term of the one before it. */
  readonly #entries = new Map<number, { readonly entry: Entry; readonly before: number }>();
  /** By term and index: the term of the entry there, for every end of what the leader sent. */
  readonly #sentIn: number[][] = [];
  /** By node: the highest term it ever spoke of as its own. */
  readonly #spoken: number[] = [];
  /** By node: the newest leader's term to which it said what it has, and how much it said. */
  readonly #told: { term: number; index: number }[] = [];
  /** By node: what its running process said last. */
  readonly #seen: { core: SeenCore | null; term: number; commit: number }[] = [];
  #termMax = 0;
  /** The newest term with a leader. */
  #newestTerm = 0;
  /** With a node that flaps: the term in which somebody else had come to lead. */
  #settledTerm = 0;
  #flap: number;

  /** @param flap the node to which alone anything happens; 0: none. */
  constructor(world: World, flap: number, stateOf: StateOf) {
    this.#world = world;
    this.#stateOf = stateOf;
    this.#flap = flap;
  }

  watch(nodes: readonly Seen[]): void {
    this.#nodes = nodes;
    this.#majority = Math.floor(nodes.length / 2) + 1;
    for (const { id } of nodes) {
      this.#spoken[id] = 0;
      this.#told[id] = { term: 0, index: 0 };
      this.#seen[id] = { core: null, term: 0, commit: 0 };
    }
  }

  /** From now on others than the one that flaps are cut off too. */
  everythingMayHappen(): void {
    this.#flap = 0;
  }

  /** How many entries are committed for ever. */
  get committed(): number {
    return this.#ledger.length;
  }
  get terms(): number {
    return this.#termMax;
  }
  entryAt(index: number): Entry | null {
    return this.#ledger[index - 1] ?? null;
  }

  // ── what leaves a node ──────────────────────────────────────────────────────────────────────────────────────────────

  sent(node: Seen, message: Message): void {
    const { kind, term } = message;
    const ownTerm = kind === "preVote" ? term - 1 : kind === "preVoteReply" && message.granted ? 0 : term;
    const { id, disk } = node;
    if (disk !== null && ownTerm > disk.term) {
      return this.#world.fail(`Node ${id} speaks of term ${ownTerm} in a ${kind}, its disk knows term ${disk.term}`);
    }
    if (ownTerm > 0) {
      if (ownTerm < this.#spoken[id]!) return this.#world.fail(`Node ${id} went back from term ${this.#spoken[id]} to ${ownTerm}`);
      this.#spoken[id] = ownTerm;
    }
    if (kind === "append") {
      const { prevIndex, prevTerm, entries } = message;
      const { length } = entries;
      (this.#sentIn[term] ??= [])[prevIndex + length] = length > 0 ? entries[length - 1]!.term : prevTerm;
    } else if (kind === "appendReply" && message.success) this.#acknowledged(node, term, message.index);
    else if (kind === "vote") this.#voted(node, term, id);
    else if (kind === "voteReply" && message.granted) this.#voted(node, term, message.to);
  }

  #acknowledged({ id, disk }: Seen, term: number, index: number): void {
    if (disk === null) return;
    const told = this.#told[id]!;
    if (term > told.term) this.#told[id] = { term, index };
    else if (index > told.index) told.index = index;
    if (index > disk.lastIndex) return this.#world.fail(`Node ${id} acknowledges entry ${index}, its disk ends at ${disk.lastIndex}`);
    const expected = this.#sentIn[term]?.[index] ?? this.entryAt(index)?.term;
    if (expected !== undefined && !disk.holds(index, expected)) {
      this.#world.fail(`Node ${id} acknowledges entry ${index} of term ${expected}, its disk holds one of term ${disk.termAt(index)}`);
    }
  }

  #voted({ id, disk }: Seen, term: number, candidate: number): void {
    const key = term * 16 + id;
    const known = this.#votes.get(key);
    if (known !== undefined && known !== candidate) {
      this.#world.fail(`Node ${id} votes for ${candidate} in term ${term}, and had voted for ${known}`);
    }
    this.#votes.set(key, candidate);
    if (disk !== null && (disk.hardState?.term !== term || disk.hardState.votedFor !== candidate)) {
      this.#world.fail(`Node ${id} tells its vote for ${candidate} in term ${term} before it is on its disk`);
    }
  }

  // ── disks ───────────────────────────────────────────────────────────────────────────────────────────────────────────

  entryWritten(node: number, entry: Entry, before: number, replaces: Entry | null): void {
    const key = entry.index * 1_000_000 + entry.term;
    const known = this.#entries.get(key);
    if (known === undefined) this.#entries.set(key, { entry, before });
    else if (known.before !== before || !sameEntry(known.entry, entry)) {
      this.#world.fail(`Entry ${entry.index} of term ${entry.term} is not the same in two logs, or what comes before it is not`);
    }
    const committed = this.entryAt(entry.index);
    if (committed !== null && !sameEntry(committed, entry)) {
      // Something old may be written again, not over what is committed.
      if (replaces !== null && sameEntry(replaces, committed)) this.#losesCommitted(node, committed);
    }
  }

  /**
   * A node that has the entry from an older leader and never told a later one so is not among those who committed it: it may take what stands in the
   * way from a leader in between, whose message was long on its way.
   */
  #losesCommitted(node: number, { index, term }: Entry): void {
    const others = this.#nodes.filter(({ id, disk }) => id !== node && disk!.holds(index, term)).length;
    const committedIn = this.#committedIn[index]!;
    const told = this.#told[node]!;
    const counted = told.term >= committedIn && told.index >= index || this.#leaders.get(committedIn) === node;
    if (counted || others < this.#majority) this.#world.fail(`Node ${node} writes over committed entry ${index}`);
  }

  snapshotWritten(node: number, meta: SnapshotMeta, data: Uint8Array, drops: readonly Entry[]): void {
    const entry = this.entryAt(meta.index);
    if (entry === null || entry.term !== meta.term) {
      return this.#world.fail(`Node ${node} stores a snapshot of ${meta.index} in term ${meta.term}, which is not committed`);
    }
    const disk = this.#nodes[node - 1]!.disk!;
    if (meta.index < disk.snapshotIndex) this.#world.fail(`Node ${node} stores snapshot ${meta.index} over ${disk.snapshotIndex}`);
    const { index, state } = this.#stateOf(meta, data);
    if (index !== meta.index) this.#world.fail(`Node ${node} stores a snapshot for ${meta.index} that is of entry ${index}`);
    this.stateIs(node, index, state);
    for (const dropped of drops) {
      const committed = this.entryAt(dropped.index);
      if (committed !== null && sameEntry(committed, dropped)) {
        this.#world.fail(`Node ${node} loses committed entry ${dropped.index} to a snapshot`);
      }
    }
  }

  /** What a process that starts now would take for committed must be. */
  opened(disk: ModelDisk): void {
    const { node } = disk;
    const index = Math.min(disk.hardState?.commit ?? 0, disk.lastIndex);
    const committed = this.entryAt(index);
    if (committed !== null && !disk.holds(index, committed.term)) {
      this.#world.fail(
        `Node ${node} starts and takes entry ${index} of term ${disk.termAt(index)} for committed, which is of term ${committed.term}`,
      );
    }
  }

  // ── the replicated state ────────────────────────────────────────────────────────────────────────────────────────────

  /** @param after the index of the state that it is applied to. */
  applied(node: Seen, entry: Entry, after: number): void {
    const { index } = entry;
    if (index !== after + 1) return this.#world.fail(`Node ${node.id} applies entry ${index} after entry ${after}`);
    if (node.disk !== null && !node.disk.holds(index, entry.term)) {
      return this.#world.fail(`Node ${node.id} applies entry ${index}, which is not on its disk`);
    }
    const known = this.#ledger[index - 1];
    if (known === undefined) this.#commit(node, entry);
    else if (!sameEntry(known, entry)) {
      this.#world.fail(
        `Node ${node.id} applies entry ${index} of term ${entry.term}, committed was another one of term ${known.term}`,
      );
    }
  }

  #commit(node: Seen, entry: Entry): void {
    const { index, term } = entry;
    if (index !== this.#ledger.length + 1) {
      return this.#world.fail(`Node ${node.id} applies ${index}, committed were ${this.#ledger.length}`);
    }
    this.#ledger.push(entry);
    this.#committedIn[index] = node.core?.term ?? term;
    let holders = 0;
    for (const { disk } of this.#nodes) if (disk === null || disk.holds(index, term)) holders++;
    if (holders < this.#majority) this.#world.fail(`Node ${node.id} applies entry ${index}, which ${holders} disk(s) hold`);
    this.#looksAtLeases(node.core?.term ?? term);
  }

  /** The state of a node after `index`: by entries one after the other, or from a snapshot. */
  stateIs(node: number, index: number, state: number | string): void {
    const known = this.#states[index] ??= state;
    if (known !== state) this.#world.fail(`Node ${node} has another state after entry ${index} than others had`);
  }

  /** Somebody was told that the entry with these bytes is committed. */
  mustBeDurable(mark: string): void {
    const holders = this.#nodes.filter((node) => node.isDurable?.(mark) === true).length;
    if (holders < this.#majority) this.#world.fail(`"${mark}" was told to be committed, ${holders} disk(s) hold it`);
  }

  // ── roles ───────────────────────────────────────────────────────────────────────────────────────────────────────────

  roleChanged(node: Seen): void {
    const core = node.core!;
    this.stepped(node);
    if (core.role !== "leader") return;
    const other = this.#leaders.get(core.term);
    if (other === node.id) return;
    if (other !== undefined) return this.#world.fail(`Term ${core.term} has leaders ${other} and ${node.id}`);
    this.#leaders.set(core.term, node.id);
    // Somebody who was paused may learn late that it had won; by then a newer leader commits, and it cannot.
    if (core.term < this.#newestTerm) return;
    this.#newestTerm = core.term;
    if (core.lastIndex < this.committed) {
      this.#world.fail(`Node ${node.id} leads term ${core.term} without entry ${this.committed}, which is committed`);
    }
    this.#looksAtLeases(core.term);
    if (this.#flap !== 0 && node.id !== this.#flap) {
      if (this.#settledTerm > 0) {
        this.#world.fail(`Node ${this.#flap} alone flaps, and leader ${this.#leaders.get(this.#settledTerm)} was deposed`);
      }
      this.#settledTerm = core.term;
    }
  }

  /** Nobody may answer from a lease once somebody else leads: what is read could be out of date. */
  #looksAtLeases(term: number): void {
    for (const { id, core, clock } of this.#nodes) {
      if (core === null || core.role !== "leader" || core.term >= term || core.leaseUntil <= clock.mono()) continue;
      this.#world.fail(`Node ${id} holds a lease of term ${core.term} while term ${term} has a leader`);
    }
  }

  /** After anything that may have changed the core. */
  stepped({ id, core }: Seen): void {
    if (core === null) return;
    const seen = this.#seen[id]!;
    if (seen.core === core && (core.term < seen.term || core.commit < seen.commit)) {
      this.#world.fail(`Node ${id} went back from term ${seen.term}, commit ${seen.commit} to term ${core.term}, commit ${core.commit}`);
    }
    seen.core = core;
    seen.term = core.term;
    seen.commit = core.commit;
    if (core.term > this.#termMax) this.#termMax = core.term;
    if (core.term < this.#newestTerm) this.#looksAtLeases(this.#newestTerm);
    if (core.commit > core.lastIndex) this.#world.fail(`Node ${id} has committed ${core.commit}, its log ends at ${core.lastIndex}`);
  }
}
