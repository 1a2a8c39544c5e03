/**
 * What a leader does for as long as it leads one term: it appends, sends its followers what they miss, and counts what a majority has on disk
 * (thesis 3.5, 3.6.2, 10.2.1). It must not know of elections and votes: a new leader makes a new one, and whoever resigns drops it.
 */
import type { NodeId } from "../protocol/ids.ts";
import { invariant } from "./invariant.ts";
import { Progress } from "./progress.ts";
import { reachedByMajority } from "./quorum.ts";
import { NO_ENTRIES } from "./ready.ts";
import type { RaftState } from "./state.ts";
import type { Entry, Message } from "./types.ts";

type AppendReply = Extract<Message, { readonly kind: "appendReply" }>;

export class Replication {
  readonly #state: RaftState;
  readonly #term: number;
  #heartbeatAt: number;
  /** All voters but this node. */
  #followers: Progress[];
  /** Only while a majority is counted. */
  readonly #values: number[] = [];

  /** @param now monotonic ms of the election: followers get time from then on to be heard. */
  constructor(state: RaftState, now: number) {
    this.#state = state;
    this.#term = state.term;
    this.#heartbeatAt = now + state.settings.heartbeatMs;
    const next = state.log.lastIndex + 1;
    this.#followers = state.voters.except(state.id).map((id) => new Progress(id, next, now));
  }

  get followers(): readonly Progress[] {
    return this.#followers;
  }

  /** Send time of the heartbeats that a majority acknowledged; Infinity for a lone voter, -Infinity before that. */
  get ackedSentAt(): number {
    return this.#reached(Infinity, ackedSentAt);
  }

  /** When `tick` has something to do; null when nobody follows. */
  get wakeAt(): number | null {
    if (this.#followers.length === 0) return null;
    const { voteRefusalMs } = this.#state.settings;
    let late = 0;
    for (const follower of this.#followers) if (follower.contactAt + voteRefusalMs < this.#heartbeatAt) late++;
    if (late === 0) return this.#heartbeatAt;
    return Math.min(this.#heartbeatAt, this.#reached(Infinity, contactAt) + voteRefusalMs);
  }

  /** Whether a majority was heard lately: a leader of which that is not so must resign (check-quorum, thesis 6.2). */
  isHeard(now: number): boolean {
    return now - this.#reached(now, contactAt) < this.#state.settings.voteRefusalMs;
  }

  tick(now: number): void {
    if (now < this.#heartbeatAt) return;
    this.#heartbeatAt = now + this.#state.settings.heartbeatMs;
    for (const follower of this.#followers) {
      follower.heartbeat();
      this.#sendAppend(follower, now, true);
    }
  }

  /** Of this leader's term, behind what the log has. */
  append(added: readonly { readonly kind: Entry["kind"]; readonly data: Uint8Array }[], now: number): void {
    const state = this.#state;
    const first = state.log.lastIndex + 1;
    const entries = added.map(({ kind, data }, at): Entry => ({ index: first + at, term: this.#term, kind, data }));
    state.append(entries);
    if (state.voters.changedAt >= first) this.#followVoters(now);
    for (const follower of this.#followers) this.#sendAppend(follower, now, false);
  }

  /** A membership entry counts as soon as it is appended. */
  #followVoters(now: number): void {
    const { id: own, log, voters } = this.#state;
    this.#followers = voters.except(own).map((id) => this.#follower(id) ?? new Progress(id, log.lastIndex, now));
  }

  received(message: AppendReply, now: number): void {
    const progress = this.#follower(message.from);
    if (progress === undefined) return;
    const { log } = this.#state;
    progress.contact(message.sentAt);
    if (message.success) {
      const news = progress.succeeded(message.index);
      if (progress.match >= log.lastIndex) progress.caughtUpAt = now;
      if (news && !this.advanceCommit(now)) this.#sendAppend(progress, now, this.#hasCommitNews(progress));
    } else {
      const agree = log.agreeAtMost(message.index, message.hintTerm);
      if (progress.refused(message.prevIndex, agree.index)) this.#sendAppend(progress, now, true);
    }
  }

  /**
   * Counts what is durable at each voter; only entries of this term are committed by counting (thesis 3.6.2). Followers apply as soon as they
   * may, not a heartbeat later.
   * @returns whether there was something to commit.
   */
  advanceCommit(now: number): boolean {
    const state = this.#state;
    const reached = this.#reached(state.durable, match);
    if (reached <= state.commit || state.log.termAt(reached) !== this.#term) return false;
    state.commit = reached;
    for (const follower of this.#followers) this.#sendAppend(follower, now, this.#hasCommitNews(follower));
    return true;
  }

  #hasCommitNews(progress: Progress): boolean {
    return progress.mode === "replicate" && Math.min(this.#state.commit, progress.next - 1) > progress.toldCommit;
  }

  /** @param force a heartbeat or a new commit index: goes out even when it carries no entries. */
  #sendAppend(progress: Progress, now: number, force: boolean): void {
    const { id: from, log, ready, commit, settings } = this.#state;
    const { appendEntriesMax, appendBytesMax, inflightMax, electionMaxMs } = settings;
    const to = progress.id;
    const term = this.#term;
    do {
      if (progress.mode === "snapshot" ? now - progress.snapshotSentAt >= electionMaxMs : log.termAt(progress.next - 1) === null) {
        return this.#sendSnapshot(progress, now);
      }
      const carries = progress.maySend(inflightMax) && progress.next <= log.lastIndex;
      if (!carries && !force) return;
      const entries = carries ? log.slice(progress.next, appendEntriesMax, appendBytesMax) : NO_ENTRIES;
      const prevIndex = progress.mode === "snapshot" ? log.snapshotIndex : progress.next - 1;
      const prevTerm = log.termAt(prevIndex)!;
      ready.send({ kind: "append", from, to, term, prevIndex, prevTerm, entries, commit, sentAt: now });
      progress.sent(prevIndex + entries.length, entries.length);
      progress.toldCommit = Math.max(progress.toldCommit, Math.min(commit, prevIndex + entries.length));
      force = false;
    } while (progress.mode === "replicate" && progress.next <= log.lastIndex);
  }

  #sendSnapshot(progress: Progress, now: number): void {
    const { id: from, log, ready } = this.#state;
    const { snapshot } = log;
    invariant(snapshot !== null, "entries are missing without a snapshot");
    const { meta, data } = snapshot;
    progress.snapshotSent(meta.index, now);
    ready.send({ kind: "snapshot", from, to: progress.id, term: this.#term, meta, data, sentAt: now });
  }

  #follower(id: NodeId): Progress | undefined {
    for (const follower of this.#followers) if (follower.id === id) return follower;
    return undefined;
  }

  /** The largest value that a majority of the voters has reached. @param own this node's, if it votes. */
  #reached(own: number, of: (follower: Progress) => number): number {
    const { id, voters } = this.#state;
    const values = this.#values;
    let count = 0;
    if (voters.includes(id)) values[count++] = own;
    for (const follower of this.#followers) values[count++] = of(follower);
    return reachedByMajority(values, count);
  }
}

const match = (follower: Progress): number => follower.match;
const contactAt = (follower: Progress): number => follower.contactAt;
const ackedSentAt = (follower: Progress): number => follower.ackedSentAt;
