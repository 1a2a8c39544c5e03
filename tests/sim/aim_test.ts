import { expect, test } from "bun:test";
import { Aim } from "../../lib/sim/broker/aim.ts";
import type { HistoryEvent, Told } from "../../lib/sim/mod.ts";
import { OneDisk } from "./one_disk.ts";

const answer = (told: Told): HistoryEvent => ({
  ...{ kind: "produced", client: "c", askedAt: 0, toldAt: 0, topic: "t", partition: 0, mark: "m", told, offset: 0, idempotent: true },
});

function aimed(seed: number, share: number) {
  const disk = new OneDisk(seed);
  const file = disk.open("file");
  const { now } = disk.world;
  const aim = new Aim(disk.world, disk.sim, share);
  const hits: number[] = [];
  aim.at(() => hits.push(disk.world.now - now));
  return { disk, file, aim, hits, now };
}

test("a fault that is not aimed comes at once", () => {
  expect(aimed(1, 0).hits).toEqual([0]);
});

test("an aimed fault comes right after an answer that something was done, or while the device is at work", () => {
  let atAnswer = 0;
  let atCall = 0;
  for (let seed = 1; seed <= 20; seed++) {
    const { disk, file, aim, hits, now } = aimed(seed, 1);
    disk.pass(10);
    aim.told(answer("failed"));
    aim.told(answer("unknown"));
    disk.pass(10);
    expect(hits).toEqual([]);
    aim.told(answer("ok"));
    aim.told(answer("ok"));
    disk.pass(0.01);
    if (hits.length > 0) {
      expect(hits).toHaveLength(1);
      atAnswer++;
      continue;
    }
    const asked = disk.world.now - now;
    disk.run(() => file.sync(disk.soon()));
    expect(hits.filter((at) => at > asked && at <= disk.world.now - now)).toHaveLength(1);
    atCall++;
  }
  expect(Math.min(atAnswer, atCall)).toBeGreaterThan(4);
});

test("without its moment it comes all the same, once", () => {
  for (let seed = 1; seed <= 10; seed++) {
    const { disk, file, aim, hits } = aimed(seed, 1);
    disk.pass(1_000);
    aim.told(answer("ok"));
    disk.run(() => file.sync(disk.soon()));
    expect(hits).toEqual([400]);
  }
});
