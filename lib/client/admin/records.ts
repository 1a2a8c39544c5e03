/** What partitions hold: offsets by position, deletion up to an offset, producers with state. Asked at the leaders. */
import { DeleteRecords, DescribeProducers, ListOffsets } from "../../protocol/mod.ts";
import type { Outcome, PartitionOutcome, Position, ProducerState, TopicPartition } from "../types.ts";
import { atLeaders, byTopic, partitionKey } from "./at_leaders.ts";
import type { AdminContext } from "./context.ts";
import { outcomeOf } from "./outcomes.ts";

const LATEST = -1;
const EARLIEST = -2;

const named = (action: string, topic: string, partition: number): string => `${action} "${topic}-${partition}"`;

export async function deleteRecords(
  admin: AdminContext,
  before: readonly (TopicPartition & { readonly offset: number })[],
): Promise<readonly PartitionOutcome<number>[]> {
  const { cluster } = admin;
  const deadline = admin.deadline("delete records");
  const action = "delete records of";
  return await atLeaders(cluster, deadline, action, before, async (node, items) => {
    const { topics } = await cluster.call(node, DeleteRecords, {
      topics: byTopic(items).map(([name, rows]) => ({
        name,
        partitions: rows.map(({ partition, offset }) => ({ partitionIndex: partition, offset })),
      })),
      timeoutMs: admin.brokerTimeoutMs(deadline),
    }, { deadline });
    const outcomes = new Map<string, Outcome<number>>();
    for (const { name: topic, partitions } of topics) {
      for (const { partitionIndex: partition, errorCode, lowWatermark } of partitions) {
        outcomes.set(partitionKey({ topic, partition }), outcomeOf(errorCode, named(action, topic, partition), null, () => lowWatermark));
      }
    }
    return outcomes;
  });
}

type Wanted = TopicPartition & { readonly position: Position };

/** A request has each partition once: several positions of one are asked for in several requests, at the same time. */
export async function listOffsets(admin: AdminContext, at: readonly Wanted[]): Promise<readonly PartitionOutcome<number | null>[]> {
  const seen = new Map<string, number>();
  const rounds: Wanted[][] = [];
  const places = at.map((item) => {
    const round = seen.get(partitionKey(item)) ?? 0;
    seen.set(partitionKey(item), round + 1);
    return { round, at: (rounds[round] ??= []).push(item) - 1 };
  });
  const outcomes = await Promise.all(rounds.map((items) => listOnce(admin, items)));
  return places.map(({ round, at }) => outcomes[round]![at]!);
}

async function listOnce(admin: AdminContext, at: readonly Wanted[]): Promise<readonly PartitionOutcome<number | null>[]> {
  const { cluster } = admin;
  const deadline = admin.deadline("list offsets");
  const action = "find an offset of";
  return await atLeaders(cluster, deadline, action, at, async (node, items) => {
    const outcomes = new Map<string, Outcome<number | null>>();
    const asked = items.filter((item) => {
      if (typeof item.position === "number") outcomes.set(partitionKey(item), { ok: true, value: item.position });
      return typeof item.position !== "number";
    });
    if (asked.length === 0) return outcomes;
    const { topics } = await cluster.call(node, ListOffsets, {
      replicaId: -1,
      topics: byTopic(asked).map(([name, rows]) => ({
        name,
        partitions: rows.map(({ partition, position }) => ({ partitionIndex: partition, timestamp: timestampOf(position) })),
      })),
      timeoutMs: admin.brokerTimeoutMs(deadline),
    }, { deadline });
    for (const { name: topic, partitions } of topics) {
      for (const { partitionIndex: partition, errorCode, offset } of partitions) {
        const key = partitionKey({ topic, partition });
        outcomes.set(key, outcomeOf(errorCode, named(action, topic, partition), null, () => offset < 0 ? null : offset));
      }
    }
    return outcomes;
  });
}

const timestampOf = (position: Position): number =>
  position === "latest" ? LATEST : position === "earliest" ? EARLIEST : typeof position === "number" ? position : position.timestamp;

export async function describeProducers(
  admin: AdminContext,
  partitions: readonly TopicPartition[],
): Promise<readonly PartitionOutcome<readonly ProducerState[]>[]> {
  const { cluster } = admin;
  const deadline = admin.deadline("describe producers");
  const action = "describe producers of";
  return await atLeaders(cluster, deadline, action, partitions, async (node, items) => {
    const { topics } = await cluster.call(node, DescribeProducers, {
      topics: byTopic(items).map(([name, rows]) => ({ name, partitionIndexes: rows.map(({ partition }) => partition) })),
    }, { deadline });
    const outcomes = new Map<string, Outcome<readonly ProducerState[]>>();
    for (const { name: topic, partitions } of topics) {
      for (const { partitionIndex: partition, errorCode, errorMessage, activeProducers } of partitions) {
        const states = () =>
          activeProducers.map(({ producerId, producerEpoch, lastSequence, lastTimestamp, currentTxnStartOffset }) => ({
            producerId,
            producerEpoch,
            lastSequence,
            lastTimestamp,
            currentTransactionStart: currentTxnStartOffset,
          }));
        outcomes.set(partitionKey({ topic, partition }), outcomeOf(errorCode, named(action, topic, partition), errorMessage, states));
      }
    }
    return outcomes;
  });
}
