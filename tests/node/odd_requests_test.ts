/**
 * A whole broker under requests that no client would send: each is answered in its own schema or the connection is closed, none is
 * answered by a handler that failed, and the broker serves as before. ODD_REQUESTS says how many per API, ODD_REQUESTS_SEED which.
 */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { resetSync } from "@logtape/logtape";
import fc from "fast-check";
import { APIS, CreateTopics, DeleteTopics, encodeBatch, Fetch, Metadata, Produce, ZERO_UUID } from "../../lib/protocol/mod.ts";
import { configureLog } from "../../lib/telemetry/mod.ts";
import { Broker } from "../../mod.ts";
import { KafkaClient } from "./kafka_client.ts";
import { type OddRequest, OddRequests } from "./odd_requests.ts";

setDefaultTimeout(120_000);

const runs = Number(process.env["ODD_REQUESTS"] ?? 60);
const seed = Number(process.env["ODD_REQUESTS_SEED"] ?? 1);

const odd = new OddRequests();
/** What handlers failed with, which clients saw as an unknown error or a closed connection. */
const failures: string[] = [];
let broker: Broker;
let client: KafkaClient | null = null;

beforeAll(async () => {
  configureLog({ level: "error", format: "text", write: (line) => failures.push(line) });
  broker = await Broker.start({
    storage: "memory",
    topics: ["orders", { name: "clicks", partitions: 3 }, { name: "compacted", configs: { "cleanup.policy": "compact" } }],
    settings: { "group.initial.rebalance.delay.ms": "0", "group.min.session.timeout.ms": "1", "request.timeout.ms": "2000" },
  });
});
afterAll(async () => {
  client?.[Symbol.dispose]();
  await broker.close();
  resetSync();
});

async function connected(): Promise<KafkaClient> {
  if (client === null || client.isClosed) client = await KafkaClient.connect(broker.address);
  return client;
}

async function ask({ api, version, body }: OddRequest): Promise<void> {
  const client = await connected();
  client.send(api, version, body);
  await client.answer(api, version);
}

/** What there is now; topics that were deleted are made again. */
async function refresh(): Promise<void> {
  const client = await connected();
  await client.ask(CreateTopics, 7, {
    topics: [{ name: "orders", numPartitions: 1, replicationFactor: -1, assignments: [], configs: [] }],
    timeoutMs: 5_000,
    validateOnly: false,
  });
  const { topics } = await client.ask(Metadata, 13, { topics: null, allowAutoTopicCreation: false });
  odd.topicIds.splice(0, Infinity, ...topics.map(({ topicId }) => topicId));
}

describe("a broker under odd requests", () => {
  for (const api of APIS) {
    test(`${api.name}: answers in its schema or hangs up, and goes on`, async () => {
      await refresh();
      await fc.assert(fc.asyncProperty(odd.of(api), ask), { numRuns: runs, seed });
      expect(failures.splice(0)).toEqual([]);
    });
  }

  test("in any order: answers or hangs up, and goes on", async () => {
    await refresh();
    await fc.assert(fc.asyncProperty(fc.oneof(...APIS.map((api) => odd.of(api))), ask), { numRuns: 10 * runs, seed });
    expect(failures.splice(0)).toEqual([]);
  });

  test("serves a produce and a fetch afterwards", async () => {
    using client = await KafkaClient.connect(broker.address);
    await client.ask(DeleteTopics, 5, { topicNames: ["after"], timeoutMs: 5_000 });
    await client.ask(CreateTopics, 7, {
      topics: [{ name: "after", numPartitions: 1, replicationFactor: -1, assignments: [], configs: [] }],
      timeoutMs: 5_000,
      validateOnly: false,
    });
    const batch = encodeBatch({ records: [{ key: null, value: new Uint8Array([42]), timestamp: 0, headers: [] }] });
    const produced = await client.ask(Produce, 9, {
      acks: -1,
      timeoutMs: 5_000,
      topicData: [{ name: "after", topicId: ZERO_UUID, partitionData: [{ index: 0, records: batch }] }],
    });
    expect(produced.responses[0]!.partitionResponses[0]).toMatchObject({ errorCode: 0, baseOffset: 0 });
    const fetched = await client.ask(Fetch, 12, {
      maxWaitMs: 5_000,
      minBytes: 1,
      topics: [{ topic: "after", topicId: ZERO_UUID, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000_000 }] }],
    });
    expect(fetched.responses[0]!.partitions[0]).toMatchObject({ errorCode: 0, highWatermark: 1 });
  });
});
