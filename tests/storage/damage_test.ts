/** What one start does with damage must not make the next one lose something: files that are gone, and what was acknowledged behind them. */
import { expect, test } from "bun:test";
import type { Entry, NodeId } from "../../lib/raft/types.ts";
import { CorruptLog, openStorage } from "../../lib/storage/mod.ts";
import { faultyDisk } from "./faulty_disk.ts";
import { append, batch, deadline, DIRECTORY, durable, id, logSettings, memory, readAll, SETTINGS, testIo } from "./setup.ts";

const LATER = { op: "test", at: Infinity };
const SMALL = logSettings({ segmentBytes: 1500, indexIntervalBytes: 100 });
const PARTITION = `${DIRECTORY}/topics/80000000000000000000000000000001/0`;
const entry = (index: number): Entry => ({ index, term: 1, kind: "command", data: new Uint8Array([index]) });

test("openStorage() refuses a directory whose Raft files are gone or older than the checkpoint: its logs would be nobody's", async () => {
  for (const harm of ["gone", "older"]) {
    const disk = memory();
    const io = testIo(disk);
    let storage = await openStorage(io, SETTINGS, DIRECTORY);
    await storage.raft.persist({ term: 1, votedFor: 1 as NodeId, commit: 2 }, [entry(1), entry(2)], deadline(io));
    await storage.close(deadline(io));
    await disk.makeDirectory("/backup", LATER);
    await disk.rename(`${DIRECTORY}/raft/state`, "/backup/state", LATER);
    await expect(openStorage(io, SETTINGS, DIRECTORY)).rejects.toThrow(/"\/data\/raft\/state" is missing.*Put the folder back/);
    if (harm === "gone") continue;
    await disk.rename("/backup/state", `${DIRECTORY}/raft/state`, LATER);
    storage = await openStorage(io, SETTINGS, DIRECTORY);
    const old = await copied(disk, `${DIRECTORY}/raft/state`);
    await storage.raft.persist({ term: 1, votedFor: 1 as NodeId, commit: 3 }, [entry(3)], deadline(io));
    await storage.close(deadline(io));
    await put(disk, `${DIRECTORY}/raft/state`, old);
    await expect(openStorage(io, SETTINGS, DIRECTORY)).rejects.toThrow(/"\/data\/raft" is too old.*entry 3, there are 2/);
  }
});

test("openStorage() does not take one small file for another: each passes its checksum under any name", async () => {
  const names = ["meta.json", "checkpoint", "raft/state", "raft/snapshot"];
  for (const one of names) {
    for (const other of names) {
      if (one === other) continue;
      const disk = memory();
      const io = testIo(disk);
      let storage = await openStorage(io, SETTINGS, DIRECTORY);
      await storage.raft.persist({ term: 3, votedFor: 1 as NodeId, commit: 2 }, [entry(1), entry(2)], deadline(io));
      await storage.raft.saveSnapshot({ index: 1, term: 1, voters: [1 as NodeId] }, new Uint8Array(100), deadline(io));
      append(storage.createLog(id(1), SMALL), batch("acknowledged"));
      await storage.close(deadline(io));
      await put(disk, `${DIRECTORY}/${one}`, await copied(disk, `${DIRECTORY}/${other}`));
      try {
        storage = await openStorage(io, SETTINGS, DIRECTORY);
      } catch (error) {
        expect((error as Error).message).toContain(`${one}" is damaged`);
        continue;
      }
      // Only the checkpoint can be made anew.
      expect(one).toBe("checkpoint");
      expect(storage.log(id(1).topicId, 0)!.logEndOffset).toBe(1);
      expect(storage.raft.recovered.hardState).toEqual({ term: 3, votedFor: 1 as NodeId, commit: 2 });
      await storage.close(deadline(io));
    }
  }
});

test("a cut does not end a log at damage before it", async () => {
  const disk = memory();
  const io = testIo(disk);
  const storage = await openStorage(io, SETTINGS, DIRECTORY);
  const log = storage.createLog(id(1), logSettings());
  for (let i = 0; i < 10; i++) append(log, batch(`value ${i}`));
  await durable(log);
  await storage.checkpoint();
  const path = `${PARTITION}/00000000000000000000.log`;
  const bytes = await copied(disk, path);
  // The length of the third batch.
  bytes[2 * bytes.length / 10 + 8]! ^= 0x40;
  await put(disk, path, bytes);
  await log.truncateTo(7, deadline(io));
  expect(log.offlineReason).toContain(`damaged at byte ${2 * bytes.length / 10}`);
  expect((await copied(disk, path)).length).toBe(bytes.length);
  await storage.close(deadline(io));
});

test("openStorage() refuses a WAL that ends before what the checkpoint knows to be durable", async () => {
  const disk = memory();
  let faulty = faultyDisk(disk, Infinity, "before", "process");
  let storage = await openStorage(testIo(faulty), SETTINGS, DIRECTORY);
  const log = storage.createLog(id(1), SMALL);
  append(log, batch("acknowledged"));
  await durable(log);
  await faulty.kill();
  // This start copies the WAL forward, and says so in the checkpoint.
  faulty = faultyDisk(disk, Infinity, "before", "process");
  storage = await openStorage(testIo(faulty), SETTINGS, DIRECTORY);
  expect(storage.log(id(1).topicId, 0)!.logEndOffset).toBe(1);
  await faulty.kill();
  const files = (await disk.list(`${DIRECTORY}/wal`, LATER)).filter(({ name }) => name.endsWith(".wal"));
  await put(disk, `${DIRECTORY}/wal/${files.at(-1)!.name}`, new Uint8Array(0));
  await expect(openStorage(testIo(disk), SETTINGS, DIRECTORY)).rejects.toThrow(/ends at byte 0.*the checkpoint knows that it went on/);
  for (const { name } of files) await disk.removeFile(`${DIRECTORY}/wal/${name}`, LATER);
  await expect(openStorage(testIo(disk), SETTINGS, DIRECTORY)).rejects.toThrow(/WAL file .* is missing/);
});

test("a partition that is offline keeps what the WAL has behind its damage, until its file is put back", async () => {
  for (const harm of ["gone", "short", "folder", "directory gone"]) {
    const disk = memory();
    let storage = await openStorage(testIo(disk), SETTINGS, DIRECTORY);
    let log = storage.createLog(id(1), SMALL);
    for (let i = 0; i < 30; i++) append(log, batch(`value ${i}`));
    await durable(log);
    await storage.close(deadline(testIo(disk)));
    const faulty = faultyDisk(disk, Infinity, "before", "process");
    storage = await openStorage(testIo(faulty), SETTINGS, DIRECTORY);
    log = storage.createLog(id(1), SMALL);
    for (let i = 30; i < 60; i++) append(log, batch(`value ${i}`));
    await durable(log);
    const whole = await readAll(testIo(disk), log);
    await faulty.kill();

    const last = (await disk.list(PARTITION, LATER)).filter(({ name }) => name.endsWith(".log")).at(-1)!.name;
    const saved = await Promise.all(
      (await disk.list(PARTITION, LATER)).map(async ({ name }) => [name, await copied(disk, `${PARTITION}/${name}`)] as const),
    );
    if (harm === "directory gone") await disk.removeDirectory(PARTITION, LATER);
    else if (harm === "short") await put(disk, `${PARTITION}/${last}`, new Uint8Array(10));
    else await disk.removeFile(`${PARTITION}/${last}`, LATER);
    if (harm === "folder") await disk.makeDirectory(`${PARTITION}/${last}`, LATER);
    for (let start = 0; start < 3; start++) {
      const io = testIo(disk);
      storage = await openStorage(io, SETTINGS, DIRECTORY);
      await storage.inspected;
      expect([harm, start, storage.log(id(1).topicId, 0)!.offlineReason]).toEqual([
        harm,
        start,
        expect.stringMatching(/missing|bytes|EISDIR/),
      ]);
      await storage.close(deadline(io));
    }
    if (harm === "folder") await disk.removeDirectory(`${PARTITION}/${last}`, LATER);
    for (const [name, bytes] of saved) await put(disk, `${PARTITION}/${name}`, bytes);
    const io = testIo(disk);
    storage = await openStorage(io, SETTINGS, DIRECTORY);
    await storage.inspected;
    log = storage.createLog(id(1), SMALL);
    expect([harm, log.offlineReason, log.logEndOffset]).toEqual([harm, null, 60]);
    expect(Buffer.compare(await readAll(io, log), whole)).toBe(0);
    expect(append(log, batch("it goes on"))).toBe(60);
    await storage.close(deadline(io));
  }
});

test("without its checkpoint a log goes on behind damage, over two starts, and is refused for what the damage covers", async () => {
  const disk = memory();
  let io = testIo(disk);
  let storage = await openStorage(io, SETTINGS, DIRECTORY);
  let log = storage.createLog(id(1), SMALL);
  for (let i = 0; i < 40; i++) append(log, batch(`value ${i}`));
  await durable(log);
  await storage.close(deadline(io));
  const names = (await disk.list(PARTITION, LATER)).filter(({ name }) => name.endsWith(".log")).map(({ name }) => name);
  for (const name of [names[1]!, names.at(-1)!]) {
    const bytes = await copied(disk, `${PARTITION}/${name}`);
    bytes[70]! ^= 1;
    await put(disk, `${PARTITION}/${name}`, bytes);
  }
  await disk.removeFile(`${DIRECTORY}/checkpoint`, LATER);
  for (let start = 0; start < 2; start++) {
    io = testIo(disk);
    storage = await openStorage(io, SETTINGS, DIRECTORY);
    log = storage.createLog(id(1), SMALL);
    expect([log.logStartOffset, log.logEndOffset, log.offlineReason]).toEqual([0, 40 + start, null]);
    await expect(readAll(io, log)).rejects.toThrow(CorruptLog);
    const first = await log.read(0, 40, 100_000, true, deadline(io));
    expect(first.byteLength).toBeGreaterThan(0);
    first.lease.release();
    expect(append(log, batch("it goes on"))).toBe(40 + start);
    await durable(log);
    expect((await readAll(io, log, 1 << 20, 40)).length).toBe((1 + start) * batch("it goes on").length);
    await storage.close(deadline(io));
  }
});

test("without its checkpoint a log whose segment lost its end, or is gone, is refused for what is missing; a compacted one passes over it", async () => {
  const compacted = { ...SMALL, cleanupPolicy: { delete: false, compact: true } };
  for (const harm of ["short", "empty", "gone"]) {
    for (const settings of [SMALL, compacted]) {
      const disk = memory();
      let io = testIo(disk);
      let storage = await openStorage(io, SETTINGS, DIRECTORY);
      let log = storage.createLog(id(1), SMALL);
      for (let i = 0; i < 40; i++) append(log, batch(`value ${10 + i}`));
      await durable(log);
      await storage.close(deadline(io));
      const names = (await disk.list(PARTITION, LATER)).filter(({ name }) => name.endsWith(".log")).map(({ name }) => name).sort();
      const [base, next] = [parseInt(names[1]!), parseInt(names[2]!)];
      const bytes = await copied(disk, `${PARTITION}/${names[1]!}`);
      const size = bytes.length / (next - base);
      const kept = harm === "short" ? 2 : 0;
      if (harm === "gone") await disk.removeFile(`${PARTITION}/${names[1]!}`, LATER);
      else await put(disk, `${PARTITION}/${names[1]!}`, bytes.subarray(0, kept * size));
      await disk.removeFile(`${DIRECTORY}/checkpoint`, LATER);
      for (let start = 0; start < 2; start++) {
        io = testIo(disk);
        storage = await openStorage(io, SETTINGS, DIRECTORY);
        log = storage.createLog(id(1), settings);
        expect([log.logEndOffset, log.offlineReason]).toEqual([40, null]);
        expect((await readAll(io, log, 1 << 20, next)).length).toBe((40 - next) * size);
        if (settings === compacted) expect((await readAll(io, log)).length).toBe((40 - (next - base) + kept) * size);
        else await expect(readAll(io, log)).rejects.toThrow(`before offset ${base + kept}, and what follows begins with ${next}`);
        await storage.close(deadline(io));
      }
    }
  }
});

test("a log that lost its middle to a wrong base offset does not give other offsets", async () => {
  const disk = memory();
  let io = testIo(disk);
  let storage = await openStorage(io, SETTINGS, DIRECTORY);
  let log = storage.createLog(id(1), logSettings({ indexIntervalBytes: 100 }));
  for (let i = 0; i < 20; i++) append(log, batch(`value ${10 + i}`));
  await durable(log);
  await storage.close(deadline(io));
  const path = `${PARTITION}/00000000000000000000.log`;
  const bytes = await copied(disk, path);
  bytes[10 * (bytes.length / 20) + 7]! ^= 1; // offset 10 says that it is 11
  await put(disk, path, bytes);
  for (let from = 0; from < 20; from++) {
    io = testIo(disk);
    storage = await openStorage(io, SETTINGS, DIRECTORY);
    log = storage.createLog(id(1), SMALL);
    const reading = log.read(from, 20, 10, true, deadline(io));
    const read = await reading.catch((error: unknown) => {
      expect(error).toBeInstanceOf(CorruptLog);
      return null;
    });
    // Behind the damage the way there leads over it, up to the next index entry.
    if (from < 10) expect([from, read?.byteLength]).toEqual([from, bytes.length / 20]);
    if (from === 10 || from === 11) expect([from, read]).toEqual([from, null]);
    if (read !== null) expect(Number(new DataView(read.chunks[0]!.buffer, read.chunks[0]!.byteOffset).getBigInt64(0))).toBe(from);
    read?.lease.release();
    await storage.close(deadline(io));
  }
});

async function copied(disk: ReturnType<typeof memory>, path: string): Promise<Uint8Array> {
  const file = await disk.open(path, { mode: "read" }, LATER);
  const bytes = new Uint8Array(await file.size(LATER));
  await file.read(bytes, 0, LATER);
  await file.close(LATER);
  return bytes;
}

async function put(disk: ReturnType<typeof memory>, path: string, bytes: Uint8Array): Promise<void> {
  await disk.makeDirectory(path.slice(0, path.lastIndexOf("/")), LATER);
  const file = await disk.open(path, { mode: "create" }, LATER);
  await file.truncate(0, LATER);
  await file.write([bytes], 0, LATER);
  await file.sync(LATER);
  await file.close(LATER);
}
