import { describe, expect, test } from "bun:test";
import { metadata } from "../../../lib/broker/handlers/metadata.ts";
import { errorCode, type MetadataRequest, ZERO_UUID } from "../../../lib/protocol/mod.ts";
import { topic } from "../../controller/fixture.ts";
import { startBroker } from "./metadata_fixture.ts";

const versions = Array.from({ length: 14 }, (_, version) => version);

const request = (names: readonly string[] | null, change: Partial<MetadataRequest> = {}): MetadataRequest => ({
  topics: names?.map((name) => ({ name, topicId: ZERO_UUID })) ?? null,
  allowAutoTopicCreation: false,
  includeClusterAuthorizedOperations: false,
  includeTopicAuthorizedOperations: false,
  ...change,
});

describe("metadata", () => {
  test("names the broker by the listener that the client came in by", async () => {
    const broker = await startBroker();
    for (const version of versions) {
      const { brokers } = await broker.ask(metadata, version, request(version === 0 ? [] : null), "OUTSIDE");
      expect(brokers).toMatchObject([{ nodeId: 1, host: "broker.test", port: 19092 }]);
    }
    const { controllerId, clusterId } = await broker.ask(metadata, 13, request(null));
    expect({ controllerId, clusterId }).toEqual({ controllerId: 1, clusterId: broker.controller.image.clusterId });
  });

  test("looks whether what it tells can work for who asks, by the listener that it came in by", async () => {
    const broker = await startBroker();
    await broker.ask(metadata, 13, request(null), "OUTSIDE");
    expect(broker.advertised).toEqual(["10.0.0.7 is told broker.test:19092 by OUTSIDE"]);
  });

  test("answers null with all topics, an empty list with none, and in v0 with all", async () => {
    const broker = await startBroker();
    await broker.controller.createTopics([topic("a"), topic("b", { partitions: 2 })], false, broker.soon());
    for (const version of versions) {
      const all = await broker.ask(metadata, version, request(version === 0 ? [] : null));
      expect(all.topics.map(({ name, partitions }) => [name, partitions.length])).toEqual([["a", 1], ["b", 2]]);
      if (version > 0) expect((await broker.ask(metadata, version, request([]))).topics).toEqual([]);
    }
  });

  test("finds topics by id from v12 on, and refuses ids before", async () => {
    const broker = await startBroker();
    await broker.controller.createTopics([topic("a")], false, broker.soon());
    const { topicId } = broker.controller.image.topics.get("a")!;
    const unknown = broker.controller.image.clusterId;
    const topics = [{ name: null, topicId }, { name: null, topicId: unknown }];
    for (const version of [12, 13]) {
      const reply = await broker.ask(metadata, version, request(null, { topics }));
      expect(reply.topics).toMatchObject([
        { errorCode: 0, name: "a", topicId },
        { errorCode: errorCode("UNKNOWN_TOPIC_ID"), name: null, topicId: unknown, partitions: [] },
      ]);
    }
    for (const version of [10, 11]) {
      const reply = await broker.ask(metadata, version, request(null, { topics: [{ name: "a", topicId }] }));
      expect(reply.topics).toMatchObject([{ errorCode: errorCode("INVALID_REQUEST"), name: "a" }]);
    }
  });

  test("refuses a null name in v10 and v11, whose replies cannot say null: the name is empty there", async () => {
    const broker = await startBroker();
    await broker.controller.createTopics([topic("a")], false, broker.soon());
    const topics = [{ name: null, topicId: ZERO_UUID }, { name: "a", topicId: ZERO_UUID }];
    for (const version of [10, 11]) {
      const reply = await broker.ask(metadata, version, request(null, { topics }));
      expect(reply.topics.map((row) => [row.name, row.errorCode])).toEqual([
        ["", errorCode("INVALID_REQUEST")],
        ["a", errorCode("INVALID_REQUEST")],
      ]);
    }
  });

  test("says why a topic is not there, once for each name", async () => {
    const broker = await startBroker();
    const { topics } = await broker.ask(metadata, 9, request(["missing", "a b", "missing", "__consumer_offsets"]));
    expect(topics.map((row) => [row.name, row.errorCode, row.isInternal])).toEqual([
      ["missing", errorCode("UNKNOWN_TOPIC_OR_PARTITION"), false],
      ["a b", errorCode("INVALID_TOPIC_EXCEPTION"), false],
      ["__consumer_offsets", errorCode("UNKNOWN_TOPIC_OR_PARTITION"), true],
    ]);
  });

  test("creates a topic that many ask for at once a single time, and answers all with it", async () => {
    const broker = await startBroker();
    const asked = Array.from({ length: 20 }, () => broker.ask(metadata, 9, request(["auto"], { allowAutoTopicCreation: true })));
    const replies = await Promise.all(asked);
    for (const { topics } of replies) {
      expect(topics).toMatchObject([{ errorCode: 0, name: "auto", partitions: [{ leaderId: 1, leaderEpoch: 0, isrNodes: [1] }] }]);
    }
    expect(broker.controller.image.topics.size).toBe(1);
  });

  test("creates nothing when the client, the broker or the name forbids it", async () => {
    const broker = await startBroker();
    const allowed = { allowAutoTopicCreation: true };
    await broker.ask(metadata, 9, request(["a"]));
    await broker.ask(metadata, 9, request(["..", "__consumer_offsets"], allowed));
    broker.settings["autoCreateTopicsEnable"] = false;
    await broker.ask(metadata, 9, request(["a"], allowed));
    expect(broker.controller.image.topics.size).toBe(0);
  });

  test("tells a collision with another name", async () => {
    const broker = await startBroker();
    await broker.controller.createTopics([topic("a.b")], false, broker.soon());
    const { topics } = await broker.ask(metadata, 9, request(["a_b"], { allowAutoTopicCreation: true }));
    expect(topics[0]!.errorCode).toBe(errorCode("INVALID_TOPIC_EXCEPTION"));
  });

  test("tells operations only when asked", async () => {
    const broker = await startBroker();
    await broker.controller.createTopics([topic("a")], false, broker.soon());
    const asked = request(["a"], { includeClusterAuthorizedOperations: true, includeTopicAuthorizedOperations: true });
    const reply = await broker.ask(metadata, 8, asked);
    expect([reply.clusterAuthorizedOperations, reply.topics[0]!.topicAuthorizedOperations]).toEqual([8096, 3576]);
    const quiet = await broker.ask(metadata, 8, request(["a"]));
    expect([quiet.clusterAuthorizedOperations, quiet.topics[0]!.topicAuthorizedOperations]).toEqual([-2147483648, -2147483648]);
  });
});
