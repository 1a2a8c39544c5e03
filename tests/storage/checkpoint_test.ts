import { expect, test } from "bun:test";
import { unpooled } from "../../lib/io/mod.ts";
import { Machine, Network, PageCacheDisk, World } from "../../lib/sim/mod.ts";
import { openStorage, type Storage } from "../../lib/storage/mod.ts";
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
