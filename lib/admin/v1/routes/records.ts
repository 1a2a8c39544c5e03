/** Records: a look at those of a partition, and a few new ones. What a key or value is in JSON, `records/payload.ts` says. */
import { z } from "@hono/zod-openapi";
import { ledPartition, offsetAt, type Services } from "../../../broker/mod.ts";
import type { Deadline } from "../../../io/mod.ts";
import { COMPRESSION_TYPES, type CompressionType } from "../../../protocol/mod.ts";
import type { Partition } from "../../../replication/types.ts";
import type { AdminContext } from "../../mod.ts";
import type { Api } from "../operation.ts";
import { field, integerParam, offset, OFFSET_MAX, orNull, partitionIndex, partitionParam, text, topicName } from "../params.ts";
import { FORMATS, fromPayload, GivenPayload, Payload, toPayload } from "../records/payload.ts";
import { peek } from "../records/peek.ts";
import { produceRecords } from "../records/produce.ts";
import { ProblemBody } from "../schemas.ts";
import { kafkaProblem, Refused } from "../status.ts";
import { topicNamed } from "../topic_schemas.ts";

const tag = "records";
const LIMIT = 20;
const LIMIT_MAX = 1_000;
const BYTES = 262_144;
const BYTES_MAX = 1_048_576;
const RECORDS_MAX = 1_000;

const formatParam = (what: string) =>
  z.enum(["auto", ...FORMATS]).optional().openapi({
    description:
      `How ${what} are told. \`auto\`: JSON for objects and lists, text for UTF-8, else base64. What does not fit is told in the next of these ` +
      "forms, and JSON with a number of 16 digits or more as text, because it would come back as another number",
    default: "auto",
    example: "json",
  });

const RecordPage = z.object({
  records: field(
    z.array(
      z.object({
        offset: offset("Its place in the partition"),
        timestamp: field(z.int(), "Milliseconds since 1970; -1 when it has none", 1760000000000),
        timestampType: field(z.enum(["create", "append"]), "Whether the producer or the broker gave the timestamp", "create"),
        key: orNull(Payload, "Null when it has none"),
        value: orNull(Payload, "Null for a tombstone"),
        headers: field(
          z.array(z.object({ key: text("Name of the header", "trace-id"), value: orNull(Payload, "Null when it has none") })),
          "In the order in which they were given",
          [],
        ),
      }),
    ),
    "In the order of their offsets",
    [],
  ),
  startOffset: offset("First offset that can be read", 0),
  highWatermark: offset("Offset after the last one that can be read", 2000),
  nextOffset: offset("Where to go on, for `offset`; the high watermark when there is no more now", 1062),
}).openapi("RecordPage");

const payload = (description: string) => GivenPayload.optional().openapi({ description, examples: [{ format: "json", data: { id: 7 } }] });

const Produce = z.strictObject({
  records: z.array(
    z.strictObject({
      partition: partitionIndex.optional(),
      key: payload("Text, null, or an object that says how it is written"),
      value: payload("Text, null, or an object that says how it is written; null is a tombstone"),
      headers: z.array(
        z.strictObject({
          key: z.string().max(1_024).openapi({ description: "Name of the header", examples: ["trace-id"] }),
          value: payload("Its value"),
        }),
      ).max(100).optional().openapi({ description: "In their order", examples: [[{ key: "trace-id", value: "5f2a" }]] }),
      timestamp: field(z.int().min(0).max(OFFSET_MAX).optional(), "Milliseconds since 1970; now when absent", 1760000000000),
    }),
  ).min(1).max(RECORDS_MAX).openapi({
    description: "Records of one partition are written together",
    examples: [[{ key: "7", value: "paid" }]],
  }),
  acks: z.enum(["all", "leader"]).default("all").openapi({
    description: "Who must have the records on disk before the answer",
    examples: ["all"],
  }),
  compression: z.enum(COMPRESSION_TYPES as readonly [CompressionType, ...CompressionType[]]).default("none")
    .openapi({ description: "How the batches are packed", examples: ["zstd"] }),
}).openapi("ProduceRecords");

const ProducedRecords = z.object({
  results: field(
    z.array(
      z.object({
        partition: partitionIndex,
        offset: field(z.int().min(0).nullable(), "Its place in the partition; null when it was refused, or when nobody knows", 1042),
        timestamp: field(z.int(), "The timestamp that it has, in milliseconds since 1970", 1760000000000),
        problem: orNull(ProblemBody, "Why it was refused; null when it was written"),
      }),
    ),
    "One row for each record, in their order",
    [],
  ),
}).openapi("ProducedRecords");

export function recordRoutes(api: Api, { services }: AdminContext): void {
  api.add({
    method: "get",
    path: "/v1/topics/{topic}/partitions/{partition}/records",
    id: "listRecords",
    tag,
    summary: "Look at records",
    description:
      "Records of a partition from an offset, from a time, or the last ones; with none of the three the last `limit`. Nothing is committed, and " +
      "what is not there yet is not waited for. A record that alone is larger than `maxBytes` comes with its fields cut.",
    params: { topic: topicName, partition: partitionParam },
    query: {
      offset: integerParam({ min: 0, max: OFFSET_MAX, example: 1042 }, "First offset to show").optional(),
      timestamp: integerParam(
        { min: 0, max: OFFSET_MAX, example: 1760000000000 },
        "Shows from the first record that is not older, in milliseconds since 1970",
      ).optional(),
      last: integerParam({ min: 1, max: LIMIT_MAX, example: 10 }, "How many offsets before the end to begin").optional(),
      limit: integerParam({ min: 1, max: LIMIT_MAX, default: LIMIT, example: 10 }, "Records at most").optional(),
      maxBytes: integerParam({ min: 1, max: BYTES_MAX, default: BYTES, example: 65536 }, "Bytes of keys, values and headers at most")
        .optional(),
      keyFormat: formatParam("keys"),
      valueFormat: formatParam("values and headers' values"),
    },
    answer: RecordPage,
    answers: { 200: "A page of records" },
    problems: [404, 413, 421, 507],
  }, async ({ params, query, deadline }) => {
    const { limit = LIMIT, maxBytes = BYTES, keyFormat = "auto", valueFormat = "auto" } = query;
    const partition = led(services, params.topic, params.partition);
    const from = await begin(partition, { ...query, limit }, deadline);
    const { records, nextOffset } = await peek(partition, { from, limit, maxBytes }, services.io, deadline);
    return {
      status: 200,
      body: {
        records: records.map(({ offset, timestamp, isAppendTime, key, value, headers }) => ({
          offset,
          timestamp,
          timestampType: isAppendTime ? "append" as const : "create" as const,
          key: toPayload(key, keyFormat, maxBytes),
          value: toPayload(value, valueFormat, maxBytes),
          headers: headers.map((header) => ({ key: header.key, value: toPayload(header.value, valueFormat, maxBytes) })),
        })),
        startOffset: partition.logStartOffset,
        highWatermark: partition.highWatermark,
        nextOffset,
      },
    };
  });

  api.add({
    method: "post",
    path: "/v1/topics/{topic}/records",
    id: "produceRecords",
    tag,
    summary: "Produce records",
    description:
      "Writes a few records. Without `partition` the key decides, as with Kafka's own clients; records without a key share a partition. For many " +
      "records use a Kafka client: it is faster, and it knows what was written when an answer is lost. Here an `Idempotency-Key` does.",
    params: { topic: topicName },
    body: Produce,
    answer: ProducedRecords,
    answers: { 200: "All were written", 207: "Some were refused, see each row" },
    problems: [404, 413, 421, 507],
  }, async ({ params, body, deadline }) => {
    const topic = topicNamed(params.topic, services);
    const records = body.records.map(({ partition, key, value, headers = [], timestamp }) => ({
      partition: partition ?? null,
      key: fromPayload(key),
      value: fromPayload(value),
      headers: headers.map((header) => ({ key: header.key, value: fromPayload(header.value) })),
      timestamp: timestamp ?? null,
    }));
    const options = { acks: body.acks === "all" ? -1 : 1, compression: body.compression } as const;
    const rows = await produceRecords(services, topic, records, options, deadline);
    const [first] = rows;
    if (rows.every(({ error }) => error !== null)) throw new Refused(first!.error!, first!.message);
    const results = rows.map(({ partition, offset, timestamp, error, message }) => ({
      partition,
      offset,
      timestamp,
      problem: error === null ? null : kafkaProblem(error, message),
    }));
    return { status: rows.some(({ error }) => error !== null) ? 207 : 200, body: { results } };
  });
}

/** @throws {Refused} */
function led(services: Services, topic: string, index: number): Partition {
  topicNamed(topic, services);
  const partition = ledPartition(services, topic, index);
  if (!partition.ok) throw new Refused(partition.error, partition.message);
  return partition.value;
}

interface Start {
  readonly offset?: number | undefined;
  readonly timestamp?: number | undefined;
  readonly last?: number | undefined;
  readonly limit: number;
}

async function begin(partition: Partition, { offset, timestamp, last, limit }: Start, deadline: Deadline): Promise<number> {
  const given = Object.entries({ offset, timestamp, last }).filter(([, value]) => value !== undefined);
  if (given.length > 1) {
    const errors = given.slice(1).map(([name, value]) => ({
      in: "query" as const,
      path: name,
      accepted: `absent where \`${given[0]![0]}\` is given`,
      got: String(value),
    }));
    throw new Refused(
      "INVALID_REQUEST",
      `Cannot begin at two places: give one of ${given.map(([name]) => `"${name}"`).join(", ")}`,
      errors,
    );
  }
  const { logStartOffset: start, highWatermark: end } = partition;
  if (offset !== undefined) {
    if (offset >= start && offset <= end) return offset;
    throw new Refused("OFFSET_OUT_OF_RANGE", `Cannot begin at offset ${offset}: the partition has ${start} to ${end}`, [
      { in: "query", path: "offset", accepted: `${start} to ${end}`, got: String(offset) },
    ]);
  }
  if (timestamp !== undefined) return (await offsetAt(partition, timestamp, end, deadline))?.offset ?? end;
  return Math.max(start, end - (last ?? limit));
}
