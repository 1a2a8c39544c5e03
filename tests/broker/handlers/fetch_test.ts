import { describe, expect, test } from "bun:test";
import type { RequestContext } from "../../../lib/broker/handler.ts";
import { fetch } from "../../../lib/broker/handlers/fetch.ts";
import { unpooled } from "../../../lib/io/mod.ts";
import { errorCode, errorName, type FetchRequest, type FetchResponse, type Uuid, ZERO_UUID } from "../../../lib/protocol/mod.ts";
import type { TopicImage } from "../../../lib/state/metadata/image.ts";
import { CorruptLog } from "../../../lib/storage/errors.ts";
import { metadataDelta, metadataImage, topicId, topicImage } from "../../replication/metadata.ts";
import { batch, partitionState } from "../../replication/partition_setup.ts";
import { settle, type Setup, TestBroker } from "./broker_setup.ts";

const ORDERS = topicImage("orders", 1, 4);
const AWAY = topicImage("away", 3, 1, { partitions: [partitionState({ leader: 1, leaderEpoch: 7, replicas: [], isr: [] })] });

function broker(more: Partial<Setup> = {}) {
  return new TestBroker({ topics: [ORDERS], elsewhere: [AWAY], ...more });
}

interface Asked {
  readonly topic?: string;
  readonly topicId?: Uuid;
  readonly partition?: number;
  readonly fetchOffset?: number;
  readonly maxBytes?: number;
  readonly currentLeaderEpoch?: number;
  readonly lastFetchedEpoch?: number;
}

function request(asked: readonly Asked[], more: Partial<FetchRequest> = {}): FetchRequest {
  return {
    clusterId: null,
    replicaId: -1,
    replicaState: { replicaId: -1, replicaEpoch: -1 },
    maxWaitMs: 500,
    minBytes: 1,
    maxBytes: 1_000_000,
    isolationLevel: 0,
    sessionId: 0,
    sessionEpoch: -1,
    topics: asked.map(({ topic = "orders", topicId = ZERO_UUID, ...at }) => ({
      topic,
      topicId,
      partitions: [{
        partition: at.partition ?? 0,
        currentLeaderEpoch: at.currentLeaderEpoch ?? -1,
        fetchOffset: at.fetchOffset ?? 0,
        lastFetchedEpoch: at.lastFetchedEpoch ?? -1,
        logStartOffset: -1,
        partitionMaxBytes: at.maxBytes ?? 100_000,
        replicaDirectoryId: ZERO_UUID,
        highWatermark: -1,
      }],
    })),
    forgottenTopicsData: [],
    rackId: "",
    ...more,
  };
}

/** A fetch under way; `answer` is null as long as it is parked. */
function ask(setup: TestBroker, asked: FetchRequest, version = 12, more: Partial<RequestContext> = {}) {
  const state: { answer: FetchResponse | null; readonly reply: Promise<FetchResponse> } = {
    answer: null,
    reply: fetch.handle(asked, setup.context(version, more)) as Promise<FetchResponse>,
  };
  void state.reply.then((answer) => state.answer = answer);
  return state;
}

function rows(response: FetchResponse) {
  return response.responses.flatMap((topic) =>
    topic.partitions.map((row) => ({ partition: row.partitionIndex, error: errorName(row.errorCode), bytes: bytesOf(row.records), row }))
  );
}

function bytesOf(records: Uint8Array | readonly Uint8Array[] | null): number {
  if (records === null) return 0;
  return records instanceof Uint8Array ? records.byteLength : records.reduce((sum, chunk) => sum + chunk.byteLength, 0);
}

function fill(setup: TestBroker, partition: number, counts: readonly number[], topic: TopicImage = ORDERS): number[] {
  const sizes = counts.map((count) => {
    const records = batch(count);
    const result = setup.partition(topic, partition).append(records, unpooled, { internal: false });
    expect(result.ok).toBe(true);
    return records.byteLength;
  });
  setup.storage.sync();
  return sizes;
}

describe("Fetch answers at once", () => {
  test.each<[string, Asked, number, string]>([
    ["an unknown topic", { topic: "nobody" }, 12, "UNKNOWN_TOPIC_OR_PARTITION"],
    ["an unknown partition", { partition: 9 }, 12, "UNKNOWN_TOPIC_OR_PARTITION"],
    ["an unknown topic id", { topicId: topicId(8) }, 13, "UNKNOWN_TOPIC_ID"],
    ["a partition of another node", { topic: "away" }, 12, "NOT_LEADER_OR_FOLLOWER"],
    ["an offset beyond the log's end", { fetchOffset: 1 }, 12, "OFFSET_OUT_OF_RANGE"],
    ["a negative offset", { fetchOffset: -1 }, 12, "OFFSET_OUT_OF_RANGE"],
    ["an old leader epoch", { currentLeaderEpoch: 3 }, 12, "FENCED_LEADER_EPOCH"],
    ["a leader epoch of the future", { currentLeaderEpoch: 5 }, 12, "UNKNOWN_LEADER_EPOCH"],
  ])("%s", async (_name, asked, version, expected) => {
    const setup = broker();
    const [row] = rows(await ask(setup, request([asked], { maxWaitMs: 1e9 }), version).reply);
    expect(row).toMatchObject({ error: expected, bytes: 0, row: { highWatermark: -1, logStartOffset: -1 } });
  });

  test("records that are there, a whole batch for an offset inside of it", async () => {
    const setup = broker();
    const [first, second] = fill(setup, 0, [5, 5]);
    expect(rows(await ask(setup, request([{ fetchOffset: 7 }])).reply)).toMatchObject([{ error: "NONE", bytes: second! }]);
    expect(rows(await ask(setup, request([{ fetchOffset: 3 }])).reply)).toMatchObject([{ bytes: first! + second! }]);
  });

  test("an empty reply to max_wait_ms 0", async () => {
    const setup = broker();
    expect(rows(await ask(setup, request([{}], { maxWaitMs: 0 })).reply)).toMatchObject([{
      error: "NONE",
      bytes: 0,
      row: { highWatermark: 0 },
    }]);
  });

  test("nothing to an empty fetch", async () => {
    expect((await ask(broker(), request([], { maxWaitMs: 1e9 })).reply).responses).toEqual([]);
  });

  test("a damaged log with the error of its partition, and the others as they are", async () => {
    const setup = broker();
    fill(setup, 0, [1]);
    fill(setup, 1, [1]);
    setup.log(ORDERS, 0).read = () => Promise.reject(new CorruptLog("Cannot read"));
    const answer = await ask(setup, request([{ partition: 0 }, { partition: 1 }])).reply;
    expect(rows(answer)).toMatchObject([{ error: "CORRUPT_MESSAGE" }, { error: "NONE" }]);
    expect(rows(answer)[1]!.bytes).toBeGreaterThan(0);
  });
});

describe("Fetch sizes", () => {
  test("partition_max_bytes and max_bytes bound what is read", async () => {
    const setup = broker();
    const sizes = fill(setup, 0, [1, 1, 1]);
    fill(setup, 1, [1, 1, 1]);
    const size = sizes[0]!;
    const bytes = async (maxBytes: number, partitionMax: number) =>
      rows(await ask(setup, request([{ maxBytes: partitionMax }, { partition: 1, maxBytes: partitionMax }], { maxBytes })).reply).map((
        row,
      ) => row.bytes);
    expect(await bytes(1e6, 1e6)).toEqual([3 * size, 3 * size]);
    expect(await bytes(1e6, 2 * size)).toEqual([2 * size, 2 * size]);
    expect(await bytes(3 * size, 2 * size)).toEqual([2 * size, size]);
    expect(await bytes(2 * size, 2 * size)).toEqual([2 * size, 0]);
  });

  test("the first batch comes whole whatever its size, those of other partitions do not", async () => {
    const setup = broker();
    const [size] = fill(setup, 1, [50]);
    fill(setup, 2, [50]);
    const answer = await ask(
      setup,
      request([{ partition: 0 }, { partition: 1, maxBytes: 10 }, { partition: 2, maxBytes: 10 }], { maxBytes: 10 }),
    ).reply;
    expect(rows(answer).map((row) => row.bytes)).toEqual([0, size!, 0]);
  });

  test("the broker's own maximum holds, too", async () => {
    const setup = broker({ fetchMaxBytes: 100 });
    const [size] = fill(setup, 0, [1, 1, 1]);
    expect(rows(await ask(setup, request([{}])).reply)).toMatchObject([{ bytes: size! }]);
  });
});

describe("Fetch parks", () => {
  test("until an append is below the high watermark, and reads no log before", async () => {
    const setup = broker();
    const fetching = ask(setup, request([{}, { partition: 1 }]));
    await settle();
    setup.partition(ORDERS, 1).append(batch(), unpooled, { internal: false });
    await settle();
    expect(fetching.answer).toBeNull();
    expect(setup.log(ORDERS, 1).reads).toBe(0);
    setup.storage.sync();
    expect(rows(await fetching.reply)).toMatchObject([{ partition: 0, bytes: 0 }, { partition: 1, row: { highWatermark: 1 } }]);
    expect([setup.log(ORDERS, 0).reads, setup.log(ORDERS, 1).reads]).toEqual([0, 1]);
  });

  test("until its time is over", async () => {
    const setup = broker();
    const fetching = ask(setup, request([{}], { maxWaitMs: 300 }));
    setup.time.advance(290);
    await settle();
    expect(fetching.answer).toBeNull();
    setup.time.advance(30);
    expect(rows(await fetching.reply)).toMatchObject([{ error: "NONE", bytes: 0 }]);
  });

  test("until its client is gone, and reads nothing for it", async () => {
    const setup = broker();
    const context = setup.context(12);
    const asked = request([{}, { partition: 1 }], { maxWaitMs: 500_000 });
    const reply = fetch.handle(asked, {
      ...context,
      get isGone() {
        return setup.whenGone.size === 0;
      },
    }) as Promise<FetchResponse>;
    await settle();
    expect([setup.services.fetchParks.size, setup.whenGone.size]).toEqual([1, 1]);
    setup.partition(ORDERS, 1).append(batch(), unpooled, { internal: false });
    for (const fire of [...setup.whenGone]) fire();
    setup.storage.sync();
    expect(bytesOf(rows(await reply)[0]?.row.records ?? null)).toBe(0);
    expect([setup.services.fetchParks.size, setup.whenGone.size, setup.log(ORDERS, 1).reads]).toEqual([0, 0, 0]);
  });

  test("not at all for a client that is gone already", async () => {
    const setup = broker();
    const gone = { isGone: true, whenGone: (fire: () => void) => (fire(), { cancel: () => {} }) };
    await fetch.handle(request([{}], { maxWaitMs: 500_000 }), { ...setup.context(12), ...gone });
    expect(setup.services.fetchParks.size).toBe(0);
  });

  test("until min_bytes came over all partitions, counted exactly", async () => {
    const setup = broker();
    const [size] = fill(setup, 0, [1]);
    const fetching = ask(setup, request([{}, { partition: 1 }], { minBytes: 3 * size! }));
    await settle();
    fill(setup, 1, [1]);
    await settle();
    expect(fetching.answer).toBeNull();
    fill(setup, 0, [1]);
    expect(rows(await fetching.reply).map((row) => row.bytes)).toEqual([2 * size!, size!]);
    // What the first look had read was given back.
    expect(setup.log(ORDERS, 0).releasedReads).toBe(1);
    setup.sent();
    expect(setup.services.fetchBudget.usedBytes).toBe(0);
  });

  test("until the partition is deleted", async () => {
    const setup = broker();
    const fetching = ask(setup, request([{}], { maxWaitMs: 1e6 }));
    await settle();
    setup.replicaSet.apply(metadataDelta({ topicsDeleted: [ORDERS] }), metadataImage([]));
    expect(rows(await fetching.reply)).toMatchObject([{ error: "NOT_LEADER_OR_FOLLOWER" }]);
  });

  test("until leadership or epoch changes", async () => {
    const setup = broker();
    const lost = ask(setup, request([{ partition: 0 }]));
    const fenced = ask(setup, request([{ partition: 1, currentLeaderEpoch: 4 }]));
    const unfenced = ask(setup, request([{ partition: 1 }]));
    await settle();
    const partitions = [partitionState({ leader: 2, leaderEpoch: 5 }), partitionState({ partition: 1, leaderEpoch: 5 })];
    setup.replicaSet.apply(metadataDelta({ topicsChanged: [{ ...ORDERS, partitions }] }), metadataImage([]));
    expect(rows(await lost.reply)).toMatchObject([{ error: "NOT_LEADER_OR_FOLLOWER" }]);
    expect(rows(await fenced.reply)).toMatchObject([{ error: "FENCED_LEADER_EPOCH" }]);
    await settle();
    expect(unfenced.answer).toBeNull();
  });

  test("and tells of unknown partitions when the others are answered", async () => {
    const setup = broker();
    const fetching = ask(setup, request([{ topic: "nobody" }, {}]));
    await settle();
    expect(fetching.answer).toBeNull();
    fill(setup, 0, [1]);
    expect(rows(await fetching.reply)).toMatchObject([{ error: "NONE" }, { error: "UNKNOWN_TOPIC_OR_PARTITION" }]);
  });

  test("ten thousand at once, on one wake-up each, and leaves nothing behind", async () => {
    const setup = broker();
    const fetching = Array.from({ length: 10_000 }, () => ask(setup, request([{}])));
    await settle();
    expect(setup.log(ORDERS).reads).toBe(0);
    fill(setup, 0, [1]);
    await Promise.all(fetching.map(({ reply }) => reply));
    expect([...setup.replicaSet.all()].map(({ watcherCount }) => watcherCount)).toEqual([0, 0, 0, 0]);
    setup.sent();
    expect(setup.services.fetchBudget.usedBytes).toBe(0);
  });
});

describe("Fetch sessions", () => {
  test("tell only what is new, in turns, under names and under ids", async () => {
    for (const [version, topic] of [[12, {}], [13, { topic: "", topicId: topicId(1) }]] as const) {
      const setup = broker();
      fill(setup, 0, [1]);
      const asked = [0, 1, 2].map((partition) => ({ ...topic, partition }));
      const first = await ask(setup, request(asked, { sessionEpoch: 0 }), version).reply;
      expect(rows(first).map((row) => row.partition)).toEqual([0, 1, 2]);
      const { sessionId = 0 } = first;
      expect(sessionId).toBeGreaterThan(0);

      const next = ask(setup, request([{ ...topic, partition: 0, fetchOffset: 1 }], { sessionId, sessionEpoch: 1 }), version);
      await settle();
      fill(setup, 2, [1]);
      expect(rows(await next.reply).map((row) => row.partition)).toEqual([2]);

      const quiet = ask(
        setup,
        request([{ ...topic, partition: 2, fetchOffset: 1 }], { sessionId, sessionEpoch: 2, maxWaitMs: 50 }),
        version,
      );
      await settle();
      setup.time.advance(80);
      expect(await quiet.reply).toMatchObject({ responses: [], sessionId, errorCode: 0 });
    }
  });

  test("end with the errors that make a client start anew", async () => {
    const setup = broker();
    const code = async (more: Partial<FetchRequest>, version = 12) =>
      errorName((await ask(setup, request([], more), version).reply).errorCode);
    expect(await code({ sessionId: 5, sessionEpoch: 1 })).toBe("FETCH_SESSION_ID_NOT_FOUND");
    const { sessionId = 0 } = await ask(setup, request([{}], { sessionEpoch: 0, maxWaitMs: 0 })).reply;
    expect(await code({ sessionId, sessionEpoch: 5 })).toBe("INVALID_FETCH_SESSION_EPOCH");
    expect(await code({ sessionId, sessionEpoch: 1 }, 13)).toBe("FETCH_SESSION_TOPIC_ID_ERROR");
  });
});

describe("Fetch and epochs", () => {
  test("finds the log of a reader that diverged", async () => {
    const setup = broker();
    fill(setup, 0, [2]);
    setup.replicaSet.apply(
      metadataDelta({ topicsChanged: [{ ...ORDERS, partitions: [partitionState({ leaderEpoch: 6 })] }] }),
      metadataImage([]),
    );
    fill(setup, 0, [2]);
    const [row] = rows(await ask(setup, request([{ fetchOffset: 3, lastFetchedEpoch: 4 }])).reply);
    expect(row).toMatchObject({ error: "NONE", bytes: 0, row: { divergingEpoch: { epoch: 4, endOffset: 2 } } });
    const [fine] = rows(await ask(setup, request([{ fetchOffset: 2, lastFetchedEpoch: 4 }])).reply);
    expect(fine!.bytes).toBeGreaterThan(0);
  });

  test("names the leader of partitions that others lead, since version 16", async () => {
    const setup = broker();
    const answer = await ask(setup, request([{ topicId: topicId(3), topic: "" }]), 16).reply;
    expect(rows(answer)).toMatchObject([{ error: "NOT_LEADER_OR_FOLLOWER", row: { currentLeader: { leaderId: 1, leaderEpoch: 7 } } }]);
    expect(answer.nodeEndpoints).toEqual([{ nodeId: 1, host: "broker.test", port: 9092, rack: null }]);
    expect((await ask(setup, request([{ topicId: topicId(3), topic: "" }]), 15).reply).nodeEndpoints).toEqual([]);
  });

  test("refuses followers that replicate nothing here", async () => {
    const setup = broker();
    const follower = { replicaId: -1, replicaState: { replicaId: 9, replicaEpoch: 1 } };
    expect(rows(await ask(setup, request([{ currentLeaderEpoch: 4 }], follower)).reply)).toMatchObject([{ error: "UNKNOWN_LEADER_EPOCH" }]);
    expect(rows(await ask(setup, request([{}], { replicaId: 9 })).reply)).toMatchObject([{ error: "NOT_LEADER_OR_FOLLOWER" }]);
  });
});

test("Fetch lists aborted transactions only for committed readers", async () => {
  const setup = broker();
  fill(setup, 0, [1]);
  expect(rows(await ask(setup, request([{}])).reply)[0]!.row.abortedTransactions).toBeNull();
  expect(rows(await ask(setup, request([{}], { isolationLevel: 1 })).reply)[0]!.row.abortedTransactions).toEqual([]);
});

test("Fetch tells of a partition that nobody has, as Kafka does, that it has no aborted transactions; of one it could not read, nothing", async () => {
  const setup = broker();
  const aborted = async (asked: Asked, version = 12) =>
    rows(await ask(setup, request([asked], { maxWaitMs: 0 }), version).reply)[0]!.row.abortedTransactions;
  expect(await aborted({ topic: "nobody" })).toEqual([]);
  expect(await aborted({ partition: 9 })).toEqual([]);
  expect(await aborted({ topicId: topicId(8) }, 13)).toEqual([]);
  expect(await aborted({ fetchOffset: 7 })).toBeNull();
});

test("Fetch holds the records and their bytes of the budget until the reply is sent", async () => {
  const setup = broker();
  const [size] = fill(setup, 0, [1]);
  await ask(setup, request([{}])).reply;
  expect([setup.services.fetchBudget.usedBytes, setup.log(ORDERS).releasedReads]).toEqual([size!, 0]);
  setup.sent();
  expect([setup.services.fetchBudget.usedBytes, setup.log(ORDERS).releasedReads]).toEqual([0, 1]);
});

test("Fetch waits for others to be sent when the budget is used up, and answers empty when its time is over", async () => {
  const setup = broker({ fetchBudgetBytes: 100 });
  fill(setup, 0, [1]);
  const { connection } = setup.context(12);
  const askHere = (asked: FetchRequest) => ask(setup, asked, 12, { connection });
  await askHere(request([{}])).reply;
  const waiting = askHere(request([{}], { maxWaitMs: 400 }));
  const late = askHere(request([{}], { maxWaitMs: 100 }));
  await settle();
  expect([waiting.answer, late.answer]).toEqual([null, null]);
  setup.time.advance(150);
  expect(rows(await late.reply)).toMatchObject([{ error: "NONE", bytes: 0 }]);
  setup.sent();
  expect(rows(await waiting.reply)[0]!.bytes).toBeGreaterThan(0);
});

test("fetch.refuse() tells the error at the top, and at each partition where clients look for it", () => {
  const byName = fetch.refuse(request([{ partition: 2 }]), "UNKNOWN_SERVER_ERROR", "");
  expect(byName.errorCode).toBe(errorCode("UNKNOWN_SERVER_ERROR"));
  expect(rows(byName)).toMatchObject([{ partition: 2, error: "UNKNOWN_SERVER_ERROR" }]);
  expect(fetch.refuse(request([{ topic: "", topicId: topicId(1) }]), "UNKNOWN_SERVER_ERROR", "").responses).toEqual([]);
});
