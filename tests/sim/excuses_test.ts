import { expect, test } from "bun:test";
import { Excuses } from "../../lib/sim/broker/excuses.ts";

const WRITE = 'Cannot commit: Cannot write "data/wal/0.wal": EIO; the outcome of what was waiting is unknown';
const READ = 'Cannot use data directory "data": Cannot read "data/meta.json": EIO. The disk cannot read or write it';

test("a fault explains what it can lead to and nothing else", () => {
  const excuses = new Excuses();
  excuses.add("readFails", 0, Infinity);
  excuses.add("diskFull", 0, 1_000);
  expect(excuses.explain(WRITE, 10)).toBe(false);
  expect(excuses.explain('Cannot write "data/checkpoint.tmp": ENOSPC', 10)).toBe(true);
  expect(excuses.explain(READ, 10)).toBe(true);
  expect(excuses.explain("Cannot sync: it did not end within 500 ms", 10)).toBe(false);
});

test("a fault of one call explains one end, one that lasts all of its time", () => {
  const excuses = new Excuses();
  excuses.add("syncFails", 0, Infinity);
  excuses.add("writeFails", 0, Infinity);
  expect([1, 2, 3].map((at) => excuses.explain(WRITE, at))).toEqual([true, true, false]);
  excuses.add("syncStalls", 0, 1_000);
  const late = "Cannot commit: the sync did not end within 500 ms";
  expect([1, 15_999, 16_001].map((at) => excuses.explain(late, at))).toEqual([true, true, false]);
});

test("what could have been either of two faults leaves the one that explains more", () => {
  const excuses = new Excuses();
  excuses.add("syncFails", 0, Infinity);
  excuses.add("writeFails", 0, Infinity);
  expect(excuses.explain(WRITE, 1)).toBe(true);
  expect(excuses.explain('Cannot sync directory "data/wal": EIO', 2)).toBe(true);
});

test("an exit needs the code of a broken disk, and a broken promise has no excuse", () => {
  const excuses = new Excuses();
  excuses.add("syncFails", 0, Infinity);
  expect(excuses.explainExit(1, WRITE, 1)).toBe(false);
  expect(excuses.explainExit(70, `Invariant broken: ${WRITE}`, 1)).toBe(false);
  expect(excuses.explainExit(70, WRITE, 1)).toBe(true);
  excuses.add("writeFails", 0, Infinity);
  excuses.heal(100);
  expect(excuses.explainExit(70, WRITE, 20_000)).toBe(false);
});
