/**
 * What a follower does with a leader's entries and snapshots: compares, cuts off what contradicts, appends, and answers (thesis 3.5, 5.3).
 * It must not know who may lead; `raft.ts` lets only the leader of the current term through.
 */
import type { RaftState } from "./state.ts";
import type { Message } from "./types.ts";

type Append = Extract<Message, { readonly kind: "append" }>;
type Snapshot = Extract<Message, { readonly kind: "snapshot" }>;

export function acceptAppend(state: RaftState, message: Append): void {
  const { log } = state;
  const { prevIndex, entries } = message;
  const snapshotIndex = log.snapshotIndex;
  if (prevIndex >= snapshotIndex && log.termAt(prevIndex) !== message.prevTerm) {
    const agree = log.agreeAtMost(prevIndex, message.prevTerm);
    return refuse(state, message, prevIndex, agree.index, agree.term);
  }
  // What the snapshot covers was committed and agrees; the rest is compared, and cut only where it differs.
  let from = 0;
  while (from < entries.length && (entries[from]!.index <= snapshotIndex || log.termAt(entries[from]!.index) === entries[from]!.term)) {
    from++;
  }
  if (from < entries.length) {
    const first = entries[from]!;
    if (first.index <= log.lastIndex) state.cut(first.index, message.from);
    state.append(from === 0 ? entries : entries.slice(from));
  }
  const last = prevIndex + entries.length;
  state.commit = Math.max(state.commit, Math.min(message.commit, last));
  accept(state, message, prevIndex, last);
}

export function acceptSnapshot(state: RaftState, message: Snapshot): void {
  const { meta } = message;
  if (meta.index > state.commit) {
    // Where everything is here already the entries are applied one by one.
    if (state.log.termAt(meta.index) === meta.term) state.commit = meta.index;
    else state.install(meta, message.data);
  }
  accept(state, message, meta.index, Math.max(meta.index, state.commit));
}

/** Of a leader whose term is over: it learns the newer one from the answer. */
export function refuseStale(state: RaftState, message: Append | Snapshot): void {
  refuse(state, message, message.kind === "append" ? message.prevIndex : message.meta.index, 0, 0);
}

/** @param index the log agrees with the leader's up to here. */
function accept(state: RaftState, { from: to, sentAt }: Append | Snapshot, prevIndex: number, index: number): void {
  const { id: from, term } = state;
  const reply: Message = { kind: "appendReply", from, to, term, success: true, prevIndex, index, hintTerm: 0, sentAt };
  if (index > state.durable) state.ready.sendOncePersisted(reply);
  else state.sendDurable(reply);
}

/** @param index where the logs may still agree. @param hintTerm the term there. */
function refuse(state: RaftState, { from: to, sentAt }: Append | Snapshot, prevIndex: number, index: number, hintTerm: number): void {
  const { id: from, term } = state;
  state.sendDurable({ kind: "appendReply", from, to, term, success: false, prevIndex, index, hintTerm, sentAt });
}
