/** The driver of a Raft node, as far as its store sees one: entries and hard state one call after the other, sometimes a suffix again, snapshots. */
import { nodeId } from "../../protocol/mod.ts";
import type { Entry } from "../../raft/types.ts";
import { markOf } from "../disk/types.ts";
import { Violation } from "../world.ts";
import { Actor } from "./actor.ts";
import type { Serving, StorageRun } from "./run.ts";
import { type Knobs, NODE_ID } from "./settings.ts";

const PERSIST_MS = 10_000;
const VOTERS = [nodeId(NODE_ID)];
const encoder = new TextEncoder();

export class RaftClient extends Actor {
  readonly #knobs: Knobs;
  #writing = false;

  constructor(run: StorageRun, operations: number, knobs: Knobs) {
    super(run, "raft", "raft", operations, knobs);
    this.#knobs = knobs;
  }

  protected get isBusy(): boolean {
    return this.#writing;
  }
  protected override lost(): void {
    this.#writing = false;
  }

  protected override act(node: Serving): void {
    if (this.#writing || this.left === 0) return;
    this.left--;
    this.#writing = true;
    if (this.draws.chance(this.#knobs["snapshotChance"] ?? 0.1)) this.#snapshot(node);
    else this.#persist(node);
  }

  #persist(node: Serving): void {
    const { draws, run: { raft } } = this;
    const { state } = raft;
    const term = (state.hardState?.term ?? 1) + (draws.chance(0.1) ? 1 : 0);
    const committed = Math.max(state.hardState?.commit ?? 0, state.snapshot?.index ?? 0);
    // A new leader's entries take the place of what was not committed.
    const from = draws.chance(0.1) ? committed + 1 + draws.below(raft.lastIndex - committed + 1) : raft.lastIndex + 1;
    const entries: Entry[] = [];
    const marks: string[] = [];
    for (let index = from; index < from + draws.below(4); index++) {
      const mark = markOf(this.run.nextMark());
      marks.push(mark);
      entries.push({ index, term, kind: "command", data: encoder.encode(mark + "r".repeat(draws.below(this.#knobs["dataBytes"] ?? 100))) });
    }
    const last = entries.at(-1)?.index ?? raft.lastIndex;
    const commit = Math.max(committed, Math.min(from - 1, last) - draws.below(3));
    const hardState = entries.length === 0 || draws.chance(0.5) ? { term, votedFor: VOTERS[0]!, commit: Math.min(commit, from - 1) } : null;
    raft.persistAsked(hardState, entries);
    this.watch(node, node.storage.raft.persist(hardState, entries, node.io.deadlines.in("raft.persist", PERSIST_MS)), () => {
      this.#writing = false;
      this.run.counts.raft++;
      raft.done();
      if (this.run.happened.has("syncLies")) return;
      for (const mark of marks) {
        if (!this.run.disk.isDurable(mark)) throw new Violation("An entry of Raft is told to be durable and is not");
      }
    }, (error) => {
      if (!this.run.isExplained(error)) throw new Violation(`Raft cannot persist: ${error.stack}`);
      // Unknown: its driver ends the node.
      node.io.fatal(70, `Raft cannot persist: ${error.message}`);
    });
  }

  #snapshot(node: Serving): void {
    const { draws, run: { raft } } = this;
    const { state } = raft;
    const committed = Math.max(state.hardState?.commit ?? 0, state.snapshot?.index ?? 0);
    // A leader sends one that is ahead of everything that this node has.
    const installed = draws.chance(0.1);
    const index = installed ? raft.lastIndex + 1 + draws.below(5) : committed;
    if (index <= (state.snapshot?.index ?? 0)) {
      this.#writing = false;
      return;
    }
    const term = state.entries.find((entry) => entry.index === index)?.term ?? state.hardState?.term ?? 1;
    const meta = { index, term, voters: VOTERS };
    raft.snapshotAsked(meta);
    const data = encoder.encode(markOf(this.run.nextMark()) + "s".repeat(draws.below(2000)));
    this.watch(node, node.storage.raft.saveSnapshot(meta, data, node.io.deadlines.in("raft.snapshot", PERSIST_MS)), () => {
      this.#writing = false;
      this.run.counts.raft++;
      raft.done();
    }, (error) => {
      this.#writing = false;
      if (!this.run.isExplained(error)) throw new Violation(`Raft cannot store a snapshot: ${error.stack}`);
      raft.snapshotFailed();
    });
  }
}
