/** Consumers of the client room without a group: readers that follow, and one that reads a partition from its start to its end. */
import {
  type ConsumerApi,
  type ConsumerOptions,
  type IncomingRecord,
  openAdmin,
  openConsumer,
  type TopicPartition,
} from "../../client/mod.ts";
import type { Draws } from "../random.ts";
import { type Client, live } from "./client.ts";
import { clientOptions, knob, type Knobs, patientOptions, whole } from "./knobs.ts";
import type { WorkloadContext } from "./types.ts";
import { isPacked } from "./producing.ts";
import { partitionsOf } from "./set_up.ts";
import { markIn } from "./values.ts";

export const readerKnobs = (draws: Draws): Knobs => ({
  fetchMinBytes: draws.chance(0.7) ? 1 : whole(draws.skewed(1, 5_000)),
  fetchMaxWaitMs: whole(draws.skewed(1, 2_000)),
  partitionBytes: whole(draws.skewed(1, 100_000)),
  readerBufferBytes: whole(draws.skewed(100, 1_000_000)),
});

export const readerOptions = (context: WorkloadContext): ConsumerOptions => ({
  ...clientOptions(context),
  autoOffsetReset: "earliest",
  fetchMinBytes: knob(context, "fetchMinBytes"),
  fetchMaxWaitMs: knob(context, "fetchMaxWaitMs"),
  partitionBytes: knob(context, "partitionBytes"),
  bufferBytes: knob(context, "readerBufferBytes"),
});

/** Position of every partition's earliest or latest record, as their leader says. */
export async function offsetsAt(
  client: Client,
  partitions: readonly TopicPartition[],
  position: "earliest" | "latest",
): Promise<readonly number[]> {
  const admin = openAdmin(client.io, patientOptions(client.context));
  const offsets = await client.insist(async () => {
    const rows = await admin.listOffsets(partitions.map((partition) => ({ ...partition, position })));
    return rows.map((row) => {
      if (!row.ok) throw row.error;
      return row.value ?? 0;
    });
  });
  await admin.close();
  return offsets;
}

/** Follows the partitions until `isOver` and everything that was there by then has been read, or cannot be read any more. */
export async function follow(client: Client, partitions: readonly TopicPartition[], isOver: () => boolean): Promise<void> {
  const { context, draws } = client;
  const consumer = openConsumer(client.io, readerOptions(context));
  const askedAt = client.world.now;
  consumer.assign(partitions);
  let ends: readonly number[] | null = null;
  for (;;) {
    for (const record of await consumer.poll(draws.between(1, 1_000))) sawRecord(client, record, "", askedAt);
    if (client.isGone || (ends !== null && hasReached(consumer, partitions, ends))) break;
    if (ends === null && isOver()) ends = await offsetsAt(client, partitions, "latest");
    if (draws.chance(0.1)) await client.sleep(draws.skewed(1, 2_000));
  }
  await consumer.close();
}

/** One record that a consumer was given, of a topic that nothing is deleted of. */
export function sawRecord(client: Client, { topic, partition, offset, value }: IncomingRecord, group: string, askedAt: number): void {
  const mark = markIn(value);
  if (!isPacked(client.context)) client.expectDurable(mark, `was given at ${topic}-${partition}, offset ${offset},`);
  client.saw((asked) => ({ ...asked, kind: "read", topic, partition, offset, mark, group }), askedAt);
  client.context.count("read");
}

const hasReached = (consumer: ConsumerApi, partitions: readonly TopicPartition[], ends: readonly number[]): boolean =>
  partitions.every((partition, at) => (consumer.position(partition) ?? -1) >= ends[at]!);

/** The end of a run for who has one topic with the name of the workload: all of it is read. */
export const readsItsTopic = (context: WorkloadContext, reader: string): Promise<void> =>
  live(
    context,
    `${context.plan.kind}-${reader}`,
    (client) => readWhole(client, partitionsOf(context.plan.kind, knob(context, "partitions")), reader),
  );

/**
 * Reads partitions from their start to their end and records what is there. Retention may go on meanwhile: what was cut while it read is left out.
 * @param reader names this reading.
 */
export async function readWhole(client: Client, partitions: readonly TopicPartition[], reader: string): Promise<void> {
  const ends = await offsetsAt(client, partitions, "latest");
  const before = await offsetsAt(client, partitions, "earliest");
  const consumer = openConsumer(client.io, { ...patientOptions(client.context), autoOffsetReset: "earliest" });
  const found = partitions.map((): [number, string][] => []);
  consumer.assign(partitions);
  for (const [at, partition] of partitions.entries()) await consumer.seek(partition, before[at]!);
  while (!hasReached(consumer, partitions, ends)) {
    for (const record of await consumer.poll(1_000)) {
      const at = partitions.findIndex(({ topic, partition }) => topic === record.topic && partition === record.partition);
      if (record.offset < ends[at]!) found[at]!.push([record.offset, markIn(record.value)]);
    }
  }
  await consumer.close();
  const starts = await offsetsAt(client, partitions, "earliest");
  for (const [at, partition] of partitions.entries()) {
    const logStart = Math.min(starts[at]!, ends[at]!);
    const records = found[at]!.filter(([offset]) => offset >= logStart);
    client.context.record({ kind: "whole", ...partition, reader, logStart, end: ends[at]!, records });
  }
}
