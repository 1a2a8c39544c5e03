/**
 * What became of records: none that was acknowledged is lost, none that was refused appears, none is there twice or out of order where the
 * producer was idempotent, and nobody reads what nobody wrote. Source: Jepsen's `lost-write`, `duplicate`, `G1a`.
 */
import type { History, Oracle, Produced } from "../history.ts";
import { byPlace, changesOf, eventsOf, lossesOf, placeOf } from "./facts.ts";

/** Acknowledged ⊆ readable, in every whole reading of its partition. */
export const lostWrites: Oracle = (history) => {
  const problems: string[] = [];
  const wholes = byPlace(eventsOf(history, "whole"));
  const order = new Map(history.map((event, at) => [event, at]));
  for (const [place, kept] of keptRecords(history)) {
    for (const whole of wholes.get(place) ?? []) {
      const { reader, logStart, records } = whole;
      const marks = new Set(records.map(([, mark]) => mark));
      for (const event of kept) {
        const { mark, offset, client } = event;
        // Told after the reading.
        if (order.get(event)! > order.get(whole)!) continue;
        // Nobody was told where a repeat is that was known already.
        if (marks.has(mark) || (offset < 0 ? logStart > 0 : offset < logStart)) continue;
        problems.push(`${place}: ${reader} does not have ${mark}, which was acknowledged to ${client} at offset ${offset}`);
      }
    }
  }
  return problems;
};

/** Every partition with an acknowledged record that should still be there was read as a whole: otherwise nobody looked whether it is. */
export const unreadLogs: Oracle = (history) => {
  const wholes = byPlace(eventsOf(history, "whole"));
  return [...keptRecords(history)].filter(([place, kept]) => kept.length > 0 && !wholes.has(place))
    .map(([place, kept]) => `${place}: has ${kept.length} acknowledged records and was never read as a whole`);
};

/** By partition: what was acknowledged and is not to go away, where that is known. */
function keptRecords(history: History): ReadonlyMap<string, readonly Produced[]> {
  const { compacted } = lossesOf(history);
  const deletes = changesOf(history, "deleteTopic");
  const kept = new Map<string, readonly Produced[]>();
  for (const [place, acknowledged] of byPlace(eventsOf(history, "produced").filter(({ told }) => told === "ok"))) {
    const { topic } = acknowledged[0]!;
    const deletions = deletes.filter((change) => change.topic === topic);
    if (compacted.has(topic) || deletions.some(({ told }) => told === "unknown")) continue;
    // What came before a deletion went with it; afterwards there is another topic of that name, or none.
    const since = Math.max(-Infinity, ...deletions.map(({ toldAt }) => toldAt));
    kept.set(place, acknowledged.filter(({ askedAt }) => askedAt >= since));
  }
  return kept;
}

/** Told `failed`: it is nowhere. */
export const refusedWrites: Oracle = (history) => {
  const refused = new Map(eventsOf(history, "produced").filter(({ told }) => told === "failed").map((event) => [event.mark, event]));
  return sightings(history).flatMap(({ mark, place, offset, who }) => {
    const event = refused.get(mark);
    return event === undefined
      ? []
      : [`${place}: ${who} has ${mark} at offset ${offset}, of which ${event.client} was told that it failed`];
  });
};

/** An idempotent producer's record is there once, told or not, and every record is only in the partition for which it was meant. */
export const duplicates: Oracle = (history) => {
  const problems: string[] = [];
  const produced = new Map(eventsOf(history, "produced").map((event) => [event.mark, event]));
  const offsets = new Map<string, number>();
  const seen = new Set<string>();
  for (const { mark, place, offset, who } of sightings(history)) {
    const event = produced.get(mark);
    if (event === undefined || seen.has(`${mark} ${offset} ${place}`)) continue;
    seen.add(`${mark} ${offset} ${place}`);
    if (event.partition >= 0 && place !== placeOf(event)) problems.push(`${place}: ${who} has ${mark}, which was for ${placeOf(event)}`);
    const first = offsets.get(mark);
    if (first === undefined) offsets.set(mark, offset);
    else if (event.idempotent && first !== offset) {
      problems.push(`${place}: ${mark} is at offsets ${first} and ${offset}, but its producer ${event.client} is idempotent`);
    }
  }
  return problems;
};

/** Within (client, partition) an idempotent producer's records are in the log in the order in which it was asked to send them. */
export const producerOrder: Oracle = (history) => {
  const problems: string[] = [];
  const order = new Map<string, { readonly event: Produced; readonly at: number }>();
  const asked = eventsOf(history, "produced").filter(({ idempotent }) => idempotent).toSorted(byAsking);
  asked.forEach((event, at) => order.set(event.mark, { event, at }));
  for (const whole of eventsOf(history, "whole")) {
    const last = new Map<string, { readonly event: Produced; readonly at: number }>();
    for (const [offset, mark] of whole.records) {
      const found = order.get(mark);
      if (found === undefined) continue;
      const before = last.get(found.event.client);
      if (before !== undefined && before.at > found.at) {
        problems.push(
          `${placeOf(whole)}: ${mark} at offset ${offset} is behind ${before.event.mark}, which ${found.event.client} sent after it`,
        );
      }
      last.set(found.event.client, found);
    }
  }
  return problems;
};

/**
 * The same without idempotence, where nothing is sent while anything is under way: a record may be there again later, but what was acknowledged is
 * first met in the order of asking.
 */
export const oneByOneOrder: Oracle = (history) => {
  const problems: string[] = [];
  const acknowledged = eventsOf(history, "produced").filter(({ told, oneByOne }) => told === "ok" && oneByOne === true).toSorted(byAsking);
  const order = new Map(acknowledged.map((event, at) => [event.mark, { event, at }]));
  for (const whole of eventsOf(history, "whole")) {
    // Of what lost its beginning, what is met first may be a repeat.
    if (whole.logStart > 0) continue;
    const last = new Map<string, { readonly event: Produced; readonly at: number }>();
    for (const [offset, mark] of whole.records) {
      const found = order.get(mark);
      if (found === undefined) continue;
      order.delete(mark);
      const before = last.get(found.event.client);
      if (before === undefined || before.at < found.at) last.set(found.event.client, found);
      else {
        problems.push(`${placeOf(whole)}: ${mark} at offset ${offset} is behind ${before.event.mark}, sent one by one after it`);
      }
    }
    for (const [at, event] of acknowledged.entries()) order.set(event.mark, { event, at });
  }
  return problems;
};

/** What is read was written by somebody. */
export const inventedRecords: Oracle = (history) => {
  const known = new Set(eventsOf(history, "produced").map(({ mark }) => mark));
  return sightings(history).filter(({ mark }) => !known.has(mark))
    .map(({ place, who, mark, offset }) => `${place}: ${who} has ${JSON.stringify(mark)} at offset ${offset}, which nobody wrote`);
};

/** Marks count up, so they decide between records asked for at the same instant. */
const byAsking = (a: Produced, b: Produced): number => a.askedAt - b.askedAt || (a.mark < b.mark ? -1 : 1);

interface Sighting {
  readonly mark: string;
  readonly place: string;
  readonly offset: number;
  readonly who: string;
}

function sightings(history: History): readonly Sighting[] {
  return [
    ...eventsOf(history, "read").map((event) => ({ mark: event.mark, place: placeOf(event), offset: event.offset, who: event.client })),
    ...eventsOf(history, "whole").flatMap((whole) =>
      whole.records.map(([offset, mark]) => ({ mark, place: placeOf(whole), offset, who: whole.reader }))
    ),
  ];
}
