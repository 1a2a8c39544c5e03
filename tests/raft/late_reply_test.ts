import { expect, test } from "bun:test";
import { nodeId } from "../../lib/protocol/mod.ts";
import { defaultRaftSettings, type Message, Raft } from "../../lib/raft/mod.ts";

const [leader, own, candidate] = [nodeId(1), nodeId(2), nodeId(3)];

/** A follower that heard its leader at 1000 ms, then learns term 2 from the late refusal of a vote that it had once asked for. */
function follower(): Raft {
  const raft = new Raft({
    id: own,
    voters: [leader, own, candidate],
    recovered: { hardState: null, entries: [], snapshot: null },
    settings: defaultRaftSettings,
    random: () => 0.5,
  });
  raft.step({ kind: "tick", now: 0 });
  const append = { kind: "append", prevIndex: 0, prevTerm: 0, entries: [], commit: 0, sentAt: 1_000 } as const;
  raft.step({ kind: "message", message: { ...append, from: leader, to: own, term: 1 }, now: 1_000 });
  raft.step({ kind: "message", message: { kind: "preVoteReply", from: candidate, to: own, term: 2, granted: false }, now: 1_010 });
  return raft;
}

const vote: Message = { kind: "vote", from: candidate, to: own, term: 2, lastIndex: 0, lastTerm: 0 };

test("Raft gives no vote while a leader may hold a lease, also in a term that it knows already", () => {
  const raft = follower();
  expect(raft.term).toBe(2);
  const early = raft.step({ kind: "message", message: vote, now: 1_000 + defaultRaftSettings.leaseMs });
  expect([...early.send, ...early.sendOncePersisted]).toEqual([]);
  const later = raft.step({ kind: "message", message: vote, now: 1_000 + defaultRaftSettings.voteRefusalMs });
  expect(later.sendOncePersisted).toEqual([{ kind: "voteReply", from: own, to: candidate, term: 2, granted: true }]);
});
