/** Rules over histories of real processes. */
import type { History, Oracle } from "../../../lib/sim/mod.ts";

const lost: Oracle = (history) => {
  const problems: string[] = [];
  const wholes = history.filter((event) => event.kind === "whole");
  for (const event of history) {
    if (event.kind !== "produced" || event.told !== "ok") continue;
    for (const whole of wholes) {
      if (whole.topic !== event.topic || whole.partition !== event.partition) continue;
      const [, mark] = whole.records[event.offset - whole.logStart] ?? [];
      if (event.offset >= 0 && mark !== event.mark) problems.push(`${whole.reader} has ${mark} at ${event.offset}, which is ${event.mark}`);
    }
  }
  return problems;
};

const readsAgree: Oracle = (history) => {
  const known = new Map<string, string>();
  const problems: string[] = [];
  const see = (place: string, mark: string) => {
    if ((known.get(place) ?? mark) !== mark) problems.push(`${place} is ${known.get(place)} and ${mark}`);
    known.set(place, mark);
  };
  for (const event of history) {
    if (event.kind === "read") see(`${event.topic}-${event.partition}@${event.offset}`, event.mark);
    if (event.kind === "whole") { for (const [offset, mark] of event.records) see(`${event.topic}-${event.partition}@${offset}`, mark); }
  }
  return problems;
};

export const judge = (history: History): readonly string[] => [lost, readsAgree].flatMap((oracle) => oracle(history).slice(0, 5));
