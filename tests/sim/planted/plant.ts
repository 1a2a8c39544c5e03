/**
 * Makes a copy of the source with one bug in it and lets the copy's own simulator look for it: so no such bug, and no switch for one, is ever
 * in the executable.
 */
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { PlantedBug } from "./types.ts";

const root = resolve(import.meta.dir, "../../..");
/** What the copy is made of. */
const COPIED = ["lib", "main.ts", "package.json", "tsconfig.json", "deno.json"];
export const SEEDS_MAX = 1000;

/** All bugs of all lists that are there. */
export async function plantedBugs(): Promise<readonly PlantedBug[]> {
  const lists = ["raft", "metadata", "storage", "broker"].map((tier) => join(import.meta.dir, `${tier}.ts`)).filter((path) =>
    existsSync(path)
  );
  const modules = await Promise.all(lists.map((path) => import(path) as Promise<{ readonly PLANTED: readonly PlantedBug[] }>));
  return modules.flatMap(({ PLANTED }) => PLANTED);
}

/** The files with the bug in them. @throws {Error} when a line does not occur exactly once. */
export function wrongTexts(bug: PlantedBug): Promise<readonly { readonly file: string; readonly text: string }[]> {
  const places = [bug, ...bug.also ?? []];
  return Promise.all(places.map(async (place) => ({ file: place.file, text: await wrongText({ ...bug, ...place }) })));
}

/** The file with the bug in it. @throws {Error} when its line does not occur exactly once. */
export async function wrongText({ name, file, line, wrong }: PlantedBug): Promise<string> {
  const parts = (await readFile(join(root, file), "utf8")).split(line);
  if (parts.length !== 2) throw new Error(`Cannot plant "${name}": its line occurs ${parts.length - 1} times in ${file}`);
  if (wrong === line) throw new Error(`Cannot plant "${name}": it changes nothing`);
  return parts.join(wrong);
}

/** Calls `use` with the directory of a copy that has the bug, and removes it afterwards. */
export async function withPlanted<T>(bug: PlantedBug, use: (directory: string) => Promise<T>): Promise<T> {
  const texts = await wrongTexts(bug);
  const directory = await mkdtemp(join(tmpdir(), "barnabas-planted-"));
  try {
    await Promise.all(COPIED.map((name) => cp(join(root, name), join(directory, name), { recursive: true })));
    await symlink(join(root, "node_modules"), join(directory, "node_modules"));
    for (const { file, text } of texts) await writeFile(join(directory, file), text);
    return await use(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

export interface Hunt {
  /** How many it took; null when it was not caught. */
  readonly seeds: number | null;
  /** How many were run. */
  readonly ran: number;
  readonly violation: string | null;
}

/**
 * Runs the copy's simulator until it finds something that the source without the bug does not have: a seed that fails in both says nothing of the bug.
 * @param first the first seed.
 * @param forMs ends the hunt before `seedsMax`.
 */
export async function hunt(bug: PlantedBug, directory: string, first: number, forMs?: number, onChild?: OnChild): Promise<Hunt> {
  const last = first + (bug.seedsMax ?? SEEDS_MAX) - 1;
  const limit = forMs === undefined ? [] : ["--for", `${Math.ceil(forMs)}ms`];
  let ran = 0;
  for (let from = first; from <= last;) {
    const found = await simulate(bug, directory, ["--seeds", `${from}-${last}`, "--stop-at-first", ...limit], onChild);
    ran += found.ran;
    const [failure] = found.failures;
    if (failure === undefined) break;
    const { seed, violation } = failure;
    const withoutIt = await simulate(bug, root, ["--seeds", `${seed}-${seed}`], onChild);
    if (withoutIt.failures.length === 0) return { seeds: seed - first + 1, ran, violation };
    console.warn(`Seed ${seed} of the tier ${bug.tier} fails without any planted bug: ${withoutIt.failures[0]!.violation}`);
    from = seed + 1;
  }
  return { seeds: null, ran, violation: null };
}

/** Whether the bug's script finds it. */
export async function scriptCatches(bug: PlantedBug, directory: string, onChild?: OnChild): Promise<boolean> {
  const { failures } = await simulate(bug, directory, ["--script", join(root, bug.script!)], onChild);
  return failures.length > 0;
}

/** Given the process as soon as it runs, so that it can be ended. */
export type OnChild = (child: { kill(signal: NodeJS.Signals): void; readonly exited: Promise<number> }) => void;

interface Found {
  readonly ran: number;
  readonly failures: readonly { readonly seed: number; readonly violation: string }[];
}

async function simulate({ name, tier }: PlantedBug, directory: string, what: readonly string[], onChild?: OnChild): Promise<Found> {
  const args = ["main.ts", "sim", "--tier", tier, ...what, "--json", "--quiet", "--twice-every", "0"];
  const child = Bun.spawn([process.execPath, ...args], { cwd: directory, stdout: "pipe", stderr: "pipe", stdin: "ignore" });
  onChild?.(child);
  const [out, error] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), child.exited]);
  try {
    const [{ seeds, failures }] = (JSON.parse(out) as { readonly tiers: readonly [Found & { readonly seeds: number }] }).tiers;
    return { ran: seeds, failures };
  } catch (cause) {
    // The bug makes it go round in circles: that is found too. Seeds before it held.
    const [sentence, seed] = /^Seed (\d+) does not end/m.exec(error) ?? [];
    if (sentence !== undefined) return { ran: 0, failures: [{ seed: Number(seed), violation: sentence }] };
    throw new Error(`The simulator with "${name}" in it did not end in order: ${error.trim().split("\n")[0] ?? ""}`, { cause });
  }
}
