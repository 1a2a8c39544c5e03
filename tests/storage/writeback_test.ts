import { expect, test } from "bun:test";
import { IoFailed } from "../../lib/io/mod.ts";
import type { StoredLog } from "../../lib/storage/log/partition_log.ts";
import { Writeback } from "../../lib/storage/writeback.ts";
import { memory, testIo } from "./setup.ts";

const SETTINGS = { tailBytesMax: 1_000, tailHeldBytesMax: 100, tailBytesLimit: 2_000 };

/** A log that has bytes to write and a disk that does with them what it is told. */
function logOn(disk: () => void) {
  const log = {
    hasUnwritten: true,
    writes: 0,
    async flush() {
      log.writes++;
      disk();
      log.hasUnwritten = false;
    },
  };
  return log;
}

function writebackWith(failures: unknown[]) {
  const timers: (() => void)[] = [];
  const real = testIo(memory());
  const io = {
    ...real,
    timers: { ...real.timers, after: (_ms: number, fire: () => void) => ({ cancel: () => {}, ...{ _: timers.push(fire) } }) },
  };
  const writeback = new Writeback(io, SETTINGS, { drained: () => {}, failed: (error) => void failures.push(error) });
  return { writeback, timers };
}

test("Writeback.flush() rejects when a segment cannot be written, and nothing is written afterwards", async () => {
  const failures: unknown[] = [];
  const { writeback } = writebackWith(failures);
  const log = logOn(() => {
    throw new IoFailed("write", "a.log", "EIO");
  });
  writeback.unwritten(log as unknown as StoredLog, 10, false);
  await expect(writeback.flush()).rejects.toThrow(/EIO/);
  expect([failures.length, log.writes]).toEqual([1, 1]);
  await expect(writeback.flush()).rejects.toThrow(/EIO/);
  expect(log.writes).toBe(1);
});

test("Writeback writes bytes in other people's buffers again when there is space again", async () => {
  const { writeback, timers } = writebackWith([]);
  let isFull = true;
  const log = logOn(() => {
    if (isFull) throw new IoFailed("write", "a.log", "ENOSPC");
  });
  writeback.unwritten(log as unknown as StoredLog, SETTINGS.tailHeldBytesMax, true);
  writeback.look();
  while (timers.length === 0) await Promise.resolve();
  isFull = false;
  timers[0]!();
  expect(log.writes).toBe(2);
});
