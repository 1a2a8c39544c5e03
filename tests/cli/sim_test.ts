import { expect, test } from "bun:test";
import { simCommandOf } from "../../lib/cli/sim/mod.ts";
import { formatScript, parseScript } from "../../lib/sim/mod.ts";
import { toyTier } from "../sim/toy.ts";
import { runWith, type World } from "./fake.ts";

const held = simCommandOf({ storage: async () => toyTier() });
const broken = simCommandOf({ storage: async () => toyTier({ windowMs: 5 }), raft: async () => ({ ...toyTier(), name: "raft" as const }) });

const sim = (command: typeof held, world: World, ...args: string[]) => runWith({ ...world, command }, "--tier", "storage", ...args);
const tiersOf = (out: string) => JSON.parse(out).tiers;

/** A seed of the broken tier that fails. */
async function failingSeed(): Promise<number> {
  const { out } = await sim(broken, {}, "--seeds", "100", "--stop-at-first", "--json");
  return tiersOf(out)[0].failures[0].seed;
}

test("sim --seed replays one run, the same each time, and ends with 0 when it held", async () => {
  const one = await sim(held, {}, "--seed", "5", "--json");
  expect(one).toMatchObject({ error: "", code: 0 });
  expect(tiersOf(one.out)).toEqual([
    expect.objectContaining({ tier: "storage", firstSeed: 5, seeds: 1, failed: 0, failures: [], virtualMs: 2000 }),
  ]);
  const [{ hash }] = tiersOf((await sim(held, {}, "--seed", "5", "--json")).out);
  expect(hash).toBe(tiersOf(one.out)[0].hash);
  const text = await sim(held, {}, "--seed", "5");
  expect(text.out).toContain(`Hash     ${hash}\n`);
  expect(text.out).toMatch(/Counts {3}acknowledged \d+\n/);
  expect(text.out).toContain("Verdict  held\n");
});

test("sim --seed --trace prints the last events before the result", async () => {
  expect((await sim(held, {}, "--seed", "5", "--trace")).out).toMatch(/^\d+\.\d{3} 0 \w+\n(?:.*\n)*Tier {5}storage\n/);
});

test("sim ends with 1 when a promise was broken, and says how to see it again", async () => {
  const seed = await failingSeed();
  const ended = await sim(broken, {}, "--seed", String(seed));
  expect(ended.code).toBe(1);
  expect(ended.out).toContain("Verdict  violated\n");
  expect(ended.out).toContain(`Seed ${seed}: Acknowledged `);
  expect(ended.out).toContain(
    `  Again: barnabas sim --tier storage --seed ${seed} --trace\n  Smaller: barnabas sim --tier storage --seed ${seed} --shrink\n`,
  );
});

test("sim --seeds runs a range, --tier all every tier", async () => {
  const { out, code } = await sim(broken, {}, "--seeds", "11-30", "--json");
  expect(code).toBe(1);
  const [{ firstSeed, seeds, twice, failed, failures }] = tiersOf(out);
  expect([firstSeed, seeds, twice, failures.length]).toEqual([11, 20, 1, failed]);
  const all = await sim(broken, {}, "--seeds", "20", "--json", "--tier", "all", "--quiet");
  expect(tiersOf(all.out).map(({ tier, seeds }: { tier: string; seeds: number }) => [tier, seeds])).toEqual([["storage", 20], [
    "raft",
    20,
  ]]);
});

test("sim --for takes fresh seeds, and ends when its time is up", async () => {
  const [{ firstSeed, failed }] = tiersOf((await sim(held, {}, "--for", "20ms", "--json")).out);
  expect(firstSeed).toBeGreaterThan(1_700_000_000_000);
  expect(failed).toBe(0);
});

test("sim --shrink writes a script that fails in the same way, beside what is there", async () => {
  const seed = await failingSeed();
  const taken = `found/sim-storage-${seed}.json`;
  const written = new Map([[taken, "mine"]]);
  const ended = await sim(broken, { written, directories: ["found"] }, "--seed", String(seed), "--shrink", "--out", "found", "--json");
  const path = `found/sim-storage-${seed}-2.json`;
  expect(tiersOf(ended.out)[0].failures[0].script).toBe(path);
  expect(ended.error).toContain(`Written: ${path}\n`);
  const script = written.get(path)!;
  expect(parseScript(script).why).toMatch(/^Acknowledged /);
  expect(parseScript(script).plan.faults.length).toBeLessThanOrEqual(2);
  const replayed = await runWith({ command: broken, files: { [path]: script } }, "--script", path);
  expect(replayed.code).toBe(1);
  expect(replayed.error).toContain("Script: Acknowledged ");
  expect(replayed.out).toContain(`Again: barnabas sim --script ${path} --trace\n`);
  const mended = await runWith({ command: held, files: { [path]: script } }, "--script", path);
  expect(mended.code).toBe(0);
  // What cannot be written is told, and so is the failure.
  const noDisk = await sim(broken, { directories: ["."] }, "--seed", String(seed), "--shrink");
  expect(noDisk).toMatchObject({ code: 1, out: expect.stringContaining(`Again: barnabas sim --tier storage --seed ${seed}`) });
  expect(noDisk.error).toContain(`Cannot write "./sim-storage-${seed}.json": no disk here`);
  expect(noDisk.error).toContain(script);
  const nowhere = await sim(broken, {}, "--seed", String(seed), "--shrink", "--out", "gone");
  expect(nowhere).toMatchObject({ code: 1, out: "", error: expect.stringContaining("Cannot use --out gone: ENOENT") });
});

test("sim ends in order at a signal", async () => {
  const onSignals = (send: (signal: string) => void) => send("SIGINT");
  const ended = await sim(held, { onSignals }, "--seeds", "1000000", "--json");
  expect(ended.code).toBe(130);
  expect(tiersOf(ended.out)[0].seeds).toBe(0);
});

const plan = toyTier().plan(1);
const files = {
  "a.json": "{",
  "b.json": formatScript({ why: "x", plan: { ...plan, tier: "broker" } }),
  "c.json": formatScript({ why: "x", plan: { ...plan, workloads: [{ kind: "older", clients: 1, operations: 1, knobs: {} }] } }),
  "d.json": formatScript({ why: "x", plan: { ...plan, faults: [{ kind: "reset", at: 1, node: 1 }] } }),
};
for (
  const [args, message, code] of [
    [[], "Say what to run: --seed N, --seeds A-B, --for DURATION or --script FILE", 64],
    [["--seed", "1", "--seeds", "3"], "Cannot use --seed and --seeds together", 64],
    [["--seed", "1", "--for", "1s"], "Cannot use --for with --seed", 64],
    [["--seeds", "9-3"], 'Invalid "--seeds 9-3": write A-B, or N for 1 to N', 64],
    [["--seeds", "x"], 'Invalid "--seeds x"', 64],
    [["--for", "0s"], 'Invalid "--for 0s": nothing would run', 64],
    [["--seeds", "3", "--trace"], "Cannot use --trace without --seed or --script", 64],
    [["--script", "d.json"], 'd.json: There is no fault "reset" in the tier storage: another version wrote it', 1],
    [["--script", "c.json"], 'c.json: There is no workload "older" in the tier storage: another version wrote it', 1],
    [["--script", "a.json"], "a.json: Cannot read the script: it is no JSON", 1],
    [["--script", "b.json"], 'There is no simulator for "broker" here: there are storage', 1],
    [["--seed", "1", "--tier", "broker"], 'There is no simulator for "broker" here: there are storage', 1],
  ] as const
) {
  test(`sim ${args.join(" ")} is refused: ${message}`, async () => {
    const refused = sim(held, { files }, ...args);
    if (code === 64) await expect(refused).rejects.toThrow(message);
    else expect(await refused).toMatchObject({ code, error: expect.stringContaining(message) });
  });
}

test("sim --script says which knobs this version does not know", async () => {
  const script = formatScript({ why: "x", plan: { ...plan, knobs: { ...plan.knobs, walFileBites: 3 } } });
  const ended = await runWith({ command: held, files: { "old.json": script } }, "--script", "old.json");
  expect(ended.code).toBe(0);
  expect(ended.error).toContain("This version has no such knobs, they do nothing: walFileBites\n");
});
