/**
 * Seeds a minute on one core, for every tier of the simulator, beside what is asked for: `bun bench/sim.ts [SECONDS]`, so many for each tier
 * while the engine still compiles, and as many after that. The seeds begin with the same ones every time, and are others while it compiles.
 */
import { createRealIo } from "../lib/io/real/mod.ts";
import { runSeeds, type Tier, type TierName, TIERS } from "../lib/sim/mod.ts";
import { type Figure, printTable } from "./support/table.ts";

/** Seeds of 20 virtual seconds and more, a minute and a core; null where nobody asks. The first tier begins in a process that has compiled nothing. */
const ASKED: Readonly<Record<TierName, number | null>> = { raft: 10_000, storage: 2_000, broker: 300, metadata: null };
const WARM_UP_SEED = 1_000_001;
const seconds = Number(process.argv[2] ?? 20);
const { clock } = createRealIo({
  onFatal: (_code, why) => {
    throw new Error(why);
  },
});
const count = (value: number): string => Math.round(value).toLocaleString("en-US");

interface Measured {
  readonly perMinute: number;
  readonly failed: number;
  readonly ours: string;
}

async function measured(tier: Tier, first: number): Promise<Measured> {
  const startedAt = clock.mono();
  const cpu = process.cpuUsage();
  const { seeds, virtualMs, failed } = await runSeeds(tier, { first, count: Infinity, forMs: seconds * 1000, clock, twiceEvery: 0 });
  const { user, system } = process.cpuUsage(cpu);
  // Of the processor's time, with all threads of the engine: what else the machine does meanwhile does not count.
  const perMinute = seeds * 60_000 / ((user + system) / 1000);
  return { perMinute, failed, ours: `${count(perMinute)} (${count(virtualMs / (clock.mono() - startedAt))} x real time)` };
}

const figures: Figure[] = [];
for (const [name, asked] of Object.entries(ASKED) as [TierName, number | null][]) {
  const tier = await TIERS[name]!();
  const row = (what: string, { perMinute, failed, ours }: Measured, target: number | null): Figure => ({
    what: `${what}${failed > 0 ? `, ${failed} FAILED` : ""}`,
    ours,
    beside: asked === null ? "nobody asked" : count(asked),
    ratio: asked === null ? NaN : perMinute / asked,
    target,
  });
  figures.push(row(`  the first ${seconds} s`, await measured(tier, WARM_UP_SEED), null));
  figures.splice(-1, 0, row(`${name}, seeds a minute and core`, await measured(tier, 1), asked === null ? null : 1));
}
printTable("Simulator, beside what is asked for", figures);
