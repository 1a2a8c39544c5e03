/**
 * What a node keeps whatever its role: term, vote and log (thesis figure 3.1), and how far each of them was handed out for writing, is on this
 * node's disk, is committed and applied. It must not decide about terms, votes and leaders; `raft.ts`, `follower.ts` and `replication.ts` do.
 */
import type { NodeId } from "../protocol/ids.ts";
import { invariant } from "./invariant.ts";
import { RaftLog } from "./log.ts";
import { NO_ENTRIES, NOTHING_TO_PERSIST, ReadyBuilder } from "./ready.ts";
import type { RaftSettings } from "./settings.ts";
import type { Entry, HardState, Message, Ready, SnapshotMeta } from "./types.ts";
import { Voters } from "./voters.ts";

export interface RaftOptions {
  readonly id: NodeId;
  /** Voters of a new cluster; a membership entry or snapshot in `recovered` overrules them. */
  readonly voters: readonly NodeId[];
  /** What was durable at start; the driver installs the snapshot's data itself. */
  readonly recovered: {
    readonly hardState: HardState | null;
    readonly entries: readonly Entry[];
    readonly snapshot: { readonly meta: SnapshotMeta; readonly data: Uint8Array } | null;
  };
  readonly settings: RaftSettings;
  /** Uniform in [0, 1): spreads election timeouts. */
  readonly random: () => number;
}

export class RaftState {
  readonly id: NodeId;
  readonly settings: RaftSettings;
  readonly log: RaftLog;
  readonly voters: Voters;
  readonly ready = new ReadyBuilder();

  term: number;
  votedFor: NodeId | null;
  /** 0 ≤ applied ≤ commit ≤ lastIndex. */
  commit: number;
  #applied: number;
  /** Entries up to here are on this node's disk. */
  #durable: number;
  /** Entries up to here were handed to the driver for writing. */
  #emitted: number;
  /** Term in which the log was last cut: marks of earlier terms no longer count (HAZARDS R3). */
  #cutInTerm = 0;
  /** Messages speak of the current term only once it is on disk. */
  #durableTerm: number;
  /** What the last emitted hard state said. */
  #emittedTerm: number;
  #emittedVote: NodeId | null;
  #emittedCommit: number;

  constructor({ id, voters, recovered, settings }: RaftOptions) {
    const { hardState, entries, snapshot } = recovered;
    this.id = id;
    this.settings = settings;
    this.log = new RaftLog(snapshot, entries);
    this.voters = new Voters(voters, snapshot?.meta ?? null, entries);
    this.term = Math.max(hardState?.term ?? 0, this.log.lastTerm);
    this.votedFor = this.term === hardState?.term ? hardState.votedFor : null;
    this.commit = Math.max(this.log.snapshotIndex, Math.min(hardState?.commit ?? 0, this.log.lastIndex));
    this.#applied = this.log.snapshotIndex;
    this.#durable = this.#emitted = this.log.lastIndex;
    this.#emittedTerm = this.#durableTerm = this.term;
    this.#emittedVote = this.votedFor;
    this.#emittedCommit = this.commit;
  }

  get applied(): number {
    return this.#applied;
  }
  get durable(): number {
    return this.#durable;
  }
  get isOnlyVoter(): boolean {
    return this.voters.current.length === 1 && this.voters.current[0] === this.id;
  }

  // ── the log ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  append(entries: readonly Entry[]): void {
    this.log.append(entries);
    this.voters.append(entries);
  }

  /** Drops `index` and everything after it. @param leader who has something else there. */
  cut(index: number, leader: NodeId): void {
    invariant(index > this.commit, `leader ${leader} contradicts committed entry ${index}`);
    this.log.truncateFrom(index);
    this.voters.truncateFrom(index);
    this.#durable = Math.min(this.#durable, index - 1);
    this.#emitted = Math.min(this.#emitted, index - 1);
    this.#cutInTerm = this.term;
  }

  /** The leader's snapshot replaces everything. */
  install(meta: SnapshotMeta, data: Uint8Array): void {
    this.log.reset(meta, data);
    this.voters.reset(meta);
    this.commit = this.#applied = this.#emitted = meta.index;
    this.#durable = 0; // until the driver stored it
    this.#cutInTerm = this.term;
    this.ready.install(meta, data);
  }

  /** The driver stored a snapshot of its own. */
  compact(meta: SnapshotMeta, data: Uint8Array): void {
    invariant(meta.index <= this.#applied, "only applied entries may be compacted");
    this.voters.compact(meta.index);
    this.log.compact(meta, data);
  }

  // ── the disk ────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** @returns whether the mark still counts: the log it speaks of was not cut meanwhile. */
  persisted(term: number, index: number): boolean {
    this.#durableTerm = Math.max(this.#durableTerm, term);
    if (term < this.#cutInTerm) return false;
    this.#durable = Math.max(this.#durable, Math.min(index, this.log.lastIndex));
    return true;
  }

  /** At once, unless the term it speaks of is not durable yet. What speaks of a vote or of entries waits in any case. */
  sendDurable(message: Message): void {
    if (this.term === this.#durableTerm) this.ready.send(message);
    else this.ready.sendOncePersisted(message);
  }

  takePersist(): Ready["persist"] {
    const { log, term, votedFor } = this;
    const entries = this.#emitted < log.lastIndex ? log.slice(this.#emitted + 1, Infinity, Infinity) : NO_ENTRIES;
    const changed = term !== this.#emittedTerm || votedFor !== this.#emittedVote;
    // Never more than is on disk already: a write that tears between hard state and entries must not make an old entry look committed.
    const commit = Math.min(this.commit, this.#durable);
    const news = changed || (entries.length > 0 && commit > this.#emittedCommit);
    const writes = entries.length > 0 || this.ready.installs;
    if (!news && !writes) return NOTHING_TO_PERSIST;
    this.#emitted = log.lastIndex;
    if (news) {
      this.#emittedTerm = term;
      this.#emittedVote = votedFor;
      this.#emittedCommit = commit;
    }
    return { hardState: news ? { term, votedFor, commit } : null, entries, mark: { term, index: writes ? log.lastIndex : 0 } };
  }

  /** Never ahead of the own disk, so that a restart does not take the state back in time. */
  takeApply(): readonly Entry[] {
    const upTo = Math.min(this.commit, this.#durable);
    if (upTo <= this.#applied) return NO_ENTRIES;
    const apply = this.log.slice(this.#applied + 1, upTo - this.#applied, Infinity);
    this.#applied = upTo;
    return apply;
  }
}
