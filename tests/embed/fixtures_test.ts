import { describe, expect, test } from "bun:test";
import { Broker, RequestRefused, WaitedInVain } from "../../mod.ts";

const start = (settings: Readonly<Record<string, string>> = {}) => Broker.start({ storage: "memory", settings });

describe("Broker.produce()", () => {
  test("says where each record went, and records() has what went in", async () => {
    await using broker = await start();
    await broker.createTopic("orders", { partitions: 3 });
    const timestamp = Date.UTC(2026, 0, 2);
    const [first, second] = await broker.produce("orders", [
      { key: "k", value: "one", headers: { trace: "7", none: null }, partition: 2, timestamp },
      { key: null, value: null, partition: 2 },
    ]);
    expect([first, second]).toEqual([{ topic: "orders", partition: 2, offset: 0 }, { topic: "orders", partition: 2, offset: 1 }]);
    const [one, two] = await broker.records("orders");
    expect(one).toEqual({
      topic: "orders",
      partition: 2,
      offset: 0,
      timestamp,
      key: "k",
      value: "one",
      headers: { trace: "7", none: null },
    });
    expect(two).toMatchObject({ key: null, value: null, headers: {} });
  });

  test("keeps a key in its partition and makes a topic that is missing", async () => {
    await using broker = await start({ "num.partitions": "5" });
    const places = await broker.produce("orders", Array.from({ length: 50 }, (_, i) => ({ key: `k${i % 10}`, value: `${i}` })));
    const of = (key: number) => new Set(places.filter((_, i) => i % 10 === key).map(({ partition }) => partition)).size;
    expect(Array.from({ length: 10 }, (_, key) => of(key))).toEqual(Array(10).fill(1));
    expect(new Set(places.map(({ partition }) => partition)).size).toBeGreaterThan(1);
    expect(broker.topics).toEqual(["orders"]);
  });

  test("puts keys where the Java producer puts them", async () => {
    await using broker = await start({ "num.partitions": "1000" });
    // Hashes that Apache Kafka's own test of murmur2 has; without their sign they are divided.
    const hashes = new Map([
      ["21", -973932308],
      ["foobar", -790332482],
      ["a-little-bit-long-string", -985981536],
      ["a-little-bit-longer-string", -1486304829],
      ["lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971],
      ["abc", 479470107],
    ]);
    const places = await broker.produce("orders", [...hashes.keys()].map((key) => ({ key, value: "" })));
    expect(places.map(({ partition }) => partition)).toEqual([...hashes.values()].map((hash) => (hash & 0x7fffffff) % 1000));
  });

  test("splits what is larger than a batch may be", async () => {
    await using broker = await start();
    const value = "x".repeat(300_000);
    await broker.produce("orders", Array(10).fill(value));
    expect((await broker.records("orders", { count: 10 })).map(({ offset }) => offset)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test("is refused as a client would be", async () => {
    await using broker = await start({ "auto.create.topics.enable": "false" });
    await expect(broker.produce("orders", ["a"])).rejects.toThrow('Cannot find the topic "orders": there are none');
    await broker.createTopic("orders");
    await expect(broker.createTopic("orders")).rejects.toMatchObject({ error: "TOPIC_ALREADY_EXISTS" });
    await expect(broker.createTopic("a/b")).rejects.toBeInstanceOf(RequestRefused);
    await expect(broker.deleteTopic("none")).rejects.toMatchObject({ error: "UNKNOWN_TOPIC_OR_PARTITION" });
    await expect(broker.produce("orders", [{ value: "a", partition: 1 }])).rejects.toMatchObject({ error: "UNKNOWN_TOPIC_OR_PARTITION" });
    await expect(broker.produce("orders", ["x".repeat(2_000_000)])).rejects.toMatchObject({ error: "MESSAGE_TOO_LARGE" });
    await broker.createTopic("compacted", { configs: { "cleanup.policy": "compact" } });
    await expect(broker.produce("compacted", ["no key"])).rejects.toBeInstanceOf(RequestRefused);
  });
});

describe("Broker.records()", () => {
  test("decodes as it is asked to", async () => {
    await using broker = await start();
    await broker.produce("orders", [{ key: "k", value: '{"id":7}', headers: { h: "1" } }]);
    const [json] = await broker.records("orders", { decode: "json" });
    expect(json).toMatchObject({ key: "k", value: { id: 7 }, headers: { h: "1" } });
    const [bytes] = await broker.records("orders", { decode: "bytes" });
    expect(bytes!.value).toEqual(new TextEncoder().encode('{"id":7}'));
    expect(bytes!.headers["h"]).toEqual(new TextEncoder().encode("1"));
    await broker.produce("orders", ["no json"]);
    await expect(broker.records("orders", { decode: "json" })).rejects.toBeInstanceOf(SyntaxError);
  });

  test("begins where it is asked to", async () => {
    await using broker = await start();
    const at = (minute: number) => Date.UTC(2026, 0, 1, 0, minute);
    await broker.produce("orders", [0, 1, 2, 3].map((minute) => ({ value: `${minute}`, timestamp: at(minute) })));
    const values = async (from: number | "start" | "end" | Date) => (await broker.records("orders", { from })).map(({ value }) => value);
    expect(await values("start")).toEqual(["0", "1", "2", "3"]);
    expect(await values(2)).toEqual(["2", "3"]);
    expect(await values(new Date(at(1)))).toEqual(["1", "2", "3"]);
    expect(await values(new Date(at(9)))).toEqual([]);
    expect(await values("end")).toEqual([]);
  });

  test("waits for as many as were asked for, over all partitions", async () => {
    await using broker = await start();
    await broker.createTopic("orders", { partitions: 3 });
    const three = broker.records("orders", { from: "end", count: 3 });
    for (const partition of [2, 0, 1]) await broker.produce("orders", [{ value: `${partition}`, partition }]);
    expect((await three).map(({ partition, value }) => [partition, value])).toEqual([[0, "0"], [1, "1"], [2, "2"]]);
    expect(await broker.records("orders", { count: 2 })).toHaveLength(2);
    expect(await broker.records("orders", { partition: 1 })).toHaveLength(1);
    const late = broker.records("orders", { count: 4, timeoutMs: 20 });
    await expect(late).rejects.toBeInstanceOf(WaitedInVain);
    await expect(late).rejects.toThrow("3 came within 20 ms");
  });

  test("ends when its topic goes", async () => {
    await using broker = await start();
    await broker.createTopic("orders");
    const waiting = broker.records("orders", { count: 1 });
    await Promise.allSettled([waiting, broker.deleteTopic("orders")]);
    await expect(waiting).rejects.toBeInstanceOf(WaitedInVain);
    await expect(broker.records("orders")).rejects.toMatchObject({ error: "UNKNOWN_TOPIC_OR_PARTITION" });
  });
});

test("Broker.lag() is empty for a group that there is not", async () => {
  await using broker = await start();
  expect(await broker.lag("nobody")).toEqual([]);
});
