/** A few records into a topic: placed as Kafka's producers place them, a batch for each partition, answered when acknowledged. Not for bulk. */
import { ledPartition, type Services } from "../../../broker/mod.ts";
import { murmur2, partitionOfHash } from "../../../client/mod.ts";
import { type Deadline, unpooled } from "../../../io/mod.ts";
import { type CompressionType, encodeBatch, kafkaError, type KafkaErrorName, type RecordHeader } from "../../../protocol/mod.ts";
import type { Partition } from "../../../replication/types.ts";
import type { TopicImage } from "../../../state/mod.ts";
import type { FieldError } from "../../problem.ts";
import { Refused } from "../status.ts";

export interface RecordToProduce {
  readonly partition: number | null;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly RecordHeader[];
  /** Milliseconds since 1970; null: now. */
  readonly timestamp: number | null;
}

export interface Produced {
  readonly partition: number;
  /** Null when the record was refused. */
  readonly offset: number | null;
  readonly timestamp: number;
  readonly error: KafkaErrorName | null;
  readonly message: string | null;
}

export interface ProduceOptions {
  readonly acks: -1 | 1;
  readonly compression: CompressionType;
}

/** Rows in the order of `records`. @throws {Refused} when one of them has no place: nothing was written then. */
export async function produceRecords(
  services: Services,
  topic: TopicImage,
  records: readonly RecordToProduce[],
  { acks, compression }: ProduceOptions,
  deadline: Deadline,
): Promise<readonly Produced[]> {
  if (topic.internal) throw new Refused("INVALID_TOPIC_EXCEPTION", `Cannot produce to "${topic.name}": the brokers keep it for themselves`);
  const nowMs = services.io.clock.wall();
  const count = topic.partitions.length;
  // Records without a key share a partition, as with a producer that fills a batch (KIP-480).
  const keyless = Math.floor(services.io.random("admin-produce").float() * count);
  const placed = records.map((record, index) => ({
    ...record,
    index,
    timestamp: record.timestamp ?? nowMs,
    partition: record.partition ?? (record.key === null ? keyless : partitionOfHash(murmur2(record.key), count)),
  }));
  const groups = [...Map.groupBy(placed, ({ partition }) => partition)].map(([at, own]) => ({
    own,
    partition: found(services, topic, at, own[0]!.index),
  }));
  const rows = new Array<Produced>(records.length);
  const appends = groups.map(async ({ own, partition }) => {
    const result = partition.append(encodeBatch({ records: own, compression }), unpooled, { internal: false, acks });
    const error = result.ok ? await acknowledged(partition, result.lastOffset, acks, deadline) : result.error;
    for (const [at, { index, timestamp }] of own.entries()) {
      const isWritten = result.ok && error === null;
      const own = result.ok ? null : result.recordErrors.find(({ batchIndex }) => batchIndex === at)?.message ?? result.message;
      rows[index] = {
        partition: partition.partition,
        offset: isWritten ? result.baseOffset + at : null,
        timestamp: result.ok && result.logAppendTimeMs >= 0 ? result.logAppendTimeMs : timestamp,
        error,
        message: error === null ? null : own ?? kafkaError(error).text,
      };
    }
  });
  await Promise.all(appends);
  return rows;
}

function found(services: Services, topic: TopicImage, at: number, index: number): Partition {
  const partition = ledPartition(services, topic.name, at);
  if (partition.ok) return partition.value;
  const place: FieldError = {
    in: "body",
    path: `/records/${index}/partition`,
    accepted: `a partition from 0 to ${topic.partitions.length - 1} that this node leads`,
    got: String(at),
  };
  throw new Refused(partition.error, partition.message, [place]);
}

function acknowledged(partition: Partition, lastOffset: number, acks: -1 | 1, deadline: Deadline): Promise<KafkaErrorName | null> {
  const { promise, resolve } = Promise.withResolvers<KafkaErrorName | null>();
  partition.whenAcknowledged(lastOffset, acks, deadline, { acknowledged: (_, error) => resolve(error) }, 0);
  return promise;
}
