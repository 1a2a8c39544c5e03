/** The whole way down: groups over partitions over the real storage, on a disk in memory that loses power. */
import { expect, test } from "bun:test";
import { NodeSettings, resolveTopicConfig } from "../../lib/config/mod.ts";
import { loneController, openController } from "../../lib/controller/mod.ts";
import { coordinatorSettings, Groups, OFFSETS_TOPIC } from "../../lib/coordinator/mod.ts";
import type { Deadline, Io } from "../../lib/io/mod.ts";
import { createMemoryIo, type MemoryDisk } from "../../lib/io/memory/mod.ts";
import { nodeId } from "../../lib/protocol/ids.ts";
import { ReplicaSet } from "../../lib/replication/mod.ts";
import { MEMORY_STORAGE_SETTINGS, openStorage } from "../../lib/storage/mod.ts";
import { rules, topic } from "../controller/fixture.ts";
import { joining } from "./setup.ts";

const NODE = nodeId(1);
const settings = new NodeSettings(new Map([["offsets.topic.num.partitions", "4"]]));

async function start(disk: MemoryDisk | null) {
  const io = createMemoryIo({ onFatal: () => {} });
  const machine: Io = { ...io, disk: disk ?? io.disk };
  // The folder that the operator made is durable; what is inside is storage's business.
  await machine.disk.makeDirectory("data", machine.deadlines.in("test", 1_000));
  await machine.disk.syncDirectory("/", machine.deadlines.in("test", 1_000));
  const storage = await openStorage(machine, { ...MEMORY_STORAGE_SETTINGS, nodeId: NODE }, "data");
  const lenient = { ...rules, checkConfig: () => null };
  const controller = await openController(machine, loneController(NODE, lenient), storage.raft, null);
  const soon = (): Deadline => machine.deadlines.in("test", 20_000);
  await controller.registerBroker({ id: NODE, rack: null, endpoints: [] }, soon());
  const settingsOf = ({ configs }: { readonly configs: ReadonlyMap<string, string> }) => resolveTopicConfig(configs, settings.values);
  const replicaSet = new ReplicaSet({ io: machine, nodeId: NODE, storage, settingsOf, warn: () => {} });
  replicaSet.start(controller.image);
  controller.onApplied((delta, image) => replicaSet.apply(delta, image));
  const groups = new Groups({
    io: machine,
    controller,
    partitions: replicaSet,
    settings: coordinatorSettings(settings.values),
    log: () => {},
  });
  return { disk: disk ?? io.disk, controller, groups, soon };
}

/** As clients do: asks again while the shards are being read. */
async function whenLoaded<T extends { readonly error: string }>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    const reply = await ask();
    if (reply.error !== "COORDINATOR_LOAD_IN_PROGRESS") return reply;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test("Groups over the real storage: after a loss of power the groups and every acknowledged offset are there", async () => {
  const before = await start(null);
  const { groups, soon } = before;
  await before.controller.createTopics([topic("orders", { partitions: 3 })], false, soon());
  expect((await groups.locate("g", soon())).error).toBe("NONE");
  expect(before.controller.image.topics.get(OFFSETS_TOPIC)?.internal).toBe(true);
  const { topicId } = before.controller.image.topics.get("orders")!;

  const { memberId, generation } = await groups.join(joining("g", "a"), soon());
  const me = { groupId: "g", memberId, instanceId: null, generation };
  const assignments = [{ memberId, assignment: new Uint8Array([7]) }];
  await groups.sync({ ...me, protocolType: null, protocolName: null, assignments }, soon());
  const commit = (offset: number) => {
    const partitions = [{ partition: 0, offset, leaderEpoch: 0, metadata: "" }];
    return groups.commit(
      { ...me, knowsGroupIdNotFound: true, retentionMs: -1, topics: [{ topic: "orders", topicId, partitions }] },
      soon(),
    );
  };
  const replies = await Promise.all(Array.from({ length: 100 }, (_, offset) => commit(offset)));
  expect(replies.every(({ error }) => error === "NONE")).toBe(true);

  before.disk.crash();
  groups.close();
  const after = await start(before.disk);
  const asked = [{ topic: "orders", partitions: [0] }];
  const fetched = await whenLoaded(() => after.groups.fetch("g", asked, false, after.soon()));
  expect(fetched.topics[0]!.partitions[0]!.committed).toMatchObject({ offset: 99, topicId });
  expect(after.groups.describe("g").group).toMatchObject({
    state: "Stable",
    protocolName: "range",
    members: [{ memberId, assignment: new Uint8Array([7]) }],
  });
  expect(await after.groups.heartbeat(me, after.soon())).toEqual({ error: "NONE" });
  after.groups.close();
});
