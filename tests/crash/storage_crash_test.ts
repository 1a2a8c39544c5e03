/**
 * Crash at the k-th changing I/O call of a fixed script, before, in the middle and after it, losing power or only the process (HAZARDS
 * W7, W8): everything acknowledged is there, in order, once, and what one start served the next one serves too. `CRASH_EVERY=1` tries
 * every k; by default every 11th with a different remainder for each kind.
 */
import { expect, test } from "bun:test";
import { createMemoryDisk } from "../../lib/io/memory/mod.ts";
import { testIo } from "../storage/setup.ts";
import { FaultyDisk } from "../storage/faulty_disk.ts";
import { crashAt, nothingPromised, runScript, verify } from "./storage_script.ts";

const EVERY = Number(process.env["CRASH_EVERY"] ?? 11);
const CALLS_MIN = 450;
const CAPACITY_BYTES = 64 * 1024 * 1024;

test("storage script without a crash keeps everything", async () => {
  const disk = createMemoryDisk(CAPACITY_BYTES);
  const promised = nothingPromised();
  const faulty = new FaultyDisk(disk);
  await runScript(testIo(faulty), promised);
  expect(promised.acknowledged).toEqual(promised.batches.map(({ length }) => length));
  await verify(disk, promised);
});

let remainder = 1;
for (const kind of ["power", "process"] as const) {
  for (const point of ["before", "torn", "after"] as const) {
    const from = 1 + remainder++ % EVERY;
    test(`storage keeps its word when ${kind} fails ${point} a call`, async () => {
      let at = from;
      while (await crashAt(createMemoryDisk(CAPACITY_BYTES), at, point, kind)) at += EVERY;
      // The script was crashed from its first call to its last.
      expect(at).toBeGreaterThan(CALLS_MIN);
    }, 600_000);
  }
}
