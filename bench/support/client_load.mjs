/**
 * One JavaScript client under load, in a process of its own: `client_load.mjs <client> <produce|consume> <json>`. Runs in the folder that has the
 * client's package; prints records and milliseconds as JSON. Each client as it is shipped, with acknowledgement by all.
 */
import process from "node:process";

const [client, what, json] = process.argv.slice(2);
const load = JSON.parse(json);
const { bootstrap, topic, records, bytes, perCall, calls } = load;
const value = Buffer.alloc(bytes, 120);

const clients = {
  async barnabas() {
    const { Producer, Consumer } = await import(load.library);
    const options = { bootstrapServers: bootstrap };
    return {
      async producer() {
        const producer = await Producer.connect(options);
        return { send: (count) => producer.sendAll(batchOf(count, { topic, value })), close: () => producer.close() };
      },
      async consume(onCount) {
        const consumer = await Consumer.connect({ ...options, groupId: `bench-${process.pid}`, autoOffsetReset: "earliest" });
        consumer.subscribe([topic]);
        for await (const _ of consumer) if (onCount(1)) break;
        await consumer.close();
      },
    };
  },

  async kafkajs() {
    const { Kafka, logLevel } = (await import("kafkajs")).default;
    const kafka = new Kafka({ brokers: [bootstrap], logLevel: logLevel.ERROR });
    return {
      async producer() {
        const producer = kafka.producer();
        await producer.connect();
        return {
          send: (count) => producer.send({ topic, acks: -1, messages: batchOf(count, { value }) }),
          close: () => producer.disconnect(),
        };
      },
      async consume(onCount) {
        const consumer = kafka.consumer({ groupId: `bench-${process.pid}` });
        await consumer.connect();
        await consumer.subscribe({ topic, fromBeginning: true });
        await new Promise((resolve) =>
          consumer.run({
            eachMessage: async () => {
              if (onCount(1)) resolve();
            },
          })
        );
        await consumer.disconnect();
      },
    };
  },

  async platformatic() {
    const { Producer, Consumer } = await import("@platformatic/kafka");
    const base = { clientId: "bench", bootstrapBrokers: [bootstrap] };
    return {
      async producer() {
        const producer = new Producer(base);
        return { send: (count) => producer.send({ acks: -1, messages: batchOf(count, { topic, value }) }), close: () => producer.close() };
      },
      async consume(onCount) {
        const consumer = new Consumer({ ...base, groupId: `bench-${process.pid}` });
        const stream = await consumer.consume({ topics: [topic], mode: "earliest" });
        for await (const _ of stream) if (onCount(1)) break;
        await stream.close();
        await consumer.close(true);
      },
    };
  },
};

const batchOf = (count, record) => Array.from({ length: count }, () => record);

/** So many calls at once until all records are given. */
async function produce(producer, total) {
  let left = total;
  await Promise.all(Array.from({ length: calls }, async () => {
    while (left > 0) {
      const count = Math.min(perCall, left);
      left -= count;
      await producer.send(count);
    }
  }));
}

const made = await clients[client]();
if (what === "produce") {
  const producer = await made.producer();
  await produce(producer, Math.floor(records / 4));
  const began = performance.now();
  await produce(producer, records);
  console.log(JSON.stringify({ records, ms: performance.now() - began }));
  await producer.close();
} else {
  let seen = 0;
  let began = 0;
  // From the first record on: joining a group is not what is measured.
  await made.consume((count) => {
    if (seen === 0) began = performance.now();
    seen += count;
    return seen >= records;
  });
  console.log(JSON.stringify({ records, ms: performance.now() - began }));
}
process.exit(0);
