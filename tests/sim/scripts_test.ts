import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { formatScript, parseScript, runPlan, TIERS, unknownIn } from "../../lib/sim/mod.ts";

const root = join(import.meta.dir, "scripts");
const paths = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".json")).sort();

test("scripts lie in the directory of their tier, and are written as formatScript() writes them", async () => {
  for (const path of paths) {
    const text = await Bun.file(join(root, path)).text();
    const script = parseScript(text);
    expect([path, formatScript(script)]).toEqual([`${script.plan.tier}/${path.split("/").at(-1)!}`, text]);
  }
});

for (const path of paths) {
  const { why, plan } = parseScript(await Bun.file(join(root, path)).text());
  test(`${path} holds: ${why}`, async () => {
    // A script of words that nobody knows any more holds, and says nothing.
    expect(unknownIn(await TIERS[plan.tier]!(), plan)).toEqual({ workloads: [], faults: [], knobs: [] });
    expect((await runPlan(await TIERS[plan.tier]!(), plan)).violation).toBeNull();
  });
}
