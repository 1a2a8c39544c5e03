/** What tests of the consumer share: an embedded broker's records, readers that end, and waiting for what must come. */
import { openCluster, openConsumer } from "../../../lib/client/mod.ts";
import type { Cluster, ConsumerApi, ConsumerOptions, IncomingRecord } from "../../../lib/client/types.ts";
import { encodeBatch, errorName, type NewBatch, Produce, type Uuid } from "../../../lib/protocol/mod.ts";
import type { Broker } from "../../../mod.ts";
import { io, soon } from "../setup.ts";

const text = new TextEncoder();
export const bytes = (value: string): Uint8Array => text.encode(value);
export const textOf = (value: Uint8Array | null): string | null => value === null ? null : new TextDecoder().decode(value);
export const valuesOf = (records: Iterable<IncomingRecord>): (string | null)[] => [...records].map(({ value }) => textOf(value));

/** A consumer that begins at the start, in a hurry. */
export const consumer = (broker: Broker, options: Partial<ConsumerOptions> = {}): ConsumerApi =>
  openConsumer(io, {
    bootstrapServers: broker.bootstrapServers,
    autoOffsetReset: "earliest",
    fetchMaxWaitMs: 50,
    heartbeatIntervalMs: 50,
    retryBackoffMs: 10,
    ...options,
  });

/** Appends one batch; answers with its base offset. */
export async function append(
  cluster: Cluster,
  topic: string,
  partition: number,
  values: readonly string[],
  batch: Partial<NewBatch> = {},
): Promise<number> {
  const view = (await cluster.topics([topic], soon())).get(topic)!;
  if (view instanceof Error) throw view;
  const records = encodeBatch({ records: values.map((value, i) => ({ key: null, value: bytes(value), timestamp: 1000 + i })), ...batch });
  return await appendRaw(cluster, view.name, view.topicId as Uuid, view.partitions[partition]!.leader, partition, records);
}

async function appendRaw(
  cluster: Cluster,
  name: string,
  topicId: Uuid,
  leader: number,
  index: number,
  records: Uint8Array,
): Promise<number> {
  const { responses } = await cluster.call(leader, Produce, {
    ...{ acks: -1, timeoutMs: 10_000 },
    topicData: [{ name, topicId, partitionData: [{ index, records }] }],
  }, { deadline: soon() });
  const { errorCode, baseOffset } = responses[0]!.partitionResponses[0]!;
  if (errorCode !== 0) throw new Error(`Cannot append: ${errorName(errorCode)}`);
  return baseOffset;
}

export const clusterOf = (broker: Broker): Cluster => openCluster(io, { bootstrapServers: broker.bootstrapServers });

/** So many records through the iterator, which is then left. */
export async function take(from: ConsumerApi, count: number): Promise<IncomingRecord[]> {
  const records: IncomingRecord[] = [];
  if (count === 0) return records;
  for await (const record of from) {
    records.push(record);
    if (records.length === count) break;
  }
  return records;
}

/** Polls until `done`, for at most ten seconds; answers with everything that came. */
export async function pollUntil(from: ConsumerApi, done: (records: readonly IncomingRecord[]) => boolean): Promise<IncomingRecord[]> {
  const deadline = soon();
  const records: IncomingRecord[] = [];
  while (!done(records)) {
    if (io.clock.mono() > deadline.at) {
      throw new Error(`Gave up after ${records.length} records, assigned ${JSON.stringify(from.assignment)}`);
    }
    records.push(...await from.poll(20));
  }
  return records;
}

/** All of them are read, each by itself, until `done`. */
export async function readTogether(
  consumers: readonly ConsumerApi[],
  done: () => boolean,
  onRecords: (records: readonly IncomingRecord[], by: ConsumerApi) => void = () => undefined,
): Promise<void> {
  const deadline = soon(20_000);
  await Promise.all(consumers.map(async (one) => {
    while (!done()) {
      if (io.clock.mono() > deadline.at) {
        throw new Error(`Gave up, assigned ${JSON.stringify(consumers.map(({ assignment }) => assignment))}`);
      }
      onRecords(await one.poll(20), one);
    }
  }));
}
