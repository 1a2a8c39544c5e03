/**
 * What scenarios of our client share. They ask nothing that Apache Kafka would answer otherwise: the same ones run against an embedded
 * broker, against the built executable and against Apache Kafka.
 */
import { expect } from "bun:test";
import { expectNoError } from "../../../../lib/client/errors.ts";
import { atCoordinator, KafkaError, openCluster } from "../../../../lib/client/mod.ts";
import type { AdminApi, Cluster, Outcome, TopicView } from "../../../../lib/client/mod.ts";
import { encodeSubscription } from "../../../../lib/client/consumer/member_data.ts";
import type { Deadline } from "../../../../lib/io/mod.ts";
import { createRealIo } from "../../../../lib/io/real/mod.ts";
import {
  batchSize,
  COMPRESSION_TYPES,
  decodeBatch,
  type DecodedRecord,
  errorName,
  Fetch,
  JoinGroup,
  SyncGroup,
} from "../../../../lib/protocol/mod.ts";
import type { Uuid } from "../../../../lib/protocol/mod.ts";
import { fresh } from "../../support/broker.ts";

export { fresh };
export type Scenario = (bootstrap: string) => Promise<void>;
export type Scenarios = Readonly<Record<string, Scenario>>;

export const io = createRealIo({
  onFatal: (_code, why) => {
    throw new Error(why);
  },
});

export const soon = (budgetMs = 30_000): Deadline => io.deadlines.in("scenario", budgetMs);

/** The value of an outcome, or its failure as the test's. */
export function valueOf<T>(outcome: Outcome<T> | undefined): T {
  if (outcome === undefined) throw new Error("The outcome is missing");
  if (!outcome.ok) throw outcome.error;
  return outcome.value;
}

export function expectFailure(outcome: Outcome<unknown> | undefined, error: string): void {
  expect(outcome).toMatchObject({ ok: false, error: { error } });
  expect(outcome !== undefined && !outcome.ok && outcome.error instanceof KafkaError).toBe(true);
}

/** What a change led to: other brokers, and Apache Kafka's own, learn of it a moment later. */
export async function eventually<T>(look: () => Promise<T>, isThere: (seen: T) => boolean): Promise<T> {
  const until = io.clock.mono() + 10_000;
  for (;;) {
    const seen = await look();
    if (isThere(seen)) return seen;
    if (io.clock.mono() > until) throw new Error(`Cannot see the change: ${JSON.stringify(seen)}`);
  }
}

/**
 * Makes a topic that nobody else uses, and waits until each of its leaders knows that it is: Apache Kafka's metadata names them a moment before, when
 * they still refuse what is asked of them and drop what needs no answer.
 */
export async function topicFor(
  admin: AdminApi,
  prefix: string,
  partitions = 1,
  configs: Readonly<Record<string, string>> = {},
): Promise<TopicView> {
  const name = fresh(prefix);
  const view = valueOf((await admin.createTopics([{ name, partitions, replicationFactor: 1, configs }])).get(name));
  const ends = view.partitions.map(({ partition }) => ({ topic: name, partition, position: "latest" as const }));
  await eventually(() => admin.listOffsets(ends), (rows) => rows.every(({ ok }) => ok));
  return view;
}

/** Everything in a partition, by a plain fetch. The metadata may be that of an earlier topic of the name, or name a leader that does not know yet. */
export async function recordsOf(
  bootstrap: string,
  topic: string,
  partition = 0,
): Promise<readonly (DecodedRecord & { readonly batch: Uint8Array })[]> {
  await using cluster = openCluster(io, { bootstrapServers: bootstrap });
  return await cluster.retry(soon(), () => readFrom(cluster, topic, partition));
}

async function readFrom(
  cluster: Cluster,
  topic: string,
  partition: number,
): Promise<readonly (DecodedRecord & { readonly batch: Uint8Array })[]> {
  cluster.forgetTopic(topic);
  const records: (DecodedRecord & { readonly batch: Uint8Array })[] = [];
  const view = (await cluster.topics([topic], soon())).get(topic)!;
  if (view instanceof KafkaError) throw view;
  const leader = view.partitions[partition]!.leader;
  for (let fetchOffset = 0;;) {
    const { responses } = await cluster.call(leader, Fetch, {
      maxWaitMs: 0,
      minBytes: 0,
      maxBytes: 50_000_000,
      topics: [{ topic, topicId: view.topicId as Uuid, partitions: [{ partition, fetchOffset, partitionMaxBytes: 50_000_000 }] }],
    }, { deadline: soon(), lane: "fetch" });
    const row = responses[0]!.partitions[0]!;
    expectNoError(row.errorCode, `read "${topic}-${partition}"`);
    const bytes = row.records as Uint8Array | null;
    if (bytes === null || bytes.length === 0) return records;
    for (let at = 0; at < bytes.length; at += batchSize(bytes, at)) {
      const batch = bytes.subarray(at, at + batchSize(bytes, at));
      for (const record of decodeBatch(batch, 0, 100_000_000)) records.push({ ...record, batch });
      fetchOffset = records.at(-1)!.offset + 1;
    }
  }
}

export const codecOf = (batch: Uint8Array): string => COMPRESSION_TYPES[batch[22]! & 7]!;

/** Joins a group as its only member, and stays for as long as the session lasts. */
export function joinAlone(cluster: Cluster, group: string, topic: string, groupInstanceId: string | null = null): Promise<string> {
  return atCoordinator(cluster, "group", group, soon(), (node) => joinAt(cluster, node, group, topic, groupInstanceId));
}

async function joinAt(cluster: Cluster, node: number, group: string, topic: string, groupInstanceId: string | null): Promise<string> {
  const metadata = encodeSubscription({ topics: [topic], userData: null, owned: new Map(), generation: -1, rackId: null });
  const join = (memberId: string) =>
    cluster.call(node, JoinGroup, {
      groupId: group,
      sessionTimeoutMs: 30_000,
      rebalanceTimeoutMs: 30_000,
      memberId,
      groupInstanceId,
      protocolType: "consumer",
      protocols: [{ name: "range", metadata }],
    }, { deadline: soon(), lane: "group" });
  let joined = await join("");
  if (errorName(joined.errorCode) === "MEMBER_ID_REQUIRED") joined = await join(joined.memberId);
  expectNoError(joined.errorCode, "join");
  const synced = await cluster.call(node, SyncGroup, {
    groupId: group,
    generationId: joined.generationId,
    memberId: joined.memberId,
    groupInstanceId,
    protocolType: "consumer",
    protocolName: "range",
    // Version 0, one topic, partition 0, no user data.
    assignments: [{ memberId: joined.memberId, assignment: assignmentOf(topic) }],
  }, { deadline: soon(), lane: "group" });
  expectNoError(synced.errorCode, "sync");
  return joined.memberId;
}

function assignmentOf(topic: string): Uint8Array {
  const name = Buffer.from(topic);
  const bytes = Buffer.alloc(2 + 4 + 2 + name.length + 4 + 4 + 4);
  let at = bytes.writeInt16BE(0);
  at = bytes.writeInt32BE(1, at);
  at = bytes.writeInt16BE(name.length, at);
  at += name.copy(bytes, at);
  at = bytes.writeInt32BE(1, at);
  at = bytes.writeInt32BE(0, at);
  bytes.writeInt32BE(-1, at);
  return bytes;
}
