/** Bugs of the consensus core and of its driver, most of which some system had. */
import type { PlantedBug } from "./types.ts";

const CORE = "lib/raft/raft.ts";
const STATE = "lib/raft/state.ts";
const FOLLOWER = "lib/raft/follower.ts";
const REPLICATION = "lib/raft/replication.ts";
const DRIVER = "lib/controller/raft_driver.ts";
const tier = "raft";

export const PLANTED: readonly PlantedBug[] = [
  // ── votes ──
  {
    name: "a vote for a candidate whose log is behind",
    seedsMax: 50,
    tier,
    file: "lib/raft/log.ts",
    line: "return lastTerm > this.lastTerm || (lastTerm === this.lastTerm && lastIndex >= this.lastIndex);",
    wrong: "return lastTerm + lastIndex >= 0;",
  },
  {
    name: "a candidate compared by the length of its log alone",
    seedsMax: 3_000,
    tier,
    file: "lib/raft/log.ts",
    line: "return lastTerm > this.lastTerm || (lastTerm === this.lastTerm && lastIndex >= this.lastIndex);",
    wrong: "return lastTerm >= 0 && lastIndex >= this.lastIndex;",
  },
  {
    name: "a vote while a leader is being heard",
    tier,
    file: CORE,
    line: "now - this.#leaderContactAt < this.#settings.voteRefusalMs",
    wrong: "false",
  },
  {
    name: "a vote sent before it is on disk",
    tier,
    file: CORE,
    line: 'this.#state.ready.sendOncePersisted({ kind: "voteReply"',
    wrong: 'this.#state.ready.send({ kind: "voteReply"',
  },
  {
    name: "a second vote in the same term",
    tier,
    file: CORE,
    line: ": this.#state.votedFor === message.from;",
    wrong: ": true;",
  },
  {
    name: "a vote forgotten by a restart",
    seedsMax: 10_000,
    tier,
    file: STATE,
    line: "this.votedFor = this.term === hardState?.term ? hardState.votedFor : null;",
    wrong: "this.votedFor = null;",
  },
  {
    name: "elections without asking first whether they could be won",
    tier,
    file: CORE,
    line: "      this.#preCampaign(now);",
    wrong: "      this.#campaign(now);",
  },
  {
    name: "votes counted that were given in an older term",
    seedsMax: 3_000,
    tier,
    file: CORE,
    line: "    } else if (message.term < this.#state.term) {",
    wrong: '    } else if (message.term < this.#state.term && message.kind !== "voteReply") {',
  },
  {
    name: "a leader that nobody answers and that does not resign",
    tier,
    file: CORE,
    line: "if (!replication.isHeard(now)) return this.#becomeFollower(this.#state.term, null, now); // check-quorum",
    wrong: "if (!replication.isHeard(now)) return;",
  },
  {
    name: "a leader that goes on although a majority does not answer",
    tier,
    file: CORE,
    line: "if (!replication.isHeard(now)) return this.#becomeFollower(this.#state.term, null, now); // check-quorum",
    wrong: "",
  },
  // ── the log ──
  {
    name: "entries acknowledged before they are on disk",
    tier,
    file: FOLLOWER,
    line: "if (index > state.durable) state.ready.sendOncePersisted(reply);",
    wrong: "if (index >= 0) state.ready.send(reply);",
  },
  {
    name: "the leader's own entries counted before they are on disk",
    tier,
    file: REPLICATION,
    line: "this.#reached(state.durable, match)",
    wrong: "this.#reached(state.log.lastIndex, match)",
  },
  {
    name: "entries applied that are not on the own disk",
    tier,
    file: STATE,
    line: "const upTo = Math.min(this.commit, this.#durable);",
    wrong: "const upTo = this.commit;",
  },
  {
    name: "entries appended without a look at the one before",
    tier,
    file: FOLLOWER,
    line: "if (prevIndex >= snapshotIndex && log.termAt(prevIndex) !== message.prevTerm) {",
    wrong: "if (prevIndex >= snapshotIndex && log.termAt(prevIndex) === null) {",
  },
  {
    name: "a snapshot acknowledged before it is stored",
    tier,
    file: STATE,
    line: "    this.#durable = 0; // until the driver stored it",
    wrong: "    this.#durable = meta.index;",
  },
  {
    name: "an entry of an older term committed by counting",
    seedsMax: 3_000,
    tier,
    file: REPLICATION,
    line: "if (reached <= state.commit || state.log.termAt(reached) !== this.#term) return false;",
    wrong: "if (reached <= state.commit) return false;",
  },
  {
    name: "a write from before the log was cut taken for what grew there since",
    seedsMax: 8_000,
    tier,
    file: STATE,
    line: "    if (term < this.#cutInTerm) return false;",
    wrong: "",
  },
  {
    name: "a commit index on disk ahead of the entries",
    seedsMax: 8_000,
    tier,
    file: STATE,
    line: "const commit = Math.min(this.commit, this.#durable);",
    wrong: "const commit = this.commit;",
  },
  // ── leases ──
  {
    name: "a lease from the time at which the answer came",
    tier,
    file: REPLICATION,
    line: "    progress.contact(message.sentAt);",
    wrong: "    progress.contact(now);",
  },
  // ── the driver ──
  {
    name: "messages sent before the write that they depend on",
    tier,
    file: DRIVER,
    line: "    for (const message of ready.sendOncePersisted) round.messages.push(message);",
    wrong: "    for (const message of ready.sendOncePersisted) this.#peers?.send(message);",
  },
  {
    name: "messages of a term that is over sent after the write",
    tier,
    file: DRIVER,
    line: "if (message.term >= this.#raft.term) this.#peers?.send(message);",
    wrong: "this.#peers?.send(message);",
  },
  {
    name: "a write told to be done when it is asked for",
    tier,
    file: DRIVER,
    line: "if (mark !== null) round.marks.push(mark);",
    wrong: 'if (mark !== null) this.#inputs.push({ kind: "persisted", ...mark, now: this.#io.clock.mono() });',
  },
  {
    name: "a failed write taken for a good one",
    tier,
    file: DRIVER,
    line: "        this.#fail(error);\n        break;",
    wrong: "",
  },
  {
    name: "the first term and vote of a round written instead of the last",
    tier,
    file: DRIVER,
    line: "if (hardState !== null) round.hardState = hardState;",
    wrong: "if (hardState !== null) round.hardState ??= hardState;",
  },
  {
    name: "a snapshot installed before it is stored",
    tier,
    file: DRIVER,
    line: '    await this.#store.saveSnapshot(meta, data, this.#deadlineOf("raft.snapshot"));\n    this.#host.install(meta, data);',
    wrong: '    this.#host.install(meta, data);\n    await this.#store.saveSnapshot(meta, data, this.#deadlineOf("raft.snapshot"));',
  },
  {
    name: "a snapshot that says it is of a later entry",
    seedsMax: 3_000,
    tier,
    file: DRIVER,
    line: "const meta = this.#raft.snapshotMeta(this.#appliedIndex);",
    wrong: "const meta = this.#raft.snapshotMeta(this.#raft.commit);",
  },
];
