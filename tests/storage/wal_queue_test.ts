/** What the commit queue lets in, and when it asks for a pause. */
import { expect, test } from "bun:test";
import { Overloaded } from "../../lib/io/mod.ts";
import { DEFAULT_STORAGE_SETTINGS } from "../../lib/storage/mod.ts";
import type { WalFile, WalFiles } from "../../lib/storage/wal/file.ts";
import { Wal } from "../../lib/storage/wal/wal.ts";
import { testIo } from "./setup.ts";

/** A WAL without a file: nothing of it is committed in these tests. */
function walWith(queueBytesMax: number) {
  const memory = { excess: 0 };
  const start = { generation: 1, position: 0, sequence: 1, previousCrc: 0 };
  const settings = { ...DEFAULT_STORAGE_SETTINGS, nodeId: 1, queueBytesMax, queueBytesReserved: 10 };
  const wal = new Wal(testIo(), settings, {} as WalFiles, {} as WalFile, start, {
    mayCommit: () => memory.excess === 0,
    excessBytes: () => memory.excess,
    committed() {},
    outOfSpace() {},
    healthChanged() {},
  });
  return { wal, memory };
}

test("Wal.admit counts committed bytes beyond the memory for them as if they waited: what rounds for awaited entries drain does not come again", () => {
  const { wal, memory } = walWith(100);
  memory.excess = 60;
  wal.admit(40, false);
  expect(() => wal.admit(41, false)).toThrow(Overloaded);
  wal.admit(50, true);
  expect(() => wal.admit(51, true)).toThrow(Overloaded);
  memory.excess = 0;
  wal.admit(1_000, false);
});

test("Wal asks for a pause while such bytes fill half of the queue, until it is woken with few of them", () => {
  const { wal, memory } = walWith(100);
  const pauses: boolean[] = [];
  wal.onPause((paused) => pauses.push(paused));
  memory.excess = 51;
  wal.wake();
  memory.excess = 26;
  wal.wake();
  expect(pauses).toEqual([true]);
  memory.excess = 25;
  wal.wake();
  expect(pauses).toEqual([true, false]);
});
