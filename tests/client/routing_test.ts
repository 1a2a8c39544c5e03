/** Who is asked: metadata that many want at once, leaders and coordinators that move, failures that are worth another try. */
import { expect, test } from "bun:test";
import { failureOf } from "../../lib/client/errors.ts";
import { atCoordinator, KafkaError, openCluster, openProducer } from "../../lib/client/mod.ts";
import { backoffMs } from "../../lib/client/retry.ts";
import { FindCoordinator, Heartbeat, InitProducerId, KAFKA_ERRORS, Metadata, Produce } from "../../lib/protocol/mod.ts";
import { ScriptedBroker, topicRow } from "./scripted_broker.ts";
import { io, soon } from "./setup.ts";

const fast = { retryBackoffMs: 1, retryBackoffMaxMs: 2 };

test("topics that are wanted in one turn are asked for in one request, and those under way are not asked for again", async () => {
  using broker = await ScriptedBroker.start();
  await using cluster = openCluster(io, { bootstrapServers: broker.address });
  const names = Array.from({ length: 50 }, (_, i) => `t${i}`);
  const found = await Promise.all(names.map((name) => cluster.topics([name], soon())));
  expect(found.map((one) => [...one.keys()])).toEqual(names.map((name) => [name]));
  expect(broker.of(Metadata)).toHaveLength(1);
  await cluster.topics(names, soon());
  expect(broker.of(Metadata)).toHaveLength(1);
  for (const name of names) cluster.forgetTopic(name);
  await Promise.all([cluster.topics(names, soon()), cluster.topics(["t1", "t2"], soon())]);
  expect(broker.of(Metadata)).toHaveLength(2);
});

test("one asker's hurry fails no other", async () => {
  let release = () => {};
  const released = new Promise<void>((resolve) => release = resolve);
  using broker = await ScriptedBroker.start((asked, broker) => {
    if (asked.api !== Metadata || broker.of(Metadata).length !== 2) return undefined;
    void released.then(() =>
      broker.later(asked, { brokers: [], clusterId: "c", controllerId: 1, topics: asked.request.topics.map(topicRow) })
    );
    return null;
  });
  await using cluster = openCluster(io, { bootstrapServers: broker.address });
  await cluster.nodes(soon());
  const hasty = cluster.topics(["t"], soon(1)).catch((error: KafkaError) => error.error);
  const patient = cluster.topics(["t"], soon());
  expect(await hasty).toBe("REQUEST_TIMED_OUT");
  release();
  expect((await patient).get("t")).toMatchObject({ name: "t" });
});

test("a producer follows the leader that a reply names, without asking for metadata", async () => {
  using second = await ScriptedBroker.start((asked, broker) =>
    asked.api === Produce ? broker.reply(asked, stored(asked.request, 42)) : undefined
  );
  using first = await ScriptedBroker.start((asked, broker) => {
    if (asked.api === InitProducerId) return broker.reply(asked, { errorCode: 0, producerId: 1, producerEpoch: 0 });
    if (asked.api !== Produce) return undefined;
    const [{ name, topicId, partitionData: [{ index }] }] = asked.request.topicData;
    const row = { index, errorCode: 6, baseOffset: -1, currentLeader: { leaderId: 2, leaderEpoch: 5 } };
    return broker.reply(asked, {
      responses: [{ name, topicId, partitionResponses: [row] }],
      nodeEndpoints: [{ nodeId: 2, host: "127.0.0.1", port: second.port, rack: null }],
    });
  });
  await using producer = openProducer(io, { bootstrapServers: first.address, ...fast });
  expect(await producer.send({ topic: "t", value: "v" })).toMatchObject({ offset: 42 });
  expect([first.of(Produce).length, second.of(Produce).length, first.of(Metadata).length]).toEqual([1, 1, 1]);
});

// deno-lint-ignore no-explicit-any -- a decoded request
function stored(request: any, baseOffset: number) {
  // deno-lint-ignore no-explicit-any -- as above
  const responses = request.topicData.map(({ name, topicId, partitionData }: any) => ({
    name,
    topicId,
    partitionResponses: partitionData.map(({ index }: { index: number }) => ({ index, errorCode: 0, baseOffset })),
  }));
  return { responses };
}

test("atCoordinator() looks again when the group has moved, and not when the failure is the group's", async () => {
  let answers = [16, 14, 0];
  using broker = await ScriptedBroker.start((asked, broker) => {
    if (asked.api === Heartbeat) return broker.reply(asked, { errorCode: answers.shift()! });
    if (asked.api !== FindCoordinator) return undefined;
    const rows = asked.request.coordinatorKeys.map((key: string) => ({
      key,
      nodeId: 1,
      host: "127.0.0.1",
      port: broker.port,
      errorCode: 0,
      errorMessage: null,
    }));
    return broker.reply(asked, { coordinators: rows });
  });
  await using cluster = openCluster(io, { bootstrapServers: broker.address, ...fast });
  const beat = () =>
    atCoordinator(cluster, "group", "g", soon(), async (node) => {
      const { errorCode } = await cluster.call(node, Heartbeat, { groupId: "g", generationId: 1, memberId: "m" }, { deadline: soon() });
      if (errorCode !== 0) throw failureOf(errorCode, "beat");
    });
  await beat();
  // NOT_COORDINATOR is about who was asked, COORDINATOR_LOAD_IN_PROGRESS is not.
  expect([broker.of(Heartbeat).length, broker.of(FindCoordinator).length]).toEqual([3, 2]);
  answers = [25];
  expect(await beat().catch((error: KafkaError) => error.error)).toBe("UNKNOWN_MEMBER_ID");
  expect(broker.of(FindCoordinator)).toHaveLength(2);
});

test("a KafkaError is retriable as the table of errors says, and keeps the broker's own words", () => {
  for (const { name, code, retriable, text } of KAFKA_ERRORS) {
    const error = failureOf(code, 'do "it"');
    expect(error).toMatchObject({ name: "KafkaError", error: name, retriable, isOutcomeUnknown: false });
    expect(error.message.toLowerCase()).toBe(`cannot do "it": ${text} (${name})`.toLowerCase());
  }
  expect(failureOf(36, "create", "Topic 'a' already exists.").message).toBe(
    "Cannot create: Topic 'a' already exists. (TOPIC_ALREADY_EXISTS)",
  );
  expect(failureOf(999, "create")).toMatchObject({
    error: "UNKNOWN_SERVER_ERROR",
    message: "Cannot create: error code 999 (UNKNOWN_SERVER_ERROR)",
  });
});

test("backoffMs() doubles up to its maximum, a fifth more or less", () => {
  const backoff = { retryBackoffMs: 100, retryBackoffMaxMs: 1_000 };
  expect([1, 2, 3, 4, 5, 500].map((failures) => backoffMs(failures, backoff, 0.5))).toEqual([100, 200, 400, 800, 1_000, 1_000]);
  expect([backoffMs(1, backoff, 0), backoffMs(1, backoff, 1)].map(Math.round)).toEqual([80, 120]);
});
