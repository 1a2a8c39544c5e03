import { expect, test } from "bun:test";
import { unpooled } from "../../lib/io/mod.ts";
import { Machine, Network, PageCacheDisk, World } from "../../lib/sim/mod.ts";
import { type NodeStorage, openStorage, type Storage } from "../../lib/storage/mod.ts";
import type { StoredLog } from "../../lib/storage/log/partition_log.ts";
import { batch, DIRECTORY, id, logSettings, SETTINGS } from "./setup.ts";

test("a checkpoint does not forget what was committed while another one ran, although nothing comes after", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const world = new World(seed);
    const machine = new Machine(world, "node1", new PageCacheDisk(world, "node1"), new Network(world));
    let storage: Storage | null = null;
    const settings = { ...SETTINGS, checkpointMs: 20, checkpointWalBytes: seed % 2 === 0 ? 1 << 20 : 100 };
    openStorage(machine.start(), settings, DIRECTORY).then((opened) => storage = opened);
    world.run(1000, () => storage !== null);
    const log = storage!.createLog(id(1), logSettings());
    const append = () => void log.append(batch("x".repeat(100)), unpooled, 0, 1000);
    append();
    // Checkpoints take longer than they wait for each other.
    machine.disk.apply({ kind: "diskSlow", at: 0, node: 1, factor: 100, forMs: 2000 });
    for (let at = 0; at < 20; at++) {
      world.run(world.now + world.draws("test").between(0, 100));
      append();
    }
    world.run(world.now + 5000);
    expect([seed, world.violation, log.durableEndOffset, storage!.stats.unwrittenBytes]).toEqual([seed, null, 21, 0]);
  }
});

test("a checkpoint that is written while a log is being cut finds the cut again after a kill, and nothing more is lost", () => {
  let during = 0;
  for (let wait = 0; wait < 100; wait++) {
    const world = new World(7);
    const disk = new PageCacheDisk(world, "node1");
    const machine = new Machine(world, "node1", disk, new Network(world));
    let storage: Storage | null = null;
    const open = (): void => {
      storage = null;
      openStorage(machine.start(), { ...SETTINGS, checkpointMs: 60_000, checkpointWalBytes: 1 << 30 }, DIRECTORY).then((opened) =>
        storage = opened
      );
      world.run(world.now + 1000, () => storage !== null);
    };
    open();
    const io = { op: "test", at: Infinity };
    const log = storage!.createLog(id(1), logSettings());
    for (let count = 0; count < 14; count++) log.append(batch("x".repeat(100)), unpooled, 0, 1000);
    world.run(world.now + 100);
    // Nothing is left to write: then the next checkpoint does not wait for the log's turn.
    void (storage! as NodeStorage).checkpoint();
    world.run(world.now + 1000);
    let isCut = false;
    log.truncateTo(8, io).then(() => isCut = true);
    // A checkpoint that begins a little later every time.
    world.run(world.now + 1000, () => (log as StoredLog).cuts > 0);
    world.run(world.now + wait * 0.001);
    let isSaved = false;
    (storage! as NodeStorage).checkpoint().then(() => isSaved = true);
    if (!isCut) during++;
    world.run(world.now + 1000, () => isSaved && isCut);
    expect([wait, isSaved, isCut, storage!.health.state]).toEqual([wait, true, true, "ok"]);
    machine.end("power");
    open();
    expect([wait, world.violation, storage!.log(id(1).topicId, 0)!.logEndOffset]).toEqual([wait, null, 8]);
  }
  expect(during).toBeGreaterThan(5);
});

test("compaction beside a segment that was begun and has nothing durable yet loses nothing of it by a kill", () => {
  const world = new World(3);
  const machine = new Machine(world, "node1", new PageCacheDisk(world, "node1"), new Network(world));
  let storage: NodeStorage | null = null;
  const open = (): NodeStorage => {
    storage = null;
    openStorage(machine.start(), { ...SETTINGS, checkpointMs: 60_000 }, DIRECTORY).then((opened) => storage = opened);
    world.run(world.now + 1000, () => storage !== null);
    return storage!;
  };
  const first = open();
  // A segment for every record.
  const compacted = logSettings({ segmentBytes: 150, minCleanableDirtyRatio: 0, cleanupPolicy: { delete: false, compact: true } });
  const log = first.createLog(id(1), compacted);
  const record = (key: string): Uint8Array => batch("v".repeat(100), { key, timestamp: machine.clock.wall() });
  const put = (key: string): void => void log.append(record(key), unpooled, 0, machine.clock.wall());
  for (let count = 0; count < 6; count++) put(`key${count % 2}`);
  world.run(world.now + 100);
  void first.checkpoint();
  world.run(world.now + 100);
  // Its commit round takes longer than the checkpoint before the compaction takes to look at the logs.
  machine.disk.apply({ kind: "syncStalls", at: 0, node: 1, forMs: 200 });
  put("last");
  world.run(world.now + 10);
  let isDone = false;
  first.maintain().then(() => isDone = true);
  world.run(world.now + 5000);
  expect([isDone, log.durableEndOffset]).toEqual([true, 7]);
  machine.end("process");
  const second = open();
  const found = second.log(id(1).topicId, 0)!;
  // From here on it is read from its segment, no more from memory.
  void second.checkpoint();
  world.run(world.now + 1000);
  let bytes = 0;
  found.read(6, 7, 1000, true, { op: "test", at: Infinity }).then(({ byteLength }) => bytes = byteLength);
  world.run(world.now + 1000);
  expect([found.logEndOffset, bytes]).toEqual([7, record("last").length]);
});
