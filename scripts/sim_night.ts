/**
 * `npm run sim:night [-- --for 8h] [--jobs 2] [--only seeds|planted|exhaustive|fuzz] [--seed N] [--out DIRECTORY]`: fresh seeds of every tier,
 * planted bugs, exhaustive pieces and the fuzzer, one process a core, until Ctrl-C or until the time is up. Failing seeds are shrunk and
 * written to DIRECTORY. Exits with 1 when anything was found, or a planted bug was missed.
 */
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { Draws, type TierName, TIERS } from "../lib/sim/mod.ts";
import { plantedBugs } from "../tests/sim/planted/plant.ts";
import { Children } from "./night/children.ts";
import { Exhaustive, Fuzz } from "./night/others.ts";
import { count, type Part, timeText } from "./night/part.ts";
import { Planted } from "./night/planted.ts";
import { Seeds } from "./night/seeds.ts";

/** Of all cores: half of the time for fresh seeds, and most of that where most of the product runs. */
const SHARES = { raft: 0.06, metadata: 0.06, storage: 0.15, broker: 0.28, planted: 0.25, exhaustive: 0.1, fuzz: 0.1 };
/** A piece of work is long enough that the start of its process does not count. */
const [PIECE_MIN_MS, PIECE_MAX_MS] = [8_000, 120_000];
const PIECES = 20;
/** Most planted bugs are found at once; others take long. */
const HUNT_MAX_MS = 600_000;

const { values } = parseArgs({
  options: {
    for: { type: "string" },
    jobs: { type: "string", default: "2" },
    only: { type: "string" },
    seed: { type: "string", default: String(Date.now()) },
    out: { type: "string", default: "sim-night" },
  },
});
const forMs = values.for === undefined ? Infinity : msOf(values.for);
const first = Number(values.seed);
if (!(forMs > 0) || !(first >= 0) || !(Number(values.jobs) > 0)) {
  console.error("Nothing to do: write --for 8h, 5m or 90s; seed and jobs are numbers");
  process.exit(2);
}
mkdirSync(values.out, { recursive: true });

const children = new Children();
const marks = new Map<string, number>();
const tiers = (Object.keys(TIERS) as TierName[]).map((name) => new Seeds(name, SHARES[name], children, first, values.out, marks));
const planted = new Planted(shuffled(await plantedBugs()), SHARES.planted, children, first, Math.min(HUNT_MAX_MS, forMs / 10));
const exhaustive = new Exhaustive(await exhaustiveFiles(), SHARES.exhaustive, children);
const fuzz = new Fuzz(SHARES.fuzz, children, first);
const titled: readonly (readonly [title: string, word: string, parts: readonly Part[]])[] = [
  ["Seeds", "seeds", tiers],
  ["Planted bugs", "planted", [planted]],
  ["Exhaustive", "exhaustive", [exhaustive]],
  ["Fuzz", "fuzz", [fuzz]],
];
const chosen = titled.filter(([, word]) => values.only === undefined || values.only === word);
const parts = chosen.flatMap(([, , some]) => some);

const startedAt = performance.now();
const elapsed = (): number => performance.now() - startedAt;
/** Milliseconds of a core that each part had; counted at the beginning too, so that two cores do not both take the same part first. */
const used = new Map<Part, number>(parts.map((part) => [part, 0]));
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => children.stop());
const timeUp = forMs === Infinity ? null : setTimeout(() => children.stop(), forMs);

console.log(
  `Seeds from ${first}; ${values.jobs} processes${
    forMs === Infinity ? ", until Ctrl-C" : ` for ${timeText(forMs)}`
  }; scripts go to ${values.out}/`,
);
await Promise.all(Array.from({ length: Number(values.jobs) }, work));
if (timeUp !== null) clearTimeout(timeUp);
report();

async function work(): Promise<void> {
  while (!children.stopped) {
    const pieceMs = Math.min(PIECE_MAX_MS, Math.max(PIECE_MIN_MS, forMs / PIECES), Math.max(1000, forMs - elapsed()));
    const due = [...parts].sort((a, b) => used.get(a)! / a.share - used.get(b)! / b.share);
    let piece: (() => Promise<void>) | null = null;
    let part: Part | undefined;
    for (part of due) if ((piece = part.next(pieceMs)) !== null) break;
    if (piece === null || part === undefined) return;
    const before = elapsed();
    used.set(part, used.get(part)! + pieceMs);
    const known = part.found.length;
    await piece();
    used.set(part, used.get(part)! - pieceMs + elapsed() - before);
    for (const line of part.found.slice(known)) console.log(`${timeText(elapsed())}: FOUND ${line}`);
  }
}

function report(): void {
  const seeds = tiers.reduce((sum, tier) => sum + tier.seeds, 0);
  const virtualMs = tiers.reduce((sum, tier) => sum + tier.virtualMs, 0);
  for (const [title, word, some] of chosen) {
    console.log(`\n${title}\n${some.flatMap((part) => part.summary()).map((line) => `  ${line}\n`).join("")}`.trimEnd());
    if (word !== "seeds") continue;
    const speed = count(virtualMs / elapsed());
    console.log(
      `  ${count(seeds)} seeds in ${timeText(elapsed())}, ${
        timeText(virtualMs)
      } simulated: ${speed} times real time, with all else that ran`,
    );
    marksReport();
  }
  const found = parts.flatMap((part) => part.found);
  console.log(found.length === 0 ? "\nNothing found" : `\nFound\n${found.map((line) => `  ${line}\n`).join("")}`.trimEnd());
  const failed = parts.filter((part) => part.found.length > 0).length;
  console.log(`\n${parts.length - failed} passed, ${failed} failed, 0 skipped`);
  process.exitCode = failed === 0 ? 0 : 1;
}

/** What the source marks, beside what was reached: a mark that is never reached is a blind spot of the plans. */
function marksReport(): void {
  const known = knownMarks();
  const all = [...new Set([...known, ...marks.keys()])].sort();
  const reached = all.filter((mark) => marks.has(mark));
  const never = all.filter((mark) => !marks.has(mark));
  console.log(`\nMarks\n  ${reached.length} reached: ${reached.map((mark) => `${mark} ${count(marks.get(mark)!)}`).join(", ")}`);
  console.log(`  ${never.length} never reached${never.length === 0 ? "" : `: ${never.join(", ")}`}`);
}

function knownMarks(): ReadonlySet<string> {
  const known = new Set<string>();
  for (const path of new Bun.Glob("lib/**/*.ts").scanSync(".")) {
    const text = readFileSync(path, "utf8");
    for (const [, mark] of text.matchAll(/\bmark\(\s*"([^"]+)"/g)) known.add(mark!);
  }
  return known;
}

/** In another order each night, so that a short one does not always try the same. */
function shuffled<T>(items: readonly T[]): readonly T[] {
  const draws = new Draws(first, "planted");
  return items.map((item) => ({ item, at: draws.float() })).sort((a, b) => a.at - b.at).map(({ item }) => item);
}

async function exhaustiveFiles(): Promise<readonly string[]> {
  const own = existsSync("tests/sim/exhaustive") ? await Array.fromAsync(new Bun.Glob("tests/sim/exhaustive/*_test.ts").scan(".")) : [];
  return ["tests/crash/storage_crash_test.ts", "tests/storage/wal_torn_test.ts", ...own.sort()];
}

/** `1h30m` to milliseconds; NaN when it is none. */
function msOf(text: string): number {
  if (!/^(?:\d+(?:\.\d+)?[hms])+$/.test(text)) return NaN;
  const units: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000 };
  return [...text.matchAll(/([\d.]+)([hms])/g)].reduce((sum, [, number, unit]) => sum + Number(number) * units[unit!]!, 0);
}
