/**
 * DescribeQuorum, versions 0-2: the Raft group of the metadata, as its leader sees it (KIP-595).
 * - Only partition 0 of `__cluster_metadata` exists; a request for anything more is refused in every row, as by Kafka. Offsets are Raft
 *   indexes: the log end is the index after the last entry.
 * - Directory ids (v2, KIP-853) are zero: a node has one directory, and its id is in the node id.
 */
import {
  DescribeQuorum,
  type DescribeQuorumRequest,
  type DescribeQuorumResponse,
  errorCode,
  kafkaError,
  ZERO_UUID,
} from "../../protocol/mod.ts";
import { handler, type RequestContext } from "../handler.ts";

type PartitionRow = DescribeQuorumResponse["topics"][number]["partitions"][number];

const METADATA_TOPIC = "__cluster_metadata";

export const describeQuorum = handler<DescribeQuorumRequest, DescribeQuorumResponse>({
  api: DescribeQuorum,

  handle(request, { services }) {
    const known = isForMetadata(request);
    const topics = request.topics.map(({ topicName, partitions }) => ({
      topicName,
      partitions: partitions.map(({ partitionIndex }) => known ? quorumRow(services) : unknownRow(partitionIndex)),
    }));
    return { errorCode: 0, errorMessage: "", topics, nodes: known ? voterNodes(services) : [] };
  },

  refuse: (_request, error, errorMessage) => ({ errorCode: errorCode(error), errorMessage, topics: [], nodes: [] }),
});

function isForMetadata({ topics }: DescribeQuorumRequest): boolean {
  const [topic] = topics;
  return topics.length === 1 && topic!.topicName === METADATA_TOPIC && topic!.partitions.length === 1 &&
    topic!.partitions[0]!.partitionIndex === 0;
}

function voterNodes({ controller }: RequestContext["services"]): DescribeQuorumResponse["nodes"] {
  const voters = new Set<number>(controller.quorum().voters.map(({ id }) => id));
  return [...controller.image.brokers.values()].filter(({ id }) => voters.has(id)).map(({ id, endpoints }) => ({
    nodeId: id,
    listeners: endpoints.map(({ listener, host, port }) => ({ name: listener, host, port })),
  }));
}

function quorumRow({ controller }: RequestContext["services"]): PartitionRow {
  const { leader, term, highWatermark, voters } = controller.quorum();
  return {
    partitionIndex: 0,
    errorCode: 0,
    errorMessage: "",
    leaderId: leader ?? -1,
    leaderEpoch: term,
    highWatermark: highWatermark + 1,
    currentVoters: voters.map(({ id, logEndOffset, lastFetchMs, lastCaughtUpMs }) => ({
      replicaId: id,
      replicaDirectoryId: ZERO_UUID,
      logEndOffset: logEndOffset + 1,
      lastFetchTimestamp: lastFetchMs,
      lastCaughtUpTimestamp: lastCaughtUpMs,
    })),
    observers: [],
  };
}

function unknownRow(partitionIndex: number): PartitionRow {
  const { code, text } = kafkaError("UNKNOWN_TOPIC_OR_PARTITION");
  return {
    partitionIndex,
    errorCode: code,
    errorMessage: text,
    leaderId: 0,
    leaderEpoch: 0,
    highWatermark: 0,
    currentVoters: [],
    observers: [],
  };
}
