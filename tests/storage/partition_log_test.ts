/** A log against a list in memory: whatever the split of appends, rolls, flushes and restarts, readers see the same bytes. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { IoFailed, unpooled } from "../../lib/io/mod.ts";
import { patchBaseOffset, patchLeaderEpoch } from "../../lib/protocol/records/mod.ts";
import { CorruptLog, type LogSettings, type NodeStorage, OffsetOutOfRange, openStorage, type PartitionLog } from "../../lib/storage/mod.ts";
import { guardedDisk } from "../support/guarded_disk.ts";
import { append, batch, deadline, DIRECTORY, durable, id, logSettings, memory, readAll, SETTINGS, type TestIo, testIo } from "./setup.ts";

const SMALL = logSettings({ segmentBytes: 2000, indexIntervalBytes: 100 });
const STORAGE = { ...SETTINGS, tailBytesMax: 1500, copyBytesMax: 300, tailHeldBytesMax: 400 };
const LATER = { op: "test", at: Infinity };

async function opened(settings: LogSettings = SMALL): Promise<{ io: TestIo; storage: NodeStorage; log: PartitionLog }> {
  const io = testIo(memory());
  const storage = await openStorage(io, STORAGE, DIRECTORY);
  return { io, storage, log: storage.createLog(id(1), settings) };
}

async function restarted(io: TestIo, storage: NodeStorage): Promise<{ storage: NodeStorage; log: PartitionLog }> {
  await storage.close(deadline(io));
  const again = await openStorage(io, STORAGE, DIRECTORY);
  return { storage: again, log: again.log(id(1).topicId, 0)! };
}

test("PartitionLog.read() returns what was appended under any mix of operations", async () => {
  const operation = fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        kind: fc.constant("append" as const),
        size: fc.integer({ min: 1, max: 900 }),
        count: fc.integer({ min: 1, max: 4 }),
      }),
    },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant("read" as const), at: fc.nat(), max: fc.integer({ min: 1, max: 3000 }) }) },
    fc.record({ kind: fc.constant("checkpoint" as const) }),
    fc.record({ kind: fc.constant("restart" as const) }),
    fc.record({ kind: fc.constant("start" as const), at: fc.nat() }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { minLength: 5, maxLength: 60 }), async (operations) => {
      let { io, storage, log } = await opened();
      /** Each batch with its first offset; the end is where the next one goes. */
      const model: { readonly base: number; readonly next: number; readonly bytes: Uint8Array }[] = [];
      let start = 0, end = 0;
      for (const step of operations) {
        if (step.kind === "append") {
          // Several batches in one append.
          const parts = Array.from({ length: step.count }, (_, index) => batch("x".repeat(step.size), { count: index + 1 }));
          expect(log.append(Buffer.concat(parts), unpooled, 3, io.clock.wall()).baseOffset).toBe(end);
          for (const [index, bytes] of parts.entries()) {
            patchBaseOffset(bytes, 0, end);
            patchLeaderEpoch(bytes, 0, 3);
            model.push({ base: end, next: end + index + 1, bytes });
            end += index + 1;
          }
          await durable(log);
        } else if (step.kind === "read" && end > start) {
          const from = start + step.at % (end - start);
          const read = await log.read(from, end, step.max, true, LATER);
          const first = model.findIndex(({ next }) => next > from);
          const bytes = Buffer.concat(read.chunks as Uint8Array[]);
          read.lease.release();
          const expected = Buffer.concat(model.slice(first).map((one) => one.bytes));
          expect(bytes.length).toBeGreaterThan(0);
          expect(Buffer.compare(bytes, expected.subarray(0, bytes.length))).toBe(0);
          expect(bytes.length <= Math.max(step.max, model[first]!.bytes.length)).toBe(true);
        } else if (step.kind === "checkpoint") await storage.checkpoint();
        else if (step.kind === "restart" && end > 0) ({ storage, log } = await restarted(io, storage));
        else if (step.kind === "start" && end > 0) {
          start = Math.max(start, step.at % (end + 1));
          await log.advanceLogStart(start, LATER);
          expect(log.logStartOffset).toBe(start);
        }
        expect([log.logEndOffset, log.durableEndOffset]).toEqual([end, end]);
      }
      const firstKept = model.filter(({ next }) => next > start);
      expect(Buffer.compare(await readAll(io, log, 700), Buffer.concat(firstKept.map((one) => one.bytes)))).toBe(0);
      await storage.close(deadline(io));
      expect(io.fatals).toEqual([]);
    }),
    { numRuns: 60 },
  );
}, 60_000);

test("PartitionLog.read() refuses offsets outside the log and never shows what is not durable", async () => {
  const { io, storage, log } = await opened();
  append(log, batch("a"));
  expect((await log.read(0, 10, 1000, true, LATER)).byteLength).toBe(0);
  await durable(log);
  expect((await log.read(0, 10, 1000, true, LATER)).byteLength).toBeGreaterThan(0);
  await expect(log.read(2, 10, 1000, true, LATER)).rejects.toThrow(OffsetOutOfRange);
  await expect(log.read(-1, 10, 1000, true, LATER)).rejects.toThrow(OffsetOutOfRange);
  await storage.close(deadline(io));
});

test("PartitionLog.read() with readers, appends and deletes at the same time gives whole batches in order", async () => {
  const { io, storage, log } = await opened();
  let stop = false;
  const reader = async (): Promise<void> => {
    while (!stop) {
      try {
        await readAll(io, log, 500);
      } catch (error) {
        expect(error).toBeInstanceOf(OffsetOutOfRange);
      }
      await new Promise<void>((resolve) => io.timers.soon(resolve));
    }
  };
  const readers = [reader(), reader()];
  for (let round = 0; round < 150; round++) {
    append(log, batch("y".repeat(200 + round)));
    if (round % 3 === 0) await durable(log);
    if (round % 20 === 19) await log.advanceLogStart(round - 10, LATER);
  }
  await durable(log);
  stop = true;
  await Promise.all(readers);
  expect(io.fatals).toEqual([]);
  await storage.close(deadline(io));
});

test("PartitionLog.findTimestamp() and maxTimestamp() find the record, in memory and on disk", async () => {
  const { io, storage, log } = await opened();
  expect(await log.maxTimestamp(10, LATER)).toBeNull();
  const times = [50, 10, 30, 90, 20, 90, 70];
  for (const timestamp of times) append(log, batch("t".repeat(400), { timestamp }), 4);
  await durable(log);
  for (const flushed of [false, true]) {
    if (flushed) await storage.checkpoint();
    const first = (target: number) => times.findIndex((timestamp) => timestamp >= target);
    for (const target of [0, 11, 50, 51, 90]) {
      expect(await log.findTimestamp(target, 7, LATER)).toEqual({
        timestamp: times[first(target)]!,
        offset: first(target),
        leaderEpoch: 4,
      });
    }
    expect(await log.findTimestamp(91, 7, LATER)).toBeNull();
    expect(await log.findTimestamp(60, 3, LATER)).toBeNull();
    expect(await log.maxTimestamp(7, LATER)).toEqual({ timestamp: 90, offset: 3, leaderEpoch: 4 });
    expect(await log.maxTimestamp(3, LATER)).toEqual({ timestamp: 50, offset: 0, leaderEpoch: 4 });
  }
  await storage.close(deadline(io));
});

test("PartitionLog.truncateTo() removes a suffix with its epochs and producers, also over a restart", async () => {
  let { io, storage, log } = await opened();
  for (let i = 0; i < 12; i++) append(log, batch("z".repeat(300), { producerId: 5, producerEpoch: 0, baseSequence: i }), i < 6 ? 1 : 2);
  await durable(log);
  await log.truncateTo(4, LATER);
  for (const again of [false, true]) {
    if (again) ({ storage, log } = await restarted(io, storage));
    expect([log.logEndOffset, log.latestEpoch]).toEqual([4, 1]);
    expect(log.epochEnd(1)).toEqual({ leaderEpoch: 1, endOffset: 4 });
    expect(log.checkSequence(batch("n", { producerId: 5, producerEpoch: 0, baseSequence: 4 })).kind).toBe("append");
    expect((await readAll(io, log)).length).toBe(4 * batch("z".repeat(300)).length);
  }
  append(log, batch("after"), 3);
  await durable(log);
  expect(log.logEndOffset).toBe(5);
  await storage.close(deadline(io));
});

test("a log that was emptied still knows where its latest epoch ended, also over a restart", async () => {
  let { io, storage, log } = await opened();
  for (let i = 0; i < 4; i++) append(log, batch("gone soon"), i < 2 ? 1 : 2);
  await durable(log);
  await log.advanceLogStart(4, LATER);
  for (const again of [false, true, true]) {
    if (again) ({ storage, log } = await restarted(io, storage));
    expect([log.logStartOffset, log.logEndOffset, log.latestEpoch]).toEqual([4, 4, 2]);
    expect(log.epochEnd(2)).toEqual({ leaderEpoch: 2, endOffset: 4 });
    expect(log.epochEnd(3)).toEqual({ leaderEpoch: -1, endOffset: -1 });
  }
  append(log, batch("after"), 3);
  await durable(log);
  expect(log.epochEnd(2)).toEqual({ leaderEpoch: 2, endOffset: 4 });
  await storage.close(deadline(io));
});

test("a log start that is durable holds, and is answered, though the disk cannot remove yet what lies below it", async () => {
  const disk = memory();
  let isFull = false;
  const refuse = (op: string, path: string) => Promise.reject(new IoFailed(op, path, "ENOSPC"));
  const rename: typeof disk.rename = (from, to, soon) =>
    isFull && from.endsWith(".log") ? refuse("rename", from) : disk.rename(from, to, soon);
  const passing = guardedDisk(disk, { change: (work) => work(), look: (work) => work() });
  const io = testIo({ ...passing, rename });
  let storage: NodeStorage = await openStorage(io, STORAGE, DIRECTORY);
  let log: PartitionLog = storage.createLog(id(1), SMALL);
  for (let i = 0; i < 60; i++) {
    append(log, batch(`value ${i} ${"x".repeat(100)}`));
    await durable(log);
  }
  isFull = true;
  await log.advanceLogStart(50, LATER);
  expect(log.logStartOffset).toBe(50);
  await expect(log.read(49, 60, 1000, true, LATER)).rejects.toThrow(OffsetOutOfRange);
  isFull = false;
  await log.advanceLogStart(50, LATER);
  ({ storage, log } = await restarted(io, storage));
  expect([log.logStartOffset, log.logEndOffset]).toEqual([50, 60]);
  await storage.close(deadline(io));
});

test("a flipped bit anywhere in a segment is refused or not visible, and never makes the log shorter", async () => {
  const { io, storage, log } = await opened(logSettings({ segmentBytes: 100_000, indexIntervalBytes: 100 }));
  for (let i = 0; i < 4; i++) append(log, batch(`value ${i}`));
  await durable(log);
  const whole = await readAll(io, log);
  await storage.close(deadline(io));
  const path = `${DIRECTORY}/topics/8000000000000000000000000000000${"1"}/0/00000000000000000000.log`;
  for (let at = 0; at < whole.length; at += 2) {
    await flip(io, path, at);
    const again = await openStorage(io, STORAGE, DIRECTORY);
    const damaged = again.log(id(1).topicId, 0)!;
    expect(damaged.logEndOffset).toBe(4);
    const read = await readAll(io, damaged).catch((error: unknown) => {
      expect(error).toBeInstanceOf(CorruptLog);
      return null;
    });
    // The base offset is outside of the checksum, and told by its neighbours; nothing says what the leader epoch was.
    const inBatch = at % (whole.length / 4);
    if (inBatch < 12 || inBatch >= 16) expect([at, read]).toEqual([at, null]);
    await again.close(deadline(io));
    await flip(io, path, at);
  }
});

async function flip(io: TestIo, path: string, at: number): Promise<void> {
  const file = await io.disk.open(path, { mode: "write" }, LATER);
  const byte = new Uint8Array(1);
  await file.read(byte, at, LATER);
  byte[0]! ^= 0x10;
  await file.write([byte], at, LATER);
  await file.close(LATER);
}
