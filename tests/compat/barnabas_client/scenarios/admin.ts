/** Every call of the admin, on whatever cluster it is given. */
import { expect } from "bun:test";
import { expectNoError } from "../../../../lib/client/errors.ts";
import { openAdmin, openCluster } from "../../../../lib/client/mod.ts";
import type { AdminApi, Cluster } from "../../../../lib/client/mod.ts";
import { encodeBatch, Produce } from "../../../../lib/protocol/mod.ts";
import type { Uuid } from "../../../../lib/protocol/mod.ts";
import { eventually, expectFailure, fresh, io, joinAlone, type Scenarios, soon, topicFor, valueOf } from "./support.ts";

type Steps = (admin: AdminApi, cluster: Cluster) => Promise<void>;

const scenario = (steps: Steps) => async (bootstrap: string) => {
  await using admin = openAdmin(io, { bootstrapServers: bootstrap });
  await using cluster = openCluster(io, { bootstrapServers: bootstrap });
  await steps(admin, cluster);
};

/** Writes `count` records, a second apart from `from`, with the first sequence of a producer where one is given. */
async function fill(
  cluster: Cluster,
  topic: string,
  count: number,
  { from = 1_000_000, producerId = -1, partition = 0 } = {},
): Promise<void> {
  const view = (await cluster.topics([topic], soon())).get(topic)!;
  if (view instanceof Error) throw view;
  const records = Array.from({ length: count }, (_, i) => ({ key: null, value: new Uint8Array(10), timestamp: from + i * 1000 }));
  const batch = encodeBatch({ records, ...producerId < 0 ? {} : { producerId, producerEpoch: 0, baseSequence: 0 } });
  // Its leader may not know yet that it is.
  await cluster.retry(soon(), async () => {
    const { responses } = await cluster.call(view.partitions[partition]!.leader, Produce, {
      acks: -1,
      timeoutMs: 10_000,
      topicData: [{ name: topic, topicId: view.topicId as Uuid, partitionData: [{ index: partition, records: batch }] }],
    }, { deadline: soon() });
    expectNoError(responses[0]!.partitionResponses[0]!.errorCode, "fill");
  });
}

export const scenarios: Scenarios = {
  "topics are created, seen, listed and deleted": scenario(async (admin) => {
    const [one, three] = [fresh("one"), fresh("three")];
    const made = await admin.createTopics([
      { name: one, partitions: 1, replicationFactor: 1 },
      { name: three, partitions: 3, replicationFactor: 1, configs: { "cleanup.policy": "compact" } },
    ]);
    expect(valueOf(made.get(one)).partitions).toMatchObject([{ partition: 0 }]);
    const view = valueOf(made.get(three));
    expect(view.partitions.map(({ partition }) => partition)).toEqual([0, 1, 2]);
    expect(view.partitions.every(({ leader, replicas, isr }) => leader >= 0 && replicas.includes(leader) && isr.includes(leader))).toBe(
      true,
    );
    const described = await admin.describeTopics([three, "no-such-topic"]);
    expect(valueOf(described.get(three)).topicId).toBe(view.topicId);
    expectFailure(described.get("no-such-topic"), "UNKNOWN_TOPIC_OR_PARTITION");
    const listed = (await admin.listTopics()).map(({ name }) => name);
    expect(listed).toContain(one);
    expect(listed).toEqual(listed.toSorted());
    const deleted = await admin.deleteTopics([one, three, "no-such-topic"]);
    expect([deleted.get(one)!.ok, deleted.get(three)!.ok]).toEqual([true, true]);
    expectFailure(deleted.get("no-such-topic"), "UNKNOWN_TOPIC_OR_PARTITION");
  }),

  "each topic of a creation has its own outcome": scenario(async (admin) => {
    const { name } = await topicFor(admin, "there");
    const [dry, assigned] = [fresh("dry"), fresh("assigned")];
    const made = await admin.createTopics([
      { name },
      { name: "not a name" },
      { name: fresh("none"), partitions: 0 },
      { name: fresh("replicas"), partitions: 1, replicationFactor: 99 },
      { name: fresh("config"), configs: { "no.such.setting": "1" } },
    ]);
    const errors = [...made.values()].map((outcome) => outcome.ok ? "ok" : outcome.error.error);
    expect(errors).toEqual([
      "TOPIC_ALREADY_EXISTS",
      "INVALID_TOPIC_EXCEPTION",
      "INVALID_PARTITIONS",
      "INVALID_REPLICATION_FACTOR",
      "INVALID_CONFIG",
    ]);
    expect(valueOf((await admin.createTopics([{ name: dry, partitions: 2 }], { validateOnly: true })).get(dry)).partitions).toHaveLength(2);
    expectFailure((await admin.describeTopics([dry])).get(dry), "UNKNOWN_TOPIC_OR_PARTITION");
    const { nodes: [node] } = await admin.describeCluster();
    const assignments = new Map([[0, [node!.id]], [1, [node!.id]]]);
    expect(valueOf((await admin.createTopics([{ name: assigned, assignments }])).get(assigned)).partitions).toHaveLength(2);
  }),

  "partitions are added, never taken away": scenario(async (admin) => {
    const { name } = await topicFor(admin, "growing", 2);
    expect(valueOf((await admin.createPartitions({ [name]: 4 }, { validateOnly: true })).get(name))).toBeUndefined();
    expect(valueOf((await admin.describeTopics([name])).get(name)).partitions).toHaveLength(2);
    valueOf((await admin.createPartitions({ [name]: 4 })).get(name));
    expect(valueOf((await admin.describeTopics([name])).get(name)).partitions).toHaveLength(4);
    expectFailure((await admin.createPartitions({ [name]: 3 })).get(name), "INVALID_PARTITIONS");
    const missing = fresh("missing");
    expectFailure((await admin.createPartitions({ [missing]: 3 })).get(missing), "UNKNOWN_TOPIC_OR_PARTITION");
  }),

  "offsets are found by end and by time, for several positions of one partition": scenario(async (admin, cluster) => {
    const { name: topic } = await topicFor(admin, "offsets", 2);
    await fill(cluster, topic, 10);
    const at = await admin.listOffsets([
      { topic, partition: 0, position: "earliest" },
      { topic, partition: 0, position: "latest" },
      { topic, partition: 1, position: "latest" },
      { topic, partition: 0, position: { timestamp: 1_003_500 } },
      { topic, partition: 0, position: { timestamp: 9_000_000 } },
      { topic, partition: 0, position: 7 },
      { topic, partition: 9, position: "latest" },
      { topic: "no-such-topic", partition: 0, position: "latest" },
    ]);
    expect(at.slice(0, 6).map(valueOf)).toEqual([0, 10, 0, 4, null, 7]);
    expectFailure(at[6], "UNKNOWN_TOPIC_OR_PARTITION");
    expectFailure(at[7], "UNKNOWN_TOPIC_OR_PARTITION");
    expect(at.map(({ topic, partition }) => `${topic}-${partition}`)[2]).toBe(`${topic}-1`);
  }),

  "records are deleted up to an offset": scenario(async (admin, cluster) => {
    const { name: topic } = await topicFor(admin, "deleted");
    await fill(cluster, topic, 10);
    expect((await admin.deleteRecords([{ topic, partition: 0, offset: 4 }])).map(valueOf)).toEqual([4]);
    expect((await admin.listOffsets([{ topic, partition: 0, position: "earliest" }])).map(valueOf)).toEqual([4]);
    expectFailure((await admin.deleteRecords([{ topic, partition: 0, offset: 11 }]))[0], "OFFSET_OUT_OF_RANGE");
    expect((await admin.deleteRecords([{ topic, partition: 0, offset: -1 }])).map(valueOf)).toEqual([10]);
  }),

  "settings of topics and brokers are described and changed": scenario(async (admin) => {
    const { name } = await topicFor(admin, "configured", 1, { "retention.ms": "1000000" });
    const resource = { type: "topic", name } as const;
    const { nodes: [node] } = await admin.describeCluster();
    const [topic, broker, missing, nobody] = await admin.describeConfigs([
      resource,
      { type: "broker", name: String(node!.id) },
      { type: "topic", name: "no-such-topic" },
      { type: "broker", name: "4711" },
    ]);
    const setting = (name: string) => valueOf(topic).find((entry) => entry.name === name);
    expect(setting("retention.ms")).toMatchObject({
      value: "1000000",
      source: "topic",
      type: "long",
      isReadOnly: false,
      isSensitive: false,
    });
    expect(setting("cleanup.policy")).toMatchObject({ value: "delete", source: "default", type: "list" });
    expect(setting("retention.ms")!.documentation).not.toBeNull();
    expect(setting("retention.ms")!.synonyms[0]).toMatchObject({ name: "retention.ms", value: "1000000", source: "topic" });
    expect(valueOf(broker).find((entry) => entry.name === "node.id")).toMatchObject({ value: String(node!.id), isReadOnly: true });
    expectFailure(missing, "UNKNOWN_TOPIC_OR_PARTITION");
    expectFailure(nobody, "BROKER_NOT_AVAILABLE");

    const change = (changes: Parameters<AdminApi["alterConfigs"]>[0][number]["changes"]) => admin.alterConfigs([{ resource, changes }]);
    const values = async () => {
      const entries = valueOf((await admin.describeConfigs([resource]))[0]);
      return ["retention.ms", "cleanup.policy"].map((name) => entries.find((entry) => entry.name === name)!.value).join();
    };
    const become = (expected: string) => eventually(values, (seen) => seen === expected);
    valueOf((await change([{ name: "retention.ms", operation: "set", value: "5000" }]))[0]);
    valueOf((await change([{ name: "cleanup.policy", operation: "append", value: "compact" }]))[0]);
    await become("5000,delete,compact");
    await admin.alterConfigs([{ resource, changes: [{ name: "retention.ms", operation: "set", value: "7" }] }], { validateOnly: true });
    expect(await values()).toBe("5000,delete,compact");
    valueOf(
      (await change([{ name: "cleanup.policy", operation: "subtract", value: "delete" }, { name: "retention.ms", operation: "delete" }]))[
        0
      ],
    );
    await become("604800000,compact");
    expectFailure((await change([{ name: "retention.ms", operation: "set", value: "soon" }]))[0], "INVALID_CONFIG");
  }),

  "groups are listed, described and deleted": scenario(async (admin, cluster) => {
    const { name: topic } = await topicFor(admin, "grouped");
    const [group, empty, missing] = [fresh("group"), fresh("empty"), fresh("missing")];
    const memberId = await joinAlone(cluster, group, topic);
    valueOf((await admin.alterGroupOffsets(empty, [{ topic, partition: 0, offset: 0 }]))[0]);
    const listed = new Map((await admin.listGroups()).map((one) => [one.groupId, one]));
    expect(listed.get(group)).toMatchObject({ protocolType: "consumer", state: "Stable" });
    expect(listed.get(group)!.type.toLowerCase()).toBe("classic");
    expect(listed.get(empty)).toMatchObject({ state: "Empty" });
    expect((await admin.listGroups({ states: ["Empty"] })).map(({ groupId }) => groupId)).not.toContain(group);
    expect((await admin.listGroups({ types: ["classic"] })).map(({ groupId }) => groupId)).toContain(group);
    const described = await admin.describeGroups([group, missing]);
    expect(valueOf(described.get(group))).toMatchObject({
      groupId: group,
      state: "Stable",
      protocolType: "consumer",
      protocol: "range",
      members: [{ memberId, groupInstanceId: null, clientId: "barnabas", assignment: [{ topic, partition: 0 }] }],
    });
    expectFailure(described.get(missing), "GROUP_ID_NOT_FOUND");
    const deleted = await admin.deleteGroups([empty, group, missing]);
    valueOf(deleted.get(empty));
    expectFailure(deleted.get(group), "NON_EMPTY_GROUP");
    expectFailure(deleted.get(missing), "GROUP_ID_NOT_FOUND");
  }),

  "committed offsets are read, set and deleted from outside": scenario(async (admin, cluster) => {
    const { name: topic } = await topicFor(admin, "committed", 3);
    await fill(cluster, topic, 5);
    const group = fresh("resetting");
    const set = await admin.alterGroupOffsets(group, [
      { topic, partition: 0, offset: 3, metadata: "note" },
      { topic, partition: 2, offset: 1, leaderEpoch: 0 },
    ]);
    expect(set.map(({ ok }) => ok)).toEqual([true, true]);
    const sorted = (rows: Awaited<ReturnType<AdminApi["listGroupOffsets"]>>) => rows.toSorted((a, b) => a.partition - b.partition);
    expect(sorted(await admin.listGroupOffsets(group))).toEqual([
      { topic, partition: 0, offset: 3, metadata: "note" },
      { topic, partition: 2, offset: 1, leaderEpoch: 0, metadata: "" },
    ]);
    expect(await admin.listGroupOffsets(group, [{ topic, partition: 1 }, { topic, partition: 2 }])).toHaveLength(1);
    expect(await admin.listGroupOffsets(fresh("nobody"))).toEqual([]);
    expect((await admin.deleteGroupOffsets(group, [{ topic, partition: 0 }])).map(({ ok }) => ok)).toEqual([true]);
    expect((await admin.listGroupOffsets(group)).map(({ partition }) => partition)).toEqual([2]);
    expectFailure((await admin.deleteGroupOffsets(fresh("nobody"), [{ topic, partition: 0 }]))[0], "GROUP_ID_NOT_FOUND");
  }),

  "offsets of a group with members are not changed from outside, and members are taken out": scenario(async (admin, cluster) => {
    const { name: topic } = await topicFor(admin, "busy");
    const group = fresh("busy");
    const memberId = await joinAlone(cluster, group, topic, "instance-1");
    expectFailure((await admin.alterGroupOffsets(group, [{ topic, partition: 0, offset: 0 }]))[0], "UNKNOWN_MEMBER_ID");
    expectFailure((await admin.deleteGroupOffsets(group, [{ topic, partition: 0 }]))[0], "GROUP_SUBSCRIBED_TO_TOPIC");
    expect(valueOf((await admin.describeGroups([group])).get(group)).members).toMatchObject([{ memberId, groupInstanceId: "instance-1" }]);
    const removed = await admin.removeGroupMembers(group, [{ groupInstanceId: "instance-1" }, { groupInstanceId: "nobody" }]);
    valueOf(removed[0]);
    expectFailure(removed[1], "UNKNOWN_MEMBER_ID");
    expect(valueOf((await admin.describeGroups([group])).get(group))).toMatchObject({ state: "Empty", members: [] });
    valueOf((await admin.alterGroupOffsets(group, [{ topic, partition: 0, offset: 0 }]))[0]);
  }),

  "the cluster, its disks, its quorum and the producers of a partition are described": scenario(async (admin, cluster) => {
    const { name: topic } = await topicFor(admin, "described", 2);
    await fill(cluster, topic, 3, { producerId: 4711 });
    const { clusterId, nodes, controller } = await admin.describeCluster();
    expect(clusterId).not.toBe("");
    expect(nodes.length).toBeGreaterThan(0);
    expect(nodes.map(({ id }) => id)).toContain(controller!);
    const dirs = await admin.describeLogDirs();
    expect(dirs.every(({ error, totalBytes }) => error === null && totalBytes > 0)).toBe(true);
    const replicas = dirs.flatMap(({ replicas }) => replicas).filter((replica) => replica.topic === topic);
    expect(replicas.map(({ partition }) => partition).toSorted()).toEqual([0, 1]);
    expect(replicas.find(({ partition }) => partition === 0)!.sizeBytes).toBeGreaterThan(0);
    const quorum = await admin.describeQuorum();
    expect(quorum.voters.map(({ id }) => id)).toContain(quorum.leaderId);
    expect(quorum.highWatermark).toBeGreaterThan(0);
    const [states, none] = await admin.describeProducers([{ topic, partition: 0 }, { topic, partition: 1 }]);
    expect(valueOf(states)).toMatchObject([{ producerId: 4711, producerEpoch: 0, lastSequence: 2, currentTransactionStart: -1 }]);
    expect(valueOf(none)).toEqual([]);
  }),
};
