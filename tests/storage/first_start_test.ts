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
