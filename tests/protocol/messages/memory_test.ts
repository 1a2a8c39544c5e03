/**
 * What decoding takes of memory (HAZARDS N4): the worst that a peer can send is either refused, or the heap does not grow by more than a stated
 * multiple of the frame.
 */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { MEMORY_PER_BYTE_MAX } from "../../../lib/protocol/mod.ts";
import type { HeapGrowth } from "./heap_growth.ts";

/** Those with the largest elements for their bytes. All that there are take ten seconds. */
const ARRAYS = 10;

test("no message takes far more memory than its frame", async () => {
  const command = [process.execPath, join(import.meta.dir, "heap_growth.ts"), String(process.env["ARRAYS"] ?? ARRAYS)];
  const child = Bun.spawn(command, { stdout: "pipe", stderr: "inherit" });
  const [text, code] = await Promise.all([new Response(child.stdout).text(), child.exited]);
  expect(code).toBe(0);
  const measured = JSON.parse(text) as readonly HeapGrowth[];
  expect(measured.length).toBeGreaterThanOrEqual(ARRAYS);
  // Without a refusal they would.
  expect(measured[0]!.estimate).toBeGreaterThan(MEMORY_PER_BYTE_MAX);
  expect(measured.filter(({ grownBytes, bytesMax }) => grownBytes >= bytesMax)).toEqual([]);
}, 60_000);
