import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dir, "../..");

test("docs/track-record.md names commits, and scripts and tests that exist", async () => {
  const page = await Bun.file(join(root, "docs/track-record.md")).text();
  const rows = page.split("\n").filter((line) => line.startsWith("| ")).slice(1);
  expect(rows.length).toBeGreaterThan(10);
  // A merge that goes wrong doubles the table.
  expect(new Set(rows).size).toBe(rows.length);
  for (const row of rows) {
    const cells = row.split("|").slice(1, -1).map((cell) => cell.trim());
    expect([row, cells.length]).toEqual([row, 5]);
    expect(cells[3]).toMatch(/^`[0-9a-f]{7,12}`$/);
    for (const cell of cells) expect([row, cell === ""]).toEqual([row, false]);
  }
  const named = [...page.matchAll(/\]\(\.\.\/([^)]+)\)/g), ...page.matchAll(/\b((?:tests|lib)\/[\w/.-]+\.(?:ts|json))\b/g)].map((
    [, path],
  ) => path!);
  expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([]);
});

test("every script of a fault is in docs/track-record.md", async () => {
  const page = await Bun.file(join(root, "docs/track-record.md")).text();
  const scripts = [...new Bun.Glob("*/*.json").scanSync(join(root, "tests/sim/scripts"))];
  expect(scripts.filter((path) => !page.includes(`tests/sim/scripts/${path}`))).toEqual([]);
});
