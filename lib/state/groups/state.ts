/**
 * What one shard of the group coordinator holds, and one turn of its machine: the state, the time, and what the turn has decided so
 * far. The files beside this one are the rules; they change the state only inside a turn.
 */
import type { KafkaErrorName } from "../../protocol/errors.ts";
import { type Expiry, ExpiryQueue } from "./expiry_queue.ts";
import type { ClassicGroup } from "./group.ts";
import { EMPTY_BYTES, type Member } from "./member.ts";
import { OffsetTable } from "./offset_table.ts";
import type { GroupRecord, GroupSettings, HeartbeatReply, JoinReply, Now, Reply, SyncReply, Ticket } from "./types.ts";

/** What a timer is about. */
export type TimerTarget =
  | { readonly kind: "session" | "pendingMember"; readonly group: ClassicGroup; readonly memberId: string }
  | { readonly kind: "join" | "sync"; readonly group: ClassicGroup };

/** Told once: null when the records are durable, the error when they are not. Runs inside a later turn. */
export type Settled = (turn: Turn, error: KafkaErrorName | null) => void;

export interface GroupsState {
  readonly settings: GroupSettings;
  readonly groups: Map<string, ClassicGroup>;
  readonly offsets: OffsetTable;
  readonly timers: ExpiryQueue<TimerTarget>;
}

export function emptyState(settings: GroupSettings): GroupsState {
  return { settings, groups: new Map(), offsets: new OffsetTable(), timers: new ExpiryQueue() };
}

export class Turn {
  readonly state: GroupsState;
  readonly now: Now;
  readonly records: GroupRecord[] = [];
  readonly settled: Settled[] = [];
  readonly replies: { readonly ticket: Ticket; readonly reply: Reply }[] = [];

  constructor(state: GroupsState, now: Now) {
    this.state = state;
    this.now = now;
  }

  reply(ticket: Ticket, reply: Reply): void {
    this.replies.push({ ticket, reply });
  }

  /** Joins the turn's one append. Offsets that are written count as on their way from here on. */
  append(records: readonly GroupRecord[], settled: Settled): void {
    for (const record of records) {
      this.records.push(record);
      if (record.kind === "offset") this.state.offsets.began(record);
    }
    this.settled.push(settled);
  }

  schedule(timer: Expiry<TimerTarget>, delayMs: number): void {
    this.state.timers.schedule(timer, this.now.mono + delayMs);
  }

  cancel(timer: Expiry<TimerTarget>): void {
    this.state.timers.cancel(timer);
  }

  /** The member was heard of. */
  keepAlive(member: Member): void {
    this.schedule(member.session, member.sessionTimeoutMs);
  }

  /** Answers the JoinGroup that the member waits with, if it does. */
  answerJoin(group: ClassicGroup, member: Member, reply: JoinReply): void {
    if (member.awaitingJoin === null) return;
    this.reply(member.awaitingJoin, reply);
    group.awaitJoin(member, null);
  }

  /** Answers the SyncGroup that the member waits with. True if it did wait. */
  answerSync(member: Member, reply: SyncReply): boolean {
    if (member.awaitingSync === null) return false;
    this.reply(member.awaitingSync, reply);
    member.awaitingSync = null;
    return true;
  }
}

export function joinRefused(error: KafkaErrorName, memberId: string): JoinReply {
  return { error, memberId, generation: -1, protocolType: null, protocolName: null, leader: "", skipAssignment: false, members: [] };
}

export function syncRefused(error: KafkaErrorName): SyncReply {
  return { error, protocolType: null, protocolName: null, assignment: EMPTY_BYTES };
}

export function heartbeatReply(error: KafkaErrorName): HeartbeatReply {
  return { error };
}
