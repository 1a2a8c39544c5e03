/** Records: produced, fetched, found, deleted. */
import {
  DeleteRecords,
  DescribeProducers,
  Fetch,
  InitProducerId,
  ListOffsets,
  OffsetForLeaderEpoch,
  Produce,
  ZERO_UUID,
} from "../../../../lib/protocol/mod.ts";
import type { Peer, Reply } from "../peer.ts";
import { BASE_TIME_MS, batch, damaged } from "./batches.ts";
import { FOREIGN_ID, made } from "./topics.ts";

export interface Target {
  readonly name: string;
  readonly id: string;
}

const produceTo = (topic: Target, records: unknown, more: object = {}, index = 0) => ({
  transactionalId: null,
  acks: -1,
  timeoutMs: 10_000,
  topicData: [{ name: topic.name, topicId: topic.id, partitionData: [{ index, records }] }],
  ...more,
});

const fetchFrom = (topic: Target, fetchOffset: number, more: object = {}, partition: object = {}) => ({
  maxWaitMs: 0,
  minBytes: 1,
  maxBytes: 10_000_000,
  topics: [{
    topic: topic.name,
    topicId: topic.id,
    partitions: [{ partition: 0, currentLeaderEpoch: -1, fetchOffset, lastFetchedEpoch: -1, partitionMaxBytes: 1_000_000, ...partition }],
  }],
  forgottenTopicsData: [],
  rackId: "",
  ...more,
});

async function target(peer: Peer, name: string, partitions = 1, configs: readonly (readonly [string, string])[] = []): Promise<Target> {
  return { name, id: await made(peer, name, partitions, configs) };
}

const concat = (...parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));

export async function produce(peer: Peer): Promise<void> {
  const topic = await target(peer, "write", 2);
  await peer.every("a batch", Produce, () => produceTo(topic, batch({ count: 3 })));
  await peer.every("acks=1", Produce, () => produceTo(topic, batch(), { acks: 1 }));
  for (const version of [3, 8, 9, 12, 13]) {
    const silent = (what: string, request: unknown) => peer.askSilent(`acks=0, ${what}`, Produce, version, request);
    await silent("a batch", produceTo(topic, batch(), { acks: 0 }));
    await silent("unknown topic", produceTo({ name: "write-no", id: FOREIGN_ID }, batch(), { acks: 0 }));
    await silent("unknown partition", produceTo(topic, batch(), { acks: 0 }, 7));
    await silent("wrong checksum", produceTo(topic, damaged(70, [1], false), { acks: 0 }));
    await silent("two batches", produceTo(topic, concat(batch(), batch()), { acks: 0 }));
    await silent("nothing", { ...produceTo(topic, null, { acks: 0 }), topicData: [] });
  }
  await peer.every("acks=2", Produce, () => produceTo(topic, batch(), { acks: 2 }));
  await peer.every("acks=-2", Produce, () => produceTo(topic, batch(), { acks: -2 }));
  await peer.every("unknown topic", Produce, () => produceTo({ name: "write-no", id: FOREIGN_ID }, batch()));
  await peer.every("unknown partition", Produce, () => produceTo(topic, batch(), {}, 7));
  await peer.every("negative partition", Produce, () => produceTo(topic, batch(), {}, -1));
  // Not null records: Apache Kafka 4.3.1 fails over them while it tells the failure, and never answers.
  await peer.every("empty records", Produce, () => produceTo(topic, new Uint8Array(0)));
  await peer.every("two batches", Produce, () => produceTo(topic, concat(batch(), batch())));
  await peer.every("wrong checksum", Produce, () => produceTo(topic, damaged(70, [1], false)));
  for (const magic of [0, 1, 3, -1]) await peer.every(`magic ${magic}`, Produce, () => produceTo(topic, damaged(16, [magic & 255])));
  await peer.every("half a batch", Produce, () => produceTo(topic, batch({ count: 9 }).subarray(0, 80)));
  await peer.every("twelve bytes", Produce, () => produceTo(topic, batch().subarray(0, 12)));
  await peer.every("a base offset of its own", Produce, () => produceTo(topic, damaged(0, [0, 0, 0, 0, 0, 0, 0, 9])));
  await peer.every("a leader epoch of its own", Produce, () => produceTo(topic, damaged(12, [0, 0, 0, 9])));
  await peer.every("fewer records than it says", Produce, () => produceTo(topic, damaged(60, [2])));
  await peer.every("another last offset", Produce, () => produceTo(topic, damaged(26, [5])));
  await peer.every("a control batch", Produce, () => produceTo(topic, damaged(22, [0x20])));
  await peer.every("compression 7", Produce, () => produceTo(topic, damaged(22, [7])));
  await peer.every("a timestamp far ahead", Produce, () => produceTo(topic, batch({ timestamp: 4_000_000_000_000 })));
  for (const compression of ["gzip", "snappy", "lz4", "zstd"] as const) {
    await peer.every(compression, Produce, () => produceTo(topic, batch({ compression, count: 20 })));
  }
  await peer.every("one good and one bad partition", Produce, () => ({
    ...produceTo(topic, null),
    topicData: [{
      name: topic.name,
      topicId: topic.id,
      partitionData: [{ index: 0, records: batch() }, { index: 9, records: batch() }, { index: 1, records: damaged(70, [1], false) }],
    }],
  }));
  await peer.every("nothing", Produce, () => ({ ...produceTo(topic, null), topicData: [] }));
  await peer.every("zero id", Produce, () => produceTo({ name: topic.name, id: ZERO_UUID }, batch()), { from: 13 });
  const twice = await target(peer, "write-twice", 2);
  await peer.every("one partition twice", Produce, () => ({
    ...produceTo(twice, null),
    topicData: [{
      name: twice.name,
      topicId: twice.id,
      partitionData: [{ index: 0, records: batch({ count: 2 }) }, { index: 0, records: batch({ count: 3 }) }],
    }],
  }));
  await peer.every("one topic in two rows", Produce, () => ({
    ...produceTo(twice, null),
    topicData: [0, 1].map((index) => ({ name: twice.name, topicId: twice.id, partitionData: [{ index, records: batch() }] })),
  }));
  const compacted = await target(peer, "write-compacted", 1, [["cleanup.policy", "compact"]]);
  await peer.every("without keys", Produce, () => produceTo(compacted, batch({ key: null, count: 2 })));
  const small = await target(peer, "write-small", 1, [["max.message.bytes", "100"]]);
  await peer.every("too large", Produce, () => produceTo(small, batch({ count: 20 })));
  const stamped = await target(peer, "write-stamped", 1, [["message.timestamp.type", "LogAppendTime"]]);
  await peer.every("log append time", Produce, () => produceTo(stamped, batch()));
  const internal = { name: "__consumer_offsets", id: ZERO_UUID };
  await peer.every("to an internal topic", Produce, () => produceTo(internal, batch()), { to: 12 });
  await peer.every("transactional id", Produce, () => produceTo(topic, batch(), { transactionalId: "t" }));
}

export async function idempotence(peer: Peer): Promise<void> {
  const topic = await target(peer, "once", 2);
  const init = (what: string, more: object) =>
    peer.every(what, InitProducerId, () => ({ transactionalId: null, transactionTimeoutMs: 60_000, ...more }));
  await init("new", {});
  await init("again with an id", { producerId: 4242, producerEpoch: 3 });
  await init("an id without an epoch", { producerId: 4242, producerEpoch: -1 });
  await init("an epoch without an id", { producerId: -1, producerEpoch: 3 });
  await init("a timeout of 0", { transactionTimeoutMs: 0 });
  await init("empty transactional id", { transactionalId: "" });
  for (const transactionTimeoutMs of [-1, 0, 900_001, 2_147_483_647]) {
    await init(`transactional id, a timeout of ${transactionTimeoutMs}`, { transactionalId: "t", transactionTimeoutMs });
  }
  const reply: Reply = await peer.ask("the writer", InitProducerId, 4, { transactionalId: null, transactionTimeoutMs: 60_000 });
  const producerId = Number(reply.producerId);
  const write = (what: string, producerEpoch: number, baseSequence: number, count = 1, id = producerId, index = 0) =>
    peer.ask(
      `${what}: epoch ${producerEpoch}, sequence ${baseSequence}`,
      Produce,
      9,
      produceTo(topic, batch({ producerId: id, producerEpoch, baseSequence, count }), {}, index),
    );
  await write("first", 0, 0, 3);
  await write("next", 0, 3, 2);
  await write("repeated", 0, 3, 2);
  await write("first repeated", 0, 0, 3);
  await write("gap", 0, 9);
  await write("overlap", 0, 4, 2);
  await write("old epoch", -1, 5);
  for (let i = 0; i < 6; i++) await write("more", 0, 5 + i);
  await write("repeated, remembered", 0, 6);
  await write("repeated, forgotten", 0, 0, 3);
  const stamped = await target(peer, "once-stamped", 1, [["message.timestamp.type", "LogAppendTime"]]);
  for (const what of ["first", "repeated"]) {
    const records = batch({ producerId, producerEpoch: 0, baseSequence: 0 });
    await peer.ask(`${what}, log append time`, Produce, 9, produceTo(stamped, records));
  }
  await write("new epoch, wrong sequence", 1, 11);
  await write("new epoch", 1, 0);
  await write("the epoch before", 0, 11);
  await write("unknown producer, first sequence", 0, 0, 1, 4242, 1);
  await write("unknown producer, later sequence", 0, 5, 1, 4243, 1);
  await write("no sequence", 1, -1);
  await write("wrap", 5, 2147483646, 1, 4244, 1);
  await write("wrap", 5, 2147483647, 1, 4244, 1);
  await write("wrap", 5, 0, 1, 4244, 1);
  await peer.ask(
    "two batches of a producer",
    Produce,
    9,
    produceTo(
      topic,
      concat(batch({ producerId, producerEpoch: 1, baseSequence: 1 }), batch({ producerId, producerEpoch: 1, baseSequence: 2 })),
    ),
  );
  await peer.ask(
    "transactional batch",
    Produce,
    9,
    produceTo(topic, damaged(22, [0x10], true, { producerId, producerEpoch: 1, baseSequence: 1 }), { transactionalId: "t" }),
  );
  await peer.ask(
    "transactional batch without the id",
    Produce,
    9,
    produceTo(topic, damaged(22, [0x10], true, { producerId, producerEpoch: 1, baseSequence: 1 })),
  );
  await peer.ask("one", DescribeProducers, 0, { topics: [{ name: "once", partitionIndexes: [0, 1] }] });
  await peer.ask("one partition twice", DescribeProducers, 0, { topics: [{ name: "once", partitionIndexes: [0, 0] }] });
  await peer.ask("all", DescribeProducers, 0, {
    topics: [{ name: "once", partitionIndexes: [0, 7] }, { name: "once-no", partitionIndexes: [0] }, {
      name: "no/slash",
      partitionIndexes: [0],
    }],
  });
}

export async function fetch(peer: Peer): Promise<void> {
  const topic = await target(peer, "read", 2);
  for (let i = 0; i < 3; i++) await peer.ask("fill", Produce, 9, produceTo(topic, batch({ count: 4, timestamp: BASE_TIME_MS + i * 100 })));
  await peer.every("from the start", Fetch, () => fetchFrom(topic, 0));
  await peer.every("inside a batch", Fetch, () => fetchFrom(topic, 6));
  await peer.every("at the end", Fetch, () => fetchFrom(topic, 12));
  await peer.every("beyond the end", Fetch, () => fetchFrom(topic, 13));
  await peer.every("negative offset", Fetch, () => fetchFrom(topic, -5));
  await peer.every("committed", Fetch, () => fetchFrom(topic, 0, { isolationLevel: 1 }));
  await peer.every("isolation level 9", Fetch, () => fetchFrom(topic, 0, { isolationLevel: 9 }));
  await peer.every("unknown topic", Fetch, () => fetchFrom({ name: "read-no", id: FOREIGN_ID }, 0));
  await peer.every("bad name", Fetch, () => fetchFrom({ name: "no/slash", id: ZERO_UUID }, 0));
  await peer.every("unknown partition", Fetch, () => fetchFrom(topic, 0, {}, { partition: 9 }));
  await peer.every("small maximum", Fetch, () => fetchFrom(topic, 0, { maxBytes: 10 }));
  await peer.every("small maximum of the partition", Fetch, () => fetchFrom(topic, 0, {}, { partitionMaxBytes: 10 }));
  await peer.every("maximum 0", Fetch, () => fetchFrom(topic, 0, { maxBytes: 0 }));
  await peer.every("maximum for two batches", Fetch, () => fetchFrom(topic, 0, {}, { partitionMaxBytes: 320 }));
  await peer.every("old epoch", Fetch, () => fetchFrom(topic, 0, {}, { currentLeaderEpoch: 0 }), { from: 9 });
  await peer.every("future epoch", Fetch, () => fetchFrom(topic, 0, {}, { currentLeaderEpoch: 9 }), { from: 9 });
  await peer.every("last fetched epoch", Fetch, () => fetchFrom(topic, 4, {}, { lastFetchedEpoch: 0 }), { from: 12 });
  await peer.every("last fetched epoch of the future", Fetch, () => fetchFrom(topic, 4, {}, { lastFetchedEpoch: 7 }), { from: 12 });
  await peer.every("more bytes than there are", Fetch, () => fetchFrom(topic, 0, { maxWaitMs: 60, minBytes: 100_000 }));
  await peer.every("the same partition twice", Fetch, () => ({
    ...fetchFrom(topic, 0),
    topics: [...fetchFrom(topic, 0).topics, ...fetchFrom(topic, 8).topics],
  }));
  await peer.every("nothing", Fetch, () => ({ ...fetchFrom(topic, 0), topics: [] }));
  await peer.every("as a follower", Fetch, () => fetchFrom(topic, 0, { replicaId: 77, replicaState: { replicaId: 77, replicaEpoch: 1 } }));
  await peer.every(
    "as a debugging reader",
    Fetch,
    () => fetchFrom(topic, 0, { replicaId: -2, replicaState: { replicaId: -2, replicaEpoch: -1 } }),
  );
  const zstd = await target(peer, "read-zstd", 1, [["compression.type", "zstd"]]);
  await peer.ask("fill", Produce, 9, produceTo(zstd, batch({ count: 4, compression: "zstd" })));
  await peer.every("zstd", Fetch, () => fetchFrom(zstd, 0), { to: 10 });
}

export async function fetchSessions(peer: Peer): Promise<void> {
  const topic = await target(peer, "session", 2);
  for (const version of [7, 11, 12, 13, 16, 18]) {
    const step = (what: string, sessionId: number, sessionEpoch: number, topics: unknown[], more: object = {}) =>
      peer.ask(what, Fetch, version, { ...fetchFrom(topic, 0), topics, sessionId, sessionEpoch, ...more });
    const both = [0, 1].map((partition) => fetchFrom(topic, 0, {}, { partition }).topics[0]);
    const opened: Reply = await step("open", 0, 0, both);
    const id = Number(opened.sessionId);
    await step("nothing new", id, 1, []);
    await peer.ask("fill", Produce, 9, produceTo(topic, batch(), {}, 1));
    await step("something new", id, 2, []);
    await step("told again", id, 3, []);
    await step("wrong epoch", id, 3, []);
    await step("epoch of the future", id, 9, []);
    await step("unknown session", 123_456_789, 1, []);
    await step("forget", id, 4, [], { forgottenTopicsData: [{ topic: topic.name, topicId: topic.id, partitions: [1] }] });
    await step("after that", id, 5, []);
    await step("an unknown partition", id, 6, fetchFrom(topic, 0, {}, { partition: 9 }).topics);
    await step("an unknown topic", id, 7, fetchFrom({ name: "session-no", id: FOREIGN_ID }, 0).topics);
    await step("out of range", id, 8, fetchFrom(topic, 77).topics);
    await step("out of range again", id, 9, []);
    await step("end", id, -1, []);
    await step("after the end", id, 10, []);
    await step("a new one in its place", id, 0, both);
    await step("negative epoch", id, -5, both);
    await step("an id without a session", 77, -1, both);
  }
}

export async function offsets(peer: Peer): Promise<void> {
  const topic = await target(peer, "find", 1);
  const list = (what: string, timestamp: number, more: object = {}, partition: object = {}, from = 1) =>
    peer.every(what, ListOffsets, () => ({
      replicaId: -1,
      isolationLevel: 0,
      topics: [{ name: "find", partitions: [{ partitionIndex: 0, currentLeaderEpoch: -1, timestamp, ...partition }] }],
      timeoutMs: 5000,
      ...more,
    }), { from });
  for (let special = -7; special <= -1; special++) await list(`${special}, empty`, special);
  for (const at of [300, 100, 200]) await peer.ask("fill", Produce, 9, produceTo(topic, batch({ count: 4, timestamp: BASE_TIME_MS + at })));
  for (let special = -8; special <= -1; special++) await list(`${special}`, special);
  for (const at of [-1, 0, 100, 101, 103, 104, 300, 302, 303, 304]) await list(`at ${at}`, BASE_TIME_MS + at);
  await list("committed", -1, { isolationLevel: 1 });
  await list("isolation level 9", -1, { isolationLevel: 9 });
  await list("unknown partition", -1, {}, { partitionIndex: 9 });
  await list("future epoch", -1, {}, { currentLeaderEpoch: 9 }, 4);
  await list("right epoch", -1, {}, { currentLeaderEpoch: 0 }, 4);
  await list("as a follower", -1, { replicaId: 77 });
  const partition = { partitionIndex: 0, currentLeaderEpoch: -1, timestamp: -1 };
  await list("unknown topics", -1, { topics: ["find-no", "no/slash", ""].map((name) => ({ name, partitions: [partition] })) });
  await list("several", -1, {
    topics: [{ name: "find", partitions: [partition, { ...partition, partitionIndex: 9 }] }, { name: "find-no", partitions: [partition] }],
  });
  await list("twice, in two rows of the topic", -1, {
    topics: [{ name: "find", partitions: [partition] }, { name: "find", partitions: [partition] }],
  });
  await list("twice in one", -1, { topics: [{ name: "find", partitions: [partition, partition] }] });
  await list("nothing", -1, { topics: [] });

  const epochs = (what: string, leaderEpoch: number, more: object = {}, name = "find") =>
    peer.every(what, OffsetForLeaderEpoch, () => ({
      replicaId: -1,
      topics: [{ topic: name, partitions: [{ partition: 0, currentLeaderEpoch: -1, leaderEpoch, ...more }] }],
    }));
  await epochs("the present", 0);
  await epochs("the future", 5);
  await epochs("none", -1);
  await epochs("another leader", 0, { currentLeaderEpoch: 7 });
  await epochs("unknown partition", 0, { partition: 9 });
  await epochs("unknown topic", 0, {}, "find-no");
  await peer.every("twice", OffsetForLeaderEpoch, () => ({
    replicaId: -1,
    topics: [{ topic: "find", partitions: [0, 5].map((leaderEpoch) => ({ partition: 0, currentLeaderEpoch: -1, leaderEpoch })) }],
  }));

  const remove = (what: string, offset: number, more: object = {}) =>
    peer.every(
      what,
      DeleteRecords,
      () => ({ topics: [{ name: "find", partitions: [{ partitionIndex: 0, offset, ...more }] }], timeoutMs: 5000 }),
    );
  await remove("to 2", 2);
  await remove("back to 1", 1);
  await remove("beyond the end", 99);
  await remove("negative", -5);
  await remove("unknown partition", 1, { partitionIndex: 9 });
  await peer.ask("unknown topic", DeleteRecords, 2, {
    topics: [{ name: "find-no", partitions: [{ partitionIndex: 0, offset: 1 }] }],
    timeoutMs: 5000,
  });
  await peer.ask("from before the start", Fetch, 11, fetchFrom(topic, 0));
  await peer.ask("from the new start", Fetch, 11, fetchFrom(topic, 2));
  await list("-2 after that", -2);
  await list("time before the start", BASE_TIME_MS + 300);
  await remove("all", -1);
  await list("-2 after all", -2);
  await list("-3 after all", -3);
  await list("time after all", BASE_TIME_MS);
  await made(peer, "find-compacted", 1, [["cleanup.policy", "compact"]]);
  await peer.ask("compacted", DeleteRecords, 2, {
    topics: [{ name: "find-compacted", partitions: [{ partitionIndex: 0, offset: -1 }] }],
    timeoutMs: 5000,
  });
  await peer.ask("internal", DeleteRecords, 2, {
    topics: [{ name: "__consumer_offsets", partitions: [{ partitionIndex: 0, offset: -1 }] }],
    timeoutMs: 5000,
  });
  await peer.ask("twice", DeleteRecords, 2, {
    topics: [1, 2].map((offset) => ({ name: "find", partitions: [{ partitionIndex: 0, offset }] })),
    timeoutMs: 5000,
  });
}

export const scenarios = { produce, idempotence, fetch, fetchSessions, offsets };
