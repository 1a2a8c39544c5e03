/** Run by runner_test.ts in a process of its own, because bun test fails by itself on what this is about: prints the verdicts of two runs. */
import { runPlan, type Watch } from "../../lib/sim/mod.ts";
import { toyTier } from "./toy.ts";

const reported: unknown[] = [];
process.on("unhandledRejection", (error) => void reported.push(error));
const watch: Watch = { turn: () => new Promise((resolve) => void setImmediate(resolve)), uncaught: () => reported.splice(0) };
const bad = toyTier({ rejectsAt: 3 });
for (const tier of [bad, toyTier()]) console.log((await runPlan(tier, bad.plan(1), watch)).violation?.split("\n")[0] ?? null);
