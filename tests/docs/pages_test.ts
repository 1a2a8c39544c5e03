/** Every command of these pages does what the page says. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { blocksOf, PageRun, shows } from "./page.ts";

setDefaultTimeout(120_000);

const PAGES = ["first_ten_minutes.md", "http-api.md", "limits.md", "security.md"];

describe("docs", () => {
  for (const page of PAGES) {
    test(`${page} does what it says`, async () => {
      const blocks = blocksOf(await Bun.file(new URL(`../../docs/${page}`, import.meta.url)).text());
      await using run = await PageRun.open();
      let printed: string | null = null;
      for (const block of blocks) {
        if (block.language === "sh" && block.isRun) printed = await run.run(block);
        else if (block.language === "text" && printed !== null) {
          if (!shows(block.text, printed)) expect({ line: block.line, printed }).toEqual({ line: block.line, printed: block.text });
          printed = null;
        }
      }
    });
  }
});

test("shows() takes … for anything, and nothing else for granted", () => {
  expect(shows("a\n…\nc", "a\nb\nb\nc\n")).toBe(true);
  expect(shows("a.c", "abc")).toBe(false);
  expect(shows("a", "a\nb")).toBe(false);
});
