/**
 * ListOffsets, versions 1-11: the offset of a timestamp, or one of the special ones.
 * - -1 latest (the last stable offset for committed readers), -2 earliest, -3 the record with the largest timestamp (KIP-734),
 *   -4 earliest on this disk, -5 and -6 what tiered storage would know: there is none, so the answer is offset -1 (KIP-1005, KIP-1023).
 * - A partition named twice is an error of that partition, told once; so is a special timestamp that the version does not have.
 * - Partitions are looked up in parallel, a bounded number at a time.
 */
import { errorCode, type KafkaErrorName, ListOffsets, type ListOffsetsRequest, type ListOffsetsResponse } from "../../protocol/mod.ts";
import { mapBounded } from "../bounded.ts";
import { kafkaErrorOf } from "../error_mapping.ts";
import { handler, type RequestContext } from "../handler.ts";
import { missingPartition } from "../missing_partition.ts";
import { EARLIEST, EARLIEST_LOCAL, EARLIEST_PENDING_UPLOAD, LATEST, LATEST_TIERED, MAX_TIMESTAMP, offsetAt } from "../offset_lookup.ts";

/** The version that brought each special timestamp. */
const SINCE: ReadonlyMap<number, number> = new Map([
  [LATEST, 1],
  [EARLIEST, 1],
  [MAX_TIMESTAMP, 7],
  [EARLIEST_LOCAL, 8],
  [LATEST_TIERED, 9],
  [EARLIEST_PENDING_UPLOAD, 11],
]);

const CONSUMER = -1;
const READ_COMMITTED = 1;
const LOOKUPS_AT_ONCE = 8;

type PartitionRequest = ListOffsetsRequest["topics"][number]["partitions"][number];
type PartitionResponse = ListOffsetsResponse["topics"][number]["partitions"][number];

export const listOffsets = handler<ListOffsetsRequest, ListOffsetsResponse>({
  api: ListOffsets,

  async handle(request, context) {
    const { topics, twice } = gather(request);
    const lookups = topics.flatMap(([topic, partitions]) => Array.from(partitions.values(), (at) => ({ topic, at })));
    const rows = await mapBounded(lookups, LOOKUPS_AT_ONCE, ({ topic, at }) => {
      if (twice.has(at)) return Promise.resolve(errorRow(at, "INVALID_REQUEST"));
      return lookUp(topic, at, request, context);
    });
    let next = 0;
    return {
      throttleTimeMs: 0,
      topics: topics.map(([name, partitions]) => ({ name, partitions: Array.from(partitions, () => rows[next++]!) })),
    };
  },

  refuse: (request, error) => ({
    throttleTimeMs: 0,
    topics: request.topics.map((topic) => ({ name: topic.name, partitions: topic.partitions.map((at) => errorRow(at, error)) })),
  }),
});

/** By topic and partition, in the order in which each was named first; `twice` has those that were named again. */
function gather(request: ListOffsetsRequest) {
  const topics = new Map<string, Map<number, PartitionRequest>>();
  const twice = new Set<PartitionRequest>();
  for (const { name, partitions } of request.topics) {
    const ofTopic = topics.get(name) ?? topics.set(name, new Map()).get(name)!;
    for (const at of partitions) {
      const before = ofTopic.get(at.partitionIndex);
      if (before === undefined) ofTopic.set(at.partitionIndex, at);
      else twice.add(before);
    }
  }
  return { topics: [...topics], twice };
}

async function lookUp(
  topic: string,
  at: PartitionRequest,
  request: ListOffsetsRequest,
  context: RequestContext,
): Promise<PartitionResponse> {
  const { partitionIndex, timestamp } = at;
  if (timestamp < 0 && context.apiVersion < (SINCE.get(timestamp) ?? Infinity)) return errorRow(at, "UNSUPPORTED_VERSION");
  const partition = context.services.partitions.byName(topic, partitionIndex);
  if (partition === null) return errorRow(at, missingPartition(context.services, topic, partitionIndex));
  const refused = partition.checkEpoch(at.currentLeaderEpoch);
  if (refused !== null) return errorRow(at, refused);
  // Consumers see up to the watermark of their isolation level; others, debugging tools among them, up to the log's end.
  const end = request.replicaId !== CONSUMER
    ? partition.logEndOffset
    : request.isolationLevel === READ_COMMITTED
    ? partition.lastStableOffset
    : partition.highWatermark;
  try {
    const found = await offsetAt(partition, timestamp, end, context.deadline);
    return {
      partitionIndex,
      errorCode: 0,
      timestamp: found?.timestamp ?? -1,
      offset: found?.offset ?? -1,
      leaderEpoch: found?.leaderEpoch ?? -1,
    };
  } catch (error) {
    return errorRow(at, kafkaErrorOf(error));
  }
}

function errorRow(at: PartitionRequest, error: KafkaErrorName): PartitionResponse {
  return { partitionIndex: at.partitionIndex, errorCode: errorCode(error), timestamp: -1, offset: -1, leaderEpoch: -1 };
}
