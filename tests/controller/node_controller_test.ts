import { describe, expect, test } from "bun:test";
import { NotController, openController } from "../../lib/controller/mod.ts";
import { loneController } from "../../lib/controller/mod.ts";
import { createMemoryIo } from "../../lib/io/memory/mod.ts";
import { DeadlineExceeded } from "../../lib/io/mod.ts";
import { nodeId } from "../../lib/protocol/mod.ts";
import type { MetadataDelta } from "../../lib/state/mod.ts";
import { rules, start, topic } from "./fixture.ts";
import { MemoryRaftStore } from "./memory_raft_store.ts";

const named = (count: number) => Array.from({ length: count }, (_, at) => topic(`t${at}`));
const errors = (rows: readonly { readonly ok: boolean }[]) => rows.map((row) => (row as { readonly error?: string }).error ?? "ok");

describe("openController()", () => {
  test("makes the cluster in the same write as the leader's first entry", async () => {
    const store = new MemoryRaftStore();
    const io = createMemoryIo({ onFatal: () => {} });
    const controller = await openController(io, loneController(nodeId(1), rules), store, null);
    expect(store.writes).toEqual([2]);
    expect(controller.image.clusterId).toHaveLength(22);
    expect(controller.quorum().leader).toBe(nodeId(1));
    await controller.close();
  });

  test("finds everything again after a restart, under the same cluster id and with a new broker epoch", async () => {
    const first = await start();
    await first.controller.createTopics(
      [topic("orders", { partitions: 3, configs: [{ name: "retention.ms", value: "1" }] })],
      false,
      first.soon(),
    );
    const { clusterId } = first.controller.image;
    const { topicId } = first.controller.image.topics.get("orders")!;
    await first.controller.close();
    const second = await start(first.store);
    expect(second.controller.image.clusterId).toBe(clusterId);
    expect(second.controller.image.topics.get("orders")).toMatchObject({ topicId, configs: new Map([["retention.ms", "1"]]) });
    expect(second.controller.image.topicById(topicId)?.partitions.map((row) => row.leader)).toEqual([1, 1, 1]);
    expect(second.controller.image.brokers.get(nodeId(1))?.brokerEpoch).toBe(2);
    await second.controller.close();
  });
});

describe("controller.createTopics()", () => {
  test("commits a thousand topics with one entry and one delta", async () => {
    const { controller, store, soon } = await start();
    const deltas: MetadataDelta[] = [];
    controller.onApplied((delta) => deltas.push(delta));
    store.writes.length = 0;
    const rows = await controller.createTopics(named(1_000), false, soon());
    expect(rows.every((row) => row.ok)).toBe(true);
    expect(store.writes).toEqual([1]);
    expect(deltas.map((delta) => delta.topicsCreated.length)).toEqual([1_000]);
    expect(controller.image.partitionCount).toBe(1_000);
    await controller.close();
  });

  test("sends what is proposed during a write with the next one", async () => {
    const { controller, store, soon } = await start();
    store.writes.length = 0;
    store.held = [];
    const all = named(10).map((row) => controller.createTopics([row], false, soon()));
    await Promise.resolve();
    await Promise.resolve();
    all.push(...["a", "b"].map((name) => controller.createTopics([topic(name)], false, soon())));
    store.release();
    await Promise.all(all);
    expect(store.writes).toEqual([10, 2]);
    await controller.close();
  });

  test("answers a name that is being created only once that is committed", async () => {
    const { controller, store, soon } = await start();
    store.held = [];
    const created = controller.createTopics([topic("once")], false, soon());
    let answered = false;
    const refused = controller.createTopics([topic("once")], false, soon()).then((rows) => {
      answered = true;
      expect(controller.image.topics.has("once")).toBe(true);
      return rows;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(answered).toBe(false);
    expect(controller.image.topics.has("once")).toBe(false);
    store.release();
    expect(errors(await created)).toEqual(["ok"]);
    expect(errors(await refused)).toEqual(["TOPIC_ALREADY_EXISTS"]);
    await controller.close();
  });

  test("with validateOnly decides as it would and writes nothing", async () => {
    const { controller, store, soon } = await start();
    store.writes.length = 0;
    expect(errors(await controller.createTopics([topic("a"), topic("..")], true, soon()))).toEqual(["ok", "INVALID_TOPIC_EXCEPTION"]);
    expect(store.writes).toEqual([]);
    expect(controller.image.topics.size).toBe(0);
    await controller.close();
  });

  test("may be asked from inside onApplied", async () => {
    const { controller, soon } = await start();
    let inner: Promise<unknown> | null = null;
    controller.onApplied((delta) => {
      if (delta.topicsCreated.some((each) => each.name === "outer")) inner = controller.createTopics([topic("inner")], false, soon());
    });
    await controller.createTopics([topic("outer")], false, soon());
    expect(inner).not.toBeNull();
    await inner;
    expect([...controller.image.topics.keys()]).toEqual(["outer", "inner"]);
    await controller.close();
  });

  test("rejects as unknown when the deadline passes first, and the topic still appears", async () => {
    const { io, controller, store } = await start();
    store.held = [];
    const late = controller.createTopics([topic("late")], false, io.deadlines.in("create topics", 5));
    expect(late).rejects.toBeInstanceOf(DeadlineExceeded);
    await late.catch(() => {});
    const applied = new Promise<void>((resolve) => controller.onApplied(() => resolve()));
    store.release();
    await applied;
    expect(controller.image.topics.has("late")).toBe(true);
    await controller.close();
  });
});

describe("controller", () => {
  test("ends the node when a write fails, and tells those who wait that the outcome is unknown", async () => {
    const { controller, store, fatal, soon } = await start();
    store.failure = new Error("EIO");
    const lost = controller.createTopics([topic("a")], false, soon());
    expect(lost).rejects.toThrow("EIO");
    await lost.catch(() => {});
    expect(fatal).toEqual(["Cannot go on with the metadata log: EIO"]);
    expect(controller.createTopics([topic("b")], false, soon())).rejects.toBeInstanceOf(NotController);
  });

  test("takes a snapshot after the set number of entries, and starts from it", async () => {
    const driver = { persistMs: 10_000, snapshotEntries: 10, snapshotBytes: 1 << 20 };
    const first = await start(undefined, { driver });
    for (const row of named(25)) await first.controller.createTopics([row], false, first.soon());
    const hash = first.controller.stateHash;
    const { index } = first.controller.image;
    await first.controller.close();
    expect(first.store.snapshots).toBeGreaterThanOrEqual(2);
    expect(first.store.recovered.entries.length).toBeLessThan(12);
    const io = createMemoryIo({ onFatal: () => {} });
    const second = await openController(io, loneController(nodeId(1), rules), first.store, null);
    expect(second.stateHash).toBe(hash);
    expect(second.image.index).toBeGreaterThan(index);
    await second.close();
  });

  test("goes on when a snapshot cannot be stored, says so, and stores the next one", async () => {
    const driver = { persistMs: 10_000, snapshotEntries: 10, snapshotBytes: 1 << 20 };
    const { controller, store, fatal, soon } = await start(undefined, { driver });
    store.snapshotFailure = new Error("ENOSPC");
    for (const row of named(15)) await controller.createTopics([row], false, soon());
    expect(controller.quorum().snapshotFailure).toBe("ENOSPC");
    expect([store.snapshots, fatal, controller.image.topics.size]).toEqual([0, [], 15]);
    store.snapshotFailure = null;
    for (const { name } of named(15)) await controller.deleteTopics([{ name }], soon());
    expect(controller.quorum().snapshotFailure).toBeNull();
    expect(store.snapshots).toBeGreaterThan(0);
    await controller.close();
  });

  test("never gives a producer id twice, also not across a restart", async () => {
    const first = await start(undefined, { producerIdBlock: 3 });
    const ids = await Promise.all(Array.from({ length: 7 }, () => first.controller.nextProducerId(first.soon())));
    await first.controller.close();
    const second = await start(first.store, { producerIdBlock: 3 });
    ids.push(await second.controller.nextProducerId(second.soon()));
    expect([...ids].sort((a, b) => a - b).map(Number)).toEqual([0, 1, 2, 3, 4, 5, 6, 9]);
    await second.controller.close();
  });

  test("tells only what an entry changed", async () => {
    const { controller, soon } = await start();
    await controller.createTopics(named(3), false, soon());
    const deltas: MetadataDelta[] = [];
    controller.onApplied((delta) => deltas.push(delta));
    await controller.createPartitions([{ topic: "t1", totalCount: 4, assignments: null }], false, soon());
    const operations = [{ name: "retention.ms", operation: "set" as const, value: "5" }];
    await controller.changeConfigs([{ type: "topic", name: "t2", operations, replaceAll: false }], false, soon());
    await controller.deleteTopics([{ name: "t0" }], soon());
    expect(deltas.map((delta) => delta.topicsChanged.map((each) => each.name))).toEqual([["t1"], ["t2"], []]);
    expect(deltas[0]!.topicsChanged[0]!.partitions).toHaveLength(4);
    expect(deltas[1]!.configsChanged).toEqual([{ type: "topic", name: "t2" }]);
    expect(deltas[2]!.topicsDeleted.map((each) => each.name)).toEqual(["t0"]);
    await controller.close();
  });
});
