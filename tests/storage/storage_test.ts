/** A data directory from outside: who may open it, what survives a restart, what is rebuilt, what happens when the disk fails. */
import { expect, test } from "bun:test";
import { DeadlineExceeded, type Disk, type DiskFile, IoFailed } from "../../lib/io/mod.ts";
import type { Entry, NodeId } from "../../lib/raft/types.ts";
import { DataDirectoryRefused, DiskFull, type NodeStorage, openStorage, StorageFenced, type StorageHealth } from "../../lib/storage/mod.ts";
import { faultyDisk } from "./faulty_disk.ts";
import { append, batch, deadline, DIRECTORY, durable, id, logSettings, memory, readAll, SETTINGS, testIo } from "./setup.ts";

const LATER = { op: "test", at: Infinity };
const SMALL = logSettings({ segmentBytes: 1500, indexIntervalBytes: 100, fileDeleteDelayMs: 0 });

test("openStorage() refuses a directory in use, of another node, of another cluster, from the future, and foreign ones", async () => {
  const disk = memory();
  const io = testIo(disk);
  const storage = await openStorage(io, { ...SETTINGS, clusterId: "one" }, DIRECTORY);
  await expect(openStorage(io, SETTINGS, DIRECTORY)).rejects.toThrow(/another node is using it\. Stop that node/);
  await storage.close(deadline(io));
  await expect(openStorage(io, { ...SETTINGS, nodeId: 2 }, DIRECTORY)).rejects.toThrow(/belongs to node 1, this is node 2\. Start with/);
  await expect(openStorage(io, { ...SETTINGS, clusterId: "two" }, DIRECTORY)).rejects.toThrow(/belongs to cluster "one"/);
  const again = await openStorage(io, SETTINGS, DIRECTORY);
  await again.close(deadline(io));
  await disk.makeDirectory("/other/photos", LATER);
  await expect(openStorage(io, SETTINGS, "/other")).rejects.toThrow(DataDirectoryRefused);
});

test("openStorage() with 1,000 topics created and nothing appended touches no topic directory", async () => {
  const disk = memory();
  const io = testIo(disk);
  const storage = await openStorage(io, SETTINGS, DIRECTORY);
  for (let n = 0; n < 250; n++) for (let partition = 0; partition < 4; partition++) storage.createLog(id(n, partition), SMALL);
  await storage.close(deadline(io));
  expect(await disk.list(`${DIRECTORY}/topics`, LATER)).toEqual([]);
});

test("Storage keeps 1,000 partitions over a clean restart and a kill", async () => {
  const disk = memory();
  for (let round = 0; round < 3; round++) {
    const faulty = faultyDisk(disk);
    const io = testIo(faulty);
    const storage = await openStorage(io, { ...SETTINGS, openFilesMax: 50, tailBytesMax: 40_000 }, DIRECTORY);
    const logs = Array.from({ length: 1000 }, (_, n) => storage.createLog(id(n % 250, Math.floor(n / 250)), SMALL));
    expect(logs.map(({ logEndOffset }) => logEndOffset)).toEqual(logs.map(() => round));
    for (const log of logs) append(log, batch(`round ${round}`));
    await Promise.all(logs.map((log) => durable(log)));
    if (round === 0) await storage.close(deadline(io));
    else {
      if (round === 1) await storage.checkpoint();
      await faulty.kill();
    }
  }
});

test("Storage rebuilds what is only a cache: indexes, then the checkpoint", async () => {
  const disk = memory();
  const io = testIo(disk);
  const storage = await openStorage(io, SETTINGS, DIRECTORY);
  const log = storage.createLog(id(1), SMALL);
  for (let i = 0; i < 30; i++) append(log, batch(`value ${i}`, { producerId: 3, producerEpoch: 0, baseSequence: i }), 1 + (i >> 4));
  await durable(log);
  const whole = await readAll(io, log);
  await storage.close(deadline(io));
  const directory = `${DIRECTORY}/topics/80000000000000000000000000000001/0`;
  const indexes = (await disk.list(directory, LATER)).filter(({ name }) => name.endsWith("index"));
  expect(indexes.length).toBeGreaterThan(1);
  const damage: (() => Promise<void>)[] = [
    async () => await disk.removeFile(`${directory}/${indexes[0]!.name}`, LATER),
    async () => await overwrite(disk, `${directory}/${indexes[0]!.name}`, new Uint8Array(400).fill(0xff)),
    async () => await overwrite(disk, `${directory}/${indexes[1]!.name}`, new Uint8Array(3)),
    async () => await disk.removeFile(`${DIRECTORY}/checkpoint`, LATER),
    async () => await overwrite(disk, `${DIRECTORY}/checkpoint`, new Uint8Array(100)),
  ];
  for (const harm of damage) {
    await harm();
    const again = await openStorage(io, SETTINGS, DIRECTORY);
    const found = again.log(id(1).topicId, 0)!;
    expect(Buffer.compare(await readAll(io, found, 100), whole)).toBe(0);
    for (let offset = 0; offset < 30; offset++) {
      const read = await found.read(offset, 30, 1, true, LATER);
      expect(new DataView(read.chunks[0]!.buffer, read.chunks[0]!.byteOffset).getBigInt64(0)).toBe(BigInt(offset));
      read.lease.release();
    }
    expect([found.epochAt(15), found.epochAt(16)]).toEqual([1, 2]);
    expect(found.checkSequence(batch("", { producerId: 3, producerEpoch: 0, baseSequence: 29 })).kind).toBe("duplicate");
    await again.close(deadline(io));
  }
});

test("Storage refuses a partition with a missing or shortened segment, and serves the others", async () => {
  for (const harm of ["middle", "last", "short"]) {
    const disk = memory();
    const io = testIo(disk);
    const storage = await openStorage(io, SETTINGS, DIRECTORY);
    const [bad, good] = [storage.createLog(id(1), SMALL), storage.createLog(id(2), SMALL)];
    for (let i = 0; i < 40; i++) {
      append(bad, batch(`value ${i}`));
      append(good, batch(`value ${i}`));
    }
    await durable(good);
    await storage.close(deadline(io));
    const directory = `${DIRECTORY}/topics/80000000000000000000000000000001/0`;
    const segments = (await disk.list(directory, LATER)).filter(({ name }) => name.endsWith(".log"));
    expect(segments.length).toBeGreaterThan(2);
    if (harm === "short") await overwrite(disk, `${directory}/${segments.at(-1)!.name}`, new Uint8Array(10));
    else await disk.removeFile(`${directory}/${segments.at(harm === "middle" ? 1 : -1)!.name}`, LATER);
    const again = await openStorage(io, SETTINGS, DIRECTORY);
    await again.inspected;
    expect(again.log(id(1).topicId, 0)!.offlineReason).toMatch(/missing|bytes/);
    expect(() => append(again.log(id(1).topicId, 0)!, batch("no"))).toThrow(/offline/);
    const served = again.log(id(2).topicId, 0)!;
    expect(served.offlineReason).toBeNull();
    expect((await readAll(io, served)).length).toBe(40 * batch("value 10").length - 10);
    await again.close(deadline(io));
  }
});

test("Storage.deleteLog() forgets the log for good, and a log of the same id begins anew", async () => {
  const disk = memory();
  const faulty = faultyDisk(disk);
  let io = testIo(faulty);
  let storage = await openStorage(io, SETTINGS, DIRECTORY);
  const log = storage.createLog(id(1), SMALL);
  for (let i = 0; i < 30; i++) append(log, batch("old"));
  await durable(log);
  await storage.checkpoint();
  await storage.deleteLog(id(1), deadline(io));
  expect(storage.log(id(1).topicId, 0)).toBeNull();
  expect(() => append(log, batch("late"))).toThrow();
  const fresh = storage.createLog(id(1), SMALL);
  append(fresh, batch("new"));
  await durable(fresh);
  await faulty.kill();
  io = testIo(disk);
  storage = await openStorage(io, SETTINGS, DIRECTORY);
  expect(storage.log(id(1).topicId, 0)!.logEndOffset).toBe(1);
  await storage.close(deadline(io));
});

test("RaftStore keeps hard state, entries and snapshot through checkpoints and kills", async () => {
  const disk = memory();
  const entry = (index: number, term = 1): Entry => ({ index, term, kind: "command", data: new Uint8Array([index, term]) });
  let faulty = faultyDisk(disk);
  let io = testIo(faulty);
  let storage = await openStorage(io, SETTINGS, DIRECTORY);
  await storage.raft.persist({ term: 1, votedFor: 1 as NodeId, commit: 0 }, [entry(1), entry(2), entry(3)], deadline(io));
  await storage.checkpoint();
  // A conflicting suffix is overwritten.
  await storage.raft.persist({ term: 2, votedFor: null, commit: 2 }, [entry(2, 2), entry(3, 2), entry(4, 2)], deadline(io));
  await storage.raft.persist(null, [entry(4, 3)], deadline(io));
  await faulty.kill();
  for (let round = 0; round < 2; round++) {
    faulty = faultyDisk(disk);
    io = testIo(faulty);
    storage = await openStorage(io, SETTINGS, DIRECTORY);
    expect(storage.raft.recovered).toEqual({
      hardState: { term: 2, votedFor: null, commit: 2 },
      entries: [entry(1), entry(2, 2), entry(3, 2), entry(4, 3)],
      snapshot: null,
    });
    await faulty.kill();
  }
  io = testIo(disk);
  storage = await openStorage(io, SETTINGS, DIRECTORY);
  const meta = { index: 3, term: 2, voters: [1 as NodeId] };
  await storage.raft.saveSnapshot(meta, new Uint8Array([9, 9]), deadline(io));
  await storage.close(deadline(io));
  storage = await openStorage(io, SETTINGS, DIRECTORY);
  expect(storage.raft.recovered.entries).toEqual([entry(4, 3)]);
  expect(storage.raft.recovered.snapshot).toEqual({ meta, data: new Uint8Array([9, 9]) });
  await storage.close(deadline(io));
});

test("a failed sync fences the node: the waiters do not know, nothing is synced again, and the next start has what was acknowledged", async () => {
  const disk = memory();
  let broken = false;
  let syncsAfter = 0;
  const io = testIo(withSync(disk, async (sync) => {
    if (broken) {
      syncsAfter++;
      throw new IoFailed("sync", "wal", "EIO");
    }
    await sync();
  }));
  const storage = await openStorage(io, SETTINGS, DIRECTORY);
  const healths: StorageHealth[] = [];
  storage.onHealth((health) => healths.push(health));
  const log = storage.createLog(id(1), SMALL);
  append(log, batch("kept"));
  await durable(log);
  broken = true;
  append(log, batch("unknown"));
  await expect(durable(log)).rejects.toThrow(StorageFenced);
  expect(() => append(log, batch("refused"))).toThrow(StorageFenced);
  expect(io.fatals.length).toBe(1);
  expect(healths.at(-1)?.state).toBe("failed");
  expect(syncsAfter).toBe(1);
  await expect(storage.raft.persist(null, [{ index: 1, term: 1, kind: "noop", data: new Uint8Array() }], deadline(io))).rejects.toThrow(
    StorageFenced,
  );
  await storage.close(deadline(io));
  const again = await openStorage(testIo(disk), SETTINGS, DIRECTORY);
  expect(again.log(id(1).topicId, 0)!.logEndOffset).toBeGreaterThanOrEqual(1);
  await again.close(deadline(io));
});

test("a segment that cannot be written while the log is replayed ends the start with the reason", async () => {
  const disk = memory();
  const before = await openStorage(testIo(disk), SETTINGS, DIRECTORY);
  const log = before.createLog(id(1), SMALL);
  for (let round = 0; round < 20; round++) {
    append(log, batch(`record ${round}`));
    await durable(log);
  }
  disk.crash();
  const settings = { ...SETTINGS, tailBytesMax: 200, tailBytesLimit: 400 };
  const refusing = testIo({
    ...bound(disk),
    open: async (path, options, d) => {
      const file = await disk.open(path, options, d);
      return path.endsWith(".log") ? handle(file, { write: () => Promise.reject(new IoFailed("write", path, "EIO")) }) : file;
    },
  });
  await expect(openStorage(refusing, settings, DIRECTORY)).rejects.toThrow(/Cannot write .*EIO/);
  disk.crash();
  const after = await openStorage(testIo(disk), settings, DIRECTORY);
  expect(after.log(id(1).topicId, 0)!.logEndOffset).toBe(20);
  await after.close(deadline(testIo(disk)));
});

test("a sync that hangs makes the node stalled, then ends it", async () => {
  const disk = memory();
  let hang = false;
  const io = testIo(
    withSync(disk, (sync, { op, at }) => hang ? io.deadlines.guard({ op, at }, "wal", new Promise<void>(() => {})) : sync()),
  );
  const storage = await openStorage(io, { ...SETTINGS, syncStalledMs: 20, syncFatalMs: 60 }, DIRECTORY);
  const states: string[] = [];
  const stalled = new Promise<void>((resolve) =>
    storage.onHealth(({ state }) => {
      states.push(state);
      if (state === "stalled") resolve();
    })
  );
  const log = storage.createLog(id(1), SMALL);
  hang = true;
  append(log, batch("never"));
  const outcome = durable(log).catch((error: unknown) => error);
  await stalled;
  expect(storage.health.state).toBe("stalled");
  expect(await outcome).toBeInstanceOf(StorageFenced);
  expect(states).toEqual(["stalled", "failed"]);
  expect(io.fatals[0]).toContain("outcome unknown");
  expect(DeadlineExceeded).toBeDefined();
});

test("a disk without room refuses producers, lets internal records and reads go on, and recovers by itself", async () => {
  const disk = memory();
  let freeBytes = 1e9;
  const io = testIo({ ...bound(disk), space: async () => ({ totalBytes: 1e9, freeBytes }) });
  const storage = await openStorage(io, { ...SETTINGS, minFreeBytes: 1e6 }, DIRECTORY);
  const log = storage.createLog(id(1), SMALL);
  append(log, batch("before"));
  await durable(log);
  freeBytes = 10;
  const changes: string[] = [];
  const recovered = new Promise<void>((resolve) =>
    storage.onHealth(({ state }) => {
      changes.push(state);
      if (state === "ok") resolve();
    })
  );
  // Looked at as bytes are written.
  log.append(batch("x".repeat(17 * 1024 * 1024)), { retain() {}, release() {} }, 0, 0);
  await durable(log);
  await new Promise<void>((resolve) => io.timers.soon(resolve));
  expect(() => append(log, batch("refused"))).toThrow(DiskFull);
  log.append(batch("internal"), { retain() {}, release() {} }, 0, 0, true);
  await durable(log);
  expect((await log.read(0, 1, 1000, true, LATER)).byteLength).toBeGreaterThan(0);
  freeBytes = 1e9;
  await recovered;
  append(log, batch("after"));
  await durable(log);
  expect(changes[0]).toBe("full");
  await storage.close(deadline(io));
});

test("on a full disk what was deleted, before or then, goes at once instead of after its delay", async () => {
  const disk = memory();
  let freeBytes = 1e9;
  const io = testIo({ ...bound(disk), space: async () => ({ totalBytes: 1e9, freeBytes }) });
  const storage = await openStorage(io, { ...SETTINGS, minFreeBytes: 1e6 }, DIRECTORY);
  const full = new Promise<void>((resolve) => storage.onHealth(() => resolve()));
  const logs = [1, 2, 3].map((topic) => storage.createLog(id(topic), logSettings({ fileDeleteDelayMs: 3_600_000 })));
  for (const log of logs) {
    append(log, batch("deleted"));
    await durable(log);
  }
  await storage.checkpoint();
  const topics = async () => (await disk.list(`${DIRECTORY}/topics`, LATER)).length;
  await storage.deleteLog(logs[0]!, deadline(io));
  expect(await topics()).toBe(3);
  freeBytes = 10;
  // Looked at as bytes are written.
  logs[2]!.append(batch("x".repeat(17 * 1024 * 1024)), { retain() {}, release() {} }, 0, 0);
  await full;
  await storage.deleteLog(logs[1]!, deadline(io));
  while (await topics() > 1) await new Promise<void>((resolve) => io.timers.soon(resolve));
  freeBytes = 1e9;
  await storage.close(deadline(io));
});

test("a WAL write that finds no room is tried again when there is some", async () => {
  const disk = memory();
  let full = false;
  const wrapped = bound(disk);
  const io = testIo({
    ...wrapped,
    open: async (path, options, d) => {
      const file = await disk.open(path, options, d);
      return handle(file, {
        write: (chunks, offset, later) =>
          full && path.endsWith(".wal") ? Promise.reject(new IoFailed("write", path, "ENOSPC")) : file.write(chunks, offset, later),
      });
    },
  });
  const storage = await openStorage(io, SETTINGS, DIRECTORY);
  const log = storage.createLog(id(1), SMALL);
  full = true;
  append(log, batch("patient"));
  const acknowledged = durable(log);
  await new Promise<void>((resolve) => storage.onHealth(({ state }) => state === "full" && resolve()));
  expect(log.durableEndOffset).toBe(0);
  full = false;
  await acknowledged;
  expect(io.fatals).toEqual([]);
  await storage.close(deadline(io));
});

test("a directory whose sync finds no room while the WAL rolls stops the node with that reason: no sync is tried again", async () => {
  const disk = memory();
  let full = false;
  let syncs = 0;
  const io = testIo({
    ...bound(disk),
    async syncDirectory(path, d) {
      if (!full || !path.endsWith("/wal")) return await disk.syncDirectory(path, d);
      syncs++;
      throw new IoFailed("sync directory", path, "ENOSPC");
    },
  });
  // Each round rolls.
  const storage = await openStorage(io, { ...SETTINGS, walFileBytes: 1, walPreallocate: false }, DIRECTORY);
  const log = storage.createLog(id(1), SMALL);
  append(log, batch("before"));
  await durable(log);
  full = true;
  append(log, batch("unknown"));
  await expect(durable(log)).rejects.toThrow(/Cannot sync directory .*ENOSPC/);
  expect(syncs).toBe(1);
  expect(io.fatals).toEqual([expect.stringMatching(/Cannot sync directory .*ENOSPC/)]);
});

test("a segment whose sync finds no room stops the node: its pages are gone, and no later sync brings them back", async () => {
  const disk = memory();
  let syncs = 0;
  const io = testIo({
    ...bound(disk),
    open: async (path, options, d) => {
      const file = await disk.open(path, options, d);
      return handle(file, {
        async sync(later) {
          if (!path.endsWith(".log")) return await file.sync(later);
          syncs++;
          throw new IoFailed("sync", path, "ENOSPC");
        },
      });
    },
  });
  const storage = await openStorage(io, SETTINGS, DIRECTORY);
  const log = storage.createLog(id(1), SMALL);
  append(log, batch("only in the WAL"));
  await durable(log);
  await (storage as NodeStorage).checkpoint();
  await (storage as NodeStorage).checkpoint();
  expect(syncs).toBe(1);
  expect(io.fatals).toEqual([expect.stringMatching(/Cannot sync .*ENOSPC/)]);
});

test("the commit queue is bounded, says when to pause, and keeps room for internal records", async () => {
  const io = testIo(memory());
  const storage = await openStorage(io, { ...SETTINGS, queueBytesMax: 10_000, queueBytesReserved: 2000, roundBytesMax: 3000 }, DIRECTORY);
  const log = storage.createLog(id(1), logSettings());
  const signals: boolean[] = [];
  storage.backpressure.onChange((paused) => signals.push(paused));
  const kilo = batch("k".repeat(900));
  let accepted = 0;
  expect(() => {
    for (; accepted < 100; accepted++) append(log, kilo.slice());
  }).toThrow(/Cannot accept more/);
  expect(accepted).toBe(Math.floor(10_000 / kilo.length));
  expect(log.append(kilo.slice(), { retain() {}, release() {} }, 0, 0, true).baseOffset).toBe(accepted);
  await durable(log);
  expect(log.durableEndOffset).toBe(accepted + 1);
  expect(signals).toEqual([true, false]);
  await storage.close(deadline(io));
});

async function overwrite(disk: Disk, path: string, bytes: Uint8Array): Promise<void> {
  const file = await disk.open(path, { mode: "create" }, LATER);
  await file.truncate(0, LATER);
  await file.write([bytes], 0, LATER);
  await file.close(LATER);
}

function bound(disk: Disk): Disk {
  return {
    open: (...args) => disk.open(...args),
    list: (...args) => disk.list(...args),
    makeDirectory: (...args) => disk.makeDirectory(...args),
    rename: (...args) => disk.rename(...args),
    removeFile: (...args) => disk.removeFile(...args),
    removeDirectory: (...args) => disk.removeDirectory(...args),
    syncDirectory: (...args) => disk.syncDirectory(...args),
    space: (...args) => disk.space(...args),
    lock: (...args) => disk.lock(...args),
  };
}

function handle(file: DiskFile, changes: Partial<DiskFile>): DiskFile {
  return {
    path: file.path,
    write: (...args) => file.write(...args),
    sync: (...args) => file.sync(...args),
    read: (...args) => file.read(...args),
    size: (...args) => file.size(...args),
    truncate: (...args) => file.truncate(...args),
    close: (...args) => file.close(...args),
    ...changes,
  };
}

function withSync(
  disk: Disk,
  sync: (real: () => Promise<void>, deadline: { readonly op: string; readonly at: number }) => Promise<void>,
): Disk {
  return {
    ...bound(disk),
    open: async (path, options, d) => {
      const file = await disk.open(path, options, d);
      return handle(file, { sync: (later) => path.endsWith(".wal") ? sync(() => file.sync(later), later) : file.sync(later) });
    },
  };
}
