/**
 * `bun tests/sim/planted/run.ts [--tier NAME] [--bug WORDS] [--times N] [--jobs N] [--seed N] [--write]`: makes every planted bug in a copy of the source
 * and counts the seeds until the copy's simulator finds it, several times from different first seeds. Exits with 1 when one is not found. With `--write` what
 * it took goes to `docs/planted-bugs.md`.
 */
import { parseArgs } from "node:util";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { formatPage, type Measured, PAGE, parsePage, rowOf } from "./page.ts";
import { hunt, type OnChild, plantedBugs, scriptCatches, SEEDS_MAX, withPlanted } from "./plant.ts";
import type { PlantedBug } from "./types.ts";

/** So far apart that hunts do not share seeds. */
const SEEDS_APART = 1_000_000;

const { values } = parseArgs({
  options: {
    tier: { type: "string" },
    bug: { type: "string", default: "" },
    times: { type: "string", default: "5" },
    jobs: { type: "string", default: "2" },
    seed: { type: "string", default: "1" },
    write: { type: "boolean", default: false },
  },
});
const all = await plantedBugs();
const bugs = all.filter(({ tier, name }) => (values.tier === undefined || tier === values.tier) && name.includes(values.bug));
const waiting = [...bugs];
const measured = new Map<PlantedBug, Measured>();
let tried = 0;
let missed = 0;
let sum = 0;

/** Simulators that run; told to end when this is, so that the copies are removed. */
const running = new Set<Parameters<OnChild>[0]>();
let isStopped = false;
const onChild: OnChild = (child) => {
  running.add(child);
  if (isStopped) child.kill("SIGINT");
  void child.exited.then(() => running.delete(child));
};
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    isStopped = true;
    for (const child of running) child.kill("SIGINT");
  });
}

async function work(): Promise<void> {
  for (let bug = waiting.shift(); bug !== undefined && !isStopped; bug = waiting.shift()) {
    const counts: readonly (number | null)[] = await withPlanted(bug, (directory) => hunts(bug!, directory)).catch((error: unknown) => {
      // What is told to end in the middle does not end in order.
      if (isStopped) return [];
      throw error;
    });
    if (isStopped) break;
    tried++;
    const caught = counts.filter((seeds) => seeds !== null);
    measured.set(bug, { caught, missed: counts.length - caught.length });
    if (caught.length < counts.length) missed++;
    const mean = caught.reduce((all, seeds) => all + seeds, 0) / Math.max(1, caught.length);
    sum += mean;
    const verdict = caught.length === counts.length
      ? `${mean.toFixed(1)} seeds (${caught.join(", ")})`
      : `NOT CAUGHT in ${counts.length - caught.length} of ${counts.length}, within ${bug.seedsMax ?? SEEDS_MAX} seeds`;
    console.log(`${bug.tier.padEnd(8)} ${bug.name.padEnd(64)} ${verdict}`);
  }
}

/** How many seeds each took; 0: the script found it. */
async function hunts(bug: PlantedBug, directory: string): Promise<readonly (number | null)[]> {
  if (bug.script !== undefined) return [await scriptCatches(bug, directory, onChild) ? 0 : null];
  const counts: (number | null)[] = [];
  for (let time = 0; time < Number(values.times) && !isStopped; time++) {
    counts.push((await hunt(bug, directory, Number(values.seed) + time * SEEDS_APART, undefined, onChild)).seeds);
  }
  return counts;
}

await Promise.all(Array.from({ length: Number(values.jobs) }, work));
if (values.write) {
  const rows = new Map(existsSync(PAGE) ? parsePage(await readFile(PAGE, "utf8")) : []);
  for (const [bug, counts] of measured) rows.set(bug.name, rowOf(bug, counts));
  await writeFile(PAGE, formatPage(all, rows));
}
console.log(
  `${tried - missed} of ${tried} planted bugs caught, with ${(sum / Math.max(1, tried)).toFixed(1)} seeds each${
    isStopped ? `; ended before ${bugs.length - tried} of them` : ""
  }`,
);
process.exit(missed > 0 || bugs.length === 0 ? 1 : 0);
