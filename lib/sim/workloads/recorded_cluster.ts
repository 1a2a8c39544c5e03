/**
 * A pool of connections that writes down what goes through it, request by request: a client that tries again may be told of success by the second
 * try while the first one still is on its way. What a request asked for and what its reply said is the history's; what clients make of it is not.
 */
import { type Cluster, KafkaError } from "../../client/mod.ts";
import {
  type AnyApi,
  ConsumerProtocolAssignment,
  decodePart,
  type Draft,
  errorName,
  type Infer,
  type KafkaErrorName,
  OffsetCommit,
  OffsetFetch,
  Reader,
  SyncGroup,
} from "../../protocol/mod.ts";
import type { Told } from "../history.ts";
import type { Client } from "./client.ts";

/** Told once: the reply, or why there is none. */
export interface Recording<Reply> {
  /** Sent in the place of what was asked for: the same with marks in it. */
  readonly request?: unknown;
  replied(reply: Reply): void;
  failed(told: Told): void;
}

/** By API key: what is written down about a request. */
type Recorders = ReadonlyMap<number, (client: Client, request: never) => Recording<never>>;

/** Within this no later commit has taken the place of an earlier one in what is on the disk. */
const NOT_COMPACTED_MS = 100;

/** Answers that do not say whether it was done. */
const UNKNOWN: ReadonlySet<KafkaErrorName> = new Set(["REQUEST_TIMED_OUT", "COORDINATOR_NOT_AVAILABLE", "UNKNOWN_SERVER_ERROR"]);

export const toldBy = (code: number): Told => code === 0 ? "ok" : UNKNOWN.has(errorName(code)) ? "unknown" : "failed";

export function recordedCluster(client: Client, cluster: Cluster, recorders: Recorders = GROUP_RECORDERS): Cluster {
  const call = ((target, api: AnyApi, request, options) => {
    const recording = recorders.get(api.key)?.(client, request as never);
    const result = cluster.call(target, api as never, (recording?.request ?? request) as never, options);
    // Before the caller goes on.
    if (recording !== undefined) {
      result.then(
        (reply) => recording.replied(reply as never),
        (error: unknown) => recording.failed(error instanceof KafkaError && !error.isOutcomeUnknown ? "failed" : "unknown"),
      );
    }
    return result;
  }) as Cluster["call"];
  return {
    options: cluster.options,
    call,
    tell: (target, api, request, options) => cluster.tell(target, api, request, options),
    versionOf: (target, api, deadline) => cluster.versionOf(target, api, deadline),
    nodes: (deadline) => cluster.nodes(deadline),
    clusterId: (deadline) => cluster.clusterId(deadline),
    topics: (names, deadline, allowAutoCreate) => cluster.topics(names, deadline, allowAutoCreate),
    allTopics: (deadline) => cluster.allTopics(deadline),
    forgetTopic: (name) => cluster.forgetTopic(name),
    forgetNodes: () => cluster.forgetNodes(),
    hintLeader: (...hint) => cluster.hintLeader(...hint),
    coordinator: (type, key, deadline) => cluster.coordinator(type, key, deadline),
    forgetCoordinator: (type, key) => cluster.forgetCoordinator(type, key),
    retry: (deadline, attempt) => cluster.retry(deadline, attempt),
    close: () => cluster.close(),
    [Symbol.asyncDispose]: () => cluster.close(),
  };
}

function syncGroup(client: Client, request: Draft<typeof SyncGroup.request>) {
  const { groupId: group, memberId, groupInstanceId, generationId: generation } = request;
  // A static member that is back has another id and the same partitions (KIP-345).
  const member = groupInstanceId ?? memberId;
  const tell = client.asks(null);
  return {
    replied({ errorCode, assignment }: Infer<typeof SyncGroup.response>) {
      if (errorCode !== 0) return tell(null);
      const partitions = partitionsIn(assignment);
      tell((asked) => ({ ...asked, kind: "assigned", group, member, generation, partitions }));
    },
    failed: () => tell(null),
  };
}

/** Nothing at all for a member of which the leader did not know. */
function partitionsIn(assignment: Uint8Array): readonly string[] {
  if (assignment.length === 0) return [];
  const reader = new Reader(assignment);
  const version = Math.min(reader.int16(), ConsumerProtocolAssignment.maxVersion);
  const { assignedPartitions } = decodePart(ConsumerProtocolAssignment, version, reader);
  return assignedPartitions.flatMap(({ topic, partitions }) => partitions.map((partition) => `${topic}-${partition}`));
}

/** Every offset is committed with a mark for its note, which must be on the disk when it is acknowledged. */
function offsetCommit(client: Client, request: Draft<typeof OffsetCommit.request>) {
  const { groupId: group, memberId: member, generationIdOrMemberEpoch: generation = -1 } = request;
  const askedAt = client.world.now;
  const rows = request.topics.flatMap(({ name: topic, partitions }) =>
    partitions.map(({ partitionIndex: partition, committedOffset: offset }) => {
      const event = { kind: "committed", group, member, generation, topic, partition, offset } as const;
      const tell = client.asks((asked) => ({ ...asked, ...event, told: "unknown" }));
      const mark = client.context.nextMark();
      return { topic, partition, mark, tell: (told: Told) => tell((asked) => ({ ...asked, ...event, told })) };
    })
  );
  let next = 0;
  const topics = request.topics.map((topic) => ({
    ...topic,
    partitions: topic.partitions.map((partition) => ({ ...partition, committedMetadata: rows[next++]!.mark })),
  }));
  return {
    request: { ...request, topics },
    replied({ topics }: Infer<typeof OffsetCommit.response>) {
      for (const { topic, partition, mark, tell } of rows) {
        const found = topics.find(({ name }) => name === topic)?.partitions.find(({ partitionIndex }) => partitionIndex === partition);
        const told = found === undefined ? "unknown" : toldBy(found.errorCode);
        tell(told);
        if (told !== "ok") continue;
        client.context.count("committed");
        if (client.world.now - askedAt < NOT_COMPACTED_MS) client.expectDurable(mark, `committed ${topic}-${partition} with`);
      }
    },
    failed: (told: Told) => rows.forEach(({ tell }) => tell(told)),
  };
}

function offsetFetch(client: Client, { groups, groupId }: Draft<typeof OffsetFetch.request>) {
  const askedAt = client.world.now;
  const group = groups?.[0]?.groupId ?? groupId ?? "";
  return {
    replied(reply: Infer<typeof OffsetFetch.response>) {
      const { errorCode, topics } = reply.groups[0] ?? reply;
      if (errorCode !== 0) return;
      for (const { name: topic, partitions } of topics) {
        for (const { partitionIndex: partition, committedOffset: offset, errorCode } of partitions) {
          if (errorCode === 0) client.saw((asked) => ({ ...asked, kind: "fetched", group, topic, partition, offset }), askedAt);
        }
      }
    },
    failed: () => {},
  };
}

export const recorders = (all: readonly (readonly [AnyApi, unknown])[]): Recorders =>
  new Map(all.map(([api, recorder]) => [api.key, recorder as (client: Client, request: never) => Recording<never>]));

export const GROUP_RECORDERS = recorders([[SyncGroup, syncGroup], [OffsetCommit, offsetCommit], [OffsetFetch, offsetFetch]]);
