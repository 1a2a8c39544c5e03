/** What a node has of Raft after a crash, when another node's snapshot took the place of a log that was never committed. */
import { expect, test } from "bun:test";
import type { Entry, NodeId } from "../../lib/raft/types.ts";
import { openStorage } from "../../lib/storage/mod.ts";
import { faultyDisk } from "./faulty_disk.ts";
import { deadline, DIRECTORY, memory, SETTINGS, testIo } from "./setup.ts";

const entry = (index: number, term: number): Entry => ({ index, term, kind: "command", data: new Uint8Array([index, term]) });
const show = (entries: readonly Entry[]): string => entries.map(({ index, term }) => `${index}@${term}`).join(" ");

for (const checkpoint of [false, true]) {
  test(`a snapshot of another log drops the entries behind it, also after a crash${checkpoint ? " and a checkpoint" : ""}`, async () => {
    const disk = memory();
    const meta = { index: 3, term: 2, voters: [1 as NodeId] };
    let faulty = faultyDisk(disk);
    const reopen = async () => {
      await faulty.kill();
      faulty = faultyDisk(disk);
      return await openStorage(testIo(faulty), SETTINGS, DIRECTORY);
    };
    let io = testIo(faulty);
    let storage = await openStorage(io, SETTINGS, DIRECTORY);
    await storage.raft.persist(
      { term: 1, votedFor: 1 as NodeId, commit: 0 },
      [1, 2, 3, 4, 5].map((index) => entry(index, 1)),
      deadline(io),
    );
    if (checkpoint) await storage.checkpoint();
    await storage.raft.saveSnapshot(meta, new Uint8Array([9]), deadline(io));

    for (let round = 0; round < 2; round++) {
      storage = await reopen();
      expect([show(storage.raft.recovered.entries), storage.raft.recovered.snapshot?.meta]).toEqual(["", meta]);
    }
    io = testIo(faulty);
    await storage.raft.persist({ term: 2, votedFor: null, commit: 3 }, [entry(4, 2), entry(5, 2)], deadline(io));
    for (let round = 0; round < 2; round++) {
      storage = await reopen();
      expect(show(storage.raft.recovered.entries)).toBe("4@2 5@2");
      if (checkpoint) await storage.checkpoint();
    }
    // Its own one, of what it has: the rest stays.
    await storage.raft.saveSnapshot({ ...meta, index: 4 }, new Uint8Array([10]), deadline(io));
    storage = await reopen();
    expect(show(storage.raft.recovered.entries)).toBe("5@2");
    await storage.close(deadline(io));
  });
}

test("a checkpoint holds what is durable of Raft, not what is on its way to the WAL", async () => {
  const disk = memory();
  let isStuck = false;
  const faulty = faultyDisk(disk);
  const io = testIo({
    ...faulty,
    open: async (path, options, d) => {
      const file = await faulty.open(path, options, d);
      const write: typeof file.write = (...args) => isStuck && path.endsWith(".wal") ? new Promise(() => {}) : file.write(...args);
      return Object.assign(Object.create(file) as typeof file, { write });
    },
  });
  const storage = await openStorage(io, SETTINGS, DIRECTORY);
  await storage.raft.persist({ term: 1, votedFor: 1 as NodeId, commit: 0 }, [entry(1, 1), entry(2, 1)], deadline(io));
  isStuck = true;
  void storage.raft.persist({ term: 2, votedFor: null, commit: 1 }, [entry(2, 2), entry(3, 2)], { op: "test", at: Infinity });
  await storage.checkpoint();
  await faulty.kill();
  const again = await openStorage(testIo(faultyDisk(disk)), SETTINGS, DIRECTORY);
  expect([again.raft.recovered.hardState?.term, show(again.raft.recovered.entries)]).toEqual([1, "1@1 2@1"]);
});
