// @platformatic/kafka against the broker in BOOTSTRAP; one scenario per run, exit code 0 when everything held.
import assert from "node:assert/strict";
import { Admin, Consumer, Producer, stringDeserializers, stringSerializers } from "@platformatic/kafka";

const base = { clientId: "compat", bootstrapBrokers: [process.env.BOOTSTRAP], retries: 2 };
const unique = (name) => `plt-${name}-${process.pid}-${Date.now().toString(36)}`;
const admin = new Admin(base);

async function create(name, partitions = 1, configs = []) {
  const topic = unique(name);
  await admin.createTopics({ topics: [topic], partitions, replicas: 1, configs });
  return topic;
}

async function send(messages, options = {}) {
  const producer = new Producer({ ...base, serializers: stringSerializers, ...options });
  try {
    return await producer.send({ messages, acks: -1 });
  } finally {
    await producer.close();
  }
}

const makeConsumer = (groupId, options = {}) =>
  new Consumer({ ...base, groupId, deserializers: stringDeserializers, sessionTimeout: 10000, heartbeatInterval: 250, ...options });

async function read(topic, groupId, count, options = {}) {
  const consumer = makeConsumer(groupId);
  const stream = await consumer.consume({
    topics: [topic],
    mode: "committed",
    fallbackMode: "earliest",
    autocommit: true,
    maxWaitTime: 100,
    ...options,
  });
  const got = [];
  for await (const message of stream) {
    got.push(message);
    if (got.length === count) break;
  }
  await stream.close();
  await consumer.close(true);
  return got;
}

const scenarios = {
  async codecs() {
    for (const compression of ["none", "gzip", "snappy", "lz4", "zstd"]) {
      const topic = await create(`codec-${compression}`, 2);
      const values = Array.from({ length: 1000 }, (_, i) => `value ${i} ${"w".repeat(i % 60)}`);
      await send(values.map((value, i) => ({ topic, value, partition: i % 2 })), { compression });
      const got = await read(topic, unique("g"), 1000);
      assert.deepEqual(got.map((m) => m.value).sort(), [...values].sort(), compression);
    }
  },

  async headers() {
    const topic = await create("headers");
    await send([{ topic, key: "k", value: "v", headers: { a: "1", b: "two" } }, { topic, key: "gone" }], { idempotent: true });
    const [first, second] = await read(topic, unique("g"), 2);
    assert.equal(first.key, "k");
    assert.equal(first.value, "v");
    assert.deepEqual([...first.headers], [["a", "1"], ["b", "two"]]);
    assert.equal(second.key, "gone");
    assert.equal(second.offset, 1n);
  },

  async groups() {
    const topic = await create("groups", 4);
    const groupId = unique("g");
    await send(Array.from({ length: 40 }, (_, i) => ({ topic, value: `${i}`, partition: i % 4 })));
    const owned = new Map();
    let wake = () => {};
    const until = async (condition) => {
      while (!condition()) {
        await new Promise((resolve) => {
          wake = resolve;
        });
      }
    };
    const seen = [];
    const join = async (name) => {
      const consumer = makeConsumer(groupId);
      consumer.on("consumer:group:join", ({ assignments }) => {
        owned.set(name, (assignments ?? []).flatMap((a) => a.partitions));
        wake();
      });
      const stream = await consumer.consume({
        topics: [topic],
        mode: "committed",
        fallbackMode: "earliest",
        autocommit: false,
        maxWaitTime: 100,
      });
      stream.on("data", (message) => {
        seen.push(message.value);
        message.commit();
        wake();
      });
      return { consumer, stream };
    };
    const first = await join("first");
    await until(() => seen.length >= 40);
    const second = await join("second");
    await until(() => owned.get("first")?.length === 2 && owned.get("second")?.length === 2);
    assert.deepEqual([...owned.get("first"), ...owned.get("second")].sort(), [0, 1, 2, 3]);
    await first.stream.close();
    await first.consumer.close(true);
    await until(() => owned.get("second")?.length === 4);
    await send(Array.from({ length: 4 }, (_, i) => ({ topic, value: `late ${i}`, partition: i })));
    await until(() => seen.filter((value) => value.startsWith("late")).length === 4);
    await second.stream.close();
    await second.consumer.close(true);
    assert.equal(new Set(seen).size, 44);
  },

  async admin() {
    const topic = await create("admin", 2, [{ name: "retention.ms", value: "60000" }]);
    assert.ok((await admin.listTopics()).includes(topic));
    const resource = { resourceType: 2, resourceName: topic };
    const config = async (key) =>
      (await admin.describeConfigs({
        resources: [{ ...resource, configurationKeys: null }],
        includeSynonyms: true,
        includeDocumentation: true,
      }))[0].configs.find((c) => c.name === key);
    assert.equal((await config("retention.ms")).value, "60000");
    await admin.incrementalAlterConfigs({
      resources: [{ ...resource, configs: [{ name: "retention.ms", configOperation: 0, value: "90000" }] }],
    });
    assert.equal((await config("retention.ms")).value, "90000");
    await admin.alterConfigs({ resources: [{ ...resource, configs: [{ name: "cleanup.policy", value: "compact" }] }] });
    assert.equal((await config("retention.ms")).value, "604800000");
    assert.equal((await config("cleanup.policy")).value, "compact");
    const [broker] = (await admin.metadata({ topics: [topic] })).brokers.keys();
    await admin.createPartitions({ topics: [{ name: topic, count: 3, assignments: [{ brokerIds: [broker] }] }] });
    assert.equal((await admin.metadata({ topics: [topic], forceUpdate: true })).topics.get(topic).partitionsCount, 3);
    const [logDirs] = await admin.describeLogDirs({ topics: [{ name: topic, partitions: [0, 1, 2] }] });
    assert.equal(logDirs.results[0].topics[0].partitions.length, 3);
    const groupId = unique("g");
    await send([{ topic, key: "k", value: "x" }]);
    await read(topic, groupId, 1);
    assert.equal((await admin.listGroups()).get(groupId)?.state, "Empty");
    const group = (await admin.describeGroups({ groups: [groupId] })).get(groupId);
    assert.equal(group.state, "Empty");
    await admin.deleteGroups({ groups: [groupId] });
    assert.ok(!(await admin.listGroups()).has(groupId));
    await admin.deleteTopics({ topics: [topic] });
    assert.ok(!(await admin.listTopics()).includes(topic));
  },

  async offsets() {
    const topic = await create("offsets");
    await send(Array.from({ length: 10 }, (_, i) => ({ topic, value: `${i}`, timestamp: BigInt(1700000000000 + i * 1000) })));
    const at = async (timestamp) =>
      (await admin.listOffsets({ topics: [{ name: topic, partitions: [{ partitionIndex: 0, timestamp }] }] }))[0].partitions[0].offset;
    assert.equal(await at(-1n), 10n);
    assert.equal(await at(-2n), 0n);
    assert.equal(await at(-3n), 9n);
    assert.equal(await at(1700000004500n), 5n);
    const groupId = unique("g");
    await admin.alterConsumerGroupOffsets({ groupId, topics: [{ name: topic, partitionOffsets: [{ partition: 0, offset: 6n }] }] });
    assert.deepEqual((await read(topic, groupId, 4)).map((m) => m.value), ["6", "7", "8", "9"]);
    await admin.deleteConsumerGroupOffsets({ groupId, topics: [{ name: topic, partitionIndexes: [0] }] });
    const [group] = await admin.listConsumerGroupOffsets({ groups: [groupId] });
    assert.equal(group.topics.length, 0);
    const [deleted] = await admin.deleteRecords({ topics: [{ name: topic, partitions: [{ partition: 0, offset: 3n }] }] });
    assert.equal(deleted.partitions[0].lowWatermark, 3n);
    assert.equal(await at(-2n), 3n);
  },

  async errors() {
    const topic = await create("errors");
    const failure = (promise) =>
      promise.then(
        () => assert.fail("accepted"),
        (error) =>
          JSON.stringify(error, Object.getOwnPropertyNames(error)) +
          String(error.errors?.map((e) => JSON.stringify(e, Object.getOwnPropertyNames(e)))),
      );
    assert.match(
      await failure(admin.createTopics({ topics: [topic], partitions: 1, replicas: 1 })),
      /TOPIC_ALREADY_EXISTS|already exists/i,
    );
    assert.match(await failure(admin.deleteTopics({ topics: [unique("nope")] })), /UNKNOWN_TOPIC_OR_PARTITION|does not host/i);
    for (const config of [{ name: "no.such.config", value: "1" }, { name: "retention.ms", value: "soon" }]) {
      const asked = admin.createTopics({ topics: [unique("e")], partitions: 1, replicas: 1, configs: [config] });
      assert.match(await failure(asked), /INVALID_CONFIG|configuration/i);
    }
    await failure(send([{ topic, value: "x".repeat(2 * 1024 * 1024) }])).then((why) => assert.match(why, /MESSAGE_TOO_LARGE|larger than/i));
    assert.match(await failure(admin.createTopics({ topics: ["bad name!"], partitions: 1, replicas: 1 })), /INVALID_TOPIC|invalid topic/i);
  },
};

const scenario = scenarios[process.argv[2]];
if (!scenario) throw new Error(`No scenario "${process.argv[2]}": there are ${Object.keys(scenarios).join(", ")}`);
await scenario();
await admin.close();
process.exit(0);
