/** Traps that real clients fall into (docs/traps.md) and that only show on a whole broker, over real bytes. */
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  type AnyApi,
  ApiVersions,
  CreateTopics,
  cutFrames,
  decodeResponse,
  DescribeCluster,
  DescribeConfigs,
  DescribeQuorum,
  DescribeTopicPartitions,
  encodeBatch,
  encodeRequest,
  errorCode,
  Fetch,
  FindCoordinator,
  InitProducerId,
  ListOffsets,
  Metadata,
  Produce,
  RESPONSE_BYTES_MIN,
  Writer,
  ZERO_UUID,
} from "../../lib/protocol/mod.ts";
import { Broker } from "../../mod.ts";

/** One of the tests starts a process; a busy machine takes its time. */
setDefaultTimeout(60_000);

interface Address {
  readonly host: string;
  readonly port: number;
}

let broker: Broker;
beforeAll(async () => {
  broker = await Broker.start({ storage: "memory" });
});
afterAll(() => broker.close());

/** One request over a connection of its own; the reply in the version that was asked. */
// deno-lint-ignore no-explicit-any
async function ask(api: AnyApi, apiVersion: number, request: unknown, to: Address = broker.address): Promise<any> {
  const header = { apiVersion, correlationId: 1, clientId: "traps" };
  const socket = connect(to);
  socket.write(Buffer.concat(encodeRequest(api as never, header, request as never, new Writer())));
  let received = new Uint8Array(0);
  for await (const chunk of socket) {
    received = Buffer.concat([received, chunk as Uint8Array]);
    const [frame] = cutFrames(received, 1 << 20, RESPONSE_BYTES_MIN).frames;
    if (frame === undefined) continue;
    const reply = decodeResponse(api as never, apiVersion, 1, new Uint8Array(frame));
    socket.destroy();
    return reply;
  }
  throw new Error(`${api.name} v${apiVersion} was not answered`);
}

const newTopics = (names: readonly string[], numPartitions = 2) => ({
  topics: names.map((name) => ({ name, numPartitions, replicationFactor: 1, assignments: [], configs: [] })),
  timeoutMs: 10_000,
  validateOnly: false,
});
const metadataOf = (names: readonly string[] | null) => ({
  topics: names?.map((name) => ({ topicId: ZERO_UUID, name })) ?? null,
  allowAutoTopicCreation: false,
  includeClusterAuthorizedOperations: false,
  includeTopicAuthorizedOperations: false,
});
const versionsOf = ({ minVersion, maxVersion }: AnyApi) => Array.from({ length: maxVersion - minVersion + 1 }, (_, i) => minVersion + i);

test("metadata shows a topic with its leaders as soon as CreateTopics has answered, also on the next connection", async () => {
  const names = Array.from({ length: 50 }, (_, i) => `just-made-${i}`);
  await ask(CreateTopics, 7, newTopics(names));
  const { topics } = await ask(Metadata, 9, metadataOf(names));
  type Row = { name: string; errorCode: number; partitions: { leaderId: number; errorCode: number }[] };
  expect(topics.map(({ name, errorCode }: Row) => ({ name, errorCode }))).toEqual(names.map((name) => ({ name, errorCode: 0 })));
  for (const { partitions } of topics as Row[]) {
    expect(partitions.map(({ leaderId, errorCode }) => [leaderId, errorCode])).toEqual([[1, 0], [1, 0]]);
  }
});

test("clients are told the address that is bound, never a name that may mean ::1 first", async () => {
  const { brokers } = await ask(Metadata, 9, metadataOf([]));
  expect(brokers).toMatchObject([{ host: "127.0.0.1", port: broker.address.port }]);
});

describe("a log without transactions", () => {
  beforeAll(async () => {
    await ask(CreateTopics, 7, newTopics(["plain"], 1));
    const { producerId } = await ask(InitProducerId, 4, { transactionalId: null, transactionTimeoutMs: 60_000 });
    for (const numbered of [{}, { producerId, producerEpoch: 0, baseSequence: 0 }]) {
      const records = encodeBatch({ records: [1, 2].map((timestamp) => ({ timestamp, key: null, value: null })), ...numbered });
      const topicData = [{ name: "plain", topicId: ZERO_UUID, partitionData: [{ index: 0, records }] }];
      await ask(Produce, 9, { transactionalId: null, acks: -1, timeoutMs: 10_000, topicData });
    }
  });

  test.each(versionsOf(Fetch))("is read by committed readers to its end, with no aborted transactions (Fetch v%d)", async (version) => {
    const { topicId } = (await ask(Metadata, 12, metadataOf(["plain"]))).topics[0];
    const read = async (isolationLevel: number, fetchOffset: number) => {
      const partitions = [{ partition: 0, currentLeaderEpoch: -1, fetchOffset, lastFetchedEpoch: -1, partitionMaxBytes: 1 << 20 }];
      const { responses } = await ask(Fetch, version, {
        maxWaitMs: 0,
        minBytes: 0,
        maxBytes: 1 << 20,
        isolationLevel,
        topics: [{ topic: "plain", topicId, partitions }],
        forgottenTopicsData: [],
        rackId: "",
      });
      const [{ highWatermark, lastStableOffset, abortedTransactions, records }] = responses[0].partitions;
      return { highWatermark, lastStableOffset, abortedTransactions, size: records?.length ?? 0 };
    };
    // "Not asked" is null, "none" is an empty list: a Java consumer of committed records would fail on null.
    const uncommitted = await read(0, 0);
    expect(uncommitted).toMatchObject({ highWatermark: 4, lastStableOffset: 4, abortedTransactions: null });
    expect(await read(1, 0)).toEqual({ ...uncommitted, abortedTransactions: [] });
    expect(await read(1, 4)).toEqual({ highWatermark: 4, lastStableOffset: 4, abortedTransactions: [], size: 0 });
  });

  test.each(versionsOf(ListOffsets).filter((version) => version >= 2))("ends where it ends for them (ListOffsets v%d)", async (version) => {
    const partitions = [{ partitionIndex: 0, currentLeaderEpoch: -1, timestamp: -1 }];
    for (const isolationLevel of [0, 1]) {
      const { topics } = await ask(ListOffsets, version, { replicaId: -1, isolationLevel, topics: [{ name: "plain", partitions }] });
      expect(topics[0].partitions).toMatchObject([{ errorCode: 0, offset: 4 }]);
    }
  });
});

test("InitProducerId takes no timeout above transaction.max.timeout.ms, and looks at none that nobody needs", async () => {
  const error = async (transactionalId: string | null, transactionTimeoutMs: number, version: number) =>
    (await ask(InitProducerId, version, { transactionalId, transactionTimeoutMs })).errorCode;
  for (const version of versionsOf(InitProducerId)) {
    for (const timeoutMs of [-1, 0, 900_001, 2 ** 31 - 1]) {
      expect(await error("t", timeoutMs, version)).toBe(errorCode("INVALID_TRANSACTION_TIMEOUT"));
      expect(await error(null, timeoutMs, version)).toBe(0);
    }
    expect(await error("t", 900_000, version)).toBe(errorCode("TRANSACTIONAL_ID_AUTHORIZATION_FAILED"));
  }
});

describe("a node 7 with a rack and two listeners", () => {
  let node: Broker;
  let listeners: readonly (readonly [name: string, address: Address])[];
  beforeAll(async () => {
    node = await Broker.start({
      storage: "memory",
      listen: ["IN://127.0.0.1:0", "OUT://127.0.0.1:0"],
      topics: [{ name: "placed", partitions: 3 }],
      settings: { "node.id": "7", "broker.rack": "rack-b" },
    });
    listeners = node.node.listeners.map(({ name, bound }) => [name, bound]);
  });
  afterAll(() => node.close());

  test("says so in every reply, each with the address of the listener that was asked", async () => {
    expect(listeners.map(([name]) => name)).toEqual(["IN", "OUT"]);
    for (const [, to] of listeners) {
      const here = { host: "127.0.0.1", port: to.port };
      for (const version of versionsOf(Metadata)) {
        const reply = await ask(Metadata, version, metadataOf(version === 0 ? [] : null), to);
        expect(reply.brokers).toEqual([{ nodeId: 7, ...here, rack: version === 0 ? null : "rack-b" }]);
        if (version > 0) expect(reply.controllerId).toBe(7);
        const placed = reply.topics.find(({ name }: { name: string }) => name === "placed");
        expect(placed.partitions).toHaveLength(3);
        for (const partition of placed.partitions) {
          expect(partition).toMatchObject({ errorCode: 0, leaderId: 7, replicaNodes: [7], isrNodes: [7], offlineReplicas: [] });
        }
      }
      const cluster = await ask(DescribeCluster, 2, { endpointType: 1, includeFencedBrokers: true }, to);
      expect(cluster).toMatchObject({ controllerId: 7, brokers: [{ brokerId: 7, ...here, rack: "rack-b", isFenced: false }] });
      const walk = { topics: [{ name: "placed" }], responsePartitionLimit: 100, cursor: null };
      const { topics } = await ask(DescribeTopicPartitions, 0, walk, to);
      expect(topics[0].partitions).toMatchObject(Array(3).fill({ leaderId: 7, replicaNodes: [7], isrNodes: [7], offlineReplicas: [] }));
      for (const version of versionsOf(FindCoordinator)) {
        const found = await ask(FindCoordinator, version, { key: "g", keyType: 0, coordinatorKeys: ["g"] }, to);
        expect(version < 4 ? found : found.coordinators[0]).toMatchObject({ errorCode: 0, nodeId: 7, ...here });
      }
      const metadataLog = [{ topicName: "__cluster_metadata", partitions: [{ partitionIndex: 0 }] }];
      const quorum = await ask(DescribeQuorum, 2, { topics: metadataLog }, to);
      expect(quorum.topics[0].partitions).toMatchObject([{ leaderId: 7, currentVoters: [{ replicaId: 7 }] }]);
      expect(quorum.nodes.map(({ nodeId }: { nodeId: number }) => nodeId)).toEqual([7]);
      const internal = await ask(Metadata, 9, metadataOf(["__consumer_offsets"]), to);
      expect(new Set(internal.topics[0].partitions.map(({ leaderId }: { leaderId: number }) => leaderId))).toEqual(new Set([7]));
    }
  });

  test("places what is made on itself, and knows no other node", async () => {
    const [[, to]] = listeners as [readonly [string, Address]];
    const made = (name: string, brokerId: number) => ({
      ...newTopics([name]),
      topics: [{
        ...newTopics([name]).topics[0],
        numPartitions: -1,
        replicationFactor: -1,
        assignments: [{ partitionIndex: 0, brokerIds: [brokerId] }],
      }],
    });
    expect((await ask(CreateTopics, 7, made("here", 7), to)).topics[0].errorCode).toBe(0);
    expect((await ask(CreateTopics, 7, made("elsewhere", 1), to)).topics[0].errorCode).toBe(errorCode("INVALID_REPLICA_ASSIGNMENT"));
    const described = async (resourceName: string) => {
      const resources = [{ resourceType: 4, resourceName, configurationKeys: ["broker.rack", "node.id"] }];
      return (await ask(DescribeConfigs, 4, { resources, includeSynonyms: false, includeDocumentation: false }, to)).results[0];
    };
    expect((await described("7")).configs.map(({ value }: { value: string }) => value).sort()).toEqual(["7", "rack-b"]);
    expect((await described("1")).errorCode).toBe(errorCode("INVALID_REQUEST"));
  });
});

test("a harness made for the apache/kafka image sees the two lines that it waits for, and a broker that answers by then", async () => {
  const cwd = await mkdtemp(join(tmpdir(), "barnabas-traps-"));
  // What such a harness sets; the listener of controllers is one that a single process does not have.
  const env = {
    KAFKA_NODE_ID: "7",
    KAFKA_PROCESS_ROLES: "broker,controller",
    KAFKA_LISTENERS: "PLAINTEXT://127.0.0.1:0,CONTROLLER://127.0.0.1:0",
    KAFKA_CONTROLLER_LISTENER_NAMES: "CONTROLLER",
    KAFKA_CONTROLLER_QUORUM_VOTERS: "7@127.0.0.1:9094",
    KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: "1",
  };
  const main = resolve(import.meta.dir, "../../main.ts");
  const child = Bun.spawn([process.execPath, main, "serve", "--admin", "none"], {
    cwd,
    env,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  try {
    let said = "";
    const decoder = new TextDecoder();
    for await (const chunk of child.stdout) {
      said += decoder.decode(chunk, { stream: true });
      if (said.includes("Kafka Server started\n")) break;
    }
    const port = Number(/PLAINTEXT:\/\/127\.0\.0\.1:(\d+)/.exec(said)?.[1]);
    const asked = { clientSoftwareName: "harness", clientSoftwareVersion: "1" };
    expect((await ask(ApiVersions, 3, asked, { host: "127.0.0.1", port })).errorCode).toBe(0);
    child.kill("SIGTERM");
    expect(await child.exited).toBe(0);
    expect(said).toMatch(/^\[BrokerServer id=7\] Transitioning from RECOVERY to RUNNING$/m);
    expect(said).toMatch(/Transitioning from RECOVERY to RUNNING\n\[KafkaRaftServer nodeId=7\] Kafka Server started\n/);
  } finally {
    child.kill("SIGKILL");
    await rm(cwd, { recursive: true, force: true });
  }
});
