/**
 * Puts records into an embedded broker without a client: batches as a producer makes them, through the partition's own checks, durable
 * when it resolves. Opens no connection. Source: KIP-98 for the batches, KIP-480 for where records without a key go.
 */
import { murmur2, partitionOfHash } from "../client/mod.ts";
import { type Deadline, unpooled } from "../io/mod.ts";
import type { RunningNode } from "../node.ts";
import { encodeBatch, type KafkaErrorName, type NewRecord } from "../protocol/mod.ts";
import type { Partition } from "../replication/types.ts";
import { RequestRefused } from "./errors.ts";
import { topicOf } from "./topics.ts";

export type Payload = string | Uint8Array | null;

export interface FixtureRecord {
  readonly key?: Payload;
  readonly value: Payload;
  readonly headers?: Readonly<Record<string, Payload>>;
  /** Chosen by the key as Kafka's clients choose it when absent; without a key the records of one call share a partition. */
  readonly partition?: number;
  /** Milliseconds since 1970; now when absent. */
  readonly timestamp?: number;
}

export interface ProducedRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** A batch is closed when it has this much: below the default of `max.message.bytes`. */
const BATCH_BYTES_TARGET = 512 * 1024;

/** @throws {RequestRefused} */
export async function produce(
  node: RunningNode,
  topic: string,
  records: readonly (FixtureRecord | string)[],
  deadline: Deadline,
): Promise<readonly ProducedRecord[]> {
  const { services } = node;
  const { partitions } = await topicOf(node, topic, deadline);
  const nowMs = services.io.clock.wall();
  const keyless = Math.floor(services.io.random("produce").float() * partitions.length);
  const wanted = records.map((record) => typeof record === "string" ? { value: record } : record);
  const placed = wanted.map((record: FixtureRecord, index) => {
    const key = bytesOf(record.key ?? null);
    const partition = record.partition ?? (key === null ? keyless : partitionOfHash(murmur2(key), partitions.length));
    const headers = Object.entries(record.headers ?? {}).map(([key, value]) => ({ key, value: bytesOf(value) }));
    return { index, partition, key, value: bytesOf(record.value), headers, timestamp: record.timestamp ?? nowMs };
  });
  const results: ProducedRecord[] = [];
  const unknown: Promise<void>[] = [];
  for (const [index, own] of Map.groupBy(placed, ({ partition }) => partition)) {
    const partition = services.partitions.byName(topic, index);
    if (partition === null) {
      throw new RequestRefused(
        "UNKNOWN_TOPIC_OR_PARTITION",
        `Cannot produce to "${topic}-${index}": it has ${partitions.length} partitions`,
      );
    }
    for (const batch of batchesOf(own)) {
      const { baseOffset, lastOffset } = append(partition, batch);
      for (const [at, { index: place }] of batch.entries()) results[place] = { topic, partition: index, offset: baseOffset + at };
      unknown.push(acknowledged(partition, lastOffset, deadline));
    }
  }
  await Promise.all(unknown);
  return results;
}

function append(partition: Partition, records: readonly NewRecord[]): { readonly baseOffset: number; readonly lastOffset: number } {
  const result = partition.append(encodeBatch({ records }), unpooled, { internal: false, acks: -1 });
  if (result.ok) return result;
  const { error, message, recordErrors: [first] } = result;
  const where = `${partition.topic}-${partition.partition}`;
  throw new RequestRefused(error, first?.message ?? message ?? `Cannot append to "${where}": ${error}`);
}

async function acknowledged(partition: Partition, lastOffset: number, deadline: Deadline): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<KafkaErrorName | null>();
  partition.whenAcknowledged(lastOffset, -1, deadline, { acknowledged: (_, error) => resolve(error) }, 0);
  const error = await promise;
  if (error !== null) {
    throw new RequestRefused(error, `Cannot tell whether "${partition.topic}-${partition.partition}" has the records: ${error}`);
  }
}

function* batchesOf<R extends NewRecord>(records: readonly R[]): Iterable<readonly R[]> {
  let open: R[] = [];
  let bytes = 0;
  for (const record of records) {
    const size = (record.key?.length ?? 0) + (record.value?.length ?? 0);
    if (open.length > 0 && bytes + size > BATCH_BYTES_TARGET) {
      yield open;
      open = [];
      bytes = 0;
    }
    open.push(record);
    bytes += size;
  }
  if (open.length > 0) yield open;
}

function bytesOf(payload: Payload): Uint8Array | null {
  return typeof payload === "string" ? new TextEncoder().encode(payload) : payload;
}
