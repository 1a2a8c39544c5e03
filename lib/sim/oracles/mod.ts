/** All rules that a history must keep, by name. They know nothing of the product: the same ones judge simulated and real runs. */
import type { History, Oracle } from "../history.ts";
import { pollOrder, readsOfDeleted } from "./consumers.ts";
import { committedOffsets, generations, groupSkips, oneOwner } from "./groups.ts";
import { logStarts } from "./log_start.ts";
import { denseOffsets, lastingEnds, lastingRecords, oneRecordPerOffset } from "./offsets.ts";
import { duplicates, inventedRecords, lostWrites, oneByOneOrder, producerOrder, refusedWrites, unreadLogs } from "./records.ts";
import { topicConfigs, topicLists, topicLives } from "./topics.ts";

export const ORACLES = {
  "lost-write": lostWrites,
  "unread-log": unreadLogs,
  "refused-write": refusedWrites,
  "duplicate": duplicates,
  "producer-order": producerOrder,
  "one-by-one": oneByOneOrder,
  "invented-record": inventedRecords,
  "inconsistent-offsets": oneRecordPerOffset,
  "dense-offsets": denseOffsets,
  "lasting-records": lastingRecords,
  "lasting-ends": lastingEnds,
  "poll-order": pollOrder,
  "read-of-deleted": readsOfDeleted,
  "log-start": logStarts,
  "one-owner": oneOwner,
  "generations": generations,
  "committed-offsets": committedOffsets,
  "group-skip": groupSkips,
  "topic-lists": topicLists,
  "topic-lives": topicLives,
  "topic-configs": topicConfigs,
} as const satisfies Readonly<Record<string, Oracle>>;

export type OracleName = keyof typeof ORACLES;

/** What holds of the records of every topic that is neither deleted nor compacted. */
export const RECORD_RULES: readonly OracleName[] = [
  "lost-write",
  "unread-log",
  "refused-write",
  "duplicate",
  "producer-order",
  "one-by-one",
  "invented-record",
  "inconsistent-offsets",
  "dense-offsets",
  "lasting-records",
  "lasting-ends",
  "log-start",
];

/** Rules by their names; their sentences begin with them. */
export const namedOracles = (names: readonly OracleName[]): readonly Oracle[] =>
  names.map((name) => (history) => ORACLES[name](history).map((problem) => `${name}: ${problem}`));

/** How many sentences of one rule are told: the first ones say enough. */
const TOLD_MAX = 5;

/** @returns what is wrong, each sentence behind the name of its rule; empty when everything holds. */
export function judge(history: History, oracles: Readonly<Record<string, Oracle>> = ORACLES): readonly string[] {
  return Object.entries(oracles).flatMap(([name, oracle]) => oracle(history).slice(0, TOLD_MAX).map((problem) => `${name}: ${problem}`));
}
