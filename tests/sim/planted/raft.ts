/** Bugs of the consensus core and of its driver, each of which some system had. What `seeds` says was measured over ten different ranges. */
import type { PlantedBug } from "./types.ts";

const CORE = "lib/raft/raft.ts";
const DRIVER = "lib/controller/raft_driver.ts";
const tier = "raft";

export const PLANTED: readonly PlantedBug[] = [
  // ── votes ──
  {
    name: "a vote for a candidate whose log is behind",
    tier,
    file: "lib/raft/log.ts",
    line: "return lastTerm > this.lastTerm || (lastTerm === this.lastTerm && lastIndex >= this.lastIndex);",
    wrong: "return lastTerm + lastIndex >= 0;",
  },
  {
    name: "a candidate compared by the length of its log alone",
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
    line: 'this.#ready.sendOncePersisted({ kind: "voteReply"',
    wrong: 'this.#ready.send({ kind: "voteReply"',
  },
  {
    name: "a second vote in the same term",
    tier,
    file: CORE,
    line: ": this.#votedFor === message.from;",
    wrong: ": true;",
  },
  {
    name: "a vote forgotten by a restart",
    tier,
    file: CORE,
    line: "this.#votedFor = this.#term === hardState?.term ? hardState.votedFor : null;",
    wrong: "this.#votedFor = null;",
  },
  {
    name: "a restart that may vote at once, whatever was promised before",
    tier,
    file: CORE,
    line: "    this.#leaderContactAt = now;\n    this.#resetElection(now);\n    if (this.#isOnlyVoter())",
    wrong: "    this.#leaderContactAt = -Infinity;\n    this.#resetElection(now);\n    if (this.#isOnlyVoter())",
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
    tier,
    file: CORE,
    line: "    } else if (message.term < this.#term) {",
    wrong: '    } else if (message.term < this.#term && message.kind !== "voteReply") {',
  },
  {
    name: "a leader that nobody answers and that does not resign",
    tier,
    file: CORE,
    line: "this.#becomeFollower(this.#term, null, now); // check-quorum",
    wrong: "// check-quorum",
  },
  // ── the log ──
  {
    name: "entries acknowledged before they are on disk",
    tier,
    file: CORE,
    line: "if (success && index > this.#durable) this.#ready.sendOncePersisted(reply);",
    wrong: "if (success) this.#ready.send(reply);",
  },
  {
    name: "the leader's own entries counted before they are on disk",
    tier,
    file: CORE,
    line: "this.#perVoter(this.#durable, (progress)",
    wrong: "this.#perVoter(this.#log.lastIndex, (progress)",
  },
  {
    name: "an entry of an older term committed by counting",
    tier,
    file: CORE,
    line: " || this.#log.termAt(reached) !== this.#term",
    wrong: "",
    seedsMax: 4_000,
  },
  {
    name: "a write from before the log was cut taken for what grew there since",
    tier,
    file: CORE,
    line: "if (term < this.#cutInTerm) return;",
    wrong: "",
  },
  {
    name: "a commit index on disk ahead of the entries",
    tier,
    file: CORE,
    line: "const commit = Math.min(this.#commit, this.#durable);",
    wrong: "const commit = this.#commit;",
  },
  {
    name: "entries applied that are not on the own disk",
    tier,
    file: CORE,
    line: "const upTo = Math.min(this.#commit, this.#durable);",
    wrong: "const upTo = this.#commit;",
  },
  {
    name: "entries appended without a look at the one before",
    tier,
    file: CORE,
    line: "if (prevIndex >= snapshotIndex && this.#log.termAt(prevIndex) !== message.prevTerm) {",
    wrong: "if (prevIndex >= snapshotIndex && this.#log.termAt(prevIndex) === null) {",
  },
  {
    name: "a commit index beyond what the message proves",
    tier,
    file: CORE,
    line: "Math.min(message.commit, match)",
    wrong: "Math.min(message.commit, this.#log.lastIndex)",
  },
  {
    name: "a snapshot that leaves the log as it was",
    tier,
    file: CORE,
    line: "        this.#durable = 0; // until the driver stored it",
    wrong: "        this.#durable = meta.index;",
  },
  // ── leases ──
  {
    name: "a lease from the time at which the answer came",
    tier,
    file: CORE,
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
    name: "entries of a newer leader that do not take the place of those that were never written",
    tier,
    file: DRIVER,
    line:
      "      while (round.entries.length > 0 && round.entries.at(-1)!.index >= first) round.entries.pop();\n      for (const entry of entries) round.entries.push(entry);",
    wrong: "      for (const entry of entries) if (entry.index > (round.entries.at(-1)?.index ?? first - 1)) round.entries.push(entry);",
  },
  {
    name: "a failed write taken for a good one",
    tier,
    file: DRIVER,
    line: "        this.#fail(error);\n        break;",
    wrong: "",
  },
  {
    name: "only the last mark told, with the first term",
    tier,
    file: DRIVER,
    line: "if (hardState !== null) round.hardState = hardState;",
    wrong: "if (hardState !== null) round.hardState ??= hardState;",
  },
  {
    name: "a snapshot installed before it is stored",
    tier,
    file: DRIVER,
    line:
      '      await this.#store.saveSnapshot(meta, data, this.#io.deadlines.in("raft.snapshot", persistMs));\n      this.#host.install(meta, data);',
    wrong:
      '      this.#host.install(meta, data);\n      await this.#store.saveSnapshot(meta, data, this.#io.deadlines.in("raft.snapshot", persistMs));',
  },
  {
    name: "a snapshot that says it is of a later entry",
    tier,
    file: DRIVER,
    line: "const meta = this.#raft.snapshotMeta(this.#appliedIndex);",
    wrong: "const meta = this.#raft.snapshotMeta(this.#raft.commit);",
  },
  {
    name: "entries of the log that a snapshot replaced are written after it",
    tier,
    file: DRIVER,
    line: "      round.entries = [];\n",
    wrong: "",
  },
];
