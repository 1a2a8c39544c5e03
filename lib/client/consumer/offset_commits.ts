/**
 * Committed offsets of a group, written and read at its coordinator. Does not decide what is committed or when.
 * Source: KIP-320 (leader epochs), KIP-447 (stable offsets), KIP-709.
 */
import type { Deadline } from "../../io/mod.ts";
import { errorName, type KafkaErrorName, OffsetCommit, OffsetFetch, ZERO_UUID } from "../../protocol/mod.ts";
import { expectNoError, failureOf, KafkaError } from "../errors.ts";
import { atCoordinator } from "../routes.ts";
import type { Cluster, OffsetAndMetadata, TopicPartition } from "../types.ts";
import { keyOf } from "./partitions.ts";

/** Versions from 10 on name topics by id, which buys nothing here. */
const VERSION_MAX = 9;

export type OffsetRow = TopicPartition & OffsetAndMetadata;

/** As whom a commit is made. */
export interface Committer {
  readonly memberId: string;
  readonly generation: number;
  readonly groupInstanceId: string | null;
}

export class OffsetCommits {
  readonly #cluster: Cluster;
  readonly #groupId: string;

  constructor(cluster: Cluster, groupId: string) {
    this.#cluster = cluster;
    this.#groupId = groupId;
  }

  /**
   * Resolves when the coordinator has all of them.
   * @param as asked for each try: a rebalance may have ended since the last one. @param refused is told an error, and as whom; it says whether
   * another try makes sense, null: as the error itself says.
   * @throws {KafkaError}
   */
  async commit(
    rows: readonly OffsetRow[],
    as: () => Committer,
    refused: (error: KafkaErrorName, as: Committer) => boolean | null,
    deadline: Deadline,
  ): Promise<void> {
    if (rows.length === 0) return;
    await atCoordinator(this.#cluster, "group", this.#groupId, deadline, async (node) => {
      const committer = as();
      const reply = await this.#cluster.call(node, OffsetCommit, {
        groupId: this.#groupId,
        generationIdOrMemberEpoch: committer.generation,
        memberId: committer.memberId,
        groupInstanceId: committer.groupInstanceId,
        topics: byTopic(rows).map(([name, list]) => ({
          name,
          topicId: ZERO_UUID,
          partitions: list.map((row) => ({
            partitionIndex: row.partition,
            committedOffset: row.offset,
            committedLeaderEpoch: row.leaderEpoch ?? -1,
            committedMetadata: row.metadata ?? "",
          })),
        })),
      }, { deadline, maxVersion: VERSION_MAX });
      const failed = reply.topics.flatMap(({ name, partitions }) => partitions.map((row) => ({ name, ...row })))
        .find(({ errorCode }) => errorCode !== 0);
      if (failed === undefined) return;
      const error = errorName(failed.errorCode);
      const failure = failureOf(error, `commit offsets of group "${this.#groupId}" ("${failed.name}-${failed.partitionIndex}")`);
      throw new KafkaError(error, failure.message, { retriable: refused(error, committer) ?? failure.retriable });
    });
  }

  /** Partitions without a committed offset are not in the answer. @throws {KafkaError} */
  async committed(partitions: readonly TopicPartition[], deadline: Deadline): Promise<ReadonlyMap<string, OffsetAndMetadata>> {
    if (partitions.length === 0) return new Map();
    const topics = byTopic(partitions).map(([name, list]) => ({
      ...{ name, topicId: ZERO_UUID, partitionIndexes: list.map(({ partition }) => partition) },
    }));
    return await atCoordinator(this.#cluster, "group", this.#groupId, deadline, async (node) => {
      const reply = await this.#cluster.call(node, OffsetFetch, {
        groupId: this.#groupId,
        topics,
        groups: [{ groupId: this.#groupId, topics }],
        requireStable: true,
      }, { deadline, maxVersion: VERSION_MAX });
      const action = `read the committed offsets of group "${this.#groupId}"`;
      const group = reply.groups[0];
      expectNoError(group?.errorCode ?? reply.errorCode, action);
      const found = new Map<string, OffsetAndMetadata>();
      for (const { name, partitions: rows } of group?.topics ?? reply.topics) {
        for (const { partitionIndex, committedOffset, committedLeaderEpoch, metadata, errorCode } of rows) {
          expectNoError(errorCode, action);
          if (committedOffset < 0) continue;
          found.set(keyOf({ topic: name, partition: partitionIndex }), {
            offset: committedOffset,
            ...(committedLeaderEpoch >= 0 && { leaderEpoch: committedLeaderEpoch }),
            ...(metadata !== null && metadata !== "" && { metadata }),
          });
        }
      }
      return found;
    });
  }
}

export function byTopic<P extends TopicPartition>(partitions: readonly P[]): readonly (readonly [string, readonly P[]])[] {
  const topics = new Map<string, P[]>();
  for (const one of partitions) {
    const list = topics.get(one.topic);
    if (list) list.push(one);
    else topics.set(one.topic, [one]);
  }
  return [...topics];
}
