/** What belongs to one partition beside its records: producers that it remembers, and deleting what is old. */
import { z } from "@hono/zod-openapi";
import { deleteRecordsBefore, LATEST, ledPartition } from "../../../broker/mod.ts";
import type { AdminContext } from "../../mod.ts";
import type { Api } from "../operation.ts";
import { nextCursor, pageByNumber, pageQuery } from "../paging.ts";
import { count, field, offset, OFFSET_MAX, partitionIndex, partitionParam, topicName } from "../params.ts";
import { Refused } from "../status.ts";
import { topicNamed } from "../topic_schemas.ts";

const params = { topic: topicName, partition: partitionParam };

const ProducerPage = z.object({
  producers: field(
    z.array(z.object({
      producerId: count("Id that the broker gave it", 1000),
      producerEpoch: field(z.int(), "Raised when an id is used anew", 0),
      lastSequence: field(z.int(), "Number of its last record here; -1 when unknown", 41),
      lastTimestamp: field(z.int(), "Timestamp of its last batch, in milliseconds since 1970; -1 when unknown", 1760000000000),
      coordinatorEpoch: field(z.int(), "Epoch of its transaction's coordinator; -1 when there is none", -1),
      currentTxnStartOffset: field(z.int(), "Where its open transaction begins; -1 when there is none", -1),
    })),
    "In the order of their ids",
    [],
  ),
  nextCursor,
}).openapi("ProducerPage");

const DeletedRecords = z.object({
  topic: topicName,
  partition: partitionIndex,
  startOffset: offset("First offset that can be read from now on"),
}).openapi("DeletedRecords");

export function partitionRoutes(api: Api, { services }: AdminContext): void {
  api.add({
    method: "get",
    path: "/v1/topics/{topic}/partitions/{partition}/producers",
    id: "listProducers",
    tag: "topics",
    summary: "List producers of a partition",
    description: "The idempotent producers that a partition remembers, to tell a batch that came twice from a new one.",
    params,
    query: pageQuery,
    answer: ProducerPage,
    answers: { 200: "A page of producers" },
    problems: [404, 421],
  }, ({ params, query }) => {
    topicNamed(params.topic, services);
    const partition = ledPartition(services, params.topic, params.partition);
    if (!partition.ok) throw new Refused(partition.error, partition.message);
    const { rows, nextCursor } = pageByNumber(partition.value.producers(), ({ producerId }) => producerId, query);
    return { status: 200, body: { producers: rows.map((producer) => ({ ...producer })), nextCursor } };
  });

  api.add({
    method: "delete",
    path: "/v1/topics/{topic}/partitions/{partition}/records",
    id: "deleteRecords",
    tag: "records",
    summary: "Delete old records",
    description:
      "Deletes the records of a partition before an offset. The others keep their offsets. Answers when the new start is durable.",
    params,
    query: {
      before: z.union([
        z.literal("latest"),
        z.string().regex(/^\d{1,16}$/, "`latest`, or an offset").transform(Number).pipe(z.int().min(0).max(OFFSET_MAX)),
      ]).openapi({
        type: "string",
        pattern: "^(latest|\\d{1,15})$",
        description: "First offset to keep; `latest` keeps nothing of what can be read now",
        example: "1042",
      }),
    },
    answer: DeletedRecords,
    answers: { 200: "Where the partition begins now" },
    problems: [404, 421, 507],
  }, async ({ params: { topic, partition }, query, deadline }) => {
    topicNamed(topic, services);
    const row = await deleteRecordsBefore(services, topic, partition, query.before === "latest" ? LATEST : query.before, deadline);
    if (!row.ok) throw new Refused(row.error, row.message);
    return { status: 200, body: { topic, partition, startOffset: row.value } };
  });
}
