/**
 * DescribeLogDirs, versions 1-5: the one data directory of this node, its volume, and the size of every log that was asked for
 * (null: all). Logs that this node does not host are left out, as Kafka does.
 */
import { DescribeLogDirs, type DescribeLogDirsRequest, type DescribeLogDirsResponse, errorCode } from "../../protocol/mod.ts";
import type { Partition } from "../../replication/types.ts";
import { handler, type RequestContext } from "../handler.ts";

type TopicResponse = DescribeLogDirsResponse["results"][number]["topics"][number];
type PartitionResponse = TopicResponse["partitions"][number];

export const describeLogDirs = handler<DescribeLogDirsRequest, DescribeLogDirsResponse>({
  api: DescribeLogDirs,

  async handle(request, context) {
    const { path, totalBytes, usableBytes } = await context.services.storage.usage(context.deadline);
    return {
      throttleTimeMs: 0,
      errorCode: 0,
      results: [{ errorCode: 0, logDir: path, topics: describeTopics(request, context), totalBytes, usableBytes, isCordoned: false }],
    };
  },

  refuse: (_request, error) => ({ throttleTimeMs: 0, errorCode: errorCode(error), results: [] }),
});

function describeTopics(request: DescribeLogDirsRequest, { services }: RequestContext): TopicResponse[] {
  const topics = new Map<string, PartitionResponse[]>();
  for (const partition of askedFor(request, services.partitions)) {
    const rows = topics.get(partition.topic) ?? [];
    rows.push({
      partitionIndex: partition.partition,
      partitionSize: partition.sizeBytes,
      // How far this replica is behind the leader's high watermark: not at all while it leads.
      offsetLag: Math.max(0, partition.highWatermark - partition.logEndOffset),
      isFutureKey: false,
    });
    topics.set(partition.topic, rows);
  }
  return [...topics].map(([name, partitions]) => ({ name, partitions }));
}

function* askedFor(request: DescribeLogDirsRequest, partitions: RequestContext["services"]["partitions"]): Iterable<Partition> {
  if (request.topics === null) return yield* partitions.all();
  const seen = new Set<Partition>();
  for (const { topic, partitions: indexes } of request.topics) {
    for (const index of indexes) {
      const partition = partitions.byName(topic, index);
      if (partition === null || seen.has(partition)) continue;
      seen.add(partition);
      yield partition;
    }
  }
}
