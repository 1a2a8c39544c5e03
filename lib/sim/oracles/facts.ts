/** What several oracles want to know of a history: events of one kind, partitions, and which topics may lose records by order of a client. */
import type { Changed, History, HistoryEvent, Produced, Read, Whole } from "../history.ts";

export const placeOf = ({ topic, partition }: { readonly topic: string; readonly partition: number }): string => `${topic}-${partition}`;

export function eventsOf<Kind extends HistoryEvent["kind"]>(
  history: History,
  kind: Kind,
): readonly Extract<HistoryEvent, { kind: Kind }>[] {
  return history.filter((event) => "kind" in event && event.kind === kind) as Extract<HistoryEvent, { kind: Kind }>[];
}

/** Changes that were made, or may have been. */
export const changesOf = (history: History, change: Changed["change"]): readonly Changed[] =>
  eventsOf(history, "changed").filter((event) => event.change === change && event.told !== "failed");

/** The latest time at which it may have taken effect: what nobody answered may still happen at the end of the run. */
export const settledAt = ({ told, toldAt }: { readonly told: string; readonly toldAt: number }): number =>
  told === "unknown" ? Infinity : toldAt;

/** `a` was over before `b` began: who is told something at an instant may ask for the next thing at the same one. */
export const isBefore = (a: { readonly toldAt: number }, b: { readonly askedAt: number }): boolean => a.toldAt <= b.askedAt;

/** Settings as `name=value`, with spaces between. */
export function configsOf(detail: string): ReadonlyMap<string, string> {
  return new Map(
    detail.split(" ").filter((part) => part.includes("=")).map((part) => {
      const at = part.indexOf("=");
      return [part.slice(0, at), part.slice(at + 1)];
    }),
  );
}

/** Where records may go away although nothing is wrong. */
export interface Losses {
  /** Topics that somebody asked to delete. */
  readonly deleted: ReadonlySet<string>;
  /** Topics with a limit of time or size. */
  readonly retained: ReadonlySet<string>;
  /** Topics that keep one record a key. */
  readonly compacted: ReadonlySet<string>;
  /** Partitions of which somebody asked to delete records. */
  readonly cut: ReadonlySet<string>;
}

export function lossesOf(history: History): Losses {
  const configured = [...changesOf(history, "createTopic"), ...changesOf(history, "alterConfig")];
  const withConfig = (fits: (name: string, value: string) => boolean) =>
    new Set(configured.filter(({ detail }) => [...configsOf(detail)].some(([name, value]) => fits(name, value))).map(({ topic }) => topic));
  return {
    deleted: new Set(changesOf(history, "deleteTopic").map(({ topic }) => topic)),
    retained: withConfig((name, value) => name.startsWith("retention.") && value !== "-1"),
    compacted: withConfig((name, value) => name === "cleanup.policy" && value.includes("compact")),
    cut: new Set(changesOf(history, "deleteRecords").map(placeOf)),
  };
}

/** Offsets of the partition need not follow one another for a reader. */
export const hasHoles = (losses: Losses, of: { readonly topic: string; readonly partition: number }): boolean =>
  losses.deleted.has(of.topic) || losses.retained.has(of.topic) || losses.compacted.has(of.topic) || losses.cut.has(placeOf(of));

/** Lists of what is at one place, in the order of the history. */
export const byPlace = <Event extends Produced | Read | Whole>(events: readonly Event[]): ReadonlyMap<string, readonly Event[]> =>
  Map.groupBy(events, placeOf);
