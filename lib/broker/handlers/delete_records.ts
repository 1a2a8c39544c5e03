/**
 * DeleteRecords, versions 0-2: moves the start of logs forward.
 * - Offset -1 is the high watermark; beyond it, or below -1, is OFFSET_OUT_OF_RANGE; below the log's start changes nothing.
 * - Of a partition that is named more than once the last row counts, and is the one that is answered.
 * - Internal topics are INVALID_TOPIC_EXCEPTION, topics that only compact POLICY_VIOLATION.
 * - Answers when the new start is durable; after `timeout_ms` the outcome is unknown: REQUEST_TIMED_OUT.
 */
import {
  DeleteRecords,
  type DeleteRecordsRequest,
  type DeleteRecordsResponse,
  errorCode,
  type KafkaErrorName,
} from "../../protocol/mod.ts";
import { mapBounded } from "../bounded.ts";
import { deleteRecordsBefore } from "../delete_records.ts";
import { handler, type RequestContext } from "../handler.ts";

const DELETIONS_AT_ONCE = 8;

type PartitionRequest = DeleteRecordsRequest["topics"][number]["partitions"][number];
type PartitionResponse = DeleteRecordsResponse["topics"][number]["partitions"][number];

export const deleteRecords = handler<DeleteRecordsRequest, DeleteRecordsResponse>({
  api: DeleteRecords,

  budgetMs: (request) => Math.max(0, request.timeoutMs),

  async handle(request, context) {
    const asked = new Map<string, Map<number, PartitionRequest>>();
    for (const { name, partitions } of request.topics) {
      const ofTopic = asked.get(name) ?? asked.set(name, new Map()).get(name)!;
      for (const at of partitions) ofTopic.set(at.partitionIndex, at);
    }
    const deletions = [...asked].flatMap(([topic, partitions]) => Array.from(partitions.values(), (at) => ({ topic, at })));
    const rows = await mapBounded(deletions, DELETIONS_AT_ONCE, ({ topic, at }) => deleteFrom(topic, at, context));
    let next = 0;
    return {
      throttleTimeMs: 0,
      topics: Array.from(asked, ([name, partitions]) => ({ name, partitions: Array.from(partitions, () => rows[next++]!) })),
    };
  },

  refuse: (request, error) => ({
    throttleTimeMs: 0,
    topics: request.topics.map((topic) => ({ name: topic.name, partitions: topic.partitions.map((at) => errorRow(at, error)) })),
  }),
});

async function deleteFrom(topic: string, at: PartitionRequest, { services, deadline }: RequestContext): Promise<PartitionResponse> {
  const row = await deleteRecordsBefore(services, topic, at.partitionIndex, at.offset, deadline);
  return row.ok ? { partitionIndex: at.partitionIndex, lowWatermark: row.value, errorCode: 0 } : errorRow(at, row.error);
}

function errorRow(at: PartitionRequest, error: KafkaErrorName): PartitionResponse {
  return { partitionIndex: at.partitionIndex, lowWatermark: -1, errorCode: errorCode(error) };
}
