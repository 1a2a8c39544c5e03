import { describe, expect, test } from "bun:test";
import { deleteRecords } from "../../../lib/broker/handlers/delete_records.ts";
import { describeLogDirs } from "../../../lib/broker/handlers/describe_log_dirs.ts";
import { describeProducers } from "../../../lib/broker/handlers/describe_producers.ts";
import { initProducerId } from "../../../lib/broker/handlers/init_producer_id.ts";
import { listOffsets } from "../../../lib/broker/handlers/list_offsets.ts";
import { offsetForLeaderEpoch } from "../../../lib/broker/handlers/offset_for_leader_epoch.ts";
import { unpooled } from "../../../lib/io/mod.ts";
import {
  type DeleteRecordsResponse,
  type DescribeLogDirsResponse,
  type DescribeProducersResponse,
  errorName,
  type InitProducerIdResponse,
  type ListOffsetsRequest,
  type ListOffsetsResponse,
  type OffsetForLeaderEpochResponse,
} from "../../../lib/protocol/mod.ts";
import { metadataDelta, metadataImage, topicImage } from "../../replication/metadata.ts";
import { batch, LOG_SETTINGS, partitionState, SETTINGS } from "../../replication/partition_setup.ts";
import { TestBroker } from "./broker_setup.ts";

const ORDERS = topicImage("orders", 1, 3);
const OFFSETS = topicImage("__consumer_offsets", 2, 1, { internal: true });
const TABLE = topicImage("table", 3, 1, { configs: new Map([["cleanup.policy", "compact"]]) });
const AWAY = topicImage("away", 4, 1, { partitions: [partitionState({ leader: 2, replicas: [], isr: [] })] });

function broker() {
  return new TestBroker({
    topics: [ORDERS, OFFSETS, TABLE],
    elsewhere: [AWAY],
    settings: ({ name }) =>
      name === "table" ? { ...SETTINGS, log: { ...LOG_SETTINGS, cleanupPolicy: { delete: false, compact: true } } } : SETTINGS,
  });
}

/** One batch of one record for each timestamp. */
function fill(setup: TestBroker, timestamps: readonly number[], durable = true): void {
  for (const timestamp of timestamps) setup.partition(ORDERS).append(batch(1, {}, timestamp), unpooled, { internal: false });
  if (durable) setup.storage.sync();
}

describe("ListOffsets", () => {
  interface Asked {
    readonly timestamp: number;
    readonly topic?: string;
    readonly partition?: number;
    readonly currentLeaderEpoch?: number;
  }

  async function list(setup: TestBroker, asked: readonly Asked[], version = 11, more: Partial<ListOffsetsRequest> = {}) {
    const request: ListOffsetsRequest = {
      replicaId: -1,
      isolationLevel: 0,
      timeoutMs: 1_000,
      topics: asked.map(({ timestamp, topic = "orders", partition = 0, currentLeaderEpoch = -1 }) => ({
        name: topic,
        partitions: [{ partitionIndex: partition, currentLeaderEpoch, timestamp }],
      })),
      ...more,
    };
    const response = await listOffsets.handle(request, setup.context(version)) as ListOffsetsResponse;
    return response.topics.flatMap(({ partitions }) =>
      partitions.map(({ errorCode, ...row }) => ({ error: errorName(errorCode), ...row }))
    );
  }

  test.each<[string, number, { timestamp: number; offset: number; leaderEpoch: number }]>([
    ["latest", -1, { timestamp: -1, offset: 4, leaderEpoch: 4 }],
    ["earliest", -2, { timestamp: -1, offset: 1, leaderEpoch: 4 }],
    ["largest timestamp", -3, { timestamp: 90, offset: 2, leaderEpoch: 4 }],
    ["earliest on this disk", -4, { timestamp: -1, offset: 1, leaderEpoch: 4 }],
    ["latest tiered", -5, { timestamp: -1, offset: -1, leaderEpoch: -1 }],
    ["earliest pending upload", -6, { timestamp: -1, offset: -1, leaderEpoch: -1 }],
    ["a timestamp between two records", 31, { timestamp: 90, offset: 2, leaderEpoch: 4 }],
    ["a timestamp of a deleted record", 10, { timestamp: 30, offset: 1, leaderEpoch: 4 }],
    ["a timestamp after all records", 91, { timestamp: -1, offset: -1, leaderEpoch: -1 }],
  ])("finds the %s", async (_name, timestamp, expected) => {
    const setup = broker();
    fill(setup, [10, 30, 90, 50]);
    await setup.partition(ORDERS).deleteRecords(1, setup.deadline(1_000));
    expect(await list(setup, [{ timestamp }])).toEqual([{ error: "NONE", partitionIndex: 0, ...expected }]);
  });

  test("knows the epoch of an empty log", async () => {
    const rows = await list(broker(), [{ timestamp: -2 }, { timestamp: -1, partition: 1 }, { timestamp: -3, partition: 2 }]);
    expect(rows.map(({ offset, leaderEpoch }) => [offset, leaderEpoch])).toEqual([[0, 4], [0, 4], [-1, -1]]);
  });

  test("shows consumers nothing above the high watermark, and others the log's end", async () => {
    const setup = broker();
    fill(setup, [10]);
    fill(setup, [20], false);
    expect((await list(setup, [{ timestamp: -1 }]))[0]!.offset).toBe(1);
    expect((await list(setup, [{ timestamp: 20 }]))[0]!.offset).toBe(-1);
    expect((await list(setup, [{ timestamp: -1 }], 11, { replicaId: -2 }))[0]!.offset).toBe(2);
    expect((await list(setup, [{ timestamp: -1 }], 11, { isolationLevel: 1 }))[0]!.offset).toBe(1);
  });

  test.each<[string, Asked, number, string]>([
    ["an unknown topic", { topic: "nobody", timestamp: -1 }, 11, "UNKNOWN_TOPIC_OR_PARTITION"],
    ["an unknown partition", { partition: 7, timestamp: -1 }, 11, "UNKNOWN_TOPIC_OR_PARTITION"],
    ["a partition of another node", { topic: "away", timestamp: -1 }, 11, "NOT_LEADER_OR_FOLLOWER"],
    ["an old leader epoch", { timestamp: -1, currentLeaderEpoch: 3 }, 11, "FENCED_LEADER_EPOCH"],
    ["a leader epoch of the future", { timestamp: -1, currentLeaderEpoch: 9 }, 11, "UNKNOWN_LEADER_EPOCH"],
    ["the largest timestamp before version 7", { timestamp: -3 }, 6, "UNSUPPORTED_VERSION"],
    ["the earliest local offset before version 8", { timestamp: -4 }, 7, "UNSUPPORTED_VERSION"],
    ["the latest tiered offset before version 9", { timestamp: -5 }, 8, "UNSUPPORTED_VERSION"],
    ["the earliest pending upload before version 11", { timestamp: -6 }, 10, "UNSUPPORTED_VERSION"],
    ["a special timestamp that nobody knows", { timestamp: -7 }, 11, "UNSUPPORTED_VERSION"],
  ])("refuses %s", async (_name, asked, version, expected) => {
    expect(await list(broker(), [asked], version)).toMatchObject([{ error: expected, offset: -1, timestamp: -1 }]);
  });

  test("refuses a partition that is named twice, in one row as Kafka does, and answers the others", async () => {
    const rows = await list(broker(), [{ timestamp: -1 }, { timestamp: -2 }, { timestamp: -1, partition: 1 }]);
    expect(rows.map(({ error, partitionIndex }) => [partitionIndex, error])).toEqual([[0, "INVALID_REQUEST"], [1, "NONE"]]);
  });
});

describe("DeleteRecords", () => {
  async function remove(setup: TestBroker, topic: string, offset: number, partition = 0) {
    const request = { topics: [{ name: topic, partitions: [{ partitionIndex: partition, offset }] }], timeoutMs: 1_000 };
    const response = await deleteRecords.handle(request, setup.context(2)) as DeleteRecordsResponse;
    const { errorCode, lowWatermark } = response.topics[0]!.partitions[0]!;
    return [errorName(errorCode) as string, lowWatermark] as const;
  }

  test("moves the start of the log, to the high watermark for -1, never back", async () => {
    const setup = broker();
    fill(setup, [1, 2, 3]);
    expect(await remove(setup, "orders", 2)).toEqual(["NONE", 2]);
    expect(await remove(setup, "orders", 1)).toEqual(["NONE", 2]);
    expect(await remove(setup, "orders", -1)).toEqual(["NONE", 3]);
  });

  test("follows the last row of a partition that is named twice, and answers it once", async () => {
    const setup = broker();
    fill(setup, [1, 2, 3]);
    const partitions = [3, 1].map((offset) => ({ partitionIndex: 0, offset }));
    const { topics } = await deleteRecords.handle(
      { topics: [{ name: "orders", partitions }], timeoutMs: 1_000 },
      setup.context(2),
    ) as DeleteRecordsResponse;
    expect(topics).toEqual([{ name: "orders", partitions: [{ partitionIndex: 0, lowWatermark: 1, errorCode: 0 }] }]);
  });

  test.each<[string, string, number, number, string]>([
    ["beyond the high watermark", "orders", 4, 0, "OFFSET_OUT_OF_RANGE"],
    ["below -1", "orders", -2, 0, "OFFSET_OUT_OF_RANGE"],
    ["on an unknown partition", "orders", 0, 9, "UNKNOWN_TOPIC_OR_PARTITION"],
    ["on a partition of another node", "away", 0, 0, "NOT_LEADER_OR_FOLLOWER"],
    ["on an internal topic", "__consumer_offsets", 0, 0, "INVALID_TOPIC_EXCEPTION"],
    ["on a compacted topic", "table", 0, 0, "POLICY_VIOLATION"],
  ])("refuses an offset %s", async (_name, topic, offset, partition, expected) => {
    const setup = broker();
    fill(setup, [1, 2, 3]);
    expect(await remove(setup, topic, offset, partition)).toEqual([expected, -1]);
  });
});

describe("InitProducerId", () => {
  async function init(more: Partial<Parameters<typeof initProducerId.handle>[0]>, setup = broker()) {
    const request = { transactionalId: null, transactionTimeoutMs: 60_000, producerId: -1, producerEpoch: -1, ...more };
    const { errorCode, producerId, producerEpoch } = await initProducerId.handle(request, setup.context(5)) as InitProducerIdResponse;
    return [errorName(errorCode) as string, producerId, producerEpoch] as const;
  }

  test("gives every idempotent producer a new id with epoch 0, also one that names its old one", async () => {
    const setup = broker();
    expect(await init({}, setup)).toEqual(["NONE", 1_000, 0]);
    expect(await init({ producerId: 1_000, producerEpoch: 3 }, setup)).toEqual(["NONE", 1_001, 0]);
  });

  test.each<[string, Parameters<typeof init>[0], string]>([
    ["an id without its epoch", { producerId: 5 }, "INVALID_REQUEST"],
    ["an epoch without its id", { producerEpoch: 5 }, "INVALID_REQUEST"],
    ["an empty transactional id", { transactionalId: "" }, "INVALID_REQUEST"],
    ["a transaction timeout of 0", { transactionalId: "tx", transactionTimeoutMs: 0 }, "INVALID_TRANSACTION_TIMEOUT"],
    ["too long a transaction timeout", { transactionalId: "tx", transactionTimeoutMs: 900_001 }, "INVALID_TRANSACTION_TIMEOUT"],
    ["a transactional id", { transactionalId: "tx" }, "TRANSACTIONAL_ID_AUTHORIZATION_FAILED"],
  ])("refuses %s", async (_name, asked, expected) => {
    expect(await init(asked)).toEqual([expected, -1, -1]);
  });
});

test("OffsetForLeaderEpoch answers the end of an epoch, and refuses who knows less or more than the leader", async () => {
  const setup = broker();
  fill(setup, [1, 2]);
  const partitions = [partitionState({ leaderEpoch: 6 }), ...ORDERS.partitions.slice(1)];
  setup.replicaSet.apply(metadataDelta({ topicsChanged: [{ ...ORDERS, partitions }] }), metadataImage([]));
  fill(setup, [3]);
  const ask = async (leaderEpoch: number, currentLeaderEpoch = -1, topic = "orders", partition = 0) => {
    const request = { replicaId: -1, topics: [{ topic, partitions: [{ partition, currentLeaderEpoch, leaderEpoch }] }] };
    const response = await offsetForLeaderEpoch.handle(request, setup.context(4)) as OffsetForLeaderEpochResponse;
    const { errorCode, leaderEpoch: epoch, endOffset } = response.topics[0]!.partitions[0]!;
    return [errorName(errorCode) as string, epoch, endOffset] as const;
  };
  expect(await ask(4)).toEqual(["NONE", 4, 2]);
  expect(await ask(5)).toEqual(["NONE", 4, 2]);
  expect(await ask(6, 6)).toEqual(["NONE", 6, 3]);
  expect(await ask(7)).toEqual(["NONE", -1, -1]);
  expect(await ask(6, 5)).toEqual(["FENCED_LEADER_EPOCH", -1, -1]);
  expect(await ask(6, 7)).toEqual(["UNKNOWN_LEADER_EPOCH", -1, -1]);
  expect(await ask(6, -1, "nobody")).toEqual(["UNKNOWN_TOPIC_OR_PARTITION", -1, -1]);
  expect(await ask(6, -1, "away")).toEqual(["NOT_LEADER_OR_FOLLOWER", -1, -1]);
});

test("DescribeProducers shows the last sequence of each producer", async () => {
  const setup = broker();
  const numbered = batch(3, { producerId: 7, producerEpoch: 2, baseSequence: 0 }, 123);
  setup.partition(ORDERS).append(numbered, unpooled, { internal: false });
  const request = { topics: [{ name: "orders", partitionIndexes: [0, 9] }, { name: "away", partitionIndexes: [0] }] };
  const { topics } = await describeProducers.handle(request, setup.context(0)) as DescribeProducersResponse;
  expect(topics.flatMap(({ partitions }) => partitions.map(({ errorCode, activeProducers }) => [errorName(errorCode), activeProducers])))
    .toEqual([
      ["NONE", [{ producerId: 7, producerEpoch: 2, lastSequence: 2, lastTimestamp: 123, coordinatorEpoch: -1, currentTxnStartOffset: -1 }]],
      ["UNKNOWN_TOPIC_OR_PARTITION", []],
      ["NOT_LEADER_OR_FOLLOWER", []],
    ]);
});

test("DescribeProducers tells bad names and unknown topics apart, and says why", async () => {
  const request = { topics: ["no/slash", "nobody"].map((name) => ({ name, partitionIndexes: [0] })) };
  const { topics } = await describeProducers.handle(request, broker().context(0)) as DescribeProducersResponse;
  expect(topics.map(({ partitions: [row] }) => [errorName(row!.errorCode), row!.errorMessage])).toEqual([
    ["INVALID_TOPIC_EXCEPTION", expect.stringContaining("no/slash")],
    ["UNKNOWN_TOPIC_OR_PARTITION", expect.stringContaining('"nobody"')],
  ]);
});

test("DescribeLogDirs shows the volume and the logs that were asked for", async () => {
  const setup = broker();
  fill(setup, [1]);
  const ask = async (topics: { topic: string; partitions: number[] }[] | null) => {
    const { results } = await describeLogDirs.handle({ topics }, setup.context(5)) as DescribeLogDirsResponse;
    return results[0]!;
  };
  const all = await ask(null);
  expect(all).toMatchObject({ errorCode: 0, logDir: "/data", totalBytes: 1_000, usableBytes: 600 });
  expect(all.topics.map(({ name, partitions }) => [name, partitions.length])).toEqual([["orders", 3], ["__consumer_offsets", 1], [
    "table",
    1,
  ]]);
  const some = await ask([{ topic: "orders", partitions: [0, 0, 9] }, { topic: "nobody", partitions: [0] }]);
  expect(some.topics).toEqual([{
    name: "orders",
    partitions: [{ partitionIndex: 0, partitionSize: setup.log(ORDERS).sizeBytes, offsetLag: 0, isFutureKey: false }],
  }]);
});
