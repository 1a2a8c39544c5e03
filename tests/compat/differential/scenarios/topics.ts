/** Topics, their settings, and what a client is told about the cluster. */
import {
  ApiVersions,
  CreatePartitions,
  CreateTopics,
  DeleteTopics,
  DescribeCluster,
  DescribeLogDirs,
  DescribeQuorum,
  DescribeTopicPartitions,
  ListOffsets,
  Metadata,
  SaslAuthenticate,
  SaslHandshake,
  ZERO_UUID,
} from "../../../../lib/protocol/mod.ts";
import { type Peer, type Reply, until } from "../peer.ts";

/** Of a topic that no broker has. */
export const FOREIGN_ID = "Zm9yZWlnbi10b3BpYy1pZA";

export const newTopic = (name: string, numPartitions = 1, configs: readonly (readonly [string, string | null])[] = []) => ({
  name,
  numPartitions,
  replicationFactor: 1,
  assignments: [],
  configs: configs.map(([name, value]) => ({ name, value })),
});

/** Kafka answers CreateTopics before the topic's logs are open. */
async function served(bootstrap: string, name: string, partitions: number): Promise<void> {
  const asked = Array.from({ length: partitions }, (_, partitionIndex) => ({ partitionIndex, currentLeaderEpoch: -1, timestamp: -1 }));
  await until(bootstrap, `topic "${name}" is served`, async (peer) => {
    const request = { replicaId: -1, isolationLevel: 0, topics: [{ name, partitions: asked }] };
    const found: Reply = await peer.ask("", ListOffsets, 4, request);
    return found?.topics[0].partitions.every((row: { errorCode: number }) => row.errorCode === 0) ?? false;
  });
}

/** Creates a topic and waits until metadata shows it; answers with its id. */
export async function made(
  peer: Peer,
  name: string,
  partitions = 1,
  configs: readonly (readonly [string, string | null])[] = [],
): Promise<string> {
  const reply = await peer.ask(`make ${name}`, CreateTopics, 7, {
    topics: [newTopic(name, partitions, configs)],
    timeoutMs: 10_000,
    validateOnly: false,
  });
  const id = String(reply?.topics[0].topicId);
  await served(peer.bootstrap, name, partitions);
  peer.call(id, `<id of ${name}>`);
  return id;
}

export async function createTopics(peer: Peer): Promise<void> {
  const ask = (what: string, topics: readonly unknown[], validateOnly = false) =>
    peer.ask(what, CreateTopics, 7, { topics, timeoutMs: 10_000, validateOnly });
  await peer.every(
    "one",
    CreateTopics,
    (v) => ({ topics: [newTopic(`create-${v}`, 2, [["retention.ms", "1000"]])], timeoutMs: 10_000, validateOnly: false }),
  );
  await peer.every("existing", CreateTopics, () => ({ topics: [newTopic("create-7")], timeoutMs: 10_000, validateOnly: false }));
  await peer.every("validate only", CreateTopics, () => ({ topics: [newTopic("create-no", 3)], timeoutMs: 10_000, validateOnly: true }));
  await peer.every("bad name", CreateTopics, () => ({ topics: [newTopic("no/slash")], timeoutMs: 10_000, validateOnly: false }));
  for (const name of ["", ".", "..", "a".repeat(250), "ü", "__consumer_offsets_x", "create.7", "create_7"]) {
    await ask(`name "${name}"`, [newTopic(name)], true);
  }
  await ask("default counts", [{ ...newTopic("create-default", -1), replicationFactor: -1 }]);
  await ask("0 partitions", [newTopic("create-zero", 0)]);
  await ask("-2 partitions", [newTopic("create-zero", -2)]);
  await ask("0 replicas", [{ ...newTopic("create-zero"), replicationFactor: 0 }]);
  await ask("-2 replicas", [{ ...newTopic("create-zero"), replicationFactor: -2 }]);
  await ask("3 replicas", [{ ...newTopic("create-three"), replicationFactor: 3 }]);
  await ask("twice in one request", [newTopic("create-twice"), newTopic("create-twice"), newTopic("create-once")]);
  const assigned = (what: string, assignments: readonly unknown[], counts: readonly [number, number] = [-1, -1]) =>
    ask(what, [{ ...newTopic("create-assigned"), numPartitions: counts[0], replicationFactor: counts[1], assignments }], true);
  await assigned("assignment", [{ partitionIndex: 0, brokerIds: [1] }, { partitionIndex: 1, brokerIds: [1] }]);
  await assigned("assignment and counts", [{ partitionIndex: 0, brokerIds: [1] }], [1, 1]);
  await assigned("assignment with a gap", [{ partitionIndex: 1, brokerIds: [1] }]);
  await assigned("assignment twice", [{ partitionIndex: 0, brokerIds: [1] }, { partitionIndex: 0, brokerIds: [1] }]);
  await assigned("assignment to nobody", [{ partitionIndex: 0, brokerIds: [] }]);
  await assigned("assignment to an unknown broker", [{ partitionIndex: 0, brokerIds: [77] }]);
  await assigned("assignment to the same broker twice", [{ partitionIndex: 0, brokerIds: [1, 1] }]);
  for (
    const [name, value] of [
      ["no.such.setting", "1"],
      ["retention.ms", "soon"],
      ["retention.ms", "-2"],
      ["retention.ms", null],
      ["cleanup.policy", "compact,delete"],
      ["cleanup.policy", "shred"],
      ["cleanup.policy", ""],
      ["segment.bytes", "1"],
      ["compression.type", "brotli"],
      ["compression.type", "zstd"],
      ["min.insync.replicas", "0"],
      ["min.cleanable.dirty.ratio", "1.5"],
      ["message.timestamp.type", "Later"],
      ["max.message.bytes", "-1"],
      ["unclean.leader.election.enable", "perhaps"],
      ["segment.ms", "0"],
      ["message.format.version", "2.0"],
      ["compression.gzip.level", "99"],
      ["follower.replication.throttled.replicas", "0:1"],
      ["", "x"],
    ] as const
  ) await ask(`setting ${name}=${value}`, [newTopic("create-setting", 1, [[name, value]])], true);
  // An odd order: replies come in the order of the request, refused rows among the others.
  await ask("several", [newTopic("create-z"), newTopic("no/slash"), newTopic("create-a"), newTopic("create-7"), newTopic("create-m")]);
  await ask("setting twice", [newTopic("create-setting", 1, [["retention.ms", "1"], ["retention.ms", "2"]])], true);
  await ask("nothing", []);
}

export async function deleteTopics(peer: Peer): Promise<void> {
  for (let v = 1; v <= 6; v++) await made(peer, `delete-${v}`);
  await peer.every("one and an unknown one", DeleteTopics, (v) => ({
    topicNames: [`delete-${v}`, "delete-unknown"],
    topics: [{ name: `delete-${v}`, topicId: ZERO_UUID }, { name: "delete-unknown", topicId: ZERO_UUID }],
    timeoutMs: 10_000,
  }));
  for (let v = 1; v <= 6; v++) await made(peer, `delete-alone-${v}`);
  await peer.every("one", DeleteTopics, (v) => ({
    topicNames: [`delete-alone-${v}`],
    topics: [{ name: `delete-alone-${v}`, topicId: ZERO_UUID }],
    timeoutMs: 10_000,
  }));
  const id = await made(peer, "delete-by-id");
  const ask = (what: string, topics: readonly unknown[]) => peer.ask(what, DeleteTopics, 6, { topics, timeoutMs: 10_000 });
  await ask("unknown id", [{ name: null, topicId: FOREIGN_ID }]);
  await ask("zero id", [{ name: null, topicId: ZERO_UUID }]);
  await ask("unknown id twice", [{ name: null, topicId: FOREIGN_ID }, { name: null, topicId: FOREIGN_ID }]);
  await ask("id twice", [{ name: null, topicId: id }, { name: null, topicId: id }]);
  await ask("name and id", [{ name: "delete-by-id", topicId: id }]);
  await ask("twice", [{ name: "delete-by-id", topicId: ZERO_UUID }, { name: "delete-by-id", topicId: ZERO_UUID }]);
  await ask("twice by name and id", [{ name: "delete-by-id", topicId: ZERO_UUID }, { name: null, topicId: id }]);
  await ask("bad name", [{ name: "no/slash", topicId: ZERO_UUID }]);
  await ask("empty name", [{ name: "", topicId: ZERO_UUID }]);
  await ask("nothing", []);
  await ask("by id", [{ name: null, topicId: id }]);
}

export async function createPartitions(peer: Peer): Promise<void> {
  await made(peer, "more", 2);
  const ask = (what: string, topic: object, validateOnly = false) =>
    peer.ask(what, CreatePartitions, 3, { topics: [{ name: "more", assignments: null, ...topic }], timeoutMs: 10_000, validateOnly });
  await peer.every("fewer", CreatePartitions, () => ({
    topics: [{ name: "more", count: 1, assignments: null }],
    timeoutMs: 10_000,
    validateOnly: false,
  }));
  await peer.every("one more", CreatePartitions, (v) => ({
    topics: [{ name: "more", count: 3 + v, assignments: null }],
    timeoutMs: 10_000,
    validateOnly: false,
  }));
  await ask("as many", { count: 6 });
  await ask("negative", { count: -1 });
  await ask("zero", { count: 0 });
  await ask("unknown", { name: "more-unknown", count: 9 });
  await ask("bad name", { name: "no/slash", count: 9 });
  await ask("validate only", { count: 9 }, true);
  await ask("assigned", { count: 7, assignments: [{ brokerIds: [1] }] });
  await ask("too few assignments", { count: 9, assignments: [{ brokerIds: [1] }] });
  await ask("too many assignments", { count: 8, assignments: [{ brokerIds: [1] }, { brokerIds: [1] }] });
  await ask("unknown broker", { count: 8, assignments: [{ brokerIds: [77] }] });
  await ask("no broker", { count: 8, assignments: [{ brokerIds: [] }] });
  await ask("two replicas of one broker", { count: 8, assignments: [{ brokerIds: [1, 1] }] });
  await ask("no assignments", { count: 8, assignments: [] });
  await peer.ask("twice", CreatePartitions, 3, {
    topics: [{ name: "more", count: 8, assignments: null }, { name: "more", count: 9, assignments: null }],
    timeoutMs: 10_000,
    validateOnly: false,
  });
  await peer.ask("several", CreatePartitions, 3, {
    topics: ["more", "more-unknown", "no/slash"].map((name) => ({ name, count: 8, assignments: null })),
    timeoutMs: 10_000,
    validateOnly: true,
  });
  await served(peer.bootstrap, "more", 7);
  await peer.ask("after it all", DescribeTopicPartitions, 0, { topics: [{ name: "more" }], responsePartitionLimit: 100, cursor: null });
}

export async function metadata(peer: Peer): Promise<void> {
  const id = await made(peer, "shown", 2);
  const some = (topics: readonly unknown[] | null, more: object = {}) => ({
    topics,
    allowAutoTopicCreation: false,
    includeClusterAuthorizedOperations: true,
    includeTopicAuthorizedOperations: true,
    ...more,
  });
  const named = (...names: string[]) => names.map((name) => ({ name, topicId: ZERO_UUID }));
  await peer.every("by name", Metadata, () => some(named("shown")));
  await peer.every(
    "without operations",
    Metadata,
    () => some(named("shown"), { includeClusterAuthorizedOperations: false, includeTopicAuthorizedOperations: false }),
  );
  await peer.every("unknown", Metadata, () => some(named("shown-unknown")), { from: 4 });
  await peer.every("bad names", Metadata, () => some(named("no/slash", "..", "")), { from: 4 });
  await peer.every("bad names to create", Metadata, () => some(named("no/slash", "..", ""), { allowAutoTopicCreation: true }), { from: 4 });
  await peer.every("all", Metadata, (v) => some(v === 0 ? [] : null));
  await peer.every("no topics", Metadata, () => some([]), { from: 1 });
  await made(peer, "shown-0", 1);
  await peer.every("several", Metadata, () => some(named("shown", "shown-unknown", "shown-0", "no/slash")), { from: 4 });
  await peer.every("to create", Metadata, (v) => some(named(`auto-${v}`), { allowAutoTopicCreation: true }));
  await peer.every("twice", Metadata, () => some(named("shown", "shown")));
  await peer.every("by id", Metadata, () => some([{ name: null, topicId: id }]), { from: 12 });
  await peer.every("by id and another name", Metadata, () => some([{ name: "other", topicId: id }]), { from: 10 });
  await peer.every("by unknown id", Metadata, () => some([{ name: null, topicId: FOREIGN_ID }]), { from: 12 });
  await peer.every("by id in an older version", Metadata, () => some([{ name: "", topicId: id }]), { from: 10, to: 11 });
  await peer.every("null name and zero id", Metadata, () => some([{ name: null, topicId: ZERO_UUID }]), { from: 10 });
  await peer.every("by id and by name", Metadata, () => some([{ name: null, topicId: id }, ...named("shown")]), { from: 12 });
  const walk = (what: string, topics: readonly string[], responsePartitionLimit: number, cursor: object | null = null) =>
    peer.ask(what, DescribeTopicPartitions, 0, { topics: topics.map((name) => ({ name })), responsePartitionLimit, cursor });
  await made(peer, "shown-2", 3);
  await walk("two", ["shown", "shown-2"], 100);
  await walk("two in the other order", ["shown-2", "shown"], 100);
  await walk("a page of 1", ["shown", "shown-2"], 1);
  await walk("a page of 2", ["shown", "shown-2"], 2);
  await walk("a page of 3", ["shown", "shown-2"], 3);
  await walk("a page of 0", ["shown", "shown-2"], 0);
  await walk("a page of -1", ["shown", "shown-2"], -1);
  await walk("from a cursor", ["shown", "shown-2"], 2, { topicName: "shown", partitionIndex: 1 });
  await walk("from a cursor beyond", ["shown", "shown-2"], 9, { topicName: "shown", partitionIndex: 9 });
  await walk("from a negative cursor", ["shown", "shown-2"], 9, { topicName: "shown", partitionIndex: -1 });
  await walk("from a cursor elsewhere", ["shown-2"], 9, { topicName: "shown", partitionIndex: 0 });
  await walk("unknown", ["shown-unknown", "shown"], 9);
  await walk("bad name", ["no/slash", ""], 9);
  await walk("twice", ["shown", "shown"], 9);
  await walk("all", [], 100);
}

export async function cluster(peer: Peer): Promise<void> {
  const flags = { includeClusterAuthorizedOperations: true, endpointType: 1, includeFencedBrokers: true };
  await peer.every("all", DescribeCluster, () => flags);
  await peer.every("without operations", DescribeCluster, () => ({ ...flags, includeClusterAuthorizedOperations: false }));
  await peer.every("controllers", DescribeCluster, () => ({ ...flags, endpointType: 2 }), { from: 1 });
  await peer.every("endpoint type 7", DescribeCluster, () => ({ ...flags, endpointType: 7 }), { from: 1 });
  const quorum = (topicName: string, ...partitions: number[]) => ({
    topics: [{ topicName, partitions: partitions.map((partitionIndex) => ({ partitionIndex })) }],
  });
  await peer.every("metadata log", DescribeQuorum, () => quorum("__cluster_metadata", 0));
  await peer.every("another partition", DescribeQuorum, () => quorum("__cluster_metadata", 1));
  await peer.every("another topic", DescribeQuorum, () => quorum("shown", 0));
  await peer.every("two partitions", DescribeQuorum, () => quorum("__cluster_metadata", 0, 1));
  await peer.every("nothing", DescribeQuorum, () => ({ topics: [] }));
  await made(peer, "volume", 2);
  await peer.every("one topic", DescribeLogDirs, () => ({ topics: [{ topic: "volume", partitions: [0, 1] }] }));
  await peer.every(
    "unknown",
    DescribeLogDirs,
    () => ({ topics: [{ topic: "volume", partitions: [7] }, { topic: "volume-no", partitions: [0] }] }),
  );
  await peer.every("one partition twice", DescribeLogDirs, () => ({ topics: [{ topic: "volume", partitions: [0, 0] }] }));
  await peer.every("nothing", DescribeLogDirs, () => ({ topics: [] }));
  await peer.every("SCRAM", SaslHandshake, () => ({ mechanism: "SCRAM-SHA-256" }));
  await peer.every("first", SaslAuthenticate, () => ({ authBytes: Buffer.from("\0user\0secret") }));
  await peer.every("good", ApiVersions, () => ({ clientSoftwareName: "differential", clientSoftwareVersion: "1.0" }));
  for (const version of [5, 99, -1]) await peer.askUnserved("ApiVersions", ApiVersions.key, version);
  for (const [key, version] of [[3, 99], [3, -1], [0, 2], [1, 3], [17, 7], [4, 0], [999, 0], [-1, 0]] as const) {
    await peer.askUnserved("closed", key, version);
  }
  await peer.every("bad software name", ApiVersions, () => ({ clientSoftwareName: "no name!", clientSoftwareVersion: "" }), { from: 3 });
}

export const scenarios = { createTopics, deleteTopics, createPartitions, metadata, cluster };
