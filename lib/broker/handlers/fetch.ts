/**
 * Fetch, versions 4-18 (by topic id since 13).
 * - Sessions: full, incremental and none (KIP-227); a session's partitions take turns.
 * - Below `min_bytes` the fetch parks once and is woken by the partitions, or by `max_wait_ms`.
 * - Readers see up to the high watermark, or the last stable offset when they ask for committed records.
 * - `max_bytes` bounds the reply and `partition_max_bytes` each partition, but the first batch comes whole (KIP-74).
 * - Errors of partitions name the present leader (KIP-951). `lastFetchedEpoch` finds diverging logs (KIP-595).
 * Not done: reading from followers (KIP-392), so racks are ignored and no preferred replica is ever named.
 */
import { type Deadline, narrow } from "../../io/mod.ts";
import { errorCode, Fetch, type FetchRequest, type FetchResponse, type KafkaErrorName, type Uuid, ZERO_UUID } from "../../protocol/mod.ts";
import type { Reader } from "../../replication/types.ts";
import type { ParkedPartition } from "../fetch_park.ts";
import { errorRow, type FetchCandidate, type FetchLook, type FetchRow, hasMore, lookWithoutRecords, readRecords } from "../fetch_read.ts";
import type { FetchRound, FetchTarget, SessionRequest } from "../fetch_session.ts";
import { handler, type RequestContext } from "../handler.ts";
import { currentLeader, leaderEndpoints, type LeaderHint, NO_LEADER } from "../leader_hints.ts";
import type { Services } from "../services.ts";

/** For reading and sending, on top of the time that the client lets a fetch wait. */
const READ_MS = 30_000;
/** A client may ask to wait for up to 24 days; it is answered, empty, after this at the latest. */
const WAIT_MS_MAX = 10 * 60_000;
const READ_COMMITTED = 1;

export const fetch = handler<FetchRequest, FetchResponse>({
  api: Fetch,

  budgetMs: (request) => Math.min(Math.max(0, request.maxWaitMs), WAIT_MS_MAX) + READ_MS,

  async handle(request, context) {
    const { services } = context;
    const byId = context.apiVersion >= 13;
    const round = services.fetchSessions.open(sessionRequest(request, byId));
    if (typeof round === "string") return reply(round, 0, [], context);

    const { candidates, unknown } = resolve(round, byId, replicaIdOf(request), services);
    const found = candidates.length === 0 ? null : await fetchRecords(request, candidates, context);
    const rows = found === null ? unknown : unknown.length === 0 ? found.rows : [...found.rows, ...unknown];
    const settled = round.settle(rows);
    if (found !== null) { for (const lease of found.leases) context.holdUntilSent(lease); }
    return reply(settled.error, settled.sessionId, settled.rows, context);
  },

  refuse(request, error) {
    const code = errorCode(error);
    return {
      throttleTimeMs: 0,
      errorCode: code,
      sessionId: request.sessionId,
      // Before topic ids, clients look for the error at every partition.
      responses: request.topics.filter((topic) => topic.topicId === ZERO_UUID).map((topic) => ({
        topic: topic.topic,
        topicId: ZERO_UUID,
        partitions: topic.partitions.map((at) =>
          partitionResponse(errorRow({ ...at, topic: topic.topic, topicId: ZERO_UUID, maxBytes: 0 }, error), NO_LEADER)
        ),
      })),
      nodeEndpoints: [],
    };
  },
});

function replicaIdOf(request: FetchRequest): number {
  return Math.max(request.replicaId, request.replicaState.replicaId);
}

function sessionRequest(request: FetchRequest, byId: boolean): SessionRequest {
  const targets: FetchTarget[] = [];
  for (const topic of request.topics) {
    for (const at of topic.partitions) {
      targets.push({
        topic: byId ? "" : topic.topic,
        topicId: byId ? topic.topicId : ZERO_UUID,
        partition: at.partition,
        fetchOffset: at.fetchOffset,
        maxBytes: at.partitionMaxBytes,
        currentLeaderEpoch: at.currentLeaderEpoch,
        lastFetchedEpoch: at.lastFetchedEpoch,
      });
    }
  }
  const forgotten = request.forgottenTopicsData.flatMap((topic) =>
    topic.partitions.map((partition) => ({
      topic: byId ? "" : topic.topic,
      topicId: byId ? topic.topicId : ZERO_UUID,
      partition,
    }))
  );
  return {
    sessionId: request.sessionId,
    sessionEpoch: request.sessionEpoch,
    usesTopicIds: byId,
    privileged: replicaIdOf(request) >= 0,
    targets,
    forgotten,
  };
}

interface Resolved {
  readonly candidates: readonly FetchCandidate[];
  /** Partitions that the cluster does not have: told with the reply, but never a reason to answer early while others are waited for. */
  readonly unknown: readonly FetchRow[];
}

function resolve(round: FetchRound, byId: boolean, replicaId: number, services: Services): Resolved {
  const { partitions, controller } = services;
  const candidates: FetchCandidate[] = [];
  const unknown: FetchRow[] = [];
  for (const target of round.targets) {
    const partition = byId ? partitions.byId(target.topicId, target.partition) : partitions.byName(target.topic, target.partition);
    if (partition === null) {
      const topic = byId ? controller.image.topicById(target.topicId) : controller.image.topics.get(target.topic) ?? null;
      if (topic === null) unknown.push(unknownRow(target, byId ? "UNKNOWN_TOPIC_ID" : "UNKNOWN_TOPIC_OR_PARTITION"));
      else if (topic.partitions[target.partition] === undefined) unknown.push(unknownRow(target, "UNKNOWN_TOPIC_OR_PARTITION"));
      else unknown.push(errorRow(target, "NOT_LEADER_OR_FOLLOWER"));
    } else if (replicaId >= 0 && !isReplica(replicaId, target, partition.topic, services)) {
      unknown.push(errorRow(target, target.currentLeaderEpoch >= 0 ? "UNKNOWN_LEADER_EPOCH" : "NOT_LEADER_OR_FOLLOWER"));
    } else candidates.push({ target, partition });
  }
  return { candidates, unknown };
}

/** Kafka never comes to ask the log of these, and says "no aborted transactions" where it else says "not asked". */
function unknownRow(target: FetchTarget, error: KafkaErrorName): FetchRow {
  return { ...errorRow(target, error), abortedTransactions: [] };
}

function isReplica(replicaId: number, target: FetchTarget, topic: string, services: Services): boolean {
  const replicas = services.controller.image.topics.get(topic)?.partitions[target.partition]?.replicas;
  return replicas !== undefined && replicas.some((id) => id === replicaId);
}

/** Looks, parks if that was not enough, and looks again: what it finds then is the answer. */
async function fetchRecords(request: FetchRequest, candidates: readonly FetchCandidate[], context: RequestContext): Promise<FetchLook> {
  const { io, settings, fetchParks } = context.services;
  const maxBytes = Math.min(request.maxBytes, settings.fetchMaxBytes);
  const minBytes = Math.min(request.minBytes, maxBytes);
  const reader: Reader = replicaIdOf(request) >= 0 ? "replica" : request.isolationLevel === READ_COMMITTED ? "committed" : "consumer";
  const until = narrow(context.deadline, "fetch.wait", io.clock.mono(), Math.min(request.maxWaitMs, WAIT_MS_MAX));

  const marks = candidates.map(({ partition }) => partition.readableBytes);
  const first = await look(candidates, reader, maxBytes, until, context);
  if (first.urgent || first.byteLength >= minBytes || until.at <= io.clock.mono() || hasMore(first, candidates, reader)) return first;
  for (const lease of first.leases) lease.release();
  const waiting = candidates.map((candidate, at): ParkedPartition => ({ ...candidate, mark: marks[at]! }));
  await fetchParks.wait(waiting, minBytes - first.byteLength, until, context);
  if (context.isGone) return { ...first, byteLength: 0, leases: [], rows: [] };
  return look(candidates, reader, maxBytes, until, context);
}

async function look(
  candidates: readonly FetchCandidate[],
  reader: Reader,
  maxBytes: number,
  until: Deadline,
  context: RequestContext,
): Promise<FetchLook> {
  let wanted = 0;
  for (const { target, partition } of candidates) {
    if (partition.availableBytes(target.fetchOffset, reader) > 0) wanted += Math.max(1, Math.min(target.maxBytes, partition.sizeBytes));
  }
  if (wanted === 0) return lookWithoutRecords(candidates, reader);
  const { fetchBudget } = context.services;
  const granted = await fetchBudget.take(Math.max(1, Math.min(wanted, maxBytes)), context.connection, until);
  if (granted === 0) return lookWithoutRecords(candidates, reader);
  const found = await readRecords(candidates, reader, granted, context.deadline);
  found.leases.push(fetchBudget.settle(granted, found.byteLength, context.connection));
  return found;
}

function reply(error: KafkaErrorName | null, sessionId: number, rows: readonly FetchRow[], context: RequestContext): FetchResponse {
  const responses: { readonly topic: string; readonly topicId: Uuid; readonly partitions: PartitionResponse[] }[] = [];
  const leaders = new Set<number>();
  for (const row of rows) {
    const { topic, topicId } = row.target;
    let group = responses.at(-1);
    if (group === undefined || group.topic !== topic || group.topicId !== topicId) {
      group = { topic, topicId, partitions: [] };
      responses.push(group);
    }
    let leader = NO_LEADER;
    if (row.error !== null && context.apiVersion >= 16 && (row.error === "NOT_LEADER_OR_FOLLOWER" || row.error === "FENCED_LEADER_EPOCH")) {
      leader = currentLeader(context.services, topicId === ZERO_UUID ? { name: topic } : { topicId }, row.target.partition);
      if (leader.leaderId >= 0) leaders.add(leader.leaderId);
    }
    // Clients of that time do not know the storage error; this one makes them ask for the leader again (as Kafka does).
    const told: FetchRow = row.error === "KAFKA_STORAGE_ERROR" && context.apiVersion <= 5
      ? { ...row, error: "NOT_LEADER_OR_FOLLOWER" }
      : row;
    group.partitions.push(partitionResponse(told, leader));
  }
  return {
    throttleTimeMs: 0,
    errorCode: error === null ? 0 : errorCode(error),
    sessionId,
    responses,
    nodeEndpoints: leaders.size === 0 ? [] : leaderEndpoints(context.services, leaders, context.connection.listener),
  };
}

type PartitionResponse = FetchResponse["responses"][number]["partitions"][number];

function partitionResponse(row: FetchRow, leader: LeaderHint): PartitionResponse {
  return {
    partitionIndex: row.target.partition,
    errorCode: row.error === null ? 0 : errorCode(row.error),
    highWatermark: row.highWatermark,
    lastStableOffset: row.lastStableOffset,
    logStartOffset: row.logStartOffset,
    divergingEpoch: row.divergingEpoch === null
      ? NO_DIVERGENCE
      : { epoch: row.divergingEpoch.leaderEpoch, endOffset: row.divergingEpoch.endOffset },
    currentLeader: leader,
    snapshotId: NO_SNAPSHOT,
    abortedTransactions: row.abortedTransactions,
    preferredReadReplica: -1,
    records: row.chunks,
  };
}

const NO_DIVERGENCE = { epoch: -1, endOffset: -1 };
const NO_SNAPSHOT = { endOffset: -1, epoch: -1 };
