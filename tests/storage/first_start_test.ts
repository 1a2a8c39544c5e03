/** A first start that is killed at any moment leaves nothing that the loss of power takes away later. */
import { expect, test } from "bun:test";
import { unpooled } from "../../lib/io/mod.ts";
import { Machine, Network, PageCacheDisk, World } from "../../lib/sim/mod.ts";
import { openStorage, type Storage } from "../../lib/storage/mod.ts";
import { batch, DIRECTORY, id, logSettings, SETTINGS } from "./setup.ts";

test("what is acknowledged after a first start that was killed survives the loss of power", () => {
  let killed = 0;
  for (let wait = 0; wait < 80; wait++) {
    const world = new World(11);
    const machine = new Machine(world, "node1", new PageCacheDisk(world, "node1"), new Network(world));
    let storage: Storage | null = null;
    const open = (ms: number): void => {
      storage = null;
      openStorage(machine.start(), SETTINGS, DIRECTORY).then((opened) => storage = opened);
      world.run(world.now + ms, () => storage !== null);
    };
    open(wait * 0.1);
    if (storage === null) killed++;
    machine.end("process");
    open(5000);
    const log = storage!.createLog(id(1), logSettings());
    log.append(batch("acknowledged"), unpooled, 0, 1000);
    world.run(world.now + 1000);
    expect([wait, log.durableEndOffset]).toEqual([wait, 1]);
    machine.end("power");
    open(5000);
    expect([wait, world.violation, storage!.log(id(1).topicId, 0)?.logEndOffset]).toEqual([wait, null, 1]);
  }
  expect(killed).toBeGreaterThan(20);
});

test("what a start without a checkpoint found survives the loss of power", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const world = new World(seed);
    const disk = new PageCacheDisk(world, "node1");
    const machine = new Machine(world, "node1", disk, new Network(world));
    let storage: Storage | null = null;
    const open = (): void => {
      storage = null;
      openStorage(machine.start(), { ...SETTINGS, tailBytesMax: 1 }, DIRECTORY).then((opened) => storage = opened);
      world.run(world.now + 5000, () => storage !== null);
    };
    const log = () => storage!.log(id(1).topicId, 0)!;
    open();
    storage!.createLog(id(1), logSettings()).append(batch("acknowledged"), unpooled, 0, 1000);
    world.run(world.now + 1000, () => log().durableEndOffset === 1 && storage!.stats.unwrittenBytes === 0);
    machine.end("process");
    // As where the first checkpoint found no room.
    disk.names.removeFile(`${DIRECTORY}/checkpoint`);
    open();
    expect([seed, world.violation, log().offlineReason, log().logEndOffset]).toEqual([seed, null, null, 1]);
    machine.end("power");
    open();
    world.run(world.now + 1000);
    expect([seed, world.violation, log().offlineReason, log().logEndOffset]).toEqual([seed, null, null, 1]);
  }
});
