/** Spare files of the WAL are a help and no need: a disk that does not finish one costs nothing but speed. */
import { expect, test } from "bun:test";
import { unpooled } from "../../lib/io/mod.ts";
import { Machine, Network, PageCacheDisk, World } from "../../lib/sim/mod.ts";
import { openStorage, type Storage } from "../../lib/storage/mod.ts";
import { batch, DIRECTORY, id, logSettings, SETTINGS } from "./setup.ts";

test("a disk that hangs for longer than a spare file may take goes on afterwards, without spares", () => {
  const world = new World(5);
  const machine = new Machine(world, "node1", new PageCacheDisk(world, "node1"), new Network(world));
  let storage: Storage | null = null;
  const settings = {
    ...SETTINGS,
    walPreallocate: true,
    walFileBytes: 4 << 20,
    syncFatalMs: 300_000,
    checkpointWalBytes: 1 << 30,
    checkpointMs: 600_000,
  };
  openStorage(machine.start(), settings, DIRECTORY).then((opened) => storage = opened);
  world.run(1000, () => storage !== null);
  const log = storage!.createLog(id(1), logSettings());
  const append = (): void => {
    log.append(batch("x".repeat(250_000)), unpooled, 0, 1000);
    world.run(world.now + 100, () => log.durableEndOffset === log.logEndOffset);
  };
  for (let count = 0; count < 5; count++) append();
  machine.disk.apply({ kind: "syncStalls", at: 0, node: 1, forMs: 60_000 });
  log.append(batch("x".repeat(300_000)), unpooled, 0, 1000);
  world.run(world.now + 70_000);
  expect([world.violation, log.durableEndOffset]).toEqual([null, 6]);
  for (let count = 0; count < 30; count++) append();
  expect([world.violation, log.durableEndOffset]).toEqual([null, 36]);
});
