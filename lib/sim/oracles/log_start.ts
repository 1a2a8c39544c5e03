/** Where a log begins: what clients asked to delete is gone, and nothing else, unless the topic has a limit of time or size. */
import type { Oracle } from "../history.ts";
import { changesOf, eventsOf, lossesOf, placeOf } from "./facts.ts";

export const logStarts: Oracle = (history) => {
  const problems: string[] = [];
  const { retained, deleted } = lossesOf(history);
  const cuts = Map.groupBy(changesOf(history, "deleteRecords"), placeOf);
  for (const whole of eventsOf(history, "whole")) {
    if (deleted.has(whole.topic)) continue;
    const own = cuts.get(placeOf(whole)) ?? [];
    const least = Math.max(0, ...own.filter(({ told }) => told === "ok").map(({ detail }) => Number(detail)));
    // -1: everything that was there, and nobody told how much that was.
    const most = Math.max(0, ...own.map(({ detail }) => Number(detail) < 0 ? whole.end : Number(detail)));
    if (whole.logStart < least) {
      problems.push(`${placeOf(whole)}: ${whole.reader} starts at ${whole.logStart}, but everything below ${least} was deleted`);
    }
    if (whole.logStart > most && !retained.has(whole.topic)) {
      problems.push(`${placeOf(whole)}: ${whole.reader} starts at ${whole.logStart}, but nobody deleted more than what is below ${most}`);
    }
  }
  return problems;
};
