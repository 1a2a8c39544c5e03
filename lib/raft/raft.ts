/**
 * The consensus core: `step(input)` changes the state and returns what the driver must do. It must not do I/O, read a clock or draw
 * random numbers. Source: Ongaro's thesis (chapters 3, 4.1, 6, 9.6, 10.2), HAZARDS R1-R6.
 *
 * Promises kept here: a vote and a term are durable before a message depends on them; an entry counts for this node only once it
 * is durable; only entries of the current term are committed by counting; nobody who heard from a leader lately helps to
 * depose it; a leader that a majority does not answer resigns.
 */
import type { NodeId } from "../protocol/ids.ts";
import { acceptAppend, acceptSnapshot, refuseStale } from "./follower.ts";
import { broken } from "./invariant.ts";
import type { RaftLog } from "./log.ts";
import { majority } from "./quorum.ts";
import { Replication } from "./replication.ts";
import { checkRaftSettings, type RaftSettings } from "./settings.ts";
import { type RaftOptions, RaftState } from "./state.ts";
import type { Entry, Input, Message, Ready, Role, SnapshotMeta } from "./types.ts";
import { differsByOne, encodeVoters, type Voters } from "./voters.ts";

type VoteRequest = Extract<Message, { readonly lastIndex: number }>;

export interface RaftStatus {
  readonly id: NodeId;
  readonly role: Role;
  readonly term: number;
  readonly leader: NodeId | null;
  readonly commit: number;
  readonly applied: number;
  readonly lastIndex: number;
  readonly durableIndex: number;
  readonly voters: readonly NodeId[];
  /** Only at the leader. Times are this node's monotonic clock, -Infinity for never. */
  readonly followers: readonly { readonly id: NodeId; readonly match: number; readonly contactAt: number; readonly caughtUpAt: number }[];
}

export class Raft {
  readonly #id: NodeId;
  readonly #settings: RaftSettings;
  readonly #random: () => number;
  readonly #state: RaftState;
  readonly #log: RaftLog;
  readonly #voters: Voters;

  #role: Role = "follower";
  #leader: NodeId | null = null;
  /** Not null exactly while this node leads. */
  #replication: Replication | null = null;
  #reported: { role: Role; term: number; leader: NodeId | null } | null = null;

  #started = false;
  #electionAt = 0;
  /** When a leader was last heard; a restart counts as hearing one, since an acknowledgement before it may be forgotten (R1). */
  #leaderContactAt = 0;
  #votes = new Map<NodeId, boolean>();

  constructor(options: RaftOptions) {
    checkRaftSettings(options.settings);
    this.#id = options.id;
    this.#settings = options.settings;
    this.#random = options.random;
    this.#state = new RaftState(options);
    this.#log = this.#state.log;
    this.#voters = this.#state.voters;
  }

  get id(): NodeId {
    return this.#id;
  }
  get role(): Role {
    return this.#role;
  }
  get term(): number {
    return this.#state.term;
  }
  get leader(): NodeId | null {
    return this.#leader;
  }
  get commit(): number {
    return this.#state.commit;
  }
  get lastIndex(): number {
    return this.#log.lastIndex;
  }
  get status(): RaftStatus {
    return {
      id: this.#id,
      role: this.#role,
      term: this.#state.term,
      leader: this.#leader,
      commit: this.#state.commit,
      applied: this.#state.applied,
      lastIndex: this.#log.lastIndex,
      durableIndex: this.#state.durable,
      voters: this.#voters.current,
      followers: this.#replication?.followers.map(({ id, match, contactAt, caughtUpAt }) => ({ id, match, contactAt, caughtUpAt })) ?? [],
    };
  }

  /**
   * Until when (monotonic ms of this node) reads may be answered from the applied state: send time of the heartbeats that a quorum
   * acknowledged, plus the lease. Infinity for a lone voter, -Infinity when not leader. Check it right before the reply leaves.
   */
  get leaseUntil(): number {
    return this.#replication === null ? -Infinity : this.#replication.ackedSentAt + this.#settings.leaseMs;
  }

  /** The meta of a snapshot taken after `index` was applied; null when `index` is not in the log any more, or not yet applied. */
  snapshotMeta(index: number): SnapshotMeta | null {
    const term = index > this.#state.applied ? null : this.#log.termAt(index);
    return term === null ? null : { index, term, voters: this.#voters.at(index) };
  }

  /** What a new leader may not yet have applied, in order: proposals are decided on top of it. */
  unapplied(): readonly Entry[] {
    return this.#log.slice(this.#state.applied + 1, Infinity, Infinity);
  }

  step(input: Input): Ready {
    if (!this.#started) this.#start(input.now);
    switch (input.kind) {
      case "tick":
        this.#tick(input.now);
        break;
      case "message":
        if (input.message.to === this.#id) this.#receive(input.message, input.now);
        break;
      case "propose":
        this.#propose(input.data, input.now);
        break;
      case "changeVoters":
        this.#changeVoters(input.voters, input.now);
        break;
      case "persisted":
        this.#persisted(input.term, input.index, input.now);
        break;
      case "compacted":
        this.#state.compact(input.meta, input.data);
        break;
    }
    return this.#flush();
  }

  // ── time ────────────────────────────────────────────────────────────────────────────────────────────────────────────

  #start(now: number): void {
    this.#started = true;
    this.#leaderContactAt = now;
    this.#resetElection(now);
    if (this.#state.isOnlyVoter) this.#electionAt = now;
  }

  #tick(now: number): void {
    const replication = this.#replication;
    if (replication !== null) {
      if (!replication.isHeard(now)) return this.#becomeFollower(this.#state.term, null, now); // check-quorum
      return replication.tick(now);
    }
    if (now < this.#electionAt || !this.#voters.includes(this.#id)) return;
    if (this.#state.isOnlyVoter) {
      this.#campaign(now);
    } else {
      this.#preCampaign(now);
    }
  }

  #resetElection(now: number): void {
    const { electionMinMs, electionMaxMs } = this.#settings;
    this.#electionAt = now + electionMinMs + this.#random() * (electionMaxMs - electionMinMs);
  }

  #wakeAt(): number | null {
    if (this.#replication !== null) return this.#replication.wakeAt;
    return this.#voters.includes(this.#id) ? this.#electionAt : null;
  }

  // ── elections ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Asks without raising the term whether an election could be won (thesis 9.6). */
  #preCampaign(now: number): void {
    this.#become("precandidate", null);
    this.#resetElection(now);
    this.#votes = new Map([[this.#id, true]]);
    const base = { kind: "preVote" as const, lastIndex: this.#log.lastIndex, lastTerm: this.#log.lastTerm };
    for (const to of this.#voters.except(this.#id)) this.#state.sendDurable({ ...base, from: this.#id, to, term: this.#state.term + 1 });
  }

  #campaign(now: number): void {
    this.#state.term += 1;
    this.#state.votedFor = this.#id;
    this.#become("candidate", null);
    this.#resetElection(now);
    this.#votes = new Map([[this.#id, true]]);
    // A lone voter leads at once: what it appends counts only when durable, and its own vote goes to disk with it.
    if (this.#state.isOnlyVoter) return this.#lead(now);
    const base = { kind: "vote" as const, lastIndex: this.#log.lastIndex, lastTerm: this.#log.lastTerm };
    for (const to of this.#voters.except(this.#id)) {
      this.#state.ready.sendOncePersisted({ ...base, from: this.#id, to, term: this.#state.term });
    }
  }

  #lead(now: number): void {
    this.#become("leader", this.#id);
    this.#replication = new Replication(this.#state, now);
    // Earlier terms are committed with this entry, never by counting alone (thesis 3.6.2).
    this.#replication.append([{ kind: "noop", data: NO_DATA }], now);
  }

  #becomeFollower(term: number, leader: NodeId | null, now: number): void {
    const restart = this.#role === "leader" || term > this.#state.term;
    if (term > this.#state.term) {
      this.#state.term = term;
      this.#state.votedFor = null;
    }
    this.#become("follower", leader);
    if (restart) this.#resetElection(now);
  }

  #become(role: Role, leader: NodeId | null): void {
    this.#role = role;
    this.#leader = leader;
    this.#votes.clear();
    this.#replication = null;
  }

  /** A quorum may still hold a leader's lease: depose nobody (R1, R2). */
  #hearsLeader(now: number): boolean {
    return this.#role === "leader" || now - this.#leaderContactAt < this.#settings.voteRefusalMs;
  }

  #onPreVote(message: VoteRequest, now: number): void {
    const granted = message.term > this.#state.term && !this.#hearsLeader(now) && this.#log.isUpToDate(message.lastIndex, message.lastTerm);
    // A grant speaks of the term asked for; a refusal tells the own one, so that a candidate left behind catches up.
    const term = granted ? message.term : this.#state.term;
    this.#state.sendDurable({ kind: "preVoteReply", from: this.#id, to: message.from, term, granted });
  }

  #onVote(message: VoteRequest, now: number): void {
    // The term may have been learnt from a late reply: what was promised to the leader of an older one holds all the same (R1).
    if (this.#state.votedFor === null && this.#hearsLeader(now)) return;
    const free = this.#state.votedFor === null ? this.#role === "follower" && this.#leader === null : this.#state.votedFor === message.from;
    const granted = free && this.#log.isUpToDate(message.lastIndex, message.lastTerm);
    if (granted) {
      this.#state.votedFor = message.from;
      this.#resetElection(now);
    }
    this.#state.ready.sendOncePersisted({ kind: "voteReply", from: this.#id, to: message.from, term: this.#state.term, granted });
  }

  #onVoteReply(from: NodeId, granted: boolean, now: number): void {
    if (!this.#voters.includes(from)) return;
    this.#votes.set(from, granted);
    const needed = majority(this.#voters.current.length);
    const yes = [...this.#votes.values()].filter((vote) => vote).length;
    if (yes >= needed) {
      if (this.#role === "precandidate") this.#campaign(now);
      else this.#lead(now);
    } else if (this.#votes.size - yes >= needed) {
      this.#becomeFollower(this.#state.term, null, now);
    }
  }

  // ── messages ────────────────────────────────────────────────────────────────────────────────────────────────────────

  #receive(message: Message, now: number): void {
    if (message.kind === "preVote") return this.#onPreVote(message, now);
    if (message.term > this.#state.term && !(message.kind === "preVoteReply" && message.granted)) {
      if (message.kind === "vote" && this.#hearsLeader(now)) return;
      const fromLeader = message.kind === "append" || message.kind === "snapshot";
      this.#becomeFollower(message.term, fromLeader ? message.from : null, now);
    } else if (message.term < this.#state.term) {
      return this.#refuseStale(message);
    }
    switch (message.kind) {
      case "vote":
        return this.#onVote(message, now);
      case "preVoteReply":
        // A grant carries the term asked for.
        if (this.#role === "precandidate" && (!message.granted || message.term === this.#state.term + 1)) {
          this.#onVoteReply(message.from, message.granted, now);
        }
        return;
      case "voteReply":
        if (this.#role === "candidate") this.#onVoteReply(message.from, message.granted, now);
        return;
      case "append":
      case "snapshot":
        if (this.#role === "leader") broken(`two leaders in term ${this.#state.term}: ${this.#id} and ${message.from}`);
        if (this.#role !== "follower" || this.#leader !== message.from) this.#becomeFollower(this.#state.term, message.from, now);
        this.#leaderContactAt = now;
        this.#resetElection(now);
        return message.kind === "append" ? acceptAppend(this.#state, message) : acceptSnapshot(this.#state, message);
      case "appendReply":
        this.#replication?.received(message, now);
        return this.#resignIfRemoved(now);
    }
  }

  /** Whoever is behind learns the term from the refusal: a leader resigns, a candidate catches up. */
  #refuseStale(message: Message): void {
    if (message.kind === "append" || message.kind === "snapshot") refuseStale(this.#state, message);
    else if (message.kind === "vote") {
      this.#state.sendDurable({ kind: "voteReply", from: this.#id, to: message.from, term: this.#state.term, granted: false });
    }
  }

  // ── at the leader ───────────────────────────────────────────────────────────────────────────────────────────────────

  #propose(data: readonly Uint8Array[], now: number): void {
    if (data.length === 0) return;
    this.#replication?.append(data.map((bytes) => ({ kind: "command" as const, data: bytes })), now);
  }

  #changeVoters(voters: readonly NodeId[], now: number): void {
    const ownTermCommitted = this.#log.termAt(this.#state.commit) === this.#state.term;
    if (!ownTermCommitted || this.#voters.changedAt > this.#state.commit || !differsByOne(this.#voters.current, voters)) return;
    this.#replication?.append([{ kind: "membership", data: encodeVoters(voters) }], now);
  }

  #persisted(term: number, index: number, now: number): void {
    if (!this.#state.persisted(term, index) || this.#replication === null) return;
    this.#replication.advanceCommit(now);
    this.#resignIfRemoved(now);
  }

  /** A leader that removed itself leads until that is committed (thesis 4.2.2). */
  #resignIfRemoved(now: number): void {
    const isRemoved = this.#replication !== null && !this.#voters.includes(this.#id) && this.#voters.changedAt <= this.#state.commit;
    if (isRemoved) this.#becomeFollower(this.#state.term, null, now);
  }

  // ── output ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  #flush(): Ready {
    return this.#state.ready.take(this.#state.takePersist(), this.#state.takeApply(), this.#takeRole(), this.#wakeAt());
  }

  #takeRole(): Ready["role"] {
    const reported = this.#reported;
    if (reported !== null && reported.role === this.#role && reported.term === this.#state.term && reported.leader === this.#leader) {
      return null;
    }
    return this.#reported = { role: this.#role, term: this.#state.term, leader: this.#leader };
  }
}

const NO_DATA = new Uint8Array(0);
