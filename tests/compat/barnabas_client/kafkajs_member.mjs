// One kafkajs consumer in a group of ours, driven over its standard streams: it prints what it is given and what it reads, one JSON line
// each, and leaves when its input ends. Its assignor has the Java client's name, or no group could be shared: its own is "RoundRobinAssigner".
import kafkajs from "kafkajs";

const { Kafka, PartitionAssigners, logLevel } = kafkajs;
const { BOOTSTRAP, TOPIC, GROUP, ISOLATION } = process.env;
const kafka = new Kafka({ brokers: [BOOTSTRAP], clientId: "kafkajs-member", logLevel: logLevel.NOTHING });
const tell = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);

async function member() {
  const roundRobin = (context) => ({ ...PartitionAssigners.roundRobin(context), name: "roundrobin" });
  const consumer = kafka.consumer({ groupId: GROUP, partitionAssigners: [roundRobin], heartbeatInterval: 200 });
  consumer.on(
    consumer.events.GROUP_JOIN,
    ({ payload }) => tell({ assigned: payload.memberAssignment[TOPIC] ?? [], isLeader: payload.isLeader }),
  );
  consumer.on(consumer.events.CRASH, ({ payload }) => tell({ crash: String(payload.error) }));
  await consumer.connect();
  await consumer.subscribe({ topic: TOPIC, fromBeginning: true });
  await consumer.run({
    autoCommitInterval: 100,
    eachMessage: async ({ partition, message }) => tell({ partition, value: String(message.value) }),
  });
  await new Promise((resolve) => process.stdin.on("end", resolve).resume());
  await consumer.disconnect();
}

/** Committed and aborted transactions by turns. */
async function transactions() {
  const producer = kafka.producer({ transactionalId: `${GROUP}-tx`, maxInFlightRequests: 1, idempotent: true });
  await producer.connect();
  for (let i = 0; i < 6; i++) {
    const transaction = await producer.transaction();
    const fate = i % 2 === 0 ? "committed" : "aborted";
    await transaction.send({ topic: TOPIC, messages: [{ value: `${fate} ${i} a` }, { value: `${fate} ${i} b` }] });
    await (i % 2 === 0 ? transaction.commit() : transaction.abort());
  }
  await producer.disconnect();
}

await (ISOLATION ? transactions() : member());
