/** Retention and compaction under a clock that the test moves. */
import { expect, test } from "bun:test";
import { decodeBatch, forEachBatch } from "../../lib/protocol/records/mod.ts";
import { type LogSettings, type NodeStorage, openStorage, type PartitionLog } from "../../lib/storage/mod.ts";
import { createMemoryDisk } from "../../lib/io/memory/mod.ts";
import { faultyDisk } from "./faulty_disk.ts";
import { append, batch, deadline, DIRECTORY, durable, id, logSettings, memory, readAll, SETTINGS, type TestIo, testIo } from "./setup.ts";

const HOUR = 3_600_000;
const LATER = { op: "test", at: Infinity };

async function opened(
  changes: Partial<LogSettings>,
  disk = memory(),
): Promise<{ io: TestIo; storage: NodeStorage; log: PartitionLog; disk: typeof disk }> {
  const io = testIo(disk);
  const storage = await openStorage(io, { ...SETTINGS, nodeId: 1 }, DIRECTORY);
  return {
    io,
    storage,
    disk,
    log: storage.createLog(id(1), logSettings({ segmentBytes: 500, indexIntervalBytes: 100, fileDeleteDelayMs: 0, ...changes })),
  };
}

async function fill(io: TestIo, log: PartitionLog, count: number, stepMs: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    append(log, batch("r".repeat(200), { timestamp: io.clock.wall() }));
    await durable(log);
    io.clock.pass(stepMs);
  }
}

test("retention.ms deletes segments whose newest record is older, and the active one when it is too", async () => {
  const { io, storage, log } = await opened({ retentionMs: 5 * HOUR });
  await fill(io, log, 10, HOUR);
  await storage.maintain();
  // 500 bytes hold one batch of 270: each record is a segment.
  expect(log.logStartOffset).toBe(5);
  io.clock.pass(6 * HOUR);
  await storage.maintain();
  expect([log.logStartOffset, log.logEndOffset]).toEqual([10, 10]);
  append(log, batch("next", { timestamp: io.clock.wall() }));
  await durable(log);
  expect((await log.read(10, 11, 1000, true, LATER)).byteLength).toBeGreaterThan(0);
  await storage.close(deadline(io));
});

test("retention.ms takes a timestamp from the future for now", async () => {
  const { io, storage, log } = await opened({ retentionMs: 5 * HOUR });
  append(log, batch("f".repeat(400), { timestamp: io.clock.wall() + 1000 * HOUR }));
  await fill(io, log, 3, HOUR);
  await storage.maintain();
  expect(log.logStartOffset).toBe(0);
  await storage.close(deadline(io));
});

test("retention.bytes keeps at least that much, also over a restart", async () => {
  const { io, storage, log } = await opened({ retentionBytes: 1000 });
  await fill(io, log, 12, 1);
  await storage.maintain();
  expect(log.sizeBytes).toBeGreaterThanOrEqual(1000);
  expect(log.sizeBytes).toBeLessThan(1500);
  const start = log.logStartOffset;
  const kept = await readAll(io, log);
  await storage.close(deadline(io));
  const again = await openStorage(io, SETTINGS, DIRECTORY);
  await again.inspected;
  const found = again.log(id(1).topicId, 0)!;
  expect([found.logStartOffset, found.offlineReason]).toEqual([start, null]);
  expect(Buffer.compare(await readAll(io, found), kept)).toBe(0);
  await again.close(deadline(io));
});

test("a jump of the wall clock costs one segment of a log at a time (HAZARDS C1)", async () => {
  const { io, storage, log } = await opened({ retentionMs: 5 * HOUR });
  await fill(io, log, 8, 1);
  io.clock.wallMs += 24 * HOUR;
  await storage.maintain();
  expect(log.logStartOffset).toBe(1);
  await storage.maintain();
  expect(log.logStartOffset).toBe(2);
  io.clock.wallMs -= 24 * HOUR;
  await storage.maintain();
  expect(log.logStartOffset).toBe(2);
  await storage.close(deadline(io));
});

test("producers that were silent for producer.id.expiration.ms are forgotten", async () => {
  const { io, storage, log } = await opened({});
  append(log, batch("p", { timestamp: io.clock.wall(), producerId: 4, producerEpoch: 0, baseSequence: 0 }));
  await durable(log);
  await storage.maintain();
  expect(log.producers().length).toBe(1);
  io.clock.pass(25 * HOUR);
  await storage.maintain();
  expect(log.producers().length).toBe(0);
  await storage.close(deadline(io));
});

const COMPACT: Partial<LogSettings> = {
  cleanupPolicy: { delete: false, compact: true },
  minCleanableDirtyRatio: 0,
  deleteRetentionMs: HOUR,
};

/** The latest value of each key, and every offset that is there. */
async function view(io: TestIo, log: PartitionLog): Promise<{ readonly values: Map<string, string | null>; readonly offsets: number[] }> {
  const values = new Map<string, string | null>();
  const offsets: number[] = [];
  const bytes = await readAll(io, log, 300);
  forEachBatch(bytes, (at) => {
    for (const { key, value, offset } of decodeBatch(bytes, at, 1 << 20)) {
      values.set(new TextDecoder().decode(key!), value === null ? null : new TextDecoder().decode(value));
      offsets.push(offset);
    }
  });
  return { values, offsets };
}

const put = (log: PartitionLog, io: TestIo, key: string, value: string | null, changes = {}): number =>
  append(log, batch(value ?? "", { key, tombstone: value === null, timestamp: io.clock.wall(), ...changes }));

test("compaction keeps the latest value of every key, all offsets in their place, and serves reads in the gaps", async () => {
  const { io, storage, log } = await opened(COMPACT);
  const expected = new Map<string, string>();
  for (let i = 0; i < 120; i++) {
    const key = `key-${i % 3 === 0 ? i : i % 7}`;
    expected.set(key, `value ${i}`);
    put(log, io, key, `value ${i}`, i % 2 === 0 ? { compression: "gzip" } : {});
    if (i % 10 === 9) await durable(log);
  }
  await durable(log);
  const before = log.sizeBytes;
  for (let round = 0; round < 2; round++) {
    await storage.maintain();
    const { values, offsets } = await view(io, log);
    expect(values).toEqual(expected);
    expect(offsets).toEqual([...offsets].sort((a, b) => a - b));
    expect(log.sizeBytes).toBeLessThan(before * 0.7);
    for (let offset = 0; offset < 120; offset++) {
      const read = await log.read(offset, 120, 1, true, LATER);
      expect(read.byteLength).toBeGreaterThan(0);
      read.lease.release();
    }
  }
  await storage.close(deadline(io));
  const again = await openStorage(io, SETTINGS, DIRECTORY);
  await again.inspected;
  const found = again.log(id(1).topicId, 0)!;
  expect(found.offlineReason).toBeNull();
  expect((await view(io, found)).values).toEqual(expected);
  await again.close(deadline(io));
});

test("compaction removes a tombstone delete.retention.ms after it first met it", async () => {
  const { io, storage, log } = await opened(COMPACT);
  put(log, io, "a", "1");
  put(log, io, "a", null);
  for (let i = 0; i < 12; i++) put(log, io, `other-${i}`, "x".repeat(60));
  await durable(log);
  await storage.maintain();
  expect((await view(io, log)).values.get("a")).toBeNull();
  for (const [passMs, gone] of [[HOUR / 2, false], [HOUR, true]] as const) {
    io.clock.pass(passMs);
    for (let i = 0; i < 12; i++) put(log, io, `other-${i}`, "y".repeat(60));
    await durable(log);
    await storage.maintain();
    expect((await view(io, log)).values.has("a")).toBe(!gone);
  }
  await storage.close(deadline(io));
});

test("compaction keeps a producer's last sequence although all its records are gone", async () => {
  const { io, storage, log } = await opened(COMPACT);
  for (let i = 0; i < 3; i++) put(log, io, "k", `${i}`, { producerId: 6, producerEpoch: 0, baseSequence: i });
  for (let i = 0; i < 12; i++) put(log, io, "k", "x".repeat(100));
  await durable(log);
  await storage.maintain();
  await storage.close(deadline(io));
  await io.disk.removeFile(`${DIRECTORY}/checkpoint`, LATER);
  const again = await openStorage(io, SETTINGS, DIRECTORY);
  const found = again.log(id(1).topicId, 0)!;
  expect(found.checkSequence(batch("", { producerId: 6, producerEpoch: 0, baseSequence: 2 })).kind).toBe("duplicate");
  expect(found.checkSequence(batch("", { producerId: 6, producerEpoch: 0, baseSequence: 3 })).kind).toBe("append");
  await again.close(deadline(io));
});

test("compaction waits for the dirty ratio and for min.compaction.lag.ms", async () => {
  const { io, storage, log } = await opened({ ...COMPACT, minCleanableDirtyRatio: 0.9, minCompactionLagMs: HOUR });
  for (let i = 0; i < 30; i++) put(log, io, "k", `${i}`.repeat(30));
  await durable(log);
  await storage.maintain();
  expect((await view(io, log)).offsets.length).toBe(30);
  io.clock.pass(2 * HOUR);
  await storage.maintain();
  const compacted = (await view(io, log)).offsets.length;
  expect(compacted).toBeLessThan(10);
  for (let i = 0; i < 4; i++) put(log, io, "k", "y".repeat(300));
  await durable(log);
  log.configure(logSettings({ ...COMPACT, minCleanableDirtyRatio: 1 }));
  io.clock.pass(2 * HOUR);
  await storage.maintain();
  expect((await view(io, log)).offsets.length).toBe(compacted + 4);
  await storage.close(deadline(io));
});

test("what is cut while compaction works does not come back, and is compacted by the next one", async () => {
  const disk = memory();
  let atSwap: (() => Promise<void>) | null = null;
  const open = disk.open.bind(disk);
  disk.open = async (path, options, deadline) => {
    const work = path.endsWith(".swap") ? atSwap : null;
    if (work !== null) atSwap = null;
    await work?.();
    return await open(path, options, deadline);
  };
  const io = testIo(disk);
  const storage = await openStorage(io, { ...SETTINGS, nodeId: 1 }, DIRECTORY);
  const log = storage.createLog(id(1), logSettings({ segmentBytes: 900, indexIntervalBytes: 100, fileDeleteDelayMs: 0, ...COMPACT }));
  for (let i = 0; i < 12; i++) put(log, io, `key${i % 3}`, `${i}`.padEnd(200, "."));
  await durable(log);
  atSwap = () => log.truncateTo(4, deadline(io));
  await storage.maintain();
  expect([log.logEndOffset, log.offlineReason]).toEqual([4, null]);
  expect((await view(io, log)).offsets).toEqual([0, 1, 2, 3]);
  for (let i = 4; i < 12; i++) put(log, io, `key${i % 2}`, `again ${i}`.padEnd(200, "."));
  await durable(log);
  await storage.maintain();
  const { values, offsets } = await view(io, log);
  expect(offsets.length).toBeLessThan(12);
  expect(Object.fromEntries([...values].map(([key, value]) => [key, value!.replaceAll(".", "")]))).toEqual({
    key0: "again 10",
    key1: "again 11",
    key2: "2",
  });
  await storage.close(deadline(io));
});

test("compaction that is cut off at any call loses no key", async () => {
  for (const kind of ["power", "process"] as const) {
    let at = 1;
    for (let finished = false; !finished; at += 3) {
      const disk = createMemoryDisk(64 * 1024 * 1024);
      const faulty = faultyDisk(disk, at, at % 2 === 0 ? "before" : "after", kind);
      const acknowledged = new Map<string, string>();
      finished = await Promise.race([compactTwice(testIo(faulty), acknowledged).then(() => true), faulty.died.then(() => false)]);
      await faulty.kill();
      for (let start = 0; start < 2; start++) {
        const again = faultyDisk(disk, Infinity, "before", kind);
        const io = testIo(again);
        const storage = await openStorage(io, SETTINGS, DIRECTORY);
        await storage.inspected;
        const log = storage.log(id(1).topicId, 0);
        if (acknowledged.size > 0) {
          expect([at, log!.offlineReason]).toEqual([at, null]);
          const { values } = await view(io, log!);
          for (const [key, value] of acknowledged) expect(Number(values.get(key))).toBeGreaterThanOrEqual(Number(value));
        }
        await again.kill();
      }
    }
    expect(at).toBeGreaterThan(60);
  }
}, 60_000);

async function compactTwice(io: TestIo, acknowledged: Map<string, string>): Promise<void> {
  const storage = await openStorage(io, { ...SETTINGS, tailBytesMax: 1000 }, DIRECTORY);
  const log = storage.createLog(id(1), logSettings({ ...COMPACT, segmentBytes: 500, indexIntervalBytes: 100 }));
  for (let i = 0; i < 60; i++) {
    put(log, io, `k${i % 5}`, String(i));
    await durable(log);
    acknowledged.set(`k${i % 5}`, String(i));
    if (i % 20 === 19) await storage.maintain();
  }
}

/** Everything below `topics`, by path. */
async function topicFiles(io: TestIo): Promise<readonly string[]> {
  const found: string[] = [];
  const walk = async (path: string): Promise<void> => {
    for (const { name, kind } of await io.disk.list(path, LATER)) {
      found.push(`${path}/${name}`.slice(`${DIRECTORY}/topics/`.length));
      if (kind === "directory") await walk(`${path}/${name}`);
    }
  };
  await walk(`${DIRECTORY}/topics`);
  return found;
}

test("a log that was deleted shortly before a stop is removed after the next start, and no other one", async () => {
  const { io, storage, log, disk } = await opened({ fileDeleteDelayMs: 60_000 });
  const kept = storage.createLog(id(2), logSettings({ fileDeleteDelayMs: 60_000 }));
  await fill(io, log, 3, 1);
  await fill(io, kept, 1, 1);
  await storage.checkpoint();
  await storage.deleteLog(log, deadline(io));
  expect((await topicFiles(io)).filter((path) => path.endsWith(".deleted"))).toHaveLength(1);
  await storage.close(deadline(io));
  expect((await topicFiles(io)).filter((path) => path.endsWith(".deleted"))).toHaveLength(1);

  const again = testIo(disk);
  const next = await openStorage(again, { ...SETTINGS, nodeId: 1 }, DIRECTORY);
  await next.inspected;
  const left = await topicFiles(again);
  expect(left.filter((path) => path.endsWith(".deleted"))).toEqual([]);
  expect(left.filter((path) => !path.includes("/"))).toHaveLength(1);
  expect([...next.logs()].map(({ topicId, logEndOffset }) => [topicId, logEndOffset])).toEqual([[kept.topicId, 1]]);
  await next.close(deadline(again));
});
