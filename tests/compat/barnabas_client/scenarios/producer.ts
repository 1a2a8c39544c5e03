/** What a producer promises, on whatever cluster it is given. */
import { expect } from "bun:test";
import { KafkaError, openAdmin, openProducer } from "../../../../lib/client/mod.ts";
import type { AdminApi, OutgoingRecord, ProducerApi, ProducerOptions } from "../../../../lib/client/mod.ts";
import { COMPRESSION_TYPES } from "../../../../lib/protocol/mod.ts";
import { codecOf, eventually, fresh, io, recordsOf, type Scenarios, topicFor, valueOf } from "./support.ts";

interface Tools {
  readonly admin: AdminApi;
  readonly producer: ProducerApi;
  readonly bootstrap: string;
  open(options: Partial<ProducerOptions>): ProducerApi;
}

const scenario = (steps: (tools: Tools) => Promise<void>) => async (bootstrap: string) => {
  const opened: ProducerApi[] = [];
  const open = (options: Partial<ProducerOptions>): ProducerApi => {
    const producer = openProducer(io, { bootstrapServers: bootstrap, ...options });
    opened.push(producer);
    return producer;
  };
  await using admin = openAdmin(io, { bootstrapServers: bootstrap });
  await steps({ admin, producer: open({}), bootstrap, open });
  await Promise.all(opened.map((producer) => producer.close()));
};

const text = (bytes: Uint8Array | null): string | null => bytes === null ? null : new TextDecoder().decode(bytes);
const errorOf = async (sending: Promise<unknown>): Promise<KafkaError> => {
  const error = await sending.then(() => null, (error: unknown) => error);
  if (!(error instanceof KafkaError)) throw new Error(`Expected a KafkaError, got ${String(error)}`);
  return error;
};

export const scenarios: Scenarios = {
  "records arrive as they were given: keys, values, headers, nothing, text of all sorts": scenario(
    async ({ admin, producer, bootstrap }) => {
      const { name: topic } = await topicFor(admin, "shapes");
      const bytes = new Uint8Array([0, 255, 128]);
      const large = "é".repeat(40_000);
      const records: OutgoingRecord[] = [
        { topic, value: "plain" },
        { topic, key: "k", value: null, timestamp: 1_700_000_000_000 },
        { topic, key: null, value: "", headers: { one: "1", none: null, bytes } },
        { topic, key: bytes, value: bytes, headers: [{ key: "twice", value: bytes }, { key: "twice", value: null }] },
        { topic, key: "", value: "čeština 漢字 🦊", timestamp: 1_600_000_000_000 },
        { topic, value: large },
      ];
      const sent = await producer.sendAll(records);
      expect(sent.map(({ topic, partition, offset }) => [topic, partition, offset])).toEqual(records.map((_, i) => [topic, 0, i]));
      expect([sent[1]!.timestamp, sent[4]!.timestamp]).toEqual([1_700_000_000_000, 1_600_000_000_000]);
      const read = await recordsOf(bootstrap, topic);
      expect(read.map(({ key }) => text(key))).toEqual([null, "k", null, text(bytes), "", null]);
      expect(read.map(({ value }) => text(value))).toEqual(["plain", null, "", text(bytes), "čeština 漢字 🦊", large]);
      expect(read.map(({ timestamp }) => timestamp)).toEqual(sent.map(({ timestamp }) => timestamp));
      expect(read[2]!.headers.map(({ key, value }) => [key, text(value)])).toEqual([["one", "1"], ["none", null], ["bytes", text(bytes)]]);
      expect(read[3]!.headers.map(({ key, value }) => [key, value === null])).toEqual([["twice", false], ["twice", true]]);
    },
  ),

  "every codec is written as asked, and read back": scenario(async ({ admin, bootstrap, open }) => {
    for (const compression of COMPRESSION_TYPES) {
      const { name: topic } = await topicFor(admin, compression);
      const values = Array.from({ length: 200 }, (_, i) => `value ${i} ${"x".repeat(i)}`);
      await open({ compression, batchBytes: 4_000 }).sendAll(values.map((value) => ({ topic, value })));
      const read = await recordsOf(bootstrap, topic);
      expect(read.map(({ value }) => text(value))).toEqual(values);
      expect(new Set(read.map(({ batch }) => codecOf(batch)))).toEqual(new Set([compression]));
    }
  }),

  "acks of 0, 1 and all": scenario(async ({ admin, bootstrap, open }) => {
    for (const acks of [0, 1, "all"] as const) {
      const { name: topic } = await topicFor(admin, `acks-${acks}`);
      await using producer = open({ acks });
      const sent = await producer.sendAll(["a", "b", "c"].map((value) => ({ topic, value })));
      expect(sent.map(({ offset }) => offset)).toEqual(acks === 0 ? [-1, -1, -1] : [0, 1, 2]);
      const last = async () => valueOf((await admin.listOffsets([{ topic, partition: 0, position: "latest" }]))[0]);
      await eventually(last, (offset) => offset === 3);
      expect((await recordsOf(bootstrap, topic)).map(({ value }) => text(value))).toEqual(["a", "b", "c"]);
    }
  }),

  "keys go where the Java client puts them, records without one to any partition, batch by batch": scenario(
    async ({ admin, producer, bootstrap, open }) => {
      const { name: topic } = await topicFor(admin, "placed", 7);
      // The hashes are those of the Java client's own tests.
      const hashes: Readonly<Record<string, number>> = {
        "21": -973932308,
        foobar: -790332482,
        "a-little-bit-long-string": -985981536,
        "a-little-bit-longer-string": -1486304829,
        lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8: -58897971,
        abc: 479470107,
      };
      const keys = Object.keys(hashes);
      const sent = await producer.sendAll(keys.flatMap((key) => [{ topic, key, value: "" }, { topic, key: Buffer.from(key), value: "" }]));
      expect(sent.map(({ partition }) => partition)).toEqual(keys.flatMap((key) => Array(2).fill((hashes[key]! & 0x7fffffff) % 7)));
      const sticky = await open({ batchBytes: 1_000 }).sendAll(Array.from({ length: 600 }, () => ({ topic, value: "x".repeat(50) })));
      const runs = sticky.filter(({ partition }, i) => i === 0 || partition !== sticky[i - 1]!.partition).length;
      expect(new Set(sticky.map(({ partition }) => partition)).size).toBeGreaterThan(1);
      expect(runs).toBeLessThan(100);
      const chosen = await producer.send({ topic, key: "k", value: "", partition: 3 });
      expect(chosen.partition).toBe(3);
      expect(await errorOf(producer.send({ topic, value: "", partition: 7 }))).toMatchObject({ error: "UNKNOWN_TOPIC_OR_PARTITION" });
      const own = await open({ partitioner: (record, partitions) => Number(record.key) % partitions }).sendAll(
        [9, 15].map((key) => ({ topic, key: String(key), value: "" })),
      );
      expect(own.map(({ partition }) => partition)).toEqual([2, 1]);
      expect((await recordsOf(bootstrap, topic, 3)).length).toBeGreaterThan(0);
    },
  ),

  "a topic with log append time gives the broker's": scenario(async ({ admin, producer, bootstrap }) => {
    const { name: topic } = await topicFor(admin, "stamped", 1, { "message.timestamp.type": "LogAppendTime" });
    const [sent] = await producer.sendAll([{ topic, value: "v", timestamp: 1 }]);
    expect(sent!.timestamp).toBeGreaterThan(1_700_000_000_000);
    expect((await recordsOf(bootstrap, topic))[0]!.timestamp).toBe(sent!.timestamp);
  }),

  "a topic that is not there is made by writing to it, and a name that cannot be is refused at once": scenario(
    async ({ producer, bootstrap }) => {
      const topic = fresh("made");
      expect(await producer.send({ topic, value: "first" })).toMatchObject({ topic, partition: 0, offset: 0 });
      expect((await recordsOf(bootstrap, topic)).map(({ value }) => text(value))).toEqual(["first"]);
      expect(await errorOf(producer.send({ topic: "not a name", value: "" }))).toMatchObject({ error: "INVALID_TOPIC_EXCEPTION" });
    },
  ),

  "a refused record says why, those beside it that they are fine, and what follows arrives": scenario(
    async ({ admin, producer, bootstrap }) => {
      const { name: topic } = await topicFor(admin, "compacted", 1, { "cleanup.policy": "compact" });
      await producer.send({ topic, key: "0", value: "before" });
      const together = [{ topic, key: "1", value: "fine" }, { topic, value: "no key" }].map((record) => errorOf(producer.send(record)));
      const [beside, toBlame] = await Promise.all(together);
      expect([beside!.error, toBlame!.error]).toEqual(["INVALID_RECORD", "INVALID_RECORD"]);
      expect(beside!.message).toContain("the record is fine, but others of its batch were refused");
      expect(toBlame!.message).not.toContain("the record is fine");
      expect([beside!.isOutcomeUnknown, toBlame!.isOutcomeUnknown]).toEqual([false, false]);
      expect(await producer.send({ topic, key: "2", value: "after" })).toMatchObject({ offset: 1 });
      expect((await recordsOf(bootstrap, topic)).map(({ value }) => text(value))).toEqual(["before", "after"]);
    },
  ),

  "a batch that is too large is split until it fits, in order; a record that is too large fails alone": scenario(
    async ({ admin, bootstrap, open }) => {
      const { name: topic } = await topicFor(admin, "narrow", 1, { "max.message.bytes": "1500" });
      const producer = open({ batchBytes: 16_000 });
      const values = Array.from({ length: 40 }, (_, i) => i === 17 ? "y".repeat(3_000) : `${i} ${"x".repeat(300)}`);
      const outcomes = await Promise.allSettled(values.map((value) => producer.send({ topic, value })));
      expect(outcomes.map(({ status }, i) => status === "rejected" ? i : -1).filter((i) => i >= 0)).toEqual([17]);
      expect(outcomes[17]).toMatchObject({ reason: { error: "MESSAGE_TOO_LARGE", isOutcomeUnknown: false } });
      expect((await recordsOf(bootstrap, topic)).map(({ value }) => text(value))).toEqual(values.filter((_, i) => i !== 17));
      expect(await producer.send({ topic, value: "after" })).toMatchObject({ offset: 39 });
    },
  ),

  "the producer is idempotent, and its sequence counts records": scenario(async ({ admin, producer, open }) => {
    const { name: topic } = await topicFor(admin, "sequenced");
    for (let i = 0; i < 3; i++) await producer.sendAll([{ topic, value: "a" }, { topic, value: "b" }]);
    const [states] = await admin.describeProducers([{ topic, partition: 0 }]);
    expect(valueOf(states)).toMatchObject([{ lastSequence: 5 }]);
    const { name: plain } = await topicFor(admin, "plain");
    await open({ idempotent: false }).send({ topic: plain, value: "a" });
    expect(valueOf((await admin.describeProducers([{ topic: plain, partition: 0 }]))[0])).toEqual([]);
  }),

  "a producer whose state is gone at the broker goes on": scenario(async ({ admin, producer, bootstrap }) => {
    const { name: topic } = await topicFor(admin, "forgotten");
    await producer.sendAll([{ topic, value: "1" }, { topic, value: "2" }]);
    // A topic of the same name knows nothing of the producer.
    valueOf((await admin.deleteTopics([topic])).get(topic));
    await made(admin, topic);
    await producer.sendAll([{ topic, value: "3" }, { topic, value: "4" }]);
    expect((await recordsOf(bootstrap, topic)).map(({ value }) => text(value))).toEqual(["3", "4"]);
  }),

  "a small buffer slows senders down and loses nothing": scenario(async ({ admin, bootstrap, open }) => {
    const { name: topic } = await topicFor(admin, "pressed", 3);
    const producer = open({ bufferBytes: 2_000, batchBytes: 500 });
    const values = Array.from({ length: 2_000 }, (_, i) => `record ${i}`);
    const [half, rest] = [values.slice(0, 1_000), values.slice(1_000)];
    const source = async function* () {
      for (const value of rest) yield { topic, value, partition: 0 };
    };
    const sent = await Promise.all([...half.map((value) => producer.send({ topic, value, partition: 0 })), producer.sendAll(source())]);
    expect(sent).toHaveLength(1_001);
    const read = (await recordsOf(bootstrap, topic)).map(({ value }) => text(value)!);
    expect(read.filter((value) => half.includes(value))).toEqual(half);
    expect(read.filter((value) => rest.includes(value))).toEqual(rest);
  }),

  "flush() waits for what was given, not for what follows; close() delivers what is left": scenario(async ({ admin, bootstrap, open }) => {
    const { name: topic } = await topicFor(admin, "flushed", 3);
    const producer = open({ lingerMs: 60_000 });
    const settled: string[] = [];
    const send = (value: string) => void producer.send({ topic, value }).then(() => settled.push(value));
    for (const value of ["a", "b", "c"]) send(value);
    await producer.flush();
    expect(settled).toEqual(["a", "b", "c"]);
    send("d");
    await producer.close();
    expect(settled).toEqual(["a", "b", "c", "d"]);
    expect(await errorOf(producer.send({ topic, value: "late" }))).toMatchObject({ message: "Cannot send: the producer is closed" });
    const read = (await Promise.all([0, 1, 2].map((partition) => recordsOf(bootstrap, topic, partition)))).flat();
    expect(read.map(({ value }) => text(value)).toSorted()).toEqual(["a", "b", "c", "d"]);
  }),

  "many topics and partitions at once, each record's outcome in its place": scenario(async ({ admin, producer, bootstrap }) => {
    const topics = await Promise.all([1, 2, 3].map((count) => topicFor(admin, `many-${count}`, count * 4)));
    const records = Array.from({ length: 3_000 }, (_, i) => ({ topic: topics[i % 3]!.name, key: `key ${i % 101}`, value: `${i}` }));
    const sent = await producer.sendAll(records);
    for (const { name, partitions } of topics) {
      for (const { partition } of partitions) {
        const here = records.filter((_, i) => sent[i]!.topic === name && sent[i]!.partition === partition);
        const offsets = sent.filter((one) => one.topic === name && one.partition === partition).map(({ offset }) => offset);
        expect(offsets).toEqual(here.map((_, i) => i));
        expect((await recordsOf(bootstrap, name, partition)).map(({ value }) => text(value))).toEqual(here.map(({ value }) => value));
      }
    }
  }),
};

/** Makes a topic whose deletion may not be everywhere yet. */
async function made(admin: AdminApi, name: string): Promise<void> {
  await eventually(
    async () => (await admin.createTopics([{ name, partitions: 1, replicationFactor: 1 }])).get(name)!,
    (outcome) => outcome.ok,
  );
  await eventually(() => admin.listOffsets([{ topic: name, partition: 0, position: "latest" }]), ([end]) => end!.ok && end!.value === 0);
}
