/** Bugs of who decides about the metadata of the cluster, and of what keeps Raft's state in the real storage. */
import type { PlantedBug } from "./types.ts";

const PROPOSALS = "lib/controller/proposals.ts";
const STORE = "lib/storage/raft_store.ts";
const tier = "metadata";

export const PLANTED: readonly PlantedBug[] = [
  // ── decisions ──
  {
    name: "a change is told to be done when its leader resigns",
    tier,
    file: PROPOSALS,
    line: "for (const { reject } of waiting) reject(error);",
    wrong: "for (const { resolve } of waiting) void error, resolve();",
  },
  {
    name: "a new leader decides without what it has not applied yet",
    tier,
    file: PROPOSALS,
    line: "    for (const entry of unapplied) {",
    wrong: "    for (const entry of unapplied.slice(0, 0)) {",
  },
  {
    name: "the speculative state is not told what was just proposed",
    tier,
    file: PROPOSALS,
    line: "      for (const record of records) this.#machine.replay(speculative, record);",
    wrong: "",
  },
  {
    name: "producer ids beyond the reserved block are given out",
    tier,
    file: "lib/controller/producer_ids.ts",
    line: "    this.#end = first + this.#blockSize;",
    wrong: "    this.#end = first + this.#blockSize + 1;",
  },
  // ── the image and its snapshot ──
  {
    name: "a snapshot forgets which producer ids were given out",
    tier,
    file: "lib/state/metadata/snapshot.ts",
    line: '  if (state.nextProducerId > 0) yield { type: "producerIdsReserved", next: producerId(state.nextProducerId) };',
    wrong: "  void producerId;",
  },
  {
    name: "partitions of deleted topics stay counted",
    tier,
    file: "lib/state/metadata/state.ts",
    line: "    this.#partitionCount -= topic.partitions.length;",
    wrong: "",
  },
  // ── in the real storage ──
  {
    name: "what follows another node's snapshot is written behind the entries that it replaced",
    tier,
    file: STORE,
    line: "if (!this.#given.takeSnapshot(meta)) this.#restarts = true;",
    wrong: "this.#given.takeSnapshot(meta);",
  },
  {
    name: "a write of Raft is told to be done before it is on disk",
    tier,
    file: STORE,
    line: '    await this.#io.deadlines.guard(deadline, "wal", written);',
    wrong: '    void this.#io.deadlines.guard(deadline, "wal", written).catch(() => {});',
  },
];
