import { describe, expect, test } from "bun:test";
import { Closed, Overloaded, unpooled } from "../../lib/io/mod.ts";
import { nodeId } from "../../lib/protocol/mod.ts";
import { type AppendResult, RecordsNotDeletable } from "../../lib/replication/mod.ts";
import { DiskFull, OffsetOutOfRange, StorageFenced } from "../../lib/storage/errors.ts";
import { acknowledged, batch, BATCH_RULES, LOG_SETTINGS, partitionState, SETTINGS, setUp } from "./partition_setup.ts";

const CLIENT = { internal: false } as const;

function ok(result: AppendResult): Extract<AppendResult, { ok: true }> {
  if (!result.ok) throw new Error(`${result.error}: ${result.message}`);
  return result;
}

function errorOf(result: AppendResult): string {
  return result.ok ? "NONE" : result.error;
}

describe("LocalPartition.append()", () => {
  test("gives offsets in order of the calls and shows nothing before it is durable", () => {
    const { partition, log } = setUp();
    expect(ok(partition.append(batch(3), unpooled, CLIENT))).toMatchObject({ baseOffset: 0, lastOffset: 2, logAppendTimeMs: -1 });
    expect(ok(partition.append(batch(2), unpooled, CLIENT))).toMatchObject({ baseOffset: 3, lastOffset: 4 });
    expect([partition.highWatermark, partition.lastStableOffset, partition.logEndOffset]).toEqual([0, 0, 5]);
    log.sync();
    expect([partition.highWatermark, partition.lastStableOffset, partition.logEndOffset]).toEqual([5, 5, 5]);
  });

  test("writes the leader epoch into the batch", () => {
    const { partition, log } = setUp({ state: { leaderEpoch: 9 } });
    ok(partition.append(batch(), unpooled, CLIENT));
    expect(log.batches[0]!.epoch).toBe(9);
  });

  test.each([
    ["damaged records", () => batch().fill(0, 70), {}, "CORRUPT_MESSAGE"],
    ["more than one batch", () => new Uint8Array([...batch(), ...batch()]), {}, "INVALID_RECORD"],
    ["a batch beyond max.message.bytes", () => batch(100), { maxMessageBytes: 200 }, "MESSAGE_TOO_LARGE"],
    ["records without keys on a compacted topic", () => batch(1, { records: [{ timestamp: 1, key: null, value: null }] }), {
      compacted: true,
    }, "INVALID_RECORD"],
    ["control batches of clients", () => batch(1, { control: true }), {}, "INVALID_RECORD"],
  ])("refuses %s", (_name, records, rules, error) => {
    const { partition, log } = setUp({ settings: { batch: { ...BATCH_RULES, ...rules } } });
    expect(errorOf(partition.append(records(), unpooled, CLIENT))).toBe(error);
    expect(log.logEndOffset).toBe(0);
  });

  test("names the records without keys", () => {
    const { partition } = setUp({ settings: { batch: { ...BATCH_RULES, compacted: true } } });
    const key = new Uint8Array([1]);
    const records = [{ timestamp: 1, key, value: null }, { timestamp: 1, key: null, value: null }];
    const result = partition.append(batch(1, { records }), unpooled, CLIENT);
    expect(result).toMatchObject({ ok: false, recordErrors: [{ batchIndex: 1 }] });
  });

  test("stamps the batch where the topic wants LogAppendTime", () => {
    const { partition, time } = setUp({ settings: { batch: { ...BATCH_RULES, timestampType: "LogAppendTime" } } });
    expect(ok(partition.append(batch(), unpooled, CLIENT)).logAppendTimeMs).toBe(time.wall());
  });

  test("refuses when this node does not lead", () => {
    const { partition } = setUp({ state: { leader: 2 } });
    expect(errorOf(partition.append(batch(), unpooled, CLIENT))).toBe("NOT_LEADER_OR_FOLLOWER");
  });

  test("asks for min.insync.replicas only with acks=-1, and never for more than there are", () => {
    const settings = { ...SETTINGS, minInsyncReplicas: 2 };
    const three = setUp({ settings, state: { replicas: [nodeId(1), nodeId(2), nodeId(3)] } });
    expect(errorOf(three.partition.append(batch(), unpooled, { internal: false, acks: -1 }))).toBe("NOT_ENOUGH_REPLICAS");
    expect(errorOf(three.partition.append(batch(), unpooled, { internal: false, acks: 1 }))).toBe("NONE");
    const alone = setUp({ settings });
    expect(errorOf(alone.partition.append(batch(), unpooled, { internal: false, acks: -1 }))).toBe("NONE");
  });

  test.each([
    ["a full disk", new DiskFull("full"), "KAFKA_STORAGE_ERROR"],
    ["a fenced node", new StorageFenced("fenced"), "KAFKA_STORAGE_ERROR"],
    ["a full commit queue", new Overloaded("commit queue", 1), "NOT_ENOUGH_REPLICAS"],
    ["a closed log", new Closed("log"), "NOT_LEADER_OR_FOLLOWER"],
  ])("says of %s what the client may try again", (_name, error, expected) => {
    const { partition, log } = setUp();
    log.appendError = error;
    expect(errorOf(partition.append(batch(), unpooled, CLIENT))).toBe(expected);
    expect(errorOf(partition.append(batch(), unpooled, CLIENT))).toBe("NONE");
  });
});

describe("LocalPartition.append() of an idempotent producer", () => {
  const numbered = (baseSequence: number, producerEpoch = 0, count = 1) => batch(count, { producerId: 7, producerEpoch, baseSequence });

  test("answers a repeated batch with its first offset, also before it is durable, and writes nothing", async () => {
    const { partition, log, deadline } = setUp();
    for (let sequence = 0; sequence < 5; sequence++) ok(partition.append(numbered(sequence), unpooled, CLIENT));
    const again = ok(partition.append(numbered(1), unpooled, CLIENT));
    expect(again).toMatchObject({ baseOffset: 1, lastOffset: 1 });
    expect(log.logEndOffset).toBe(5);
    const told = acknowledged(partition, again.lastOffset, -1, deadline);
    log.sync();
    expect(await told).toBeNull();
  });

  test("follows gaps, old epochs and new ones", () => {
    const { partition } = setUp();
    const steps: [number, number, string][] = [
      [0, 0, "NONE"],
      [2, 0, "OUT_OF_ORDER_SEQUENCE_NUMBER"],
      [1, 0, "NONE"],
      [1, 1, "OUT_OF_ORDER_SEQUENCE_NUMBER"],
      [0, 1, "NONE"],
      [2, 0, "INVALID_PRODUCER_EPOCH"],
      [1, 1, "NONE"],
    ];
    for (const [sequence, epoch, expected] of steps) {
      expect(errorOf(partition.append(numbered(sequence, epoch), unpooled, CLIENT))).toBe(expected);
    }
    expect(partition.logEndOffset).toBe(4);
  });
});

describe("LocalPartition.whenAcknowledged()", () => {
  test("resolves at once for what is durable already", async () => {
    const { partition, log, deadline } = setUp();
    const { lastOffset } = ok(partition.append(batch(), unpooled, CLIENT));
    log.sync();
    expect(await acknowledged(partition, lastOffset, -1, deadline)).toBeNull();
    expect(await acknowledged(partition, lastOffset, 1, deadline)).toBeNull();
  });

  test("resolves with the commit round that has the batch, whatever was appended behind it and has to wait", async () => {
    const { partition, log, deadline } = setUp();
    const lasts = [0, 1, 2].map(() => ok(partition.append(batch(), unpooled, CLIENT)).lastOffset);
    const told: number[] = [];
    for (const last of lasts) void acknowledged(partition, last, -1, deadline).then(() => told.push(last));
    for (const [at, last] of lasts.entries()) {
      log.sync(last + 1);
      await Promise.resolve();
      expect([partition.highWatermark, told]).toEqual([last + 1, lasts.slice(0, at + 1)]);
    }
  });

  test("waits for the high watermark with acks=-1 and only for this disk with acks=1", async () => {
    const { partition, log, deadline } = setUp({ state: { replicas: [nodeId(1), nodeId(2)], isr: [nodeId(1), nodeId(2)] } });
    const { lastOffset } = ok(partition.append(batch(), unpooled, CLIENT));
    const told: string[] = [];
    void acknowledged(partition, lastOffset, 1, deadline).then((error) => told.push(`1 ${error}`));
    void acknowledged(partition, lastOffset, -1, deadline).then((error) => told.push(`-1 ${error}`));
    log.sync();
    await Promise.resolve();
    expect(told).toEqual(["1 null"]);
    partition.update(partitionState({ leaderEpoch: 4, replicas: [nodeId(1), nodeId(2)], isr: [nodeId(1)] }));
    await Promise.resolve();
    expect(told).toEqual(["1 null", "-1 null"]);
  });

  test("says REQUEST_TIMED_OUT at the deadline and when the commit failed: the outcome is unknown", async () => {
    const { partition, log, time } = setUp();
    const first = ok(partition.append(batch(), unpooled, CLIENT));
    const late = acknowledged(partition, first.lastOffset, -1, time.deadlines.in("produce", 30));
    time.advance(60);
    expect(await late).toBe("REQUEST_TIMED_OUT");
    const failed = acknowledged(partition, first.lastOffset, 1, time.deadlines.in("produce", 30));
    log.failSync(new StorageFenced("Cannot sync"));
    expect(await failed).toBe("REQUEST_TIMED_OUT");
    expect(partition.highWatermark).toBe(0);
  });

  test("ends when leadership is lost and when the partition is closed", async () => {
    const { partition, deadline } = setUp();
    const { lastOffset } = ok(partition.append(batch(), unpooled, CLIENT));
    const lost = acknowledged(partition, lastOffset, -1, deadline);
    partition.update(partitionState({ leader: 2, leaderEpoch: 5 }));
    expect(await lost).toBe("NOT_LEADER_OR_FOLLOWER");
    const closed = acknowledged(partition, lastOffset, 1, deadline);
    partition.close("UNKNOWN_TOPIC_OR_PARTITION");
    expect(await closed).toBe("UNKNOWN_TOPIC_OR_PARTITION");
  });
});

describe("LocalPartition.read()", () => {
  const read = (
    partition: ReturnType<typeof setUp>["partition"],
    fetchOffset: number,
    reader: "consumer" | "replica" | "committed" = "consumer",
  ) => partition.read({ fetchOffset, maxBytes: 1_000_000, atLeastOne: true, reader }, { op: "test", at: Infinity });

  test("returns the whole batch for an offset inside of it", async () => {
    const { partition, log } = setUp();
    ok(partition.append(batch(5), unpooled, CLIENT));
    log.sync();
    const { records, highWatermark } = await read(partition, 3);
    expect(records.byteLength).toBe(log.batches[0]!.bytes.byteLength);
    expect(highWatermark).toBe(5);
  });

  test("ends at the high watermark, and finds nothing above it up to the log's end", async () => {
    const { partition, log } = setUp();
    ok(partition.append(batch(1), unpooled, CLIENT));
    log.sync();
    ok(partition.append(batch(1), unpooled, CLIENT));
    expect((await read(partition, 0)).records.chunks).toHaveLength(1);
    expect((await read(partition, 1)).records.byteLength).toBe(0);
    expect((await read(partition, 2, "replica")).records.byteLength).toBe(0);
    expect(read(partition, 3)).rejects.toBeInstanceOf(OffsetOutOfRange);
  });

  test("refuses offsets below the log's start", async () => {
    const { partition, log, deadline } = setUp();
    for (let at = 0; at < 3; at++) ok(partition.append(batch(1), unpooled, CLIENT));
    log.sync();
    await partition.deleteRecords(2, deadline);
    expect(read(partition, 1)).rejects.toBeInstanceOf(OffsetOutOfRange);
    expect((await read(partition, 2)).logStartOffset).toBe(2);
  });

  test("lists aborted transactions only for committed readers", async () => {
    const { partition } = setUp();
    expect((await read(partition, 0)).abortedTransactions).toBeNull();
    expect((await read(partition, 0, "committed")).abortedTransactions).toEqual([]);
  });
});

describe("LocalPartition.deleteRecords()", () => {
  test("moves the log's start up to the high watermark, never back, and tells who watches", async () => {
    const { partition, log, deadline } = setUp();
    for (let at = 0; at < 4; at++) ok(partition.append(batch(1), unpooled, CLIENT));
    log.sync();
    let told = 0;
    partition.subscribe(() => told++);
    expect(await partition.deleteRecords(2, deadline)).toBe(2);
    expect(await partition.deleteRecords(1, deadline)).toBe(2);
    expect(await partition.deleteRecords(-1, deadline)).toBe(4);
    expect(told).toBe(2);
    expect(partition.deleteRecords(5, deadline)).rejects.toBeInstanceOf(OffsetOutOfRange);
    expect(partition.deleteRecords(-2, deadline)).rejects.toBeInstanceOf(OffsetOutOfRange);
  });

  test("refuses topics that only compact", () => {
    const { partition, deadline } = setUp({ settings: { log: { ...LOG_SETTINGS, cleanupPolicy: { delete: false, compact: true } } } });
    expect(partition.deleteRecords(0, deadline)).rejects.toBeInstanceOf(RecordsNotDeletable);
  });
});

describe("LocalPartition and leader epochs", () => {
  test("checkEpoch() tells older from newer epochs and leaders from others", () => {
    const { partition } = setUp({ state: { leaderEpoch: 4 } });
    expect([-1, 3, 4, 5].map((epoch) => partition.checkEpoch(epoch))).toEqual([null, "FENCED_LEADER_EPOCH", null, "UNKNOWN_LEADER_EPOCH"]);
    expect(setUp({ state: { leader: -1 } }).partition.checkEpoch(4)).toBe("NOT_LEADER_OR_FOLLOWER");
  });

  test("epochEnd() and epochAt() know the present epoch before its first batch", () => {
    const { partition, log } = setUp({ state: { leaderEpoch: 4 } });
    expect(partition.epochEnd(4)).toEqual({ leaderEpoch: 4, endOffset: 0 });
    expect(partition.epochAt(0)).toBe(4);
    ok(partition.append(batch(2), unpooled, CLIENT));
    log.sync();
    partition.update(partitionState({ leaderEpoch: 6 }));
    expect(partition.epochEnd(4)).toEqual({ leaderEpoch: 4, endOffset: 2 });
    expect(partition.epochEnd(5)).toEqual({ leaderEpoch: 4, endOffset: 2 });
    expect(partition.epochEnd(6)).toEqual({ leaderEpoch: 6, endOffset: 2 });
    expect(partition.epochEnd(7)).toEqual({ leaderEpoch: -1, endOffset: -1 });
    expect([partition.epochAt(1), partition.epochAt(2)]).toEqual([4, 6]);
  });

  test("update() ignores a state older than its own", () => {
    const { partition } = setUp({ state: { leaderEpoch: 4 } });
    partition.update(partitionState({ leader: 2, leaderEpoch: 3 }));
    expect([partition.isLeader, partition.leaderEpoch]).toEqual([true, 4]);
  });
});

test("LocalPartition.readableBytes counts what passed below the high watermark, once", () => {
  const { partition, log } = setUp();
  const bytes = [batch(1), batch(2), batch(3)];
  for (const records of bytes) ok(partition.append(records, unpooled, CLIENT));
  expect(partition.readableBytes).toBe(0);
  log.sync(1);
  expect(partition.readableBytes).toBe(bytes[0]!.byteLength);
  log.sync();
  log.sync();
  expect(partition.readableBytes).toBe(bytes.reduce((sum, { byteLength }) => sum + byteLength, 0));
});

test("LocalPartition.subscribe() calls at every move of the high watermark and at the end, until cancelled", () => {
  const { partition, log } = setUp();
  let told = 0;
  const subscription = partition.subscribe(() => told++);
  ok(partition.append(batch(), unpooled, CLIENT));
  expect(told).toBe(0);
  log.sync();
  expect(told).toBe(1);
  partition.close("UNKNOWN_TOPIC_OR_PARTITION");
  expect(told).toBe(2);
  subscription.cancel();
  expect(partition.watcherCount).toBe(0);
});
