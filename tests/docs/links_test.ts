/** No page of documentation points to something that is not there. */
import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

const ROOT = resolve(import.meta.dir, "../..");

/** GitHub's names for headings. */
const anchorsOf = (markdown: string): readonly string[] =>
  Array.from(
    markdown.matchAll(/^#+ (.+)$/gm),
    ([, title]) => title!.toLowerCase().replace(/`|\[([^\]]*)\]\([^)]*\)/g, "$1").replace(/[^\p{L}\p{N} _-]/gu, "").replace(/ /g, "-"),
  );

test("links between pages lead somewhere", async () => {
  const broken: string[] = [];
  const pages = [...new Bun.Glob("*.md").scanSync(ROOT), ...new Bun.Glob("docs/**/*.md").scanSync(ROOT)];
  expect(pages.length).toBeGreaterThan(20);
  for (const path of pages) {
    const text = (await Bun.file(join(ROOT, path)).text()).replace(/^```[^]*?^```/gm, "");
    for (const [, target] of text.matchAll(/\]\((?!https?:|mailto:)([^)\s]+)\)/g)) {
      const [file, anchor] = target!.split("#") as [string, string | undefined];
      const there = file === "" ? join(ROOT, path) : join(ROOT, dirname(path), file);
      const found = existsSync(there) &&
        (anchor === undefined || !there.endsWith(".md") || anchorsOf(await Bun.file(there).text()).includes(anchor));
      if (!found) broken.push(`${path}: ${target}`);
    }
  }
  expect(broken).toEqual([]);
});
