/**
 * Produce, versions 3-13 (by topic id since 13); 0-2 are advertised for librdkafka's sake and refused by the router.
 * - All batches enter their logs before the first await, so that arrival order is log order.
 * - acks -1 waits for the high watermark, 1 for this disk, 0 gets no reply (a failure closes the connection). After `timeout_ms` the outcome is unknown: REQUEST_TIMED_OUT.
 * - A repeated batch of an idempotent producer is answered with its first offset (KIP-98).
 * - Refused records are named (KIP-467), the present leader too (KIP-951).
 * Not done: transactions. Transactional batches are refused as Kafka refuses who may not use the transactional id.
 */
import { type Deadline, narrow } from "../../io/mod.ts";
import {
  errorCode,
  errorName,
  isOneBatch,
  type KafkaErrorName,
  Produce,
  type ProduceRequest,
  type ProduceResponse,
  ZERO_UUID,
} from "../../protocol/mod.ts";
import type { AcknowledgementWaiter, AppendOptions, AppendResult, Partition, RecordError } from "../../replication/types.ts";
import { handler, NO_REPLY, type RequestContext } from "../handler.ts";
import { currentLeader, leaderEndpoints, type LeaderHint, NO_LEADER } from "../leader_hints.ts";

type Topic = ProduceRequest["topicData"][number];
type TopicResponse = ProduceResponse["responses"][number];
type PartitionResponse = TopicResponse["partitionResponses"][number];

/** A reply row under construction: filled at the append, its error perhaps at the acknowledgement. */
interface Row extends PartitionResponse {
  errorCode: number;
  errorMessage: string | null;
  currentLeader: LeaderHint;
}

/** For making the reply, on top of the client's own timeout. */
const REPLY_MS = 5_000;
const INTERNAL_TOPIC_WRITERS = "__admin_client";
const MAGIC_OFFSET = 16;
const ATTRIBUTES_LOW_OFFSET = 22;
const TRANSACTIONAL_BIT = 0x10;

export const produce = handler<ProduceRequest, ProduceResponse>({
  api: Produce,

  // The acknowledgements have their own deadline below, which tells the outcome of each partition.
  budgetMs: (request) => Math.max(0, request.timeoutMs) + REPLY_MS,

  handle(request, context) {
    const { acks } = request;
    if (acks !== -1 && acks !== 0 && acks !== 1) {
      return refuseAll(request, "INVALID_REQUIRED_ACKS", `acks is ${acks}, it must be -1, 0 or 1`);
    }
    if (request.topicData.some((topic) => topic.partitionData.some((at) => isTransactional(at.records)))) {
      return refuseAll(
        request,
        "TRANSACTIONAL_ID_AUTHORIZATION_FAILED",
        "Cannot append transactional records: transactions are not served",
      );
    }
    const pending = new PendingRows();
    const leaders = new Set<number>();
    const until = narrow(context.deadline, "produce.acknowledge", context.services.io.clock.mono(), Math.max(0, request.timeoutMs));
    const responses = request.topicData.map((topic) => appendTopic(topic, acks, until, context, pending, leaders));
    if (acks === 0) {
      // Who wants no replies learns of a failure only from the closed connection, and then asks for the leader anew (as with Kafka).
      const failed = responses.flatMap(({ partitionResponses }) => partitionResponses).find((row) => row.errorCode !== 0);
      if (failed !== undefined) context.hangUp(`acks is 0 and partition ${failed.index} failed with ${errorName(failed.errorCode)}`);
      return NO_REPLY;
    }
    return pending.isDone ? reply(responses, leaders, context) : replyLater(responses, leaders, pending, context);
  },

  refuse: (request, error, message) => refuseAll(request, error, message),
});

function appendTopic(
  topic: Topic,
  acks: -1 | 0 | 1,
  until: Deadline,
  context: RequestContext,
  pending: PendingRows,
  leaders: Set<number>,
): TopicResponse {
  const { services, apiVersion, lease, clientId } = context;
  const byId = apiVersion >= 13;
  const image = byId ? services.controller.image.topicById(topic.topicId) : services.controller.image.topics.get(topic.name) ?? null;
  const options: AppendOptions = { internal: false, acks, produceVersion: apiVersion };
  const refusal = image === null
    ? byId ? "UNKNOWN_TOPIC_ID" : "UNKNOWN_TOPIC_OR_PARTITION"
    : image.internal && clientId !== INTERNAL_TOPIC_WRITERS
    ? "INVALID_TOPIC_EXCEPTION"
    : null;
  const rows = new Array<Row>(topic.partitionData.length);
  for (let at = 0; at < rows.length; at++) {
    const { index, records } = topic.partitionData[at]!;
    if (refusal !== null || image?.partitions[index] === undefined) {
      rows[at] = errorRow(index, refusal ?? "UNKNOWN_TOPIC_OR_PARTITION", null);
      continue;
    }
    const partition = byId ? services.partitions.byId(topic.topicId, index) : services.partitions.byName(topic.name, index);
    const result = appendRecords(partition, records, lease, options);
    if (!result.ok) {
      const row = errorRow(index, result.error, result.message, result.recordErrors, logStartTold(result.error, partition, records));
      rows[at] = row;
      if (result.error === "NOT_LEADER_OR_FOLLOWER") hintLeader(row, topic, context, leaders);
      continue;
    }
    const row: Row = {
      index,
      errorCode: 0,
      baseOffset: result.baseOffset,
      logAppendTimeMs: result.logAppendTimeMs,
      logStartOffset: result.logStartOffset,
      recordErrors: NO_RECORD_ERRORS,
      errorMessage: null,
      currentLeader: NO_LEADER,
    };
    rows[at] = row;
    if (acks !== 0) pending.waitFor(row, topic, partition!, result.lastOffset, acks, until);
  }
  return { name: topic.name, topicId: topic.topicId, partitionResponses: rows };
}

/** What Kafka checks of a produce request before the log sees it, then the append. */
function appendRecords(
  partition: Partition | null,
  records: Uint8Array | null,
  lease: RequestContext["lease"],
  options: AppendOptions,
): AppendResult {
  if (partition === null) return refused("NOT_LEADER_OR_FOLLOWER", "Cannot append: this node has no replica of the partition");
  if (records === null || records.byteLength === 0) {
    return refused("INVALID_RECORD", "Cannot append: the request has no record batch for the partition");
  }
  return partition.append(records, lease, options);
}

async function replyLater(
  responses: TopicResponse[],
  leaders: Set<number>,
  pending: PendingRows,
  context: RequestContext,
): Promise<ProduceResponse> {
  for (const { row, topic } of await pending.lostLeader()) hintLeader(row, topic, context, leaders);
  return reply(responses, leaders, context);
}

/** The rows of a request that wait for their acknowledgement: one promise for all of them, and no object for a row that is acknowledged. */
class PendingRows implements AcknowledgementWaiter {
  readonly #rows: Row[] = [];
  readonly #topics: Topic[] = [];
  readonly #lostLeader: { readonly row: Row; readonly topic: Topic }[] = [];
  #open = 0;
  readonly #done = Promise.withResolvers<void>();

  get isDone(): boolean {
    return this.#open === 0;
  }

  waitFor(row: Row, topic: Topic, partition: Partition, lastOffset: number, acks: 1 | -1, until: Deadline): void {
    if (partition.isAcknowledged(lastOffset, acks)) return;
    this.#open++;
    this.#rows.push(row);
    this.#topics.push(topic);
    partition.whenAcknowledged(lastOffset, acks, until, this, this.#rows.length - 1);
  }

  acknowledged(tag: number, error: KafkaErrorName | null): void {
    if (error !== null) {
      const row = this.#rows[tag]!;
      row.errorCode = errorCode(error);
      if (error === "NOT_LEADER_OR_FOLLOWER") this.#lostLeader.push({ row, topic: this.#topics[tag]! });
    }
    if (--this.#open === 0) this.#done.resolve();
  }

  /** Resolves when all are told, with those that must look for another leader. */
  async lostLeader(): Promise<readonly { readonly row: Row; readonly topic: Topic }[]> {
    await this.#done.promise;
    return this.#lostLeader;
  }
}

function reply(responses: TopicResponse[], leaders: ReadonlySet<number>, context: RequestContext): ProduceResponse {
  return {
    responses,
    throttleTimeMs: 0,
    nodeEndpoints: leaders.size === 0 ? [] : leaderEndpoints(context.services, leaders, context.connection.listener),
  };
}

function hintLeader(row: Row, topic: Topic, context: RequestContext, leaders: Set<number>): void {
  if (context.apiVersion < 10) return;
  const leader = currentLeader(
    context.services,
    topic.topicId === ZERO_UUID ? { name: topic.name } : { topicId: topic.topicId },
    row.index,
  );
  row.currentLeader = leader;
  if (leader.leaderId >= 0) leaders.add(leader.leaderId);
}

function isTransactional(records: Uint8Array | null): boolean {
  return records !== null && records.byteLength > ATTRIBUTES_LOW_OFFSET && records[MAGIC_OFFSET] === 2 &&
    (records[ATTRIBUTES_LOW_OFFSET]! & TRANSACTIONAL_BIT) !== 0;
}

const NO_RECORD_ERRORS: readonly never[] = [];

function refused(error: KafkaErrorName, message: string): AppendResult {
  return { ok: false, error, message, recordErrors: NO_RECORD_ERRORS };
}

/** As Kafka: what was refused for itself, not for its place in the log, is not told where the log starts. */
const SAID_OF_THE_BATCH: ReadonlySet<KafkaErrorName> = new Set(["CORRUPT_MESSAGE", "MESSAGE_TOO_LARGE", "UNSUPPORTED_COMPRESSION_TYPE"]);
const logStartTold = (error: KafkaErrorName, partition: Partition | null, records: Uint8Array | null): number =>
  partition === null || records === null || SAID_OF_THE_BATCH.has(error) || !isOneBatch(records) ? -1 : partition.logStartOffset;

function errorRow(
  index: number,
  error: KafkaErrorName,
  message: string | null,
  recordErrors: readonly RecordError[] = NO_RECORD_ERRORS,
  logStartOffset = -1,
): Row {
  return {
    index,
    errorCode: errorCode(error),
    baseOffset: -1,
    logAppendTimeMs: -1,
    logStartOffset,
    recordErrors: recordErrors.map(({ batchIndex, message }) => ({ batchIndex, batchIndexErrorMessage: message })),
    errorMessage: message,
    currentLeader: NO_LEADER,
  };
}

function refuseAll(request: ProduceRequest, error: KafkaErrorName, message: string): ProduceResponse {
  return {
    responses: request.topicData.map((topic) => ({
      name: topic.name,
      topicId: topic.topicId,
      partitionResponses: topic.partitionData.map(({ index }) => errorRow(index, error, message)),
    })),
    throttleTimeMs: 0,
    nodeEndpoints: [],
  };
}
