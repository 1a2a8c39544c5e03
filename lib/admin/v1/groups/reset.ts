/**
 * Resetting the offsets of a group: first a plan, made and checked as a whole, then one commit. A plan alone is a dry run. Only for groups
 * without members: who reads would go on with offsets of its own. What Kafka's `kafka-consumer-groups --reset-offsets` does.
 */
import { ledPartition, offsetAt, type Services } from "../../../broker/mod.ts";
import type { PartitionLag } from "../../../coordinator/types.ts";
import type { Deadline } from "../../../io/mod.ts";
import type { Partition } from "../../../replication/types.ts";
import type { FieldError } from "../../problem.ts";
import { Refused } from "../status.ts";
import { topicNamed } from "../topic_schemas.ts";
import { committedOf } from "./committed.ts";

export type Target =
  | { readonly kind: "earliest" }
  | { readonly kind: "latest" }
  | { readonly kind: "timestamp"; readonly timestamp: number }
  | { readonly kind: "offset"; readonly offset: number }
  | { readonly kind: "shift"; readonly by: number };

export interface ResetRequest {
  readonly to: Target;
  /** Null: everything that the group has committed. */
  readonly topics: readonly { readonly topic: string; readonly partitions?: readonly number[] | undefined }[] | null;
}

export interface ResetStep {
  readonly topic: string;
  readonly partition: number;
  /** Null: nothing is committed. */
  readonly before: number | null;
  readonly after: number;
  /** What was asked lies outside of the log: the nearest offset is taken. */
  readonly isClamped: boolean;
}

interface Place {
  readonly partition: Partition;
  readonly committed: PartitionLag["committed"] | null;
}

/** Steps in the order of topic and partition. @throws {Refused} */
export async function planReset(
  services: Services,
  groupId: string,
  request: ResetRequest,
  deadline: Deadline,
): Promise<readonly ResetStep[]> {
  const committed = new Map(
    (await committedOf(services, groupId, deadline)).map((row) => [`${row.topic}/${row.partition}`, row.committed]),
  );
  const asked = request.topics === null ? namesOf(committed) : request.topics.flatMap((row, at) => expanded(services, row, at));
  if (asked.length === 0) {
    throw new Refused("GROUP_ID_NOT_FOUND", `Group "${groupId}" has committed nothing: name the topics that it shall have offsets of`, [
      { in: "body", path: "/topics", accepted: "at least one topic" },
    ]);
  }
  const places = asked.map(({ topic, index, at }): Place => {
    const partition = ledPartition(services, topic, index);
    if (partition.ok) return { partition: partition.value, committed: committed.get(`${topic}/${index}`) ?? null };
    throw new Refused(partition.error, partition.message, at === null ? undefined : [at]);
  });
  const steps = await Promise.all(places.map((place) => step(place, request.to, deadline)));
  return steps.sort((a, b) => a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1);
}

async function step({ partition, committed }: Place, to: Target, deadline: Deadline): Promise<ResetStep> {
  const { logStartOffset: start, highWatermark: end } = partition;
  const wanted = await offsetOf(partition, committed, to, deadline);
  const after = Math.min(Math.max(wanted, start), end);
  return { topic: partition.topic, partition: partition.partition, before: committed?.offset ?? null, after, isClamped: after !== wanted };
}

async function offsetOf(
  partition: Partition,
  committed: PartitionLag["committed"] | null,
  to: Target,
  deadline: Deadline,
): Promise<number> {
  switch (to.kind) {
    case "earliest":
      return partition.logStartOffset;
    case "latest":
      return partition.highWatermark;
    case "timestamp":
      return (await offsetAt(partition, to.timestamp, partition.highWatermark, deadline))?.offset ?? partition.highWatermark;
    case "offset":
      return to.offset;
    case "shift":
      if (committed !== null) return committed.offset + to.by;
      throw new Refused(
        "INVALID_REQUEST",
        `Cannot shift partition ${partition.partition} of "${partition.topic}": the group has committed nothing there`,
        [
          { in: "body", path: "/to/kind", accepted: "earliest, latest, timestamp or offset where nothing is committed", got: "shift" },
        ],
      );
  }
}

/** @throws {Refused} when the group has members, or gets some meanwhile; nothing was done then. */
export async function applyReset(services: Services, groupId: string, steps: readonly ResetStep[], deadline: Deadline): Promise<void> {
  const topics = [...Map.groupBy(steps, ({ topic }) => topic)].map(([topic, own]) => ({
    topic,
    topicId: topicNamed(topic, services).topicId,
    partitions: own.map(({ partition, after }) => ({ partition, offset: after, leaderEpoch: -1, metadata: "" })),
  }));
  const fence = { groupId, memberId: "", instanceId: null, generation: -1 };
  const reply = await services.groups.commit({ ...fence, knowsGroupIdNotFound: true, retentionMs: -1, topics }, deadline);
  const inside = reply.topics.flatMap(({ partitions }) => partitions).find(({ error }) => error !== "NONE");
  const error = reply.error !== "NONE" ? reply.error : inside?.error ?? "NONE";
  if (error === "UNKNOWN_MEMBER_ID") throw new Refused("NON_EMPTY_GROUP", hasMembers(groupId));
  if (error !== "NONE") throw new Refused(error);
}

export const hasMembers = (groupId: string): string => `Group "${groupId}" has members: stop them first`;

interface Asked {
  readonly topic: string;
  readonly index: number;
  /** Where it was asked for; null when it follows from what is committed. */
  readonly at: FieldError | null;
}

const namesOf = (committed: ReadonlyMap<string, unknown>): Asked[] =>
  [...committed.keys()].map((key) => ({
    topic: key.slice(0, key.lastIndexOf("/")),
    index: Number(key.slice(key.lastIndexOf("/") + 1)),
    at: null,
  }));

function expanded(services: Services, { topic, partitions }: NonNullable<ResetRequest["topics"]>[number], at: number): Asked[] {
  const count = services.controller.image.topics.get(topic)?.partitions.length;
  if (count === undefined) {
    throw new Refused("UNKNOWN_TOPIC_OR_PARTITION", `There is no topic "${topic}": list them at /v1/topics`, [
      { in: "body", path: `/topics/${at}/topic`, accepted: "a topic that exists", got: JSON.stringify(topic) },
    ]);
  }
  const place = (index: number, own: number): FieldError => ({
    in: "body",
    path: `/topics/${at}/partitions/${own}`,
    accepted: `a partition from 0 to ${count - 1} that this node leads`,
    got: String(index),
  });
  return partitions?.map((index, own) => ({ topic, index, at: place(index, own) })) ??
    Array.from({ length: count }, (_, index) => ({ topic, index, at: null }));
}
