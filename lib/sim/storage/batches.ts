/** Makes the batches that the workloads append: of a few records, each with a mark of its own. */
import { encodeBatch } from "../../protocol/records/mod.ts";
import { markOf } from "../disk/types.ts";
import type { Draws } from "../random.ts";
import type { NewBatch } from "./partition_model.ts";
import type { Knobs } from "./settings.ts";

export interface ProducerState {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
}

const PADDING = "x".repeat(16 * 1024);
const LARGE_CHANCE = 0.1;
const encoder = new TextEncoder();

/** @param knobs `recordBytes`, `batchRecords`: the most of each; `keys` how many there are. */
export function makeBatch(draws: Draws, knobs: Knobs, nowMs: number, nextMark: () => number, producer: ProducerState | null): NewBatch {
  const count = 1 + draws.below(knobs["batchRecords"] ?? 3);
  const most = (knobs["recordBytes"] ?? 100) * (draws.chance(LARGE_CHANCE) ? 8 : 1);
  const keyCount = knobs["keys"] ?? 0;
  const isTombstone = keyCount > 0 && draws.chance(0.1);
  const marks: number[] = [];
  const keys: string[] = [];
  const records = Array.from({ length: count }, () => {
    const mark = nextMark();
    marks.push(mark);
    const key = keyCount > 0 ? `key${draws.below(keyCount)}` : null;
    keys.push(key ?? "");
    const value = isTombstone ? null : encoder.encode(markOf(mark) + PADDING.slice(0, draws.below(most)));
    return { timestamp: nowMs, key: key === null ? null : encoder.encode(key), value };
  });
  return { bytes: encodeBatch({ records, ...producer }), marks, keys, timestamp: nowMs, isTombstone };
}
