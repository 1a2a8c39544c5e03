/** What can go wrong between a consumer and its brokers, one at a time, against a cluster that is made up. */
import { describe, expect, test } from "bun:test";
import { KafkaError, openConsumer } from "../../../lib/client/mod.ts";
import { encodeAssignment } from "../../../lib/client/consumer/member_data.ts";
import type { ConsumerOptions } from "../../../lib/client/types.ts";
import {
  encodeBatch,
  errorCode,
  type FetchRequest,
  type KafkaErrorName,
  type NewBatch,
  type OffsetCommitRequest,
} from "../../../lib/protocol/mod.ts";
import { io } from "../setup.ts";
import { FakeCluster, type FetchRow } from "./fake_cluster.ts";
import { bytes, pollUntil, take, textOf, valuesOf } from "./setup.ts";

const T0 = { topic: "t", partition: 0 };

const batch = (baseOffset: number, values: readonly string[], more: Partial<NewBatch> = {}): Uint8Array =>
  encodeBatch({
    baseOffset,
    leaderEpoch: 5,
    records: values.map((value, i) => ({ key: null, value: bytes(value), timestamp: 1000 + i })),
    ...more,
  });

const reading = (cluster: FakeCluster, options: Partial<ConsumerOptions> = {}) =>
  openConsumer(
    io,
    { bootstrapServers: "fake:1", autoOffsetReset: "earliest", retryBackoffMs: 2, retryBackoffMaxMs: 10, ...options },
    cluster,
  );

/** So many rows fail with `error`, then the usual ones follow. */
function failing(cluster: FakeCluster, error: KafkaErrorName, times: number, more: Partial<FetchRow> = {}): void {
  let left = times;
  cluster.onRow = (row) => left-- > 0 ? { ...row, errorCode: errorCode(error), records: null, ...more } : undefined;
}

describe("a leader that is somewhere else", () => {
  test("is followed at its word where the reply names it, without asking for metadata", async () => {
    const cluster = new FakeCluster(1);
    cluster.partitions[0]!.batches.push(batch(0, ["a"]));
    await using reader = reading(cluster);
    cluster.onRow = (row, node) =>
      node === 1
        ? { ...row, errorCode: errorCode("NOT_LEADER_OR_FOLLOWER"), records: null, currentLeader: { leaderId: 2, leaderEpoch: 6 } }
        : undefined;
    reader.assign([T0]);
    expect(valuesOf(await take(reader, 1))).toEqual(["a"]);
    expect(cluster.asked("Fetch").slice(0, 2).map(({ node }) => node)).toEqual([1, 2]);
    expect(cluster.forgotten).toEqual([]);
  });

  for (
    const error of [
      "NOT_LEADER_OR_FOLLOWER",
      "FENCED_LEADER_EPOCH",
      "UNKNOWN_LEADER_EPOCH",
      "LEADER_NOT_AVAILABLE",
      "UNKNOWN_TOPIC_OR_PARTITION",
      "KAFKA_STORAGE_ERROR",
      "OFFSET_NOT_AVAILABLE",
    ] as const
  ) {
    test(`is looked for after ${error}, and reading goes on`, async () => {
      const cluster = new FakeCluster(1);
      cluster.partitions[0]!.batches.push(batch(0, ["a"]));
      failing(cluster, error, 2);
      await using reader = reading(cluster);
      reader.assign([T0]);
      expect(valuesOf(await take(reader, 1))).toEqual(["a"]);
      expect(cluster.forgotten).toContain("t");
    });
  }

  test("is looked for when the connection ends", async () => {
    const cluster = new FakeCluster(1);
    cluster.partitions[0]!.batches.push(batch(0, ["a"]));
    let left = 3;
    cluster.on["Fetch"] = () => {
      if (left-- > 0) throw new KafkaError("NETWORK_EXCEPTION", "Connection ended");
    };
    await using reader = reading(cluster);
    reader.assign([T0]);
    expect(valuesOf(await take(reader, 1))).toEqual(["a"]);
  });

  test("an error that no further try can cure is told by the read", async () => {
    const cluster = new FakeCluster(1);
    failing(cluster, "TOPIC_AUTHORIZATION_FAILED", 1);
    await using reader = reading(cluster);
    reader.assign([T0]);
    await expect(reader.poll(2_000)).rejects.toMatchObject({ error: "TOPIC_AUTHORIZATION_FAILED" });
  });
});

describe("an error that no further try can cure", () => {
  test("is told by every read: of a topic, of a group and of its coordinator", async () => {
    for (
      const [api, reply] of [
        ["ListOffsets", {
          topics: [{ name: "t", partitions: [{ partitionIndex: 0, errorCode: errorCode("TOPIC_AUTHORIZATION_FAILED") }] }],
        }],
        ["JoinGroup", { errorCode: errorCode("INVALID_SESSION_TIMEOUT"), protocolName: null, leader: "", memberId: "", members: [] }],
        ["JoinGroup", null],
      ] as const
    ) {
      const cluster = new FakeCluster(1);
      cluster.on[api] = () => {
        if (reply !== null) return reply;
        throw new KafkaError("UNSUPPORTED_VERSION", "Cannot send JoinGroup");
      };
      await using reader = reading(cluster, { groupId: "g", autoCommitIntervalMs: null });
      if (api === "ListOffsets") {
        cluster.on["OffsetFetch"] = () => ({ errorCode: 0, topics: [], groups: [{ groupId: "g", topics: [] }] });
        reader.assign([T0]);
      } else reader.subscribe(["t"]);
      for (let i = 0; i < 3; i++) await expect(reader.poll(2_000)).rejects.toMatchObject({ name: "KafkaError", retriable: false });
    }
  });
});

describe("a leader of a later epoch", () => {
  const moved = (endOffset: number) => {
    const cluster = new FakeCluster(1);
    cluster.partitions[0]!.batches.push(batch(0, ["a", "b"]), batch(2, ["c"]));
    cluster.on["OffsetForLeaderEpoch"] = () => ({
      topics: [{ topic: "t", partitions: [{ errorCode: 0, partition: 0, leaderEpoch: 5, endOffset }] }],
    });
    return cluster;
  };
  const takeOver = (cluster: FakeCluster, batches: readonly Uint8Array[]) => {
    let isTold = false;
    cluster.onRow = (row) => {
      if (isTold) return undefined;
      isTold = true;
      Object.assign(cluster.partitions[0]!, { leader: 2, leaderEpoch: 7, batches: [...batches] });
      return { ...row, errorCode: errorCode("NOT_LEADER_OR_FOLLOWER"), records: null };
    };
    cluster.wake();
  };

  test("is asked whether the position is on its log, and reading goes on", async () => {
    const cluster = moved(3);
    await using reader = reading(cluster);
    reader.assign([T0]);
    await take(reader, 3);
    takeOver(cluster, [batch(0, ["a", "b"]), batch(2, ["c"]), batch(3, ["d"], { leaderEpoch: 7 })]);
    expect(valuesOf(await take(reader, 1))).toEqual(["d"]);
    expect(cluster.asked("OffsetForLeaderEpoch")).toMatchObject([
      { node: 2, draft: { topics: [{ topic: "t", partitions: [{ partition: 0, currentLeaderEpoch: 7, leaderEpoch: 5 }] }] } },
    ]);
  });

  test("that lost records makes reading go on where the logs part", async () => {
    const cluster = moved(1);
    await using reader = reading(cluster);
    reader.assign([T0]);
    await take(reader, 3);
    takeOver(cluster, [batch(0, ["a"]), batch(1, ["other"], { leaderEpoch: 7 })]);
    const [next] = await take(reader, 1);
    expect([next!.offset, textOf(next!.value)]).toEqual([1, "other"]);
  });

  test("that lost records is told where nothing may be skipped", async () => {
    const cluster = moved(1);
    await using reader = reading(cluster, { autoOffsetReset: "none" });
    reader.assign([T0]);
    await reader.seek(T0, 0);
    await take(reader, 3);
    takeOver(cluster, [batch(0, ["a"])]);
    await expect(pollUntil(reader, () => false)).rejects.toThrow("its log was cut to offset 1, below the position 3");
  });
});

describe("another replica to read from", () => {
  test("is used when the leader names it, and left when it does not have the offset", async () => {
    const cluster = new FakeCluster(1);
    cluster.partitions[0]!.batches.push(batch(0, ["a"]));
    let isBehind = false;
    cluster.onRow = (row, node) => {
      if (node === 1) return isBehind ? undefined : { ...row, records: null, preferredReadReplica: 2 };
      return isBehind ? { ...row, errorCode: errorCode("OFFSET_OUT_OF_RANGE"), records: null } : undefined;
    };
    await using reader = reading(cluster, { rackId: "r2" });
    reader.assign([T0]);
    expect(valuesOf(await take(reader, 1))).toEqual(["a"]);
    expect(cluster.asked<FetchRequest>("Fetch").slice(0, 2).map(({ node, draft }) => [node, draft.rackId])).toEqual([[1, "r2"], [2, "r2"]]);
    isBehind = true;
    cluster.partitions[0]!.batches.push(batch(1, ["b"]));
    cluster.wake();
    expect(valuesOf(await take(reader, 1))).toEqual(["b"]);
    expect(cluster.asked("Fetch").at(-1)!.node).toBe(1);
    expect(cluster.asked("ListOffsets")).toHaveLength(1);
  });
});

describe("a fetch session", () => {
  test("that the broker dropped begins anew, and one with another epoch too", async () => {
    for (const error of ["FETCH_SESSION_ID_NOT_FOUND", "INVALID_FETCH_SESSION_EPOCH", "FETCH_SESSION_TOPIC_ID_ERROR"] as const) {
      const cluster = new FakeCluster(1);
      cluster.partitions[0]!.batches.push(batch(0, ["a"]));
      const epochs: number[] = [];
      cluster.on["Fetch"] = ({ sessionEpoch }: FetchRequest) => {
        epochs.push(sessionEpoch);
        if (epochs.length === 1) return { errorCode: 0, sessionId: 9, responses: [] };
        return epochs.length === 2 ? { errorCode: errorCode(error), sessionId: 0, responses: [] } : undefined;
      };
      await using reader = reading(cluster);
      reader.assign([T0]);
      expect(valuesOf(await take(reader, 1))).toEqual(["a"]);
      expect(epochs.slice(0, 3)).toEqual([0, 1, 0]);
    }
  });
});

describe("records", () => {
  test("that are damaged are told and asked for again", async () => {
    const cluster = new FakeCluster(1);
    cluster.partitions[0]!.batches.push(batch(0, ["a"]), batch(1, ["b"]));
    let isDamaged = true;
    cluster.onRow = (row) => {
      if (!isDamaged) return undefined;
      const records = (row.records as Uint8Array).slice();
      records[records.length - 1]! ^= 1;
      return { ...row, records };
    };
    await using reader = reading(cluster);
    reader.assign([T0]);
    expect(valuesOf(await take(reader, 1))).toEqual(["a"]);
    await expect(take(reader, 1)).rejects.toMatchObject({
      error: "CORRUPT_MESSAGE",
      message: 'Cannot read "t-0": the batch at offset 1: its checksum (CRC-32C) is wrong',
    });
    isDamaged = false;
    expect(valuesOf(await take(reader, 1))).toEqual(["b"]);
  });

  test("of an old format are refused by name", async () => {
    const cluster = new FakeCluster(1);
    const old = batch(0, ["a"]);
    old[16] = 1;
    cluster.onRow = (row) => ({ ...row, records: old });
    await using reader = reading(cluster);
    reader.assign([T0]);
    await expect(reader.poll(2_000)).rejects.toThrow('Cannot read "t-0" at offset 0: its records are of the format v1, 2 is known');
  });

  test("of a compacted log keep their offsets, and reading goes on behind what is gone", async () => {
    const cluster = new FakeCluster(1);
    const records = [{ key: null, value: bytes("a"), timestamp: 1, offsetDelta: 1 }, {
      key: null,
      value: bytes("b"),
      timestamp: 1,
      offsetDelta: 4,
    }];
    cluster.partitions[0]!.batches.push(batch(10, [], { records }), batch(30, ["c"]));
    await using reader = reading(cluster);
    reader.assign([T0]);
    expect((await take(reader, 2)).map(({ offset }) => offset)).toEqual([11, 14]);
    expect(reader.position(T0)).toBe(15);
    expect((await take(reader, 1)).map(({ offset }) => offset)).toEqual([30]);
    expect(reader.position(T0)).toBe(31);
  });
});

describe("the buffer", () => {
  const full = (cluster: FakeCluster) => {
    for (const partition of cluster.partitions) {
      for (let i = 0; i < 50; i++) partition.batches.push(batch(i, [`${i}`.padEnd(1000, "x")]));
    }
    // As a broker does: no more than was asked for, but one batch at least.
    let left = 0;
    cluster.on["Fetch"] = ({ maxBytes }: FetchRequest) => void (left = maxBytes);
    cluster.onRow = (row) => {
      const size = Math.max(1, Math.floor(Math.min(left, 4_000) / 1_072)) * 1_072;
      const records = (row.records as Uint8Array).subarray(0, left > 0 ? size : 0);
      left -= records.length;
      return { ...row, records };
    };
  };

  test("is bounded, partitions have their turns, and everything is read in order", async () => {
    const cluster = new FakeCluster(4);
    full(cluster);
    await using reader = reading(cluster, { bufferBytes: 16_000, partitionBytes: 4_000 });
    reader.assign([0, 1, 2, 3].map((partition) => ({ topic: "t", partition })));
    const first = await take(reader, 8);
    expect(first.slice(0, 4).map(({ partition }) => partition).toSorted()).toEqual([0, 1, 2, 3]);
    const rest = await take(reader, 192);
    for (const partition of [0, 1, 2, 3]) {
      expect([...first, ...rest].filter((one) => one.partition === partition).map(({ offset }) => offset)).toEqual(
        Array.from({ length: 50 }, (_, i) => i),
      );
    }
    expect(Math.max(...cluster.asked<FetchRequest>("Fetch").map(({ draft }) => draft.maxBytes))).toBeLessThanOrEqual(16_000);
  });

  test("full of what is paused makes room for what is read", async () => {
    const cluster = new FakeCluster(4);
    full(cluster);
    await using reader = reading(cluster, { bufferBytes: 8_000, partitionBytes: 4_000 });
    const all = [0, 1, 2, 3].map((partition) => ({ topic: "t", partition }));
    reader.assign(all);
    await take(reader, 1);
    reader.pause(all.slice(0, 3));
    const records = await pollUntil(reader, (seen) => seen.length === 50);
    expect(new Set(records.map(({ partition }) => partition))).toEqual(new Set([3]));
    reader.resume(all.slice(0, 3));
    expect(await pollUntil(reader, (seen) => seen.length === 149)).toHaveLength(149);
  });
});

describe("a commit", () => {
  const answering = (...errors: KafkaErrorName[]) => {
    const cluster = new FakeCluster(1);
    cluster.on["OffsetCommit"] = () => ({
      topics: [{ name: "t", partitions: [{ partitionIndex: 0, errorCode: errorCode(errors.shift() ?? "NONE") }] }],
    });
    cluster.on["OffsetFetch"] = () => ({ errorCode: 0, topics: [], groups: [] });
    return cluster;
  };

  test("is tried again while its coordinator moves, loads or is gone", async () => {
    const cluster = answering("NOT_COORDINATOR", "COORDINATOR_LOAD_IN_PROGRESS", "COORDINATOR_NOT_AVAILABLE", "UNKNOWN_TOPIC_OR_PARTITION");
    await using reader = reading(cluster, { groupId: "g" });
    reader.assign([T0]);
    await reader.commit([{ ...T0, offset: 3, leaderEpoch: 2, metadata: "m" }]);
    expect(cluster.asked("OffsetCommit")).toHaveLength(5);
    expect(cluster.asked("OffsetCommit").at(-1)!.draft).toMatchObject({
      groupId: "g",
      memberId: "",
      generationIdOrMemberEpoch: -1,
      topics: [{ name: "t", partitions: [{ partitionIndex: 0, committedOffset: 3, committedLeaderEpoch: 2, committedMetadata: "m" }] }],
    });
    expect(cluster.coordinatorsForgotten).toEqual(["g", "g"]);
  });

  test("that is refused for good is told at once", async () => {
    for (const error of ["OFFSET_METADATA_TOO_LARGE", "GROUP_AUTHORIZATION_FAILED", "FENCED_INSTANCE_ID"] as const) {
      const cluster = answering(error);
      await using reader = reading(cluster, { groupId: "g" });
      reader.assign([T0]);
      await expect(reader.commit([{ ...T0, offset: 3 }])).rejects.toMatchObject({ error });
      expect(cluster.asked("OffsetCommit")).toHaveLength(1);
    }
  });

  test("that the coordinator refuses as of the past, while its answer to the join is on the way, is repeated as of the new generation", async () => {
    const cluster = answering();
    const told: string[] = [];
    const identity = { protocolType: "consumer", protocolName: "cooperative-sticky", leader: "m", memberId: "m", members: [] };
    const rejoined = Promise.withResolvers<object>();
    let generation = 0;
    const joins = (generationId: number) => ({ errorCode: 0, generationId, ...identity });
    cluster.on["JoinGroup"] = () => ++generation === 1 ? joins(1) : rejoined.promise;
    cluster.on["SyncGroup"] = () => ({ errorCode: 0, assignment: encodeAssignment(new Map([["t", [0]]])) });
    cluster.on["LeaveGroup"] = () => ({ errorCode: 0, members: [] });
    cluster.on["Heartbeat"] = () => ({ errorCode: errorCode(generation === 1 ? "REBALANCE_IN_PROGRESS" : "NONE") });
    cluster.on["OffsetCommit"] = ({ generationIdOrMemberEpoch: as }: OffsetCommitRequest) => {
      if (as === 1) rejoined.resolve(joins(2));
      return {
        topics: [{ name: "t", partitions: [{ partitionIndex: 0, errorCode: errorCode(as === 1 ? "ILLEGAL_GENERATION" : "NONE") }] }],
      };
    };
    await using reader = reading(cluster, {
      ...{ groupId: "g", assignors: ["cooperative-sticky"], autoCommitIntervalMs: null, heartbeatIntervalMs: 10 },
      onLost: () => void told.push("lost"),
    });
    reader.subscribe(["t"]);
    await pollUntil(reader, () => generation === 2);
    await reader.commit([{ ...T0, offset: 3 }]);
    const commits = cluster.asked<OffsetCommitRequest>("OffsetCommit").map(({ draft }) => draft.generationIdOrMemberEpoch);
    expect([commits[0], commits.at(-1)]).toEqual([1, 2]);
    await reader.poll(50);
    expect([told, reader.assignment]).toEqual([[], [T0]]);
  });
});
