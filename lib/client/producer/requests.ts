/** Produce requests and the rows of their replies: which row is whose, where the leader is now. Sends nothing. Source: KIP-516, KIP-951. */
import { type Draft, type Infer, type Produce, type Uuid, ZERO_UUID } from "../../protocol/mod.ts";
import type { Cluster } from "../types.ts";
import type { Batch } from "./batch.ts";
import type { PartitionQueue } from "./partition_queue.ts";
import type { Topic } from "./topic.ts";

/** One batch on its way. */
export interface Shipment {
  readonly topic: Topic;
  readonly queue: PartitionQueue;
  readonly batch: Batch;
}

export type ProduceReply = Infer<typeof Produce.response>;
export type ProduceRow = ProduceReply["responses"][number]["partitionResponses"][number];

/** The last version in which topics have names; from the next one on they have ids. */
export const BY_NAME_MAX = 12;
/** zstd is refused before this version (KIP-110). */
export const ZSTD_SINCE = 7;

export function draftOf(shipments: readonly Shipment[], acks: number, timeoutMs: number): Draft<typeof Produce.request> {
  const byTopic = Map.groupBy(shipments, ({ topic }) => topic);
  return {
    acks,
    timeoutMs,
    topicData: [...byTopic].map(([topic, rows]) => ({
      name: topic.name,
      topicId: topicIdOf(topic),
      partitionData: rows.map(({ queue, batch }) => ({ index: queue.partition, records: batch.bytes })),
    })),
  };
}

/** Whether the request can be sent by topic id. */
export const haveIds = (shipments: readonly Shipment[]): boolean => shipments.every(({ topic }) => topicIdOf(topic) !== ZERO_UUID);

const topicIdOf = (topic: Topic): Uuid => (topic.view?.topicId ?? ZERO_UUID) as Uuid;

/** The row of each shipment, in their order; undefined where the broker left it out. */
export function rowsOf(shipments: readonly Shipment[], { responses }: ProduceReply): readonly (ProduceRow | undefined)[] {
  return shipments.map(({ topic, queue }) =>
    responses.find(({ name, topicId }) => name === "" ? topicId === topicIdOf(topic) : name === topic.name)
      ?.partitionResponses.find(({ index }) => index === queue.partition)
  );
}

/** Takes the reply's word on where the leader is; false when it does not say. */
export function learnLeader(cluster: Cluster, { topic, queue }: Shipment, row: ProduceRow, { nodeEndpoints }: ProduceReply): boolean {
  const { leaderId, leaderEpoch } = row.currentLeader;
  if (leaderId < 0 || leaderEpoch < 0) return false;
  const node = nodeEndpoints.find(({ nodeId }) => nodeId === leaderId);
  const { host, port, rack } = node ?? { host: "", port: -1, rack: null };
  cluster.hintLeader(topic.name, queue.partition, leaderId, leaderEpoch, node === undefined ? null : { id: leaderId, host, port, rack });
  return true;
}
