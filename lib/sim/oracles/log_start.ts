/** Where a log begins: what clients asked to delete is gone, and nothing else, unless the topic has a limit of time or size. */
import type { Changed, History, Oracle, Started } from "../history.ts";
import { changesOf, eventsOf, isBefore, lossesOf, placeOf } from "./facts.ts";

export const logStarts: Oracle = (history) => [...finalStarts(history), ...toldStarts(history)];

function finalStarts(history: History): readonly string[] {
  const problems: string[] = [];
  const { retained, deleted } = lossesOf(history);
  const cuts = Map.groupBy(changesOf(history, "deleteRecords"), placeOf);
  for (const whole of eventsOf(history, "whole")) {
    if (deleted.has(whole.topic)) continue;
    const own = cuts.get(placeOf(whole)) ?? [];
    const least = leastOf(own);
    const most = mostOf(own, whole.end);
    if (whole.logStart < least) {
      problems.push(`${placeOf(whole)}: ${whole.reader} starts at ${whole.logStart}, but everything below ${least} was deleted`);
    }
    if (whole.logStart > most && !retained.has(whole.topic)) {
      problems.push(`${placeOf(whole)}: ${whole.reader} starts at ${whole.logStart}, but nobody deleted more than what is below ${most}`);
    }
  }
  return problems;
}

/** Every start that anybody was told, beside what was asked for by then, what had been acknowledged before, and what others had been told. */
function toldStarts(history: History): readonly string[] {
  const problems: string[] = [];
  const { retained, deleted } = lossesOf(history);
  const cuts = Map.groupBy(changesOf(history, "deleteRecords"), placeOf);
  for (const [place, all] of Map.groupBy(eventsOf(history, "started"), placeOf)) {
    const own = cuts.get(place) ?? [];
    for (const event of all) {
      const { topic, client, offset } = event;
      if (deleted.has(topic)) continue;
      const least = leastOf(own.filter((cut) => isBefore(cut, event)));
      const most = mostOf(own.filter((cut) => cut.askedAt < event.toldAt), Infinity);
      if (offset < least) {
        problems.push(`${place}: ${client} was told that it starts at ${offset}, but everything below ${least} was deleted`);
      }
      const before = latestBefore(all, event);
      if (before !== null && before.offset > offset) {
        problems.push(`${place}: ${client} was told that it starts at ${offset}, but ${before.client} had been told of ${before.offset}`);
      }
      if (offset > most && !retained.has(topic)) {
        problems.push(`${place}: ${client} was told that it starts at ${offset}, but nobody had asked for more than what is below ${most}`);
      }
    }
  }
  return problems;
}

const leastOf = (cuts: readonly Changed[]): number =>
  Math.max(0, ...cuts.filter(({ told }) => told === "ok").map(({ detail }) => Number(detail)));

/** @param all what a cut may have reached that was to take everything, when nobody told how much that was. */
const mostOf = (cuts: readonly Changed[], all: number): number =>
  Math.max(0, ...cuts.map(({ detail }) => Number(detail) < 0 ? all : Number(detail)));

/** The furthest start that somebody had been told of. */
function latestBefore(all: readonly Started[], event: Started): Started | null {
  let latest: Started | null = null;
  for (const other of all) if (isBefore(other, event) && (latest === null || other.offset > latest.offset)) latest = other;
  return latest;
}
