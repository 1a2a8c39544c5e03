/** Requests as they are, one try each: what a topic's partition holds from an offset on, all topics as a broker lists them, one record more. */
import { type Cluster, KafkaError } from "../../client/mod.ts";
import {
  decodeBatch,
  type Draft,
  encodeBatch,
  errorName,
  Fetch,
  forEachBatch,
  hasValidCrc,
  type Infer,
  Metadata,
  Produce,
  ZERO_UUID,
} from "../../protocol/mod.ts";
import type { Told } from "../history.ts";
import type { Client } from "./client.ts";
import { knob } from "./knobs.ts";
import { toldBy } from "./recorded_cluster.ts";
import { markIn, valueOf } from "./values.ts";

/** Up to these versions topics have names in requests. */
export const PRODUCE_BY_NAME_MAX = 12;
export const FETCH_BY_NAME_MAX = 12;
const BATCH_BYTES_MAX = 1_000_000;

const deadlineOf = ({ io, context }: Client, op: string) => io.deadlines.in(op, knob(context, "requestTimeoutMs"));

/** What went wrong and may go wrong; anything else is thrown on. */
function expected(error: unknown): null {
  if (error instanceof KafkaError) return null;
  throw error;
}

/** Records what is there from `offset` on as read. @returns the offset behind it; null when there was no answer or none with records. */
export async function fetchOnce(
  client: Client,
  cluster: Cluster,
  topic: string,
  partition: number,
  offset: number,
): Promise<number | null> {
  const askedAt = client.world.now;
  const deadline = deadlineOf(client, "fetch");
  const request = fetchRequest(topic, partition, offset, { maxWaitMs: 0, minBytes: 0, bytesMax: 1 + client.draws.below(20_000) });
  const reply = await cluster.call("any", Fetch, request, { deadline, maxVersion: FETCH_BY_NAME_MAX }).catch(expected);
  const row = reply?.responses[0]?.partitions[0];
  if (row?.errorCode !== 0) return null;
  sawStart(client, topic, partition, row.logStartOffset, askedAt);
  return row.records === null ? null : sawRecords(client, { topic, partition, offset }, row.records, askedAt);
}

/** Of one partition. */
export const fetchRequest = (
  topic: string,
  partition: number,
  offset: number,
  { maxWaitMs, minBytes, bytesMax }: { readonly maxWaitMs: number; readonly minBytes: number; readonly bytesMax: number },
): Draft<typeof Fetch.request> => ({
  ...{ maxWaitMs, minBytes, maxBytes: 100_000 },
  topics: [{ topic, topicId: ZERO_UUID, partitions: [{ partition, fetchOffset: offset, partitionMaxBytes: bytesMax }] }],
});

/** Records where a partition begins, as an answer says; older versions say nothing. */
export function sawStart(client: Client, topic: string, partition: number, offset: number, askedAt: number): void {
  if (offset >= 0) client.saw((asked) => ({ ...asked, kind: "started", topic, partition, offset }), askedAt);
}

/** Where a fetch began. */
interface Fetched {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** Nothing is deleted of it: law 3 holds for readers as well. */
  readonly isKept?: boolean;
}

/** Records what a fetch gave as read. @returns the offset behind it; null when there were no records. */
export function sawRecords(
  client: Client,
  { topic, partition, offset, isKept = false }: Fetched,
  bytes: Uint8Array,
  askedAt: number,
): number | null {
  const reader = client.nextReading();
  let next: number | null = null;
  forEachBatch(bytes, (at) => {
    if (!hasValidCrc(bytes, at)) {
      // As every client, it takes nothing of a damaged batch; only a disk may damage one.
      const { world } = client;
      if (!world.marks.has("disk.bitRot")) {
        world.fail(`${topic}-${partition}: a damaged batch was served to ${client.name} from offset ${offset} on`);
      }
      return;
    }
    for (const record of decodeBatch(bytes, at, BATCH_BYTES_MAX)) {
      // The first batch may begin before the offset that was asked for.
      if (record.offset < offset) continue;
      const mark = markIn(record.value);
      if (isKept) client.expectDurable(mark, `was given at ${topic}-${partition}, offset ${record.offset},`);
      client.saw(
        (asked) => ({ ...asked, client: reader, kind: "read", topic, partition, offset: record.offset, mark, group: "" }),
        askedAt,
      );
      client.context.count("read");
      next = record.offset + 1;
    }
  });
  return next;
}

/** Records all topics with their numbers of partitions as listed. */
export async function listOnce(client: Client, cluster: Cluster): Promise<ReadonlyMap<string, number> | null> {
  const askedAt = client.world.now;
  const reply = await cluster.call("any", Metadata, { topics: null, allowAutoTopicCreation: false }, {
    deadline: deadlineOf(client, "list topics"),
  })
    .catch(expected);
  if (reply === null || reply.errorCode !== 0) return null;
  const topics = new Map(
    reply.topics.filter(({ errorCode }) => errorCode === 0).map(({ name, partitions }) => [name ?? "", partitions.length]),
  );
  client.saw((asked) => ({ ...asked, kind: "listed", topics: Object.fromEntries(topics) }), askedAt);
  return topics;
}

/** One record, which no topic is made for. */
export async function produceOnce(client: Client, cluster: Cluster, topic: string, partition: number): Promise<void> {
  const { context, draws } = client;
  const mark = context.nextMark();
  const event = { kind: "produced", topic, partition, mark, idempotent: false } as const;
  const tell = client.asks((asked) => ({ ...asked, ...event, told: "unknown", offset: -1 }));
  const request = produceRequest(client, topic, partition, valueOf(mark, draws.skewed(1, 500)), -1, knob(context, "requestTimeoutMs"));
  const [told, offset] = await cluster.call("any", Produce, request, {
    deadline: deadlineOf(client, "produce"),
    maxVersion: PRODUCE_BY_NAME_MAX,
  })
    .then(
      toldByProduce,
      (error: unknown): [Told, number] => {
        if (!(error instanceof KafkaError)) throw error;
        return [error.isOutcomeUnknown ? "unknown" : "failed", -1];
      },
    );
  tell((asked) => ({ ...asked, ...event, told, offset }));
  context.count(told === "ok" ? "acknowledged" : told);
}

/** One record to one partition. */
export function produceRequest(
  { io }: Client,
  topic: string,
  partition: number,
  value: string,
  acks: number,
  timeoutMs: number,
): Draft<typeof Produce.request> {
  const record = { timestamp: io.clock.wall(), key: null, value: new TextEncoder().encode(value), headers: [] };
  const records = encodeBatch({ records: [record] });
  return { acks, timeoutMs, topicData: [{ name: topic, topicId: ZERO_UUID, partitionData: [{ index: partition, records }] }] };
}

/** What the reply to `produceRequest` says of it, and the record's offset. */
export function toldByProduce({ responses }: Infer<typeof Produce.response>): [told: Told, offset: number] {
  const { errorCode, baseOffset } = responses[0]!.partitionResponses[0]!;
  const isUnclear = errorName(errorCode) === "KAFKA_STORAGE_ERROR";
  return [isUnclear ? "unknown" : toldBy(errorCode), errorCode === 0 ? baseOffset : -1];
}
