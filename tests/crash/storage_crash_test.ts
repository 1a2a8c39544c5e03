/**
 * Crash at the k-th changing I/O call of a fixed script, before, in the middle and after it, losing power or only the process (HAZARDS
 * W7, W8): everything acknowledged is there, in order, once, and what one start served the next one serves too. `EXHAUSTIVE=1` tries
 * every k; by default every 11th with a different remainder for each kind. `CRASH_SEED` draws other delays and tears.
 */
import { expect, test } from "bun:test";
import { steps } from "../support/exhaustive.ts";
import { OneMachine } from "../sim/one_machine.ts";
import { crashAt, nothingPromised, runScript, verify } from "./storage_script.ts";

const EVERY = 11;
const SEED = Number(process.env["CRASH_SEED"] ?? 1);
const CALLS_MIN = 450;

test("storage script without a crash keeps everything", () => {
  const node = new OneMachine(SEED);
  const promised = nothingPromised();
  node.run(runScript(node.start(), promised));
  expect(promised.acknowledged).toEqual(promised.batches.map(({ length }) => length));
  node.end("power");
  expect(node.run(verify(node.start(), promised))).not.toBeNull();
});

let turn = 1;
for (const kind of ["power", "process"] as const) {
  for (const point of ["before", "torn", "after"] as const) {
    const { first, step } = steps(EVERY, turn++);
    test(`storage keeps its word when ${kind} fails ${point} a call`, () => {
      let at = 1 + first;
      while (crashAt(at, point, kind, SEED * 10_000 + at)) at += step;
      // The script was crashed from its first call to its last.
      expect(at).toBeGreaterThan(CALLS_MIN);
    }, 600_000);
  }
}
