/** What a consumer promises, on whatever cluster it is given. */
import { expect } from "bun:test";
import { openAdmin, openConsumer, openProducer } from "../../../../lib/client/mod.ts";
import type { AdminApi, Assignor, ConsumerApi, ConsumerOptions, IncomingRecord, ProducerApi } from "../../../../lib/client/mod.ts";
import { COMPRESSION_TYPES } from "../../../../lib/protocol/mod.ts";
import { fresh, io, type Scenarios, soon, topicFor } from "./support.ts";

interface Tools {
  readonly bootstrap: string;
  readonly admin: AdminApi;
  readonly producer: ProducerApi;
  consumer(options?: Partial<ConsumerOptions>): ConsumerApi;
}

const scenario = (steps: (tools: Tools) => Promise<void>) => async (bootstrap: string) => {
  const options = { bootstrapServers: bootstrap };
  await using admin = openAdmin(io, options);
  await using producer = openProducer(io, options);
  await steps({
    bootstrap,
    admin,
    producer,
    consumer: (more) => openConsumer(io, { ...options, autoOffsetReset: "earliest", heartbeatIntervalMs: 200, ...more }),
  });
};

const textOf = (value: Uint8Array | null): string | null => value === null ? null : new TextDecoder().decode(value);
const numbers = (count: number, prefix = "") => Array.from({ length: count }, (_, i) => `${prefix}${i}`);

/** Where a consumer stands, for the message when it does not get on. */
const standing = (one: ConsumerApi) =>
  one.assignment.map((at) => `${at.topic}-${at.partition} at ${one.position(at)}, ${one.lag(at)} to go`);

/** Reads all of them side by side until `done`. */
async function read(
  consumers: readonly ConsumerApi[],
  done: () => boolean,
  onRecord: (record: IncomingRecord) => void = () => undefined,
): Promise<void> {
  const deadline = soon(45_000);
  await Promise.all(consumers.map(async (one) => {
    while (!done()) {
      if (io.clock.mono() > deadline.at) throw new Error(`Gave up: ${JSON.stringify(consumers.map(standing))}`);
      for (const record of await one.poll(50)) onRecord(record);
    }
  }));
}

async function take(from: ConsumerApi, count: number): Promise<IncomingRecord[]> {
  const records: IncomingRecord[] = [];
  await read([from], () => records.length >= count, (record) => records.push(record));
  return records;
}

const sharing = (name: Assignor) =>
  scenario(async ({ admin, producer, consumer }) => {
    const { name: topic } = await topicFor(admin, "shared", 6);
    const groupId = fresh("group");
    const options = { groupId, assignors: [name], autoCommitIntervalMs: 100 };
    const seen: string[] = [];
    const note = ({ value }: IncomingRecord) => seen.push(textOf(value)!);
    const send = async (from: number) => {
      await producer.sendAll(
        Array.from({ length: 60 }, (_, i) => ({ topic, partition: i % 6, value: `${from + i}` })),
      );
    };
    const first = consumer(options);
    first.subscribe([topic]);
    await send(0);
    await read([first], () => first.assignment.length === 6 && seen.length === 60, note);
    await using second = consumer(options);
    second.subscribe([topic]);
    await read([first, second], () => first.assignment.length === 3 && second.assignment.length === 3, note);
    await send(60);
    await read([first, second], () => seen.length === 120, note);
    await first.poll(0);
    await first.close();
    await read([second], () => second.assignment.length === 6, note);
    await send(120);
    await read([second], () => new Set(seen).size === 180, note);
    expect(seen.length).toBe(180);
    await second.commit();
    const offsets = await admin.listGroupOffsets(groupId);
    expect(offsets.map(({ offset }) => offset)).toEqual([30, 30, 30, 30, 30, 30]);
  });

export const scenarios: Scenarios = {
  ...Object.fromEntries(COMPRESSION_TYPES.map((compression) => [
    `records come back as they were sent: ${compression}`,
    scenario(async ({ bootstrap, admin, consumer }) => {
      const { name: topic } = await topicFor(admin, "codec", 2);
      await using producer = openProducer(io, { bootstrapServers: bootstrap, compression });
      const sent = Array.from({ length: 2000 }, (_, i) => ({
        topic,
        partition: i % 2,
        key: i % 7 === 0 ? null : `key ${i}`,
        value: i % 11 === 0 ? null : `value ${i} `.repeat(1 + i % 20),
        headers: i % 3 === 0 ? [{ key: "h", value: new Uint8Array([i % 256]) }, { key: "none", value: null }] : [],
        timestamp: 1_700_000_000_000 + i,
      }));
      await producer.sendAll(sent);
      await using reader = consumer();
      reader.assign([0, 1].map((partition) => ({ topic, partition })));
      const records = await take(reader, sent.length);
      for (const partition of [0, 1]) {
        const got = records.filter((record) => record.partition === partition);
        expect(got.map(({ offset }) => offset)).toEqual(got.map((_, i) => i));
        expect(got.map(({ key, value, timestamp, headers }) => ({ key: textOf(key), value: textOf(value), timestamp, headers }))).toEqual(
          sent.filter((record) => record.partition === partition).map(({ key, value, timestamp, headers }) => ({
            ...{ key, value, timestamp },
            headers: headers.map((header) => ({ key: header.key, value: header.value })),
          })),
        );
      }
    }),
  ])),

  "positions: seek to offsets, ends and times, lag, pause and resume": scenario(async ({ admin, producer, consumer }) => {
    const { name: topic } = await topicFor(admin, "positions", 1);
    const at = { topic, partition: 0 };
    for (let i = 0; i < 10; i++) await producer.send({ topic, value: `${i}`, timestamp: 1_000_000 + i * 1000 });
    await using reader = consumer();
    reader.assign([at]);
    await reader.seek(at, 4);
    const [four] = await take(reader, 1);
    expect(textOf(four!.value)).toBe("4");
    expect(reader.lag(at)).toBe(0);
    await reader.seek(at, "earliest");
    expect(reader.position(at)).toBe(0);
    expect((await take(reader, 10)).map(({ value }) => textOf(value))).toEqual(numbers(10));
    await reader.seek(at, { timestamp: 1_006_500 });
    expect(reader.position(at)).toBe(7);
    await reader.seek(at, { timestamp: 9_000_000_000_000 });
    expect(reader.position(at)).toBe(10);
    reader.pause([at]);
    await producer.send({ topic, value: "paused" });
    expect(await reader.poll(300)).toEqual([]);
    reader.resume([at]);
    expect((await take(reader, 1)).map(({ value }) => textOf(value))).toEqual(["paused"]);
  }),

  "records that were deleted are passed over, from where the log begins now": scenario(async ({ admin, producer, consumer }) => {
    const { name: topic } = await topicFor(admin, "deleted", 1);
    await producer.sendAll(numbers(10).map((value) => ({ topic, value })));
    await admin.deleteRecords([{ topic, partition: 0, offset: 6 }]);
    await using reader = consumer();
    reader.assign([{ topic, partition: 0 }]);
    await reader.seek({ topic, partition: 0 }, 2);
    expect((await take(reader, 4)).map(({ offset }) => offset)).toEqual([6, 7, 8, 9]);
  }),

  "a group shares, commits and hands over: range": sharing("range"),
  "a group shares, commits and hands over: roundrobin": sharing("roundrobin"),
  "a group shares, commits and hands over: sticky": sharing("sticky"),
  "a group shares, commits and hands over: cooperative-sticky": sharing("cooperative-sticky"),

  "committed offsets: of what was read, of what is told, with words, and none where there are none": scenario(
    async ({ admin, producer, consumer }) => {
      const { name: topic } = await topicFor(admin, "committed", 2);
      const zero = { topic, partition: 0 };
      const one = { topic, partition: 1 };
      await producer.sendAll(numbers(5).map((value) => ({ topic, partition: 0, value })));
      const options = { groupId: fresh("group"), autoCommitIntervalMs: null };
      const first = consumer(options);
      first.subscribe([topic]);
      await take(first, 5);
      expect(await first.committed([zero, one])).toEqual([null, null]);
      await first.commit();
      expect(await first.committed([zero])).toMatchObject([{ offset: 5 }]);
      await first.commit([{ ...zero, offset: 2, metadata: "look here" }]);
      expect(await first.committed([zero])).toMatchObject([{ offset: 2, metadata: "look here" }]);
      await first.close();
      await using second = consumer(options);
      second.subscribe([topic]);
      expect((await take(second, 3)).map(({ value }) => textOf(value))).toEqual(["2", "3", "4"]);
    },
  ),

  "a topic that grows, and one that begins to match a pattern, are read": scenario(async ({ admin, producer, consumer }) => {
    const prefix = fresh("pattern");
    await admin.createTopics([{ name: `${prefix}-a`, partitions: 1, replicationFactor: 1 }]);
    await using reader = consumer({ groupId: fresh("group"), metadataMaxAgeMs: 300 });
    reader.subscribe(new RegExp(`^${prefix}-`));
    await read([reader], () => reader.assignment.length === 1);
    await admin.createTopics([{ name: `${prefix}-b`, partitions: 1, replicationFactor: 1 }]);
    await admin.createPartitions({ [`${prefix}-a`]: 3 });
    await read([reader], () => reader.assignment.length === 4);
    await producer.send({ topic: `${prefix}-a`, partition: 2, value: "grown" });
    expect((await take(reader, 1)).map(({ value }) => textOf(value))).toEqual(["grown"]);
  }),

  "a static member comes back to its partitions without a rebalance": scenario(async ({ admin, consumer }) => {
    const { name: topic } = await topicFor(admin, "static", 4);
    const groupId = fresh("group");
    const revoked: string[] = [];
    const open = (groupInstanceId: string) =>
      consumer({ groupId, groupInstanceId, assignors: ["range"], onRevoked: () => void revoked.push(groupInstanceId) });
    const first = open("one");
    await using second = open("two");
    first.subscribe([topic]);
    second.subscribe([topic]);
    await read([first, second], () => first.assignment.length === 2 && second.assignment.length === 2);
    const before = first.assignment;
    revoked.length = 0;
    await first.close();
    await using again = open("one");
    again.subscribe([topic]);
    await read([again, second], () => again.assignment.length === 2);
    expect(again.assignment).toEqual(before);
    expect(revoked).toEqual(["one"]);
  }),

  "a batch that is larger than what is asked for is read": scenario(async ({ admin, producer, consumer }) => {
    const { name: topic } = await topicFor(admin, "large", 1);
    await producer.send({ topic, value: "x".repeat(900_000) });
    await producer.send({ topic, value: "small" });
    await using reader = consumer({ partitionBytes: 1_000, bufferBytes: 10_000 });
    reader.assign([{ topic, partition: 0 }]);
    expect((await take(reader, 2)).map(({ value }) => value!.length)).toEqual([900_000, 5]);
  }),
};
