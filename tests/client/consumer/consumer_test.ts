/** The consumer against an embedded broker: positions, fetching, commits, alone and without others in its group. */
import { describe, expect, test } from "bun:test";
import { KafkaError } from "../../../lib/client/mod.ts";
import { COMPRESSION_TYPES } from "../../../lib/protocol/mod.ts";
import { Broker } from "../../../mod.ts";
import { append, bytes, clusterOf, consumer, pollUntil, take, textOf, valuesOf } from "./setup.ts";

const T0 = { topic: "t", partition: 0 };

describe("consumer.assign()", () => {
  test("reads from the start to the end and on, in order, with everything that a record has", async () => {
    await using broker = await Broker.start({ storage: "memory", topics: ["t"] });
    await using cluster = clusterOf(broker);
    await using reader = consumer(broker);
    await append(cluster, "t", 0, ["a", "b"]);
    await append(cluster, "t", 0, ["c"], {
      records: [{ key: bytes("k"), value: null, timestamp: 42, headers: [{ key: "h", value: bytes("v") }, { key: "n", value: null }] }],
    });
    reader.assign([T0]);
    const records = await take(reader, 3);
    expect(valuesOf(records)).toEqual(["a", "b", null]);
    expect(records.map(({ offset }) => offset)).toEqual([0, 1, 2]);
    expect(records[0]).toMatchObject({ topic: "t", partition: 0, key: null, timestamp: 1000, timestampType: "create", headers: [] });
    expect(records[2]).toMatchObject({ timestamp: 42, headers: [{ key: "h", value: bytes("v") }, { key: "n", value: null }] });
    expect(textOf(records[2]!.key)).toBe("k");
    expect(reader.position(T0)).toBe(3);
    const next = take(reader, 1);
    await append(cluster, "t", 0, ["d"]);
    expect(valuesOf(await next)).toEqual(["d"]);
    expect(reader.lag(T0)).toBe(0);
  });

  test("reads every codec, also batches that are decompressed off the loop", async () => {
    await using broker = await Broker.start({ storage: "memory", topics: ["t"] });
    await using cluster = clusterOf(broker);
    await using reader = consumer(broker);
    const large = Array.from({ length: 3000 }, (_, i) => `${i} ${Bun.hash(String(i)).toString(36).repeat(6)}`);
    for (const compression of COMPRESSION_TYPES) {
      await append(cluster, "t", 0, [compression, "x"], { compression });
      await append(cluster, "t", 0, large, { compression });
    }
    reader.assign([T0]);
    const values = valuesOf(await take(reader, COMPRESSION_TYPES.length * 3002));
    expect(values).toEqual(COMPRESSION_TYPES.flatMap((compression) => [compression, "x", ...large]));
  });

  test("reads a batch that is larger than what it asks for", async () => {
    await using broker = await Broker.start({ storage: "memory", topics: ["t"] });
    await using cluster = clusterOf(broker);
    await using reader = consumer(broker, { partitionBytes: 100, bufferBytes: 200 });
    await append(cluster, "t", 0, ["x".repeat(50_000)]);
    await append(cluster, "t", 0, ["small"]);
    reader.assign([T0]);
    expect((await take(reader, 2)).map(({ value }) => value!.length)).toEqual([50_000, 5]);
  });

  test("begins at the end with latest, and tells with none", async () => {
    await using broker = await Broker.start({ storage: "memory", topics: ["t"] });
    await using cluster = clusterOf(broker);
    await append(cluster, "t", 0, ["old"]);
    await using late = consumer(broker, { autoOffsetReset: "latest" });
    late.assign([T0]);
    await pollUntil(late, () => late.position(T0) !== null);
    await append(cluster, "t", 0, ["new"]);
    expect(valuesOf(await take(late, 1))).toEqual(["new"]);
    await using none = consumer(broker, { autoOffsetReset: "none" });
    none.assign([T0]);
    await expect(none.poll(5_000)).rejects.toMatchObject({ error: "OFFSET_OUT_OF_RANGE" });
    await expect(none.poll(5_000)).rejects.toMatchObject({ message: expect.stringContaining('"autoOffsetReset" is "none"') });
    await none.seek(T0, 0);
    expect(valuesOf(await take(none, 2))).toEqual(["old", "new"]);
  });

  test("an offset that is not on the log is reset, or told with none", async () => {
    await using broker = await Broker.start({ storage: "memory", topics: ["t"] });
    await using cluster = clusterOf(broker);
    await append(cluster, "t", 0, ["a", "b"]);
    await using reader = consumer(broker);
    reader.assign([T0]);
    await reader.seek(T0, 100);
    expect(valuesOf(await take(reader, 1))).toEqual(["a"]);
    await using none = consumer(broker, { autoOffsetReset: "none" });
    none.assign([T0]);
    await none.seek(T0, 100);
    await expect(none.poll(5_000)).rejects.toMatchObject({ error: "OFFSET_OUT_OF_RANGE" });
  });

  test("waits for a topic that does not exist", async () => {
    await using broker = await Broker.start({ storage: "memory" });
    await using cluster = clusterOf(broker);
    await using reader = consumer(broker, { retryBackoffMaxMs: 50 });
    reader.assign([T0]);
    expect(await reader.poll(50)).toEqual([]);
    await cluster.retry({ op: "test", at: Infinity }, async () => {
      const view = (await cluster.topics(["t"], { op: "test", at: Infinity }, true)).get("t")!;
      if (view instanceof Error) throw view;
    });
    const next = take(reader, 1);
    await append(cluster, "t", 0, ["a"]);
    expect(valuesOf(await next)).toEqual(["a"]);
  });
});

describe("consumer.seek()", () => {
  test("goes to an offset, also inside of a batch, to both ends and to a time", async () => {
    await using broker = await Broker.start({ storage: "memory", topics: ["t"] });
    await using cluster = clusterOf(broker);
    await append(cluster, "t", 0, ["a", "b", "c"]);
    await append(cluster, "t", 0, ["d"], { records: [{ key: null, value: bytes("d"), timestamp: 5000 }] });
    await using reader = consumer(broker);
    reader.assign([T0]);
    await reader.seek(T0, 1);
    expect(reader.position(T0)).toBe(1);
    expect(valuesOf(await take(reader, 2))).toEqual(["b", "c"]);
    await reader.seek(T0, "earliest");
    expect(valuesOf(await take(reader, 1))).toEqual(["a"]);
    await reader.seek(T0, "latest");
    expect(reader.position(T0)).toBe(4);
    await reader.seek(T0, { timestamp: 1001 });
    expect(valuesOf(await take(reader, 1))).toEqual(["b"]);
    await reader.seek(T0, { timestamp: 9999 });
    expect(reader.position(T0)).toBe(4);
    await expect(reader.seek({ topic: "t", partition: 9 }, 0)).rejects.toBeInstanceOf(KafkaError);
    await expect(reader.seek(T0, -5)).rejects.toBeInstanceOf(KafkaError);
  });

  test("inside of a loop takes effect with the next record", async () => {
    await using broker = await Broker.start({ storage: "memory", topics: ["t"] });
    await using cluster = clusterOf(broker);
    await append(cluster, "t", 0, ["a", "b", "c", "d"]);
    await using reader = consumer(broker);
    reader.assign([T0]);
    const seen: (string | null)[] = [];
    for await (const { value } of reader) {
      seen.push(textOf(value));
      if (seen.length === 2) await reader.seek(T0, 0);
      if (seen.length === 4) break;
    }
    expect(seen).toEqual(["a", "b", "a", "b"]);
  });
});

describe("consumer.pause()", () => {
  test("holds a partition back at once, and resume goes on with the next record", async () => {
    await using broker = await Broker.start({ storage: "memory", topics: [{ name: "t", partitions: 2 }] });
    await using cluster = clusterOf(broker);
    await append(cluster, "t", 0, ["a0", "a1", "a2"]);
    await append(cluster, "t", 1, ["b0"]);
    await using reader = consumer(broker);
    reader.assign([T0]);
    const [first] = await take(reader, 1);
    reader.pause([T0]);
    reader.assign([T0, { topic: "t", partition: 1 }]);
    expect(textOf(first!.value)).toBe("a0");
    expect(valuesOf(await take(reader, 1))).toEqual(["b0"]);
    expect(await reader.poll(100)).toEqual([]);
    expect(reader.position(T0)).toBe(1);
    reader.resume([T0]);
    expect(valuesOf(await take(reader, 2))).toEqual(["a1", "a2"]);
  });
});

describe("consumer.poll()", () => {
  test("hands out everything that is there, an empty list after the wait, and refuses to be called twice at once", async () => {
    await using broker = await Broker.start({ storage: "memory", topics: [{ name: "t", partitions: 3 }] });
    await using cluster = clusterOf(broker);
    for (const partition of [0, 1, 2]) await append(cluster, "t", partition, Array.from({ length: 100 }, (_, i) => `${partition}-${i}`));
    await using reader = consumer(broker);
    await expect(reader.poll(10)).rejects.toThrow("subscribe to topics or assign partitions first");
    reader.assign([0, 1, 2].map((partition) => ({ topic: "t", partition })));
    const records = await pollUntil(reader, ({ length }) => length === 300);
    for (const partition of [0, 1, 2]) {
      expect(records.filter((one) => one.partition === partition).map(({ offset }) => offset)).toEqual(
        Array.from({ length: 100 }, (_, i) => i),
      );
    }
    expect(await reader.poll(20)).toEqual([]);
    const first = reader.poll(100);
    await expect(reader.poll(10)).rejects.toThrow("another read of this consumer waits already");
    expect(await first).toEqual([]);
  });
});

describe("consumer.commit()", () => {
  test("commits what was handed out, or what it is told; another one of the group goes on from there", async () => {
    await using broker = await Broker.start({ storage: "memory", topics: ["t"] });
    await using cluster = clusterOf(broker);
    await append(cluster, "t", 0, ["a", "b", "c", "d"]);
    const options = { groupId: "g", autoCommitIntervalMs: null };
    await using first = consumer(broker, options);
    first.subscribe(["t"]);
    expect(valuesOf(await take(first, 2))).toEqual(["a", "b"]);
    expect(await first.committed([T0])).toEqual([null]);
    await first.commit();
    expect(await first.committed([T0])).toMatchObject([{ offset: 2 }]);
    await first.commit([{ ...T0, offset: 3, metadata: "why" }]);
    expect(await first.committed([T0, { topic: "t", partition: 7 }])).toMatchObject([{ offset: 3, metadata: "why" }, null]);
    await first.close();
    await using second = consumer(broker, options);
    second.subscribe(["t"]);
    expect(valuesOf(await take(second, 1))).toEqual(["d"]);
  });

  test("without a group is refused, and so is a subscription", async () => {
    await using broker = await Broker.start({ storage: "memory", topics: ["t"] });
    await using reader = consumer(broker);
    expect(() => reader.subscribe(["t"])).toThrow('needs a "groupId"');
    reader.assign([T0]);
    await expect(reader.commit()).rejects.toThrow('needs a "groupId"');
  });

  test("works for a group without members, by assignment", async () => {
    await using broker = await Broker.start({ storage: "memory", topics: ["t"] });
    await using cluster = clusterOf(broker);
    await append(cluster, "t", 0, ["a", "b"]);
    for (const expected of ["a", "b"]) {
      await using reader = consumer(broker, { groupId: "g", autoCommitIntervalMs: null });
      reader.assign([T0]);
      expect(valuesOf(await take(reader, 1))).toEqual([expected]);
      await reader.commit();
    }
  });
});

describe("automatic commits", () => {
  test("take in what was followed by another read, at the latest when the consumer closes", async () => {
    await using broker = await Broker.start({ storage: "memory", topics: ["t"] });
    await using cluster = clusterOf(broker);
    await append(cluster, "t", 0, ["a", "b", "c"]);
    const reader = consumer(broker, { groupId: "g" });
    reader.subscribe(["t"]);
    await take(reader, 2);
    await reader.close();
    await using other = consumer(broker, { groupId: "g" });
    expect(await other.committed([T0])).toMatchObject([{ offset: 1 }]);
  });

  test("come by themselves while it reads", async () => {
    await using broker = await Broker.start({ storage: "memory", topics: ["t"] });
    await using cluster = clusterOf(broker);
    await append(cluster, "t", 0, ["a", "b", "c"]);
    await using reader = consumer(broker, { groupId: "g", autoCommitIntervalMs: 10 });
    await using other = consumer(broker, { groupId: "g" });
    reader.subscribe(["t"]);
    await pollUntil(reader, ({ length }) => length === 3);
    let committed = await other.committed([T0]);
    while (committed[0]?.offset !== 3) {
      await reader.poll(10);
      committed = await other.committed([T0]);
    }
    expect(committed).toMatchObject([{ offset: 3, leaderEpoch: expect.any(Number) }]);
  });
});

describe("consumer.close()", () => {
  test("ends a read that waits, and every later one", async () => {
    await using broker = await Broker.start({ storage: "memory", topics: ["t"] });
    const reader = consumer(broker, { groupId: "g" });
    reader.subscribe(["t"]);
    const waiting = take(reader, 1);
    const polled = reader.close();
    expect(await waiting).toEqual([]);
    await polled;
    expect(await take(reader, 1)).toEqual([]);
    await expect(reader.poll(10)).rejects.toThrow("it is closed");
    await reader.close();
  });

  test("comes to its end in time when the cluster is gone", async () => {
    const broker = await Broker.start({ storage: "memory", topics: ["t"] });
    const cluster = clusterOf(broker);
    await append(cluster, "t", 0, ["a", "b"]);
    const reader = consumer(broker, { groupId: "g", closeTimeoutMs: 200 });
    reader.subscribe(["t"]);
    await take(reader, 2);
    await cluster.close();
    await broker.close();
    await reader.close();
    expect(await take(reader, 1)).toEqual([]);
  });
});

test("a consumer refuses options that cannot be used, by name", async () => {
  await using broker = await Broker.start({ storage: "memory" });
  const bad = [
    [{ assignors: ["fair" as never] }, '"assignors" has "fair"'],
    [{ assignors: [] }, '"assignors" is empty'],
    [{ heartbeatIntervalMs: 50_000 }, '"heartbeatIntervalMs" is 50000'],
    [{ bufferBytes: 0 }, '"bufferBytes" is 0'],
    [{ groupInstanceId: "i" }, '"groupInstanceId" needs a "groupId"'],
    [{ groupId: "" }, '"groupId" is empty'],
    [{ autoOffsetReset: "begin" as never }, '"autoOffsetReset" is "begin"'],
    [{ isolation: "none" as never }, '"isolation" is "none"'],
  ] as const;
  for (const [options, why] of bad) expect(() => consumer(broker, options)).toThrow(why);
});
