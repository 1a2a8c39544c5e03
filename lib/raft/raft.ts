/**
 * The consensus core: `step(input)` changes the state and returns what the driver must do. It must not do I/O, read a clock or draw
 * random numbers. Source: Ongaro's thesis (chapters 3, 4.1, 6, 9.6, 10.2), HAZARDS R1-R6.
 *
 * Promises kept here: a vote and a term are durable before a message depends on them; an entry counts for this node only once it
 * is durable; only entries of the current term are committed by counting; nobody who heard from a leader lately helps to
 * depose it; a leader that a majority does not answer resigns.
 */
import type { NodeId } from "../protocol/ids.ts";
import { broken, invariant } from "./invariant.ts";
import { RaftLog } from "./log.ts";
import { Progress } from "./progress.ts";
import { majority, reachedByMajority } from "./quorum.ts";
import { NO_ENTRIES, NOTHING_TO_PERSIST, ReadyBuilder } from "./ready.ts";
import { checkRaftSettings, type RaftSettings } from "./settings.ts";
import type { Entry, HardState, Input, Message, Ready, Role, SnapshotMeta } from "./types.ts";
import { differsByOne, encodeVoters, Voters } from "./voters.ts";

type Of<Kind extends Message["kind"]> = Extract<Message, { readonly kind: Kind }>;
type VoteRequest = Extract<Message, { readonly lastIndex: number }>;

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
  readonly #log: RaftLog;
  readonly #voters: Voters;
  readonly #ready = new ReadyBuilder();

  #role: Role = "follower";
  #term: number;
  #votedFor: NodeId | null;
  #leader: NodeId | null = null;
  /** 0 ≤ applied ≤ commit ≤ lastIndex. */
  #commit: number;
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
  #reported: { role: Role; term: number; leader: NodeId | null } | null = null;

  #started = false;
  #electionAt = 0;
  #heartbeatAt = 0;
  /** When a leader was last heard; a restart counts as hearing one, since an acknowledgement before it may be forgotten (R1). */
  #leaderContactAt = 0;
  #votes = new Map<NodeId, boolean>();
  /** At the leader: all voters but itself. */
  #followers: Progress[] = [];
  /** Only while a majority is counted. */
  readonly #values: number[] = [];

  constructor(options: RaftOptions) {
    checkRaftSettings(options.settings);
    const { hardState, entries, snapshot } = options.recovered;
    this.#id = options.id;
    this.#settings = options.settings;
    this.#random = options.random;
    this.#log = new RaftLog(snapshot, entries);
    this.#voters = new Voters(options.voters, snapshot?.meta ?? null, entries);
    this.#term = Math.max(hardState?.term ?? 0, this.#log.lastTerm);
    this.#votedFor = this.#term === hardState?.term ? hardState.votedFor : null;
    this.#commit = Math.max(this.#log.snapshotIndex, Math.min(hardState?.commit ?? 0, this.#log.lastIndex));
    this.#applied = this.#log.snapshotIndex;
    this.#durable = this.#emitted = this.#log.lastIndex;
    this.#emittedTerm = this.#durableTerm = this.#term;
    this.#emittedVote = this.#votedFor;
    this.#emittedCommit = this.#commit;
  }

  get id(): NodeId {
    return this.#id;
  }
  get role(): Role {
    return this.#role;
  }
  get term(): number {
    return this.#term;
  }
  get leader(): NodeId | null {
    return this.#leader;
  }
  get commit(): number {
    return this.#commit;
  }
  get lastIndex(): number {
    return this.#log.lastIndex;
  }
  get status(): RaftStatus {
    return {
      id: this.#id,
      role: this.#role,
      term: this.#term,
      leader: this.#leader,
      commit: this.#commit,
      applied: this.#applied,
      lastIndex: this.#log.lastIndex,
      durableIndex: this.#durable,
      voters: this.#voters.current,
      followers: this.#followers.map(({ id, match, contactAt, caughtUpAt }) => ({ id, match, contactAt, caughtUpAt })),
    };
  }

  /**
   * Until when (monotonic ms of this node) reads may be answered from the applied state: send time of the heartbeats that a quorum
   * acknowledged, plus the lease. Infinity for a lone voter, -Infinity when not leader. Check it right before the reply leaves.
   */
  get leaseUntil(): number {
    if (this.#role !== "leader") return -Infinity;
    return this.#reached(Infinity, ackedSentAt) + this.#settings.leaseMs;
  }

  /** The meta of a snapshot taken after `index` was applied; null when `index` is not in the log any more, or not yet applied. */
  snapshotMeta(index: number): SnapshotMeta | null {
    const term = index > this.#applied ? null : this.#log.termAt(index);
    return term === null ? null : { index, term, voters: this.#voters.at(index) };
  }

  /** What a new leader may not yet have applied, in order: proposals are decided on top of it. */
  unapplied(): readonly Entry[] {
    return this.#log.slice(this.#applied + 1, Infinity, Infinity);
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
        invariant(input.meta.index <= this.#applied, "only applied entries may be compacted");
        this.#voters.compact(input.meta.index);
        this.#log.compact(input.meta, input.data);
        break;
    }
    return this.#flush();
  }

  // ── time ────────────────────────────────────────────────────────────────────────────────────────────────────────────

  #start(now: number): void {
    this.#started = true;
    this.#leaderContactAt = now;
    this.#resetElection(now);
    if (this.#isOnlyVoter()) this.#electionAt = now;
  }

  #tick(now: number): void {
    if (this.#role === "leader") return this.#leaderTick(now);
    if (now < this.#electionAt || !this.#voters.includes(this.#id)) return;
    if (this.#isOnlyVoter()) {
      this.#campaign(now);
    } else {
      this.#preCampaign(now);
    }
  }

  #leaderTick(now: number): void {
    if (now - this.#reached(now, contactAt) >= this.#settings.voteRefusalMs) {
      this.#becomeFollower(this.#term, null, now); // check-quorum
      return;
    }
    if (now < this.#heartbeatAt) return;
    this.#heartbeatAt = now + this.#settings.heartbeatMs;
    for (const follower of this.#followers) {
      follower.heartbeat();
      this.#sendAppend(follower, now, true);
    }
  }

  #resetElection(now: number): void {
    const { electionMinMs, electionMaxMs } = this.#settings;
    this.#electionAt = now + electionMinMs + this.#random() * (electionMaxMs - electionMinMs);
  }

  #wakeAt(): number | null {
    if (this.#role === "leader") {
      if (this.#followers.length === 0) return null;
      const { voteRefusalMs } = this.#settings;
      let late = 0;
      for (const follower of this.#followers) if (follower.contactAt + voteRefusalMs < this.#heartbeatAt) late++;
      if (late === 0) return this.#heartbeatAt;
      return Math.min(this.#heartbeatAt, this.#reached(Infinity, contactAt) + voteRefusalMs);
    }
    return this.#voters.includes(this.#id) ? this.#electionAt : null;
  }

  // ── elections ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Asks without raising the term whether an election could be won (thesis 9.6). */
  #preCampaign(now: number): void {
    this.#become("precandidate", null);
    this.#resetElection(now);
    this.#votes = new Map([[this.#id, true]]);
    const base = { kind: "preVote" as const, lastIndex: this.#log.lastIndex, lastTerm: this.#log.lastTerm };
    for (const to of this.#peers()) this.#sendDurable({ ...base, from: this.#id, to, term: this.#term + 1 });
  }

  #campaign(now: number): void {
    this.#term += 1;
    this.#votedFor = this.#id;
    this.#become("candidate", null);
    this.#resetElection(now);
    this.#votes = new Map([[this.#id, true]]);
    // A lone voter leads at once: what it appends counts only when durable, and its own vote goes to disk with it.
    if (this.#isOnlyVoter()) return this.#lead(now);
    const base = { kind: "vote" as const, lastIndex: this.#log.lastIndex, lastTerm: this.#log.lastTerm };
    for (const to of this.#peers()) this.#ready.sendOncePersisted({ ...base, from: this.#id, to, term: this.#term });
  }

  #lead(now: number): void {
    this.#become("leader", this.#id);
    this.#heartbeatAt = now + this.#settings.heartbeatMs;
    this.#followers = this.#peers().map((id) => new Progress(id, this.#log.lastIndex + 1, now));
    // Earlier terms are committed with this entry, never by counting alone (thesis 3.6.2).
    this.#append([{ kind: "noop", data: NO_DATA }], now);
  }

  #becomeFollower(term: number, leader: NodeId | null, now: number): void {
    const restart = this.#role === "leader" || term > this.#term;
    if (term > this.#term) {
      this.#term = term;
      this.#votedFor = null;
    }
    this.#become("follower", leader);
    if (restart) this.#resetElection(now);
  }

  #become(role: Role, leader: NodeId | null): void {
    this.#role = role;
    this.#leader = leader;
    this.#votes.clear();
    if (this.#followers.length > 0) this.#followers = [];
  }

  /** A quorum may still hold a leader's lease: depose nobody (R1, R2). */
  #hearsLeader(now: number): boolean {
    return this.#role === "leader" || now - this.#leaderContactAt < this.#settings.voteRefusalMs;
  }

  #onPreVote(message: VoteRequest, now: number): void {
    const granted = message.term > this.#term && !this.#hearsLeader(now) && this.#log.isUpToDate(message.lastIndex, message.lastTerm);
    // A grant speaks of the term asked for; a refusal tells the own one, so that a candidate left behind catches up.
    const term = granted ? message.term : this.#term;
    this.#sendDurable({ kind: "preVoteReply", from: this.#id, to: message.from, term, granted });
  }

  #onVote(message: VoteRequest, now: number): void {
    // The term may have been learnt from a late reply: what was promised to the leader of an older one holds all the same (R1).
    if (this.#votedFor === null && this.#hearsLeader(now)) return;
    const free = this.#votedFor === null ? this.#role === "follower" && this.#leader === null : this.#votedFor === message.from;
    const granted = free && this.#log.isUpToDate(message.lastIndex, message.lastTerm);
    if (granted) {
      this.#votedFor = message.from;
      this.#resetElection(now);
    }
    this.#ready.sendOncePersisted({ kind: "voteReply", from: this.#id, to: message.from, term: this.#term, granted });
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
      this.#becomeFollower(this.#term, null, now);
    }
  }

  // ── messages ────────────────────────────────────────────────────────────────────────────────────────────────────────

  #receive(message: Message, now: number): void {
    if (message.kind === "preVote") return this.#onPreVote(message, now);
    if (message.term > this.#term && !(message.kind === "preVoteReply" && message.granted)) {
      if (message.kind === "vote" && this.#hearsLeader(now)) return;
      const fromLeader = message.kind === "append" || message.kind === "snapshot";
      this.#becomeFollower(message.term, fromLeader ? message.from : null, now);
    } else if (message.term < this.#term) {
      return this.#refuseStale(message);
    }
    switch (message.kind) {
      case "vote":
        return this.#onVote(message, now);
      case "preVoteReply":
        // A grant carries the term asked for.
        if (this.#role === "precandidate" && (!message.granted || message.term === this.#term + 1)) {
          this.#onVoteReply(message.from, message.granted, now);
        }
        return;
      case "voteReply":
        if (this.#role === "candidate") this.#onVoteReply(message.from, message.granted, now);
        return;
      case "append":
      case "snapshot":
        if (this.#role === "leader") broken(`two leaders in term ${this.#term}: ${this.#id} and ${message.from}`);
        if (this.#role !== "follower" || this.#leader !== message.from) this.#becomeFollower(this.#term, message.from, now);
        this.#leaderContactAt = now;
        this.#resetElection(now);
        return message.kind === "append" ? this.#onAppend(message) : this.#onSnapshot(message);
      case "appendReply":
        if (this.#role === "leader") this.#onAppendReply(message, now);
        return;
    }
  }

  /** Whoever is behind learns the term from the refusal: a leader resigns, a candidate catches up. */
  #refuseStale(message: Message): void {
    if (message.kind === "append" || message.kind === "snapshot") {
      const prevIndex = message.kind === "append" ? message.prevIndex : message.meta.index;
      this.#refuse(message, prevIndex, NOWHERE);
    } else if (message.kind === "vote") {
      this.#sendDurable({ kind: "voteReply", from: this.#id, to: message.from, term: this.#term, granted: false });
    }
  }

  #onAppend(message: Of<"append">): void {
    const { prevIndex, entries } = message;
    const snapshotIndex = this.#log.snapshotIndex;
    if (prevIndex >= snapshotIndex && this.#log.termAt(prevIndex) !== message.prevTerm) {
      const agree = this.#log.agreeAtMost(prevIndex, message.prevTerm);
      return this.#refuse(message, prevIndex, agree);
    }
    // What the snapshot covers was committed and agrees; the rest is compared, and cut only where it differs.
    let from = 0;
    while (
      from < entries.length && (entries[from]!.index <= snapshotIndex || this.#log.termAt(entries[from]!.index) === entries[from]!.term)
    ) {
      from++;
    }
    if (from < entries.length) {
      const first = entries[from]!;
      if (first.index <= this.#log.lastIndex) this.#cut(first.index);
      const added = from === 0 ? entries : entries.slice(from);
      this.#log.append(added);
      this.#voters.append(added);
    }
    const last = prevIndex + entries.length;
    this.#commit = Math.max(this.#commit, Math.min(message.commit, last));
    this.#accept(message, prevIndex, last);
  }

  #cut(index: number): void {
    invariant(index > this.#commit, `leader ${this.#leader} contradicts committed entry ${index}`);
    this.#log.truncateFrom(index);
    this.#voters.truncateFrom(index);
    this.#durable = Math.min(this.#durable, index - 1);
    this.#emitted = Math.min(this.#emitted, index - 1);
    this.#cutInTerm = this.#term;
  }

  #onSnapshot(message: Of<"snapshot">): void {
    const { meta } = message;
    if (meta.index > this.#commit) {
      if (this.#log.termAt(meta.index) === meta.term) {
        this.#commit = meta.index; // everything is here already: the entries are applied one by one
      } else {
        this.#log.reset(meta, message.data);
        this.#voters.reset(meta);
        this.#commit = this.#applied = this.#emitted = meta.index;
        this.#durable = 0; // until the driver stored it
        this.#cutInTerm = this.#term;
        this.#ready.install(meta, message.data);
      }
    }
    this.#accept(message, meta.index, Math.max(meta.index, this.#commit));
  }

  /** @param index the log agrees with the leader's up to here. */
  #accept({ from: to, sentAt }: Of<"append"> | Of<"snapshot">, prevIndex: number, index: number): void {
    const from = this.#id;
    const term = this.#term;
    const reply: Message = { kind: "appendReply", from, to, term, success: true, prevIndex, index, hintTerm: 0, sentAt };
    if (index > this.#durable) this.#ready.sendOncePersisted(reply);
    else this.#sendDurable(reply);
  }

  /** @param agree where the logs may still agree. */
  #refuse({ from: to, sentAt }: Of<"append"> | Of<"snapshot">, prevIndex: number, agree: Agreement): void {
    const from = this.#id;
    const term = this.#term;
    const { index, term: hintTerm } = agree;
    this.#sendDurable({ kind: "appendReply", from, to, term, success: false, prevIndex, index, hintTerm, sentAt });
  }

  /** At once, unless the term it speaks of is not durable yet. What speaks of a vote or of entries waits in any case. */
  #sendDurable(message: Message): void {
    if (this.#term === this.#durableTerm) this.#ready.send(message);
    else this.#ready.sendOncePersisted(message);
  }

  // ── replication at the leader ───────────────────────────────────────────────────────────────────────────────────────

  #propose(data: readonly Uint8Array[], now: number): void {
    if (this.#role !== "leader" || data.length === 0) return;
    this.#append(data.map((bytes) => ({ kind: "command" as const, data: bytes })), now);
  }

  #changeVoters(voters: readonly NodeId[], now: number): void {
    const ownTermCommitted = this.#log.termAt(this.#commit) === this.#term;
    if (this.#role !== "leader" || !ownTermCommitted || this.#voters.changedAt > this.#commit) return;
    if (!differsByOne(this.#voters.current, voters)) return;
    this.#append([{ kind: "membership", data: encodeVoters(voters) }], now);
  }

  #append(added: readonly { readonly kind: Entry["kind"]; readonly data: Uint8Array }[], now: number): void {
    const first = this.#log.lastIndex + 1;
    const entries = added.map(({ kind, data }, at): Entry => ({ index: first + at, term: this.#term, kind, data }));
    this.#log.append(entries);
    this.#voters.append(entries);
    if (this.#voters.changedAt >= first) this.#followVoters(now);
    for (const follower of this.#followers) this.#sendAppend(follower, now, false);
  }

  /** A membership entry counts as soon as it is appended. */
  #followVoters(now: number): void {
    this.#followers = this.#peers().map((id) => this.#follower(id) ?? new Progress(id, this.#log.lastIndex, now));
  }

  /** @param force a heartbeat or a new commit index: goes out even when it carries no entries. */
  #sendAppend(progress: Progress, now: number, force: boolean): void {
    const to = progress.id;
    const { appendEntriesMax, appendBytesMax, inflightMax, electionMaxMs } = this.#settings;
    do {
      if (progress.mode === "snapshot" ? now - progress.snapshotSentAt >= electionMaxMs : this.#log.termAt(progress.next - 1) === null) {
        return this.#sendSnapshot(progress, now);
      }
      const carries = progress.maySend(inflightMax) && progress.next <= this.#log.lastIndex;
      if (!carries && !force) return;
      const entries = carries ? this.#log.slice(progress.next, appendEntriesMax, appendBytesMax) : NO_ENTRIES;
      const prevIndex = progress.mode === "snapshot" ? this.#log.snapshotIndex : progress.next - 1;
      const prevTerm = this.#log.termAt(prevIndex)!;
      const commit = this.#commit;
      this.#ready.send({ kind: "append", from: this.#id, to, term: this.#term, prevIndex, prevTerm, entries, commit, sentAt: now });
      progress.sent(prevIndex + entries.length, entries.length);
      progress.toldCommit = Math.max(progress.toldCommit, Math.min(commit, prevIndex + entries.length));
      force = false;
    } while (progress.mode === "replicate" && progress.next <= this.#log.lastIndex);
  }

  #sendSnapshot(progress: Progress, now: number): void {
    const snapshot = this.#log.snapshot;
    invariant(snapshot !== null, "entries are missing without a snapshot");
    progress.snapshotSent(snapshot.meta.index, now);
    this.#ready.send({
      kind: "snapshot",
      from: this.#id,
      to: progress.id,
      term: this.#term,
      meta: snapshot.meta,
      data: snapshot.data,
      sentAt: now,
    });
  }

  #onAppendReply(message: Of<"appendReply">, now: number): void {
    const progress = this.#follower(message.from);
    if (progress === undefined) return;
    progress.contact(message.sentAt);
    if (message.success) {
      const news = progress.succeeded(message.index);
      if (progress.match >= this.#log.lastIndex) progress.caughtUpAt = now;
      if (!news) return;
      if (this.#advanceCommit()) this.#announceCommit(now);
      else this.#sendAppend(progress, now, this.#hasCommitNews(progress));
    } else {
      const agree = this.#log.agreeAtMost(message.index, message.hintTerm);
      if (progress.refused(message.prevIndex, agree.index)) this.#sendAppend(progress, now, true);
    }
  }

  #persisted(term: number, index: number, now: number): void {
    this.#durableTerm = Math.max(this.#durableTerm, term);
    if (term < this.#cutInTerm) return;
    this.#durable = Math.max(this.#durable, Math.min(index, this.#log.lastIndex));
    if (this.#role === "leader" && this.#advanceCommit()) this.#announceCommit(now);
  }

  /** Counts what is durable at each voter; only entries of this term are committed by counting (thesis 3.6.2). */
  #advanceCommit(): boolean {
    const reached = this.#reached(this.#durable, match);
    if (reached <= this.#commit || this.#log.termAt(reached) !== this.#term) return false;
    this.#commit = reached;
    return true;
  }

  /** Followers apply as soon as they may, not a heartbeat later. */
  #announceCommit(now: number): void {
    for (const follower of this.#followers) this.#sendAppend(follower, now, this.#hasCommitNews(follower));
    // A leader that removed itself leads until that is committed (thesis 4.2.2).
    if (!this.#voters.includes(this.#id) && this.#voters.changedAt <= this.#commit) this.#becomeFollower(this.#term, null, now);
  }

  #hasCommitNews(progress: Progress): boolean {
    return progress.mode === "replicate" && Math.min(this.#commit, progress.next - 1) > progress.toldCommit;
  }

  // ── output ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  #flush(): Ready {
    return this.#ready.take(this.#takePersist(), this.#takeApply(), this.#takeRole(), this.#wakeAt());
  }

  #takePersist(): Ready["persist"] {
    const entries = this.#emitted < this.#log.lastIndex ? this.#log.slice(this.#emitted + 1, Infinity, Infinity) : NO_ENTRIES;
    const changed = this.#term !== this.#emittedTerm || this.#votedFor !== this.#emittedVote;
    // Never more than is on disk already: a write that tears between hard state and entries must not make an old entry look committed.
    const commit = Math.min(this.#commit, this.#durable);
    const news = changed || (entries.length > 0 && commit > this.#emittedCommit);
    const writes = entries.length > 0 || this.#ready.installs;
    if (!news && !writes) return NOTHING_TO_PERSIST;
    this.#emitted = this.#log.lastIndex;
    if (news) {
      this.#emittedTerm = this.#term;
      this.#emittedVote = this.#votedFor;
      this.#emittedCommit = commit;
    }
    const hardState = news ? { term: this.#term, votedFor: this.#votedFor, commit } : null;
    return { hardState, entries, mark: { term: this.#term, index: writes ? this.#log.lastIndex : 0 } };
  }

  /** Never ahead of the own disk, so that a restart does not take the state back in time. */
  #takeApply(): readonly Entry[] {
    const upTo = Math.min(this.#commit, this.#durable);
    if (upTo <= this.#applied) return NO_ENTRIES;
    const apply = this.#log.slice(this.#applied + 1, upTo - this.#applied, Infinity);
    this.#applied = upTo;
    return apply;
  }

  #takeRole(): Ready["role"] {
    const reported = this.#reported;
    if (reported !== null && reported.role === this.#role && reported.term === this.#term && reported.leader === this.#leader) return null;
    return this.#reported = { role: this.#role, term: this.#term, leader: this.#leader };
  }

  #peers(): readonly NodeId[] {
    return this.#voters.current.filter((id) => id !== this.#id);
  }
  #isOnlyVoter(): boolean {
    return this.#voters.current.length === 1 && this.#voters.current[0] === this.#id;
  }
  #follower(id: NodeId): Progress | undefined {
    for (const follower of this.#followers) if (follower.id === id) return follower;
    return undefined;
  }

  /** At the leader: the largest value that a majority of the voters has reached. @param own this node's, if it votes. */
  #reached(own: number, of: (follower: Progress) => number): number {
    const values = this.#values;
    let count = 0;
    if (this.#voters.includes(this.#id)) values[count++] = own;
    for (const follower of this.#followers) values[count++] = of(follower);
    return reachedByMajority(values, count);
  }
}

const match = (follower: Progress): number => follower.match;
const contactAt = (follower: Progress): number => follower.contactAt;
const ackedSentAt = (follower: Progress): number => follower.ackedSentAt;

interface Agreement {
  readonly index: number;
  readonly term: number;
}
const NOWHERE: Agreement = { index: 0, term: 0 };
const NO_DATA = new Uint8Array(0);
