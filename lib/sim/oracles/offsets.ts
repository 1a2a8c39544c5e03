/**
 * An offset names one record, for everybody and for ever: producers that were told it, consumers, readers before and after restarts. And
 * offsets have no gaps. Source: Jepsen's `inconsistent-offsets`.
 */
import type { History, Oracle } from "../history.ts";
import { byPlace, eventsOf, lossesOf, placeOf } from "./facts.ts";

/** Topics that were deleted are looked at in `wholes` only: another one of that name begins at 0 again. */
export const oneRecordPerOffset: Oracle = (history) => {
  const problems: string[] = [];
  const { deleted } = lossesOf(history);
  const known = new Map<string, { readonly mark: string; readonly who: string }>();
  const see = (place: string, offset: number, mark: string, who: string): void => {
    const before = known.get(`${place}@${offset}`);
    if (before === undefined) known.set(`${place}@${offset}`, { mark, who });
    else if (before.mark !== mark) problems.push(`${place}: offset ${offset} is ${before.mark} for ${before.who} and ${mark} for ${who}`);
  };
  for (const event of history) {
    if (event.kind === "whole") { for (const [offset, mark] of event.records) see(placeOf(event), offset, mark, event.reader); }
    if (event.kind === "read" && !deleted.has(event.topic)) see(placeOf(event), event.offset, event.mark, event.client);
    if (event.kind === "produced" && event.told === "ok" && event.offset >= 0 && !deleted.has(event.topic)) {
      see(placeOf(event), event.offset, event.mark, event.client);
    }
  }
  return problems;
};

/** From the log's start to its end every offset has its record. A compacted topic has gaps, but goes upwards. */
export const denseOffsets: Oracle = (history) => {
  const { compacted } = lossesOf(history);
  return eventsOf(history, "whole").flatMap((whole) => {
    const problem = gapIn(whole, compacted.has(whole.topic));
    return problem === null ? [] : [`${placeOf(whole)}: ${whole.reader} ${problem}`];
  });
};

function gapIn(
  { logStart, end, records }: { readonly logStart: number; readonly end: number; readonly records: readonly (readonly [number, string])[] },
  isCompacted: boolean,
): string | null {
  let next = logStart;
  for (const [offset] of records) {
    if (offset < next) return `has offset ${offset} where ${next} or more is due`;
    if (offset > next && !isCompacted) return `has nothing at offset ${next}, but at ${offset}`;
    next = offset + 1;
  }
  if (next > end) return `has offset ${next - 1}, but its end is ${end}`;
  return next < end && !isCompacted ? `has nothing at offset ${next}, but its end is ${end}` : null;
}

/** Later readings have everything that earlier ones had, above their log start, and a log start does not go back. */
export const lastingRecords: Oracle = (history) => {
  const problems: string[] = [];
  const { compacted, deleted } = lossesOf(history);
  for (const [place, wholes] of byPlace(eventsOf(history, "whole"))) {
    if (compacted.has(wholes[0]!.topic) || deleted.has(wholes[0]!.topic)) continue;
    for (let at = 1; at < wholes.length; at++) {
      const [before, after] = [wholes[at - 1]!, wholes[at]!];
      if (after.logStart < before.logStart) {
        problems.push(`${place}: the log starts at ${before.logStart} for ${before.reader} and at ${after.logStart} for ${after.reader}`);
      }
      if (after.end < before.end) {
        problems.push(`${place}: the log ends at ${before.end} for ${before.reader} and at ${after.end} for ${after.reader}`);
      }
    }
  }
  return problems;
};

/** What was once shown is there from then on: no end is told below a record that somebody was told of before, or below an earlier end. */
export const lastingEnds: Oracle = (history) => {
  const { deleted } = lossesOf(history);
  const shown = Map.groupBy(shownIn(history), ({ place }) => place);
  return history.flatMap((event, at) => {
    if ((event.kind !== "ended" && event.kind !== "whole") || deleted.has(event.topic)) return [];
    const isWhole = event.kind === "whole";
    const before = shown.get(placeOf(event))?.filter((other) => isWhole ? other.at < at : other.toldAt <= event.askedAt) ?? [];
    const [who, end] = isWhole ? [event.reader, event.end] : [event.client, event.offset];
    const more = before.find((other) => other.end > end);
    return more === undefined ? [] : [`${placeOf(event)}: ends at ${end} for ${who}, but ${more.who} had been told of ${more.end}`];
  });
};

interface Shown {
  /** In the history. */
  readonly at: number;
  readonly place: string;
  readonly who: string;
  readonly toldAt: number;
  readonly end: number;
}

function shownIn(history: History): readonly Shown[] {
  return history.flatMap((event, at): readonly Shown[] => {
    const isRecord = event.kind === "read" || (event.kind === "produced" && event.told === "ok" && event.offset >= 0);
    if (event.kind !== "ended" && !isRecord) return [];
    return [{ at, place: placeOf(event), who: event.client, toldAt: event.toldAt, end: isRecord ? event.offset + 1 : event.offset }];
  });
}
