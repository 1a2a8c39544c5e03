// kafkajs against the broker in BOOTSTRAP; one scenario per run, exit code 0 when everything held.
import assert from "node:assert/strict";
import zstd from "@bokuweb/zstd-wasm";
import kafkajs from "kafkajs";
import snappy from "kafkajs-snappy";
import lz4 from "lz4js";

const {
  CompressionCodecs,
  CompressionTypes,
  ConfigResourceTypes,
  Kafka,
  logLevel,
} = kafkajs;
// kafkajs brings gzip alone; its users plug the others in.
CompressionCodecs[CompressionTypes.Snappy] = snappy;
CompressionCodecs[CompressionTypes.LZ4] = () => ({
  compress: async ({ buffer }) => Buffer.from(lz4.compress(buffer)),
  decompress: async (buffer) => Buffer.from(lz4.decompress(buffer)),
});
CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: async ({ buffer }) => Buffer.from(zstd.compress(buffer, 3)),
  decompress: async (buffer) => Buffer.from(zstd.decompress(buffer)),
});

const kafka = new Kafka({
  brokers: [process.env.BOOTSTRAP],
  clientId: "compat",
  logLevel: logLevel.NOTHING,
});
const unique = (name) => `kjs-${name}-${process.pid}-${Date.now().toString(36)}`;

async function withAdmin(use) {
  const admin = kafka.admin();
  await admin.connect();
  try {
    return await use(admin);
  } finally {
    await admin.disconnect();
  }
}

async function produce(topic, messages, options = {}, producerOptions = {}) {
  const producer = kafka.producer({
    allowAutoTopicCreation: true,
    ...producerOptions,
  });
  await producer.connect();
  try {
    return await producer.send({ topic, messages, ...options });
  } finally {
    await producer.disconnect();
  }
}

async function consume(topic, groupId, count, options = {}) {
  const consumer = kafka.consumer({ groupId, ...options });
  await consumer.connect();
  const got = [];
  await consumer.subscribe({ topic, fromBeginning: true });
  await new Promise((resolve, reject) => {
    consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
    consumer.run({
      eachMessage: async ({ partition, message }) => {
        got.push({ partition, ...message });
        if (got.length === count) resolve();
      },
    }).catch(reject);
  });
  await consumer.disconnect();
  return got;
}

const scenarios = {
  async codecs() {
    await zstd.init();
    for (const [codec, compression] of Object.entries(CompressionTypes)) {
      const topic = unique(`codec-${codec}`);
      await withAdmin((admin) => admin.createTopics({ topics: [{ topic, numPartitions: 3 }] }));
      const values = Array.from(
        { length: 1000 },
        (_, i) => `value ${i} ${"y".repeat(i % 50)}`,
      );
      const producer = kafka.producer();
      await producer.connect();
      for (let i = 0; i < 10; i++) {
        const slice = values.slice(i * 100, i * 100 + 100);
        await producer.send({
          topic,
          compression,
          acks: -1,
          messages: slice.map((value, at) => ({ value, partition: at % 3 })),
        });
      }
      await producer.disconnect();
      const got = await consume(topic, unique("g"), 1000);
      assert.deepEqual(
        got.map((m) => m.value.toString()).sort(),
        [...values].sort(),
        codec,
      );
    }
  },

  // What the broker packs anew must be readable, too.
  async recompressed() {
    await zstd.init();
    for (const type of ["gzip", "snappy", "lz4", "zstd", "uncompressed"]) {
      const topic = unique(`as-${type}`);
      const configEntries = [{ name: "compression.type", value: type }];
      await withAdmin((admin) =>
        admin.createTopics({
          topics: [{ topic, numPartitions: 1, configEntries }],
        })
      );
      const values = Array.from(
        { length: 300 },
        (_, i) => `value ${i} ${"y".repeat(i % 50)}`,
      );
      const messages = values.map((value) => ({ value }));
      for (
        const compression of [CompressionTypes.None, CompressionTypes.GZIP]
      ) await produce(topic, messages, { compression });
      assert.deepEqual(
        (await consume(topic, unique("g"), 600)).map((m) => m.value.toString()),
        [...values, ...values],
        type,
      );
    }
  },

  async headers() {
    const topic = unique("headers");
    await withAdmin((admin) => admin.createTopics({ topics: [{ topic, numPartitions: 1 }] }));
    await produce(topic, [
      {
        key: "k",
        value: "v",
        headers: { a: "1", list: ["x", "y"], empty: "" },
        timestamp: "1700000000123",
      },
      { key: "gone", value: null },
      { key: null, value: Buffer.from([0, 255, 1]) },
    ]);
    const got = await consume(topic, unique("g"), 3);
    assert.equal(got[0].key.toString(), "k");
    assert.equal(got[0].headers.a.toString(), "1");
    assert.deepEqual(got[0].headers.list.map(String), ["x", "y"]);
    assert.equal(got[0].timestamp, "1700000000123");
    assert.equal(got[1].value, null);
    assert.deepEqual([...got[2].value], [0, 255, 1]);
    assert.equal(got[2].key, null);
  },

  async groups() {
    const topic = unique("groups");
    const groupId = unique("g");
    await withAdmin((admin) => admin.createTopics({ topics: [{ topic, numPartitions: 4 }] }));
    await produce(
      topic,
      Array.from(
        { length: 40 },
        (_, i) => ({ value: `${i}`, partition: i % 4 }),
      ),
    );
    const seen = [];
    const assignments = new Map();
    const consumers = [];
    let wake = () => {};
    const until = async (condition) => {
      while (!condition()) {
        await new Promise((resolve) => {
          wake = resolve;
        });
      }
    };
    const join = async (name) => {
      const consumer = kafka.consumer({
        groupId,
        sessionTimeout: 10000,
        heartbeatInterval: 200,
      });
      consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
        assignments.set(name, payload.memberAssignment[topic] ?? []);
        wake();
      });
      await consumer.connect();
      await consumer.subscribe({ topic, fromBeginning: true });
      await consumer.run({
        eachMessage: async ({ message }) => {
          seen.push(message.value.toString());
          wake();
        },
      });
      consumers.push(consumer);
      return consumer;
    };
    const first = await join("first");
    await until(() => seen.length >= 40);
    assert.deepEqual([...assignments.get("first")].sort(), [0, 1, 2, 3]);
    await join("second");
    await until(() =>
      assignments.get("first")?.length === 2 &&
      assignments.get("second")?.length === 2
    );
    assert.deepEqual(
      [...assignments.get("first"), ...assignments.get("second")].sort(),
      [0, 1, 2, 3],
    );
    await first.disconnect();
    await until(() => assignments.get("second")?.length === 4);
    await produce(
      topic,
      Array.from(
        { length: 4 },
        (_, i) => ({ value: `late ${i}`, partition: i }),
      ),
    );
    await until(() => seen.filter((value) => value.startsWith("late")).length === 4);
    for (const consumer of consumers.slice(1)) await consumer.disconnect();
    assert.equal(new Set(seen).size, 44);
    assert.equal(
      seen.length,
      44,
      "nothing is delivered twice when consumers leave in order",
    );
    await withAdmin(async (admin) => {
      const [offsets] = await admin.fetchOffsets({ groupId, topics: [topic] });
      assert.deepEqual(offsets.partitions.map((p) => p.offset), [
        "11",
        "11",
        "11",
        "11",
      ]);
    });
  },

  async admin() {
    const topic = unique("admin");
    const groupId = unique("g");
    await withAdmin(async (admin) => {
      const created = await admin.createTopics({
        waitForLeaders: true,
        topics: [{
          topic,
          numPartitions: 2,
          configEntries: [{ name: "retention.ms", value: "60000" }],
        }],
      });
      assert.equal(created, true);
      assert.ok((await admin.listTopics()).includes(topic));
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
      assert.equal(topics[0].partitions.length, 2);
      const resources = [{
        type: ConfigResourceTypes.TOPIC,
        name: topic,
        configNames: ["retention.ms", "cleanup.policy"],
      }];
      const config = async (name) =>
        (await admin.describeConfigs({ includeSynonyms: true, resources }))
          .resources[0].configEntries.find((e) => e.configName === name)
          .configValue;
      assert.equal(await config("retention.ms"), "60000");
      assert.equal(await config("cleanup.policy"), "delete");
      await admin.alterConfigs({
        resources: [{
          type: ConfigResourceTypes.TOPIC,
          name: topic,
          configEntries: [{ name: "retention.ms", value: "120000" }],
        }],
      });
      assert.equal(await config("retention.ms"), "120000");
      await admin.createPartitions({ topicPartitions: [{ topic, count: 5 }] });
      assert.equal(
        (await admin.fetchTopicMetadata({ topics: [topic] })).topics[0]
          .partitions.length,
        5,
      );
      const cluster = await admin.describeCluster();
      assert.equal(cluster.brokers.length, 1);
      assert.equal(cluster.controller, cluster.brokers[0].nodeId);
      await produce(topic, [{ value: "x" }]);
      await consume(topic, groupId, 1);
      assert.ok(
        (await admin.listGroups()).groups.some((g) => g.groupId === groupId && g.protocolType === "consumer"),
      );
      const described = (await admin.describeGroups([groupId])).groups[0];
      assert.equal(described.state, "Empty");
      await admin.deleteGroups([groupId]);
      assert.ok(
        !(await admin.listGroups()).groups.some((g) => g.groupId === groupId),
      );
      await admin.deleteTopics({ topics: [topic] });
      assert.ok(!(await admin.listTopics()).includes(topic));
    });
  },

  async offsets() {
    const topic = unique("offsets");
    const groupId = unique("g");
    await withAdmin(async (admin) => {
      await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] });
      await produce(
        topic,
        Array.from(
          { length: 10 },
          (_, i) => ({
            value: `${i}`,
            timestamp: String(1700000000000 + i * 1000),
          }),
        ),
      );
      assert.deepEqual(await admin.fetchTopicOffsets(topic), [{
        partition: 0,
        offset: "10",
        high: "10",
        low: "0",
      }]);
      assert.deepEqual(
        await admin.fetchTopicOffsetsByTimestamp(topic, 1700000004500),
        [{ partition: 0, offset: "5" }],
      );
      await admin.setOffsets({
        groupId,
        topic,
        partitions: [{ partition: 0, offset: "7" }],
      });
      assert.deepEqual(
        (await consume(topic, groupId, 3)).map((m) => m.value.toString()),
        ["7", "8", "9"],
      );
      await admin.resetOffsets({ groupId, topic, earliest: true });
      assert.equal((await consume(topic, groupId, 10)).length, 10);
      await admin.deleteTopicRecords({
        topic,
        partitions: [{ partition: 0, offset: "6" }],
      });
      assert.deepEqual(await admin.fetchTopicOffsets(topic), [{
        partition: 0,
        offset: "10",
        high: "10",
        low: "6",
      }]);
      assert.equal((await consume(topic, unique("g"), 4))[0].offset, "6");
    });
  },

  async idempotent() {
    const topic = unique("idempotent");
    await withAdmin((admin) => admin.createTopics({ topics: [{ topic, numPartitions: 1 }] }));
    const producer = kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
    });
    await producer.connect();
    for (let i = 0; i < 20; i++) {
      const [row] = await producer.send({
        topic,
        messages: [{ value: `${i}` }, { value: `${i}b` }],
      });
      assert.equal(row.baseOffset, String(i * 2));
    }
    await producer.disconnect();
    assert.equal((await consume(topic, unique("g"), 40)).length, 40);
  },

  async errors() {
    await withAdmin(async (admin) => {
      const topic = unique("errors");
      await assert.rejects(
        admin.fetchTopicMetadata({ topics: ["bad name!"] }),
        /invalid topic/i,
      );
      await assert.rejects(
        admin.createTopics({
          topics: [{
            topic,
            configEntries: [{ name: "no.such.config", value: "1" }],
          }],
        }),
        (error) => /config/i.test(JSON.stringify(error.errors ?? error.message)),
      );
      await admin.createTopics({ topics: [{ topic }] });
      assert.equal(await admin.createTopics({ topics: [{ topic }] }), false);
      await assert.rejects(
        admin.deleteTopics({ topics: [unique("nope")] }),
        /does not host this topic-partition/i,
      );
      await assert.rejects(
        produce(topic, [{ value: "x".repeat(2 * 1024 * 1024) }], {}, {
          retry: { retries: 0 },
        }),
        /max message size|too large|larger than/i,
      );
    });
  },
};

const scenario = scenarios[process.argv[2]];
if (!scenario) {
  throw new Error(
    `No scenario "${process.argv[2]}": there are ${Object.keys(scenarios).join(", ")}`,
  );
}
await scenario();
process.exit(0);
