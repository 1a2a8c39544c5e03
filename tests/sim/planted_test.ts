import { expect, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { formatPage, PAGE, parsePage, rowOf } from "./planted/page.ts";
import { hunt, plantedBugs, scriptCatches, SEEDS_MAX, withPlanted, wrongText, wrongTexts } from "./planted/plant.ts";
import type { PlantedBug } from "./planted/types.ts";

const bugs = await plantedBugs();

test("every planted bug has its line exactly once in the source, and a name of its own", async () => {
  for (const bug of bugs) expect(await wrongTexts(bug)).toHaveLength(1 + (bug.also?.length ?? 0));
  expect(new Set(bugs.map(({ name }) => name)).size).toBe(bugs.length);
});

test("a bug whose line is not there, is there twice, or changes nothing is refused", async () => {
  const bug: PlantedBug = { name: "x", tier: "raft", file: "lib/sim/tiers.ts", line: "TIERS", wrong: "y" };
  expect(await wrongText(bug)).toContain("const y:");
  await expect(wrongText({ ...bug, line: "no such line" })).rejects.toThrow("its line occurs 0 times in lib/sim/tiers.ts");
  await expect(wrongText({ ...bug, line: "import" })).rejects.toThrow(/its line occurs [2-9] times/);
  await expect(wrongText({ ...bug, wrong: "TIERS" })).rejects.toThrow("it changes nothing");
});

/** Found within few seeds: the first of each tier that says so. */
const quick = ["raft", "metadata", "storage", "broker"].flatMap((tier) =>
  bugs.find((bug) => bug.tier === tier && (bug.seedsMax ?? SEEDS_MAX) <= 50) ?? []
);

for (const bug of quick) {
  test(`the simulator of the tier ${bug.tier} finds: ${bug.name}`, async () => {
    const { script } = bug;
    const caught = await withPlanted(
      bug,
      async (directory) => script === undefined ? (await hunt(bug, directory, 1)).seeds !== null : await scriptCatches(bug, directory),
    );
    expect(caught).toBe(true);
  });
}

test("every planted bug was measured: its row is in docs/planted-bugs.md, and no other is", async () => {
  const rows = parsePage(await readFile(PAGE, "utf8"));
  expect([...rows.keys()].toSorted()).toEqual(bugs.map(({ name }) => name).toSorted());
  for (const { name, tier } of bugs) expect(rows.get(name)).toStartWith(`| ${tier} | ${name} | `);
});

test("rows are written anew for what was measured, kept for what was not, and go with their bugs", () => {
  const [a, b, c] = ["a", "b", "c"].map((name): PlantedBug => ({ name, tier: "raft", file: "", line: "", wrong: "" })) as [
    PlantedBug,
    PlantedBug,
    PlantedBug,
  ];
  const rows = new Map([a, b, c].map((bug) => [bug.name, rowOf(bug, { caught: [1, 4], missed: 0 })]));
  const before = parsePage(formatPage([a, b, c], rows));
  expect(before).toEqual(rows);
  const after = parsePage(formatPage([c, b], new Map([...before, ["b", rowOf(b, { caught: [3], missed: 2 })]])));
  expect([...after]).toEqual([["c", "| raft | c | 2.5 | 2 | 4 |"], ["b", "| raft | b | not found in 2 | 3 | - |"]]);
});
