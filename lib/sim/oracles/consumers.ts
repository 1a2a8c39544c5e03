/**
 * What a consumer is given follows what it was given before: nothing is left out, nothing comes again. Source: Jepsen's `poll-skip` and
 * `nonmonotonic-poll`; for members of a group the same between two assignments.
 */
import type { Oracle, Read } from "../history.ts";
import { changesOf, eventsOf, hasHoles, isBefore, lossesOf, placeOf } from "./facts.ts";

/** In every client by itself, as long as nothing is assigned anew. */
export const pollOrder: Oracle = (history) => {
  const problems: string[] = [];
  const losses = lossesOf(history);
  const stints = new Map<string, number>();
  const last = new Map<string, Read>();
  for (const event of history) {
    if (event.kind === "assigned") stints.set(event.client, (stints.get(event.client) ?? 0) + 1);
    if (event.kind !== "read") continue;
    const key = `${event.client} ${stints.get(event.client) ?? 0} ${placeOf(event)}`;
    const before = last.get(key);
    last.set(key, event);
    if (before === undefined || losses.deleted.has(event.topic)) continue;
    if (event.offset <= before.offset) {
      problems.push(`${placeOf(event)}: ${event.client} was given offset ${event.offset} after ${before.offset}`);
    } else if (event.offset !== before.offset + 1 && !hasHoles(losses, event)) {
      problems.push(
        `${placeOf(event)}: ${event.client} was given offset ${event.offset} after ${before.offset}, what is between was left out`,
      );
    }
  }
  return problems;
};

/** Below an acknowledged log start nothing is read any more, and nothing of a topic whose deletion was acknowledged. */
export const readsOfDeleted: Oracle = (history) => {
  const problems: string[] = [];
  const cuts = Map.groupBy(changesOf(history, "deleteRecords").filter(({ told }) => told === "ok"), placeOf);
  const deletions = Map.groupBy(changesOf(history, "deleteTopic").filter(({ told }) => told === "ok"), ({ topic }) => topic);
  const produced = new Map(eventsOf(history, "produced").filter(({ told }) => told === "ok").map((event) => [event.mark, event]));
  for (const read of eventsOf(history, "read")) {
    const cut = cuts.get(placeOf(read))?.find((change) => isBefore(change, read) && read.offset < Number(change.detail));
    if (cut !== undefined) {
      problems.push(`${placeOf(read)}: ${read.client} was given offset ${read.offset}, but the log starts at ${cut.detail}`);
    }
    const record = produced.get(read.mark);
    if (record === undefined) continue;
    const gone = deletions.get(read.topic)?.some((change) => isBefore(record, change) && isBefore(change, read));
    if (gone) problems.push(`${placeOf(read)}: ${read.client} was given ${read.mark}, whose topic had been deleted before`);
  }
  for (const whole of eventsOf(history, "whole")) {
    for (const [offset, mark] of whole.records) {
      const record = produced.get(mark);
      const gone = record !== undefined && deletions.get(whole.topic)?.some((change) => isBefore(record, change));
      if (gone) problems.push(`${placeOf(whole)}: ${whole.reader} has ${mark} at offset ${offset}, whose topic had been deleted`);
    }
  }
  return problems;
};
