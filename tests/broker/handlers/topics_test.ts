import { describe, expect, test } from "bun:test";
import { createPartitions } from "../../../lib/broker/handlers/create_partitions.ts";
import { deleteTopics } from "../../../lib/broker/handlers/delete_topics.ts";
import { describeCluster } from "../../../lib/broker/handlers/describe_cluster.ts";
import { describeQuorum } from "../../../lib/broker/handlers/describe_quorum.ts";
import { describeTopicPartitions } from "../../../lib/broker/handlers/describe_topic_partitions.ts";
import { errorCode, ZERO_UUID } from "../../../lib/protocol/mod.ts";
import { topic } from "../../controller/fixture.ts";
import { startBroker } from "./metadata_fixture.ts";

const INVALID_REQUEST = errorCode("INVALID_REQUEST");

describe("deleteTopics", () => {
  test("deletes by name in every version and by id from v6 on", async () => {
    const broker = await startBroker();
    for (const version of [1, 2, 3, 4, 5]) {
      await broker.controller.createTopics([topic("a")], false, broker.soon());
      const reply = await broker.ask(deleteTopics, version, { topicNames: ["a", "missing"], timeoutMs: 1_000 });
      expect(reply.responses).toMatchObject([
        { name: "a", errorCode: 0 },
        { name: "missing", errorCode: errorCode("UNKNOWN_TOPIC_OR_PARTITION") },
      ]);
    }
    await broker.controller.createTopics([topic("a"), topic("b")], false, broker.soon());
    const { topicId } = broker.controller.image.topics.get("a")!;
    const unknown = broker.controller.image.clusterId;
    const topics = [{ name: null, topicId }, { name: "b", topicId: ZERO_UUID }, { name: null, topicId: unknown }];
    const reply = await broker.ask(deleteTopics, 6, { topics, timeoutMs: 1_000 });
    expect(reply.responses).toMatchObject([
      { name: "a", topicId, errorCode: 0 },
      { name: "b", errorCode: 0 },
      { name: null, topicId: unknown, errorCode: errorCode("UNKNOWN_TOPIC_ID") },
    ]);
    expect(broker.controller.image.topics.size).toBe(0);
  });

  test("refuses a topic that is named twice, also once by name and once by id", async () => {
    const broker = await startBroker();
    await broker.controller.createTopics([topic("a"), topic("b")], false, broker.soon());
    const { topicId } = broker.controller.image.topics.get("a")!;
    const topics = [{ name: "a", topicId: ZERO_UUID }, { name: null, topicId }, { name: "b", topicId: ZERO_UUID }];
    const reply = await broker.ask(deleteTopics, 6, { topics, timeoutMs: 1_000 });
    expect(reply.responses.map((row) => [row.name, row.errorCode])).toEqual([["a", INVALID_REQUEST], ["b", 0]]);
    // As Kafka: the row says both of what the topic was called by.
    expect(reply.responses[0]!.topicId).toBe(topicId);
    expect([...broker.controller.image.topics.keys()]).toEqual(["a"]);
  });

  test("deletes nothing when it is switched off", async () => {
    const broker = await startBroker({ deleteTopicEnable: false });
    await broker.controller.createTopics([topic("a")], false, broker.soon());
    const codes = [];
    for (const version of [2, 3]) {
      const { responses } = await broker.ask(deleteTopics, version, { topicNames: ["a"], timeoutMs: 1_000 });
      codes.push(responses[0]!.errorCode);
    }
    expect(codes).toEqual([INVALID_REQUEST, errorCode("TOPIC_DELETION_DISABLED")]);
    expect(broker.controller.image.topics.size).toBe(1);
  });
});

describe("createPartitions", () => {
  test("adds partitions in every version, and tells each refusal", async () => {
    for (const version of [0, 1, 2, 3]) {
      const broker = await startBroker();
      await broker.controller.createTopics([topic("a"), topic("b", { partitions: 3 })], false, broker.soon());
      const topics = [
        { name: "a", count: 4, assignments: null },
        { name: "b", count: 2, assignments: null },
        { name: "c", count: 2, assignments: null },
        { name: "c", count: 2, assignments: null },
        { name: "d", count: 2, assignments: null },
      ];
      const reply = await broker.ask(createPartitions, version, { topics, timeoutMs: 1_000, validateOnly: false });
      expect(reply.results.map((row) => [row.name, row.errorCode])).toEqual([
        ["a", 0],
        ["b", errorCode("INVALID_PARTITIONS")],
        ["d", errorCode("UNKNOWN_TOPIC_OR_PARTITION")],
        ["c", INVALID_REQUEST],
      ]);
      expect(broker.controller.image.topics.get("a")!.partitions.map(({ partition }) => partition)).toEqual([0, 1, 2, 3]);
    }
  });

  test("with validateOnly adds nothing", async () => {
    const broker = await startBroker();
    await broker.controller.createTopics([topic("a")], false, broker.soon());
    const topics = [{ name: "a", count: 4, assignments: [{ brokerIds: [1] }, { brokerIds: [1] }, { brokerIds: [1] }] }];
    const reply = await broker.ask(createPartitions, 3, { topics, timeoutMs: 1_000, validateOnly: true });
    expect(reply.results).toEqual([{ name: "a", errorCode: 0, errorMessage: null }]);
    expect(broker.controller.image.topics.get("a")!.partitions).toHaveLength(1);
  });
});

describe("describeCluster", () => {
  test("tells id, controller and brokers in every version, and refuses other endpoint types", async () => {
    const broker = await startBroker();
    for (const version of [0, 1, 2]) {
      const asked = { includeClusterAuthorizedOperations: true, endpointType: 1, includeFencedBrokers: false };
      expect(await broker.ask(describeCluster, version, asked, "OUTSIDE")).toMatchObject({
        errorCode: 0,
        clusterId: broker.controller.image.clusterId,
        controllerId: 1,
        brokers: [{ brokerId: 1, host: "broker.test", port: 19092, rack: "r1" }],
        clusterAuthorizedOperations: 8096,
      });
    }
    const asked = { includeClusterAuthorizedOperations: false, endpointType: 2, includeFencedBrokers: false };
    const refused = await broker.ask(describeCluster, 1, asked);
    expect(refused).toMatchObject({ errorCode: errorCode("MISMATCHED_ENDPOINT_TYPE"), endpointType: 1, brokers: [] });
  });
});

describe("describeTopicPartitions", () => {
  test("walks through everything a page at a time", async () => {
    const broker = await startBroker();
    const created = [topic("c", { partitions: 2 }), topic("a", { partitions: 3 }), topic("b")];
    await broker.controller.createTopics(created, false, broker.soon());
    const seen: string[] = [];
    let cursor: { readonly topicName: string; readonly partitionIndex: number } | null = null;
    let pages = 0;
    do {
      const reply: Awaited<ReturnType<typeof page>> = await page(cursor);
      for (const row of reply.topics) seen.push(...row.partitions.map(({ partitionIndex }) => `${row.name}-${partitionIndex}`));
      cursor = reply.nextCursor ?? null;
      pages++;
    } while (cursor !== null);
    expect(seen).toEqual(["a-0", "a-1", "a-2", "b-0", "c-0", "c-1"]);
    expect(pages).toBe(3);
    function page(at: typeof cursor) {
      return broker.ask(describeTopicPartitions, 0, { topics: [], responsePartitionLimit: 2, cursor: at });
    }
  });

  test("refuses a cursor that is not among the topics, and tells what is unknown", async () => {
    const broker = await startBroker();
    await broker.controller.createTopics([topic("a")], false, broker.soon());
    const topics = [{ name: "a" }, { name: "z" }];
    const wrong = await broker.ask(describeTopicPartitions, 0, { topics, cursor: { topicName: "b", partitionIndex: 0 } });
    expect(wrong.topics.map((row) => row.errorCode)).toEqual([INVALID_REQUEST, INVALID_REQUEST]);
    const right = await broker.ask(describeTopicPartitions, 0, { topics });
    expect(right.topics.map((row) => row.errorCode)).toEqual([0, errorCode("UNKNOWN_TOPIC_OR_PARTITION")]);
    expect(right.topics[1]!.topicAuthorizedOperations).toBe(right.topics[0]!.topicAuthorizedOperations);
  });
});

describe("describeQuorum", () => {
  test("shows the one voter as leader in every version", async () => {
    const broker = await startBroker();
    const topics = [{ topicName: "__cluster_metadata", partitions: [{ partitionIndex: 0 }] }];
    for (const version of [0, 1, 2]) {
      const { topics: [row], nodes } = await broker.ask(describeQuorum, version, { topics });
      expect(row!.partitions).toMatchObject([
        { errorCode: 0, leaderId: 1, leaderEpoch: 1, currentVoters: [{ replicaId: 1 }], observers: [] },
      ]);
      expect(row!.partitions[0]!.highWatermark).toBe(row!.partitions[0]!.currentVoters[0]!.logEndOffset);
      if (version >= 2) expect(nodes.map(({ nodeId }) => nodeId)).toEqual([1]);
    }
  });

  test("refuses every row of a request for more than that, and names no node", async () => {
    const broker = await startBroker();
    const rows = (...partitions: number[]) => partitions.map((partitionIndex) => ({ partitionIndex }));
    for (
      const topics of [
        [{ topicName: "__cluster_metadata", partitions: rows(0, 1) }],
        [{ topicName: "__cluster_metadata", partitions: rows(1) }],
        [{ topicName: "__cluster_metadata", partitions: rows(0) }, { topicName: "another", partitions: rows(0) }],
      ]
    ) {
      const reply = await broker.ask(describeQuorum, 2, { topics });
      const codes = reply.topics.flatMap(({ partitions }) => partitions.map((row) => row.errorCode));
      expect(new Set(codes)).toEqual(new Set([errorCode("UNKNOWN_TOPIC_OR_PARTITION")]));
      expect(reply.nodes).toEqual([]);
    }
  });
});
