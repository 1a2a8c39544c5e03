import { describe, expect, test } from "bun:test";
import { NO_REPLY } from "../../../lib/broker/handler.ts";
import { produce } from "../../../lib/broker/handlers/produce.ts";
import { unpooled } from "../../../lib/io/mod.ts";
import { errorCode, errorName, type ProduceRequest, type ProduceResponse, type Uuid, ZERO_UUID } from "../../../lib/protocol/mod.ts";
import { DiskFull } from "../../../lib/storage/errors.ts";
import { batch, BATCH_RULES, partitionState, SETTINGS } from "../../replication/partition_setup.ts";
import { topicId, topicImage } from "../../replication/metadata.ts";
import { settle, TestBroker } from "./broker_setup.ts";

const ORDERS = topicImage("orders", 1, 3);
const OFFSETS = topicImage("__consumer_offsets", 2, 1, { internal: true });
const AWAY = topicImage("away", 3, 1, { partitions: [partitionState({ leader: 2, leaderEpoch: 7, replicas: [], isr: [] })] });

function broker(more = {}) {
  return new TestBroker({ topics: [ORDERS, OFFSETS], elsewhere: [AWAY], ...more });
}

interface Asked {
  readonly name?: string;
  readonly topicId?: Uuid;
  readonly index?: number;
  readonly records?: Uint8Array | null;
}

function request(partitions: readonly Asked[], more: Partial<ProduceRequest> = {}): ProduceRequest {
  return {
    transactionalId: null,
    acks: -1,
    timeoutMs: 1_000,
    topicData: partitions.map(({ name = "orders", topicId = ZERO_UUID, index = 0, records = batch() }) => ({
      name,
      topicId,
      partitionData: [{ index, records }],
    })),
    ...more,
  };
}

function rowOf(response: ProduceResponse | typeof NO_REPLY | Promise<unknown>, topic = 0, partition = 0) {
  return (response as ProduceResponse).responses[topic]!.partitionResponses[partition]!;
}

async function errorOf(asked: Asked, version = 9, more: Partial<ProduceRequest> = {}, setup = broker()): Promise<string> {
  const response = await produce.handle(request([asked], more), setup.context(version));
  return errorName(rowOf(response as ProduceResponse).errorCode);
}

describe("Produce answers with the error", () => {
  test.each<[string, Asked, number, Partial<ProduceRequest>, string]>([
    ["of an unknown topic", { name: "nobody" }, 9, {}, "UNKNOWN_TOPIC_OR_PARTITION"],
    ["of an unknown partition", { index: 3 }, 9, {}, "UNKNOWN_TOPIC_OR_PARTITION"],
    ["of an unknown topic id", { topicId: topicId(9) }, 13, {}, "UNKNOWN_TOPIC_ID"],
    ["of an unknown partition of a topic id", { topicId: topicId(1), index: 9 }, 13, {}, "UNKNOWN_TOPIC_OR_PARTITION"],
    ["of a partition that another node leads", { name: "away" }, 9, {}, "NOT_LEADER_OR_FOLLOWER"],
    ["of acks that do not exist", {}, 9, { acks: 2 }, "INVALID_REQUIRED_ACKS"],
    ["of no records", { records: null }, 9, {}, "INVALID_RECORD"],
    ["of empty records", { records: new Uint8Array(0) }, 9, {}, "INVALID_RECORD"],
    ["of damaged records", { records: batch().fill(7, 62) }, 9, {}, "CORRUPT_MESSAGE"],
    ["of two batches", { records: new Uint8Array([...batch(), ...batch()]) }, 9, {}, "INVALID_RECORD"],
    ["of zstd before version 7", { records: batch(1, { compression: "zstd" }) }, 6, {}, "UNSUPPORTED_COMPRESSION_TYPE"],
    ["of an internal topic", { name: "__consumer_offsets" }, 9, {}, "INVALID_TOPIC_EXCEPTION"],
    [
      "of transactional records",
      { records: batch(1, { transactional: true, producerId: 1, producerEpoch: 0, baseSequence: 0 }) },
      9,
      { transactionalId: "tx" },
      "TRANSACTIONAL_ID_AUTHORIZATION_FAILED",
    ],
  ])("%s", async (_name, asked, version, more, expected) => {
    expect(await errorOf(asked, version, more)).toBe(expected);
  });

  test("of a batch that is too large", async () => {
    const setup = broker({ settings: () => ({ ...SETTINGS, batch: { ...BATCH_RULES, maxMessageBytes: 100 } }) });
    expect(await errorOf({ records: batch(20) }, 9, {}, setup)).toBe("MESSAGE_TOO_LARGE");
  });

  test("of records without keys, each named", async () => {
    const setup = broker({ settings: () => ({ ...SETTINGS, batch: { ...BATCH_RULES, compacted: true } }) });
    const records = batch(1, {
      records: [{ timestamp: 1, key: new Uint8Array(1), value: null }, { timestamp: 1, key: null, value: null }],
    });
    const row = rowOf(await produce.handle(request([{ records }]), setup.context(9)));
    expect(row).toMatchObject({ errorCode: errorCode("INVALID_RECORD"), baseOffset: -1, recordErrors: [{ batchIndex: 1 }] });
    expect(row.errorMessage).toContain("key");
  });

  test("of a full disk, and nothing is written", async () => {
    const setup = broker();
    setup.log(ORDERS).appendError = new DiskFull("Cannot append: the disk is nearly full");
    expect(await errorOf({}, 9, {}, setup)).toBe("KAFKA_STORAGE_ERROR");
    expect(setup.log(ORDERS).logEndOffset).toBe(0);
  });
});

test.each<[string, Uint8Array | null, number]>([
  ["no records", null, -1],
  ["empty records", new Uint8Array(0), -1],
  ["half a batch", batch(9).subarray(0, 80), -1],
  ["two batches", new Uint8Array([...batch(), ...batch()]), -1],
  ["an old format", batch().fill(1, 16, 17), -1],
  ["a wrong checksum", batch().fill(7, 62), -1],
  ["a control batch", batch(1, { control: true, producerId: 1, producerEpoch: 0, baseSequence: 0 }), 1],
  ["a gap in the sequence", batch(1, { producerId: 1, producerEpoch: 0, baseSequence: 5 }), 1],
])("Produce refuses %s and tells the log's start only where Kafka has looked at the log", async (_name, records, expected) => {
  const setup = broker();
  setup.partition(ORDERS).append(batch(2, { producerId: 1, producerEpoch: 0, baseSequence: 0 }), unpooled, { internal: false });
  setup.storage.sync();
  await setup.partition(ORDERS).deleteRecords(1, setup.deadline(1_000));
  const row = rowOf(await produce.handle(request([{ records }]), setup.context(9)));
  expect(row.errorCode).not.toBe(0);
  expect(row).toMatchObject({ baseOffset: -1, logAppendTimeMs: -1, logStartOffset: expected });
});

test("Produce waits for the commit with acks=-1 and acks=1, and answers in the order of the request", async () => {
  for (const acks of [-1, 1]) {
    const setup = broker();
    const response = produce.handle(request([{ index: 2, records: batch(2) }, { index: 0 }], { acks }), setup.context(9)) as Promise<
      ProduceResponse
    >;
    // The batches are in their logs before anything was awaited: arrival order is log order.
    expect([setup.log(ORDERS, 2).logEndOffset, setup.log(ORDERS, 0).logEndOffset]).toEqual([2, 1]);
    let answered = false;
    void response.then(() => answered = true);
    await settle();
    expect(answered).toBe(false);
    setup.storage.sync();
    const { responses } = await response;
    expect(responses.map(({ partitionResponses }) => partitionResponses[0])).toMatchObject([
      { index: 2, errorCode: 0, baseOffset: 0, logAppendTimeMs: -1, logStartOffset: 0 },
      { index: 0, errorCode: 0, baseOffset: 0 },
    ]);
  }
});

test("Produce does not answer acks=0, and hangs up when something failed", () => {
  const setup = broker();
  expect(produce.handle(request([{}], { acks: 0 }), setup.context(9))).toBe(NO_REPLY);
  expect([setup.log(ORDERS).logEndOffset, setup.hungUp]).toEqual([1, []]);
  expect(produce.handle(request([{}, { name: "nobody" }], { acks: 0 }), setup.context(9))).toBe(NO_REPLY);
  expect(setup.log(ORDERS).logEndOffset).toBe(2);
  expect(setup.hungUp).toEqual(["acks is 0 and partition 0 failed with UNKNOWN_TOPIC_OR_PARTITION"]);
});

test("Produce says REQUEST_TIMED_OUT of what was not durable in the request's own time", async () => {
  const setup = broker();
  const response = produce.handle(request([{ index: 0 }, { index: 1 }], { timeoutMs: 100 }), setup.context(9)) as Promise<ProduceResponse>;
  setup.log(ORDERS, 1).sync();
  setup.time.advance(150);
  expect((await response).responses.map(({ partitionResponses: [row] }) => errorName(row!.errorCode))).toEqual([
    "REQUEST_TIMED_OUT",
    "NONE",
  ]);
});

test("Produce answers a repeated batch with its first offset and writes it once", async () => {
  const setup = broker();
  const records = () => batch(3, { producerId: 7, producerEpoch: 0, baseSequence: 0 });
  const first = produce.handle(request([{ records: records() }]), setup.context(9)) as Promise<ProduceResponse>;
  const again = produce.handle(request([{ records: records() }]), setup.context(9)) as Promise<ProduceResponse>;
  setup.storage.sync();
  expect([rowOf(await first), rowOf(await again)]).toMatchObject([{ errorCode: 0, baseOffset: 0 }, { errorCode: 0, baseOffset: 0 }]);
  expect(setup.log(ORDERS).logEndOffset).toBe(3);
});

test("Produce by topic id since version 13", async () => {
  const setup = broker();
  const response = produce.handle(request([{ name: "", topicId: topicId(1) }]), setup.context(13)) as Promise<ProduceResponse>;
  setup.storage.sync();
  expect((await response).responses).toMatchObject([{ topicId: topicId(1), partitionResponses: [{ errorCode: 0, baseOffset: 0 }] }]);
});

test("Produce names the leader and how to reach it since version 10", async () => {
  const setup = new TestBroker({
    topics: [topicImage("led", 4, 1, { partitions: [partitionState({ leader: 1, leaderEpoch: 7, replicas: [], isr: [] })] })],
  });
  const ask = async (version: number) => await produce.handle(request([{ name: "led" }]), setup.context(version)) as ProduceResponse;
  expect(rowOf(await ask(10)).currentLeader).toEqual({ leaderId: 1, leaderEpoch: 7 });
  expect((await ask(10)).nodeEndpoints).toEqual([{ nodeId: 1, host: "broker.test", port: 9092, rack: null }]);
  expect((await ask(9)).nodeEndpoints).toEqual([]);
});

test("Produce lets the admin client write to internal topics, as Kafka does", async () => {
  const setup = broker();
  const response = produce.handle(request([{ name: "__consumer_offsets" }]), setup.context(9, { clientId: "__admin_client" }));
  setup.storage.sync();
  expect(rowOf(await response as ProduceResponse).errorCode).toBe(0);
});

test("Produce to 1,000 partitions in one request appends and acknowledges each", async () => {
  const wide = topicImage("wide", 5, 1_000);
  const setup = new TestBroker({ topics: [wide] });
  const records = batch();
  const topicData = [{
    name: "wide",
    topicId: ZERO_UUID,
    partitionData: Array.from({ length: 1_000 }, (_, index) => ({ index, records: records.slice() })),
  }];
  const response = produce.handle({ transactionalId: null, acks: -1, timeoutMs: 1_000, topicData }, setup.context(9)) as Promise<
    ProduceResponse
  >;
  setup.storage.sync();
  const rows = (await response).responses[0]!.partitionResponses;
  expect(rows.every((row, at) => row.index === at && row.errorCode === 0 && row.baseOffset === 0)).toBe(true);
});

test("produce.refuse() tells the error of every partition", () => {
  const response = produce.refuse(request([{ index: 1 }, { name: "nobody", index: 5 }]), "REQUEST_TIMED_OUT", "late");
  expect(response.responses.map(({ partitionResponses: [row] }) => [row!.index, errorName(row!.errorCode)])).toEqual([
    [1, "REQUEST_TIMED_OUT"],
    [5, "REQUEST_TIMED_OUT"],
  ]);
});
