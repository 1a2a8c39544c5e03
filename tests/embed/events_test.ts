import { describe, expect, test } from "bun:test";
import { Broker, type BrokerEvents, WaitedInVain } from "../../mod.ts";
import type { LocalPartition } from "../../lib/replication/partition.ts";

const start = (topics: readonly string[] = []) =>
  Broker.start({ storage: "memory", topics, settings: { "offsets.topic.num.partitions": "2" } });

describe("Broker.on()", () => {
  test("tells of topics that are made, changed and deleted, in order", async () => {
    await using broker = await start();
    const told: string[] = [];
    for (const name of ["topicCreated", "topicDeleted"] as const) {
      broker.on(name, ({ topic, partitions, topicId }) => told.push(`${name} ${topic} ${partitions} ${topicId.length}`));
    }
    await broker.createTopic("orders", { partitions: 3 });
    await broker.deleteTopic("orders");
    await broker.createTopic("clicks");
    await broker.waitFor(() => told.length === 3);
    expect(told).toEqual(["topicCreated orders 3 22", "topicDeleted orders 3 22", "topicCreated clicks 1 22"]);
  });

  test("tells of records that can be read, without a gap and without telling twice", async () => {
    await using broker = await start(["orders"]);
    await broker.produce("orders", ["before"]);
    const told: BrokerEvents["recordsAppended"][] = [];
    broker.on("recordsAppended", (event) => told.push(event));
    for (let round = 0; round < 5; round++) await broker.produce("orders", ["a", "b"]);
    await broker.produce("made later", ["c"]).catch(() => broker.produce("later", ["c"]));
    await broker.waitFor(() => told.some(({ topic }) => topic === "later"));
    const orders = told.filter(({ topic }) => topic === "orders");
    let end = 1;
    for (const { baseOffset, count } of orders) {
      expect(baseOffset).toBe(end);
      end += count;
    }
    expect(end).toBe(11);
    expect(told.at(-1)).toEqual({ topic: "later", partition: 0, baseOffset: 0, count: 1 });
  });

  test("goes on when a listener throws, and hears nothing after cancel", async () => {
    await using broker = await start();
    const told: string[] = [];
    broker.on("topicCreated", () => {
      throw new Error("of the test");
    });
    const listening = broker.on("topicCreated", ({ topic }) => told.push(topic));
    await broker.createTopic("a");
    await broker.waitFor(() => told.length === 1);
    listening.cancel();
    const next = broker.waitFor("topicCreated");
    await broker.createTopic("b");
    expect((await next).topic).toBe("b");
    expect(told).toEqual(["a"]);
    expect(() => broker.on("topicMade" as "topicCreated", () => {})).toThrow("topicCreated");
  });

  test("subscribes to partitions only while somebody listens", async () => {
    await using broker = await start(["orders"]);
    const watchers = () =>
      [...broker.node.services.partitions.all() as Iterable<LocalPartition>].reduce((sum, each) => sum + each.watcherCount, 0);
    expect(watchers()).toBe(0);
    const first = broker.on("recordsAppended", () => {});
    const second = broker.on("recordsAppended", () => {});
    expect(watchers()).toBe(1);
    first.cancel();
    expect(watchers()).toBe(1);
    second.cancel();
    second.cancel();
    expect(watchers()).toBe(0);
    await broker.waitFor(() => true);
    await expect(broker.waitFor(() => false, { timeoutMs: 1 })).rejects.toBeInstanceOf(WaitedInVain);
    await expect(broker.records("orders", { count: 1, timeoutMs: 1 })).rejects.toBeInstanceOf(WaitedInVain);
    for await (const _ of take(broker, "topicCreated")) break;
    expect(watchers()).toBe(0);
  });
});

/** An iteration that has its first event already. */
async function* take(broker: Broker, name: "topicCreated") {
  const events = broker.events(name);
  await broker.createTopic("taken");
  yield* events;
}

describe("Broker.events()", () => {
  test("hands out what happened since the call, and ends with the broker", async () => {
    const broker = await start();
    const events = broker.events("topicCreated");
    await broker.createTopic("a");
    await broker.createTopic("b");
    const seen: string[] = [];
    for await (const { topic } of events) {
      seen.push(topic);
      if (topic === "b") void broker.close();
    }
    expect(seen).toEqual(["a", "b"]);
    expect(() => broker.events("topicCreated")).toThrow("closed");
  });

  test("fails when more waits than was allowed", async () => {
    await using broker = await start();
    const events = broker.events("topicCreated", 2);
    for (const name of ["a", "b", "c"]) {
      const told = broker.waitFor("topicCreated");
      await broker.createTopic(name);
      await told;
    }
    expect((await events.next()).value.topic).toBe("a");
    expect((await events.next()).value.topic).toBe("b");
    await expect(events.next()).rejects.toThrow("at its limit of 2");
  });
});

describe("Broker.waitFor()", () => {
  test("resolves to the event that fits, or says what came instead", async () => {
    await using broker = await start();
    const found = broker.waitFor("topicCreated", ({ topic }) => topic === "b");
    await broker.createTopic("a");
    await broker.createTopic("b");
    expect((await found).topic).toBe("b");
    const never = broker.waitFor("topicCreated", () => false, { timeoutMs: 30 });
    await broker.createTopic("c");
    await expect(never).rejects.toThrow("1 others did");
  });

  test("asks the condition again after every change, and passes on what it throws", async () => {
    await using broker = await start(["orders"]);
    const three = broker.waitFor(async () => {
      const records = await broker.records("orders");
      return records.length >= 3 && records.map(({ value }) => value);
    });
    for (const value of ["1", "2", "3"]) await broker.produce("orders", [value]);
    expect(await three).toEqual(["1", "2", "3"]);
    await expect(broker.waitFor(() => {
      throw new Error("of the test");
    })).rejects.toThrow("of the test");
    await expect(broker.waitFor(() => false, { timeoutMs: 1 })).rejects.toThrow("was last false");
  });

  test("is told when the broker closes", async () => {
    const broker = await start();
    const waiting = [broker.waitFor("topicCreated"), broker.waitFor(() => false)];
    await broker.close();
    for (const outcome of await Promise.allSettled(waiting)) {
      expect(outcome).toMatchObject({ status: "rejected", reason: { name: "Closed" } });
    }
  });
});
