/** What brokers leave behind in a process, counted. A thousand rounds are run by .ci/run; the same script, the same judgement. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { leaks, type Left } from "./rounds.ts";

setDefaultTimeout(60_000);

async function rounds(...args: readonly string[]): Promise<readonly Left[]> {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "rounds.ts"), ...args], { stdout: "pipe", stderr: "inherit" });
  const [text, code] = await Promise.all([new Response(child.stdout).text(), child.exited]);
  expect(code).toBe(0);
  return JSON.parse(text.trim().split("\n")[0]!) as readonly Left[];
}

describe("brokers that were closed leave nothing behind", () => {
  for (const storage of ["memory", "disk"]) {
    test(`with storage ${storage}`, async () => {
      expect(leaks(await rounds("15", storage))).toEqual([]);
    });
  }

  test("and one timer, file, listener or object a round would be seen", async () => {
    const planted = ["timer", "file", "listener", "object"];
    const found = await Promise.all(planted.map(async (what) => leaks(await rounds("10", "memory", what)).length > 0));
    expect(planted.filter((_, at) => !found[at])).toEqual([]);
  });

  test("and memory that grows would be seen", () => {
    const seen = Array.from({ length: 10 }, (_, at) => ({
      rounds: (at + 1) * 100,
      fileDescriptors: 9,
      held: 300,
      objects: 50_000,
      residentBytes: (80 + at * 10) * 2 ** 20,
    }));
    expect(leaks(seen)).toEqual([expect.stringContaining("resident")]);
  });
});
