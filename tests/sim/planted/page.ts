/**
 * `docs/planted-bugs.md`: how many seeds every planted bug took when it was last measured. Written by `run.ts --write`, bug by bug, so that one that is new
 * does not ask for all the others to be measured again; `npm test` only looks whether every bug is there.
 */
import { resolve } from "node:path";
import type { PlantedBug } from "./types.ts";

export const PAGE = resolve(import.meta.dir, "../../../docs/planted-bugs.md");

/** What came of hunts from different first seeds. */
export interface Measured {
  /** Seeds that each took, of those that found it; 0: its script. */
  readonly caught: readonly number[];
  /** Hunts that ended without. */
  readonly missed: number;
}

/** By the bug's name: its row, as it stands. */
export type Rows = ReadonlyMap<string, string>;

const HEAD = `# Planted bugs

Faults that are made in a copy of the source, one at a time, to see whether the simulator finds them ([simulator.md](simulator.md)): how many fresh seeds it took until
a run failed that holds without the fault, on average over hunts from different first seeds, and the longest of them. A hunt has no memory, so one that is
found within 50 on average takes more than 150 once in twenty times, and more than 400 once in three thousand. 0: a script finds it.

Generated: \`bun tests/sim/planted/run.ts --write\` measures all of them, with \`--tier\` and \`--bug\` some, and writes their rows anew.
`;
const TABLE = `| tier | bug | seeds on average | hunts | longest |
|---|---|---:|---:|---:|`;

export function rowOf({ tier, name }: PlantedBug, { caught, missed }: Measured): string {
  const hunts = caught.length + missed;
  const mean = caught.reduce((sum, seeds) => sum + seeds, 0) / Math.max(1, caught.length);
  const [average, longest] = missed === 0 ? [toldMean(mean), String(Math.max(...caught))] : [`not found in ${missed}`, "-"];
  return `| ${tier} | ${name} | ${average} | ${hunts} | ${longest} |`;
}

export const formatPage = (bugs: readonly PlantedBug[], rows: Rows): string =>
  [HEAD, TABLE, ...bugs.flatMap(({ name }) => rows.get(name) ?? []), ""].join("\n");

export function parsePage(text: string): Rows {
  const lines = text.split("\n").filter((line) => line.startsWith("| ") && !line.startsWith("| tier "));
  return new Map(lines.map((line) => [line.split("|")[2]!.trim(), line]));
}

const toldMean = (mean: number): string => mean < 10 && mean % 1 !== 0 ? mean.toFixed(1) : String(Math.round(mean));
