/** The cluster itself: who is in it, the disks of each broker, the Raft group of its metadata. */
import { DescribeCluster, DescribeLogDirs, DescribeQuorum } from "../../protocol/mod.ts";
import { expectNoError, failureOf, KafkaError } from "../errors.ts";
import type { AdminApi, ClusterNode, LogDir, QuorumDescription } from "../types.ts";
import type { AdminContext } from "./context.ts";

const METADATA_TOPIC = "__cluster_metadata";

export async function describeCluster(admin: AdminContext): ReturnType<AdminApi["describeCluster"]> {
  const { cluster } = admin;
  const deadline = admin.deadline("describe the cluster");
  return await cluster.retry(deadline, async () => {
    const reply = await cluster.call("any", DescribeCluster, { includeClusterAuthorizedOperations: false }, { deadline });
    expectNoError(reply.errorCode, "describe the cluster", reply.errorMessage);
    return {
      clusterId: reply.clusterId,
      controller: reply.controllerId < 0 ? null : reply.controllerId,
      nodes: reply.brokers.map(({ brokerId: id, host, port, rack }): ClusterNode => ({ id, host, port, rack })).sort((a, b) => a.id - b.id),
    };
  });
}

/** A broker that does not answer is a row with its error: the others are worth seeing. */
export async function describeLogDirs(admin: AdminContext): Promise<readonly LogDir[]> {
  const { cluster } = admin;
  const deadline = admin.deadline("describe log dirs");
  const nodes = await cluster.retry(deadline, () => cluster.nodes(deadline));
  const lists = await Promise.all(nodes.map(async ({ id }): Promise<readonly LogDir[]> => {
    try {
      return await cluster.retry(deadline, () => logDirsOf(admin, id, deadline));
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      return [{ node: id, path: "", error, totalBytes: -1, usableBytes: -1, replicas: [] }];
    }
  }));
  return lists.flat();
}

async function logDirsOf({ cluster }: AdminContext, node: number, deadline: { readonly op: string; readonly at: number }) {
  const reply = await cluster.call(node, DescribeLogDirs, { topics: null }, { deadline });
  expectNoError(reply.errorCode, `describe the log directories of node ${node}`);
  return reply.results.map(({ errorCode: code, logDir: path, topics, totalBytes, usableBytes }): LogDir => ({
    node,
    path,
    error: code === 0 ? null : failureOf(code, `read log directory "${path}" of node ${node}`),
    totalBytes,
    usableBytes,
    replicas: topics.flatMap(({ name: topic, partitions }) =>
      partitions.map(({ partitionIndex: partition, partitionSize, offsetLag, isFutureKey }) => ({
        topic,
        partition,
        sizeBytes: partitionSize,
        offsetLag,
        isFuture: isFutureKey,
      }))
    ),
  }));
}

export async function describeQuorum(admin: AdminContext): Promise<QuorumDescription> {
  const { cluster } = admin;
  const deadline = admin.deadline("describe the quorum");
  return await cluster.retry(deadline, async () => {
    const reply = await cluster.call("any", DescribeQuorum, {
      topics: [{ topicName: METADATA_TOPIC, partitions: [{ partitionIndex: 0 }] }],
    }, {
      deadline,
    });
    expectNoError(reply.errorCode, "describe the quorum", reply.errorMessage);
    const row = reply.topics[0]?.partitions[0];
    if (row === undefined) throw failureOf("UNKNOWN_SERVER_ERROR", "describe the quorum", "the broker left the metadata's partition out");
    expectNoError(row.errorCode, "describe the quorum", row.errorMessage);
    const { leaderId, leaderEpoch, highWatermark, currentVoters, observers } = row;
    return { leaderId, leaderEpoch, highWatermark, voters: currentVoters.map(voterOf), observers: observers.map(voterOf) };
  });
}

const voterOf = (row: {
  readonly replicaId: number;
  readonly logEndOffset: number;
  readonly lastFetchTimestamp: number;
  readonly lastCaughtUpTimestamp: number;
}) => ({
  id: row.replicaId,
  logEndOffset: row.logEndOffset,
  lastFetchTimestamp: row.lastFetchTimestamp,
  lastCaughtUpTimestamp: row.lastCaughtUpTimestamp,
});
