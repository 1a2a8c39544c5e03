/**
 * Seeds a minute on one core, for every tier of the simulator, beside what is asked for: `bun bench/sim.ts [SECONDS]`, so many for each tier
 * after a warm-up. The seeds are the same every time.
 */
import { createRealIo } from "../lib/io/real/mod.ts";
import { runSeeds, type Tally, type Tier, type TierName, TIERS } from "../lib/sim/mod.ts";
import { type Figure, printTable } from "./support/table.ts";

/** Seeds of 20 virtual seconds and more, a minute and a core. */
const ASKED: Readonly<Record<TierName, number>> = { raft: 10_000, storage: 2_000, broker: 300 };
const seconds = Number(process.argv[2] ?? 20);
const { clock } = createRealIo({
  onFatal: (_code, why) => {
    throw new Error(why);
  },
});
const count = (value: number): string => Math.round(value).toLocaleString("en-US");

const figures: Figure[] = [];
for (const [name, load] of Object.entries(TIERS) as [TierName, () => Promise<Tier>][]) {
  const tier = await load();
  const run = (forMs: number): Promise<Tally> => runSeeds(tier, { first: 1, count: Infinity, forMs, clock, twiceEvery: 0 });
  await run(seconds * 200);
  const startedAt = clock.mono();
  const cpu = process.cpuUsage();
  const { seeds, virtualMs, failed } = await run(seconds * 1000);
  const { user, system } = process.cpuUsage(cpu);
  const ms = clock.mono() - startedAt;
  // Of the processor's time: what else the machine does meanwhile does not count.
  const perMinute = seeds * 60_000 / ((user + system) / 1000);
  figures.push({
    what: `${name}, seeds a minute and core${failed > 0 ? `, ${failed} FAILED` : ""}`,
    ours: `${count(perMinute)} (${count(virtualMs / ms)} x real time)`,
    beside: count(ASKED[name]),
    ratio: perMinute / ASKED[name],
    target: 1,
  });
}
printTable("Simulator, beside what is asked for", figures);
