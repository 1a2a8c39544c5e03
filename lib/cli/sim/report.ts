/** What runs came to, as a value for programs and as text for people. Runs nothing. */
import type { RunResult, Tally, TierName } from "../../sim/mod.ts";
import type { Output } from "../output.ts";
import { number } from "../progress.ts";
import { durationText } from "../values.ts";

export interface FailureReport {
  readonly seed: number;
  readonly violation: string;
  /** The command that shows it again. */
  readonly command: string;
  /** The file with the shrunk plan, when one was written. */
  readonly script: string | null;
}

export interface TierReport {
  readonly tier: TierName;
  readonly firstSeed: number;
  readonly seeds: number;
  readonly twice: number;
  readonly failed: number;
  readonly events: number;
  readonly virtualMs: number;
  readonly ms: number;
  readonly seedsPerMinute: number;
  readonly counts: Readonly<Record<string, number>>;
  readonly marks: Readonly<Record<string, number>>;
  /** Of a single run only. */
  readonly hash?: string;
  readonly failures: readonly FailureReport[];
}

/** @param script the file that was run instead of a seed. */
export const commandFor = (tier: TierName, seed: number, script: string | null): string =>
  script === null ? `barnabas sim --tier ${tier} --seed ${seed}` : `barnabas sim --script ${script}`;

/** What is said of a run that does not come back; scripts/night and tests/sim/planted look for it. */
export const endlessText = (tier: TierName, seed: number, script: string | null): string =>
  `Seed ${seed} does not end: the process goes round in circles. Again: ${commandFor(tier, seed, script)}`;

export function tierReport(
  tier: TierName,
  firstSeed: number,
  tally: Tally,
  ms: number,
  failures: readonly FailureReport[],
  single?: RunResult,
): TierReport {
  const { seeds, twice, failed, events, virtualMs, counts, marks } = tally;
  return {
    tier,
    firstSeed,
    seeds,
    twice,
    failed,
    events,
    virtualMs: Math.round(virtualMs),
    ms: Math.round(ms),
    seedsPerMinute: Math.round(seeds * 60_000 / Math.max(1, ms)),
    counts: byName(Object.entries(counts)),
    marks: byName([...marks]),
    ...single === undefined ? {} : { hash: single.hash },
    failures,
  };
}

export function reportText(out: Output, { tier, firstSeed, seeds, ...sums }: TierReport): string {
  const { virtualMs, ms, hash, counts, marks, failures } = sums;
  const pairs = (values: Readonly<Record<string, number>>): string =>
    Object.entries(values).map(([name, count]) => `${name} ${number(count)}`).join(", ");
  const seedsText = `${number(seeds)}, from ${firstSeed}: ${number(sums.seedsPerMinute)}/min; ${number(sums.twice)} of them twice`;
  return out.fields([
    ["Tier", tier],
    hash === undefined ? ["Seeds", seedsText] : ["Seed", String(firstSeed)],
    ...hash === undefined ? [] : [["Hash", hash] as const],
    ["Events", number(sums.events)],
    [
      "Time",
      `${durationText(virtualMs)} virtual in ${durationText(ms)}${
        hash === undefined ? `: ${number(virtualMs / Math.max(1, ms))} times as fast` : ", twice"
      }`,
    ],
    ["Counts", pairs(counts)],
    ["Marks", pairs(marks)],
    ["Verdict", sums.failed === 0 ? "held" : hash === undefined ? `violated by ${number(sums.failed)} seeds` : "violated"],
  ]) + failures.map((failure) => failureText(out, failure)).join("");
}

function failureText(out: Output, { seed, violation, command, script }: FailureReport): string {
  const next = script === null ? `${command} --shrink` : `barnabas sim --script ${script} --trace`;
  return `\n${out.style("red", `Seed ${seed}`)}: ${violation.trimEnd()}\n  Again: ${command} --trace\n  ${
    script === null ? "Smaller" : "Shrunk"
  }: ${next}\n`;
}

function byName(entries: readonly (readonly [name: string, count: number])[]): Readonly<Record<string, number>> {
  return Object.fromEntries(entries.toSorted(([a], [b]) => a < b ? -1 : 1));
}
