/** What tests of the consumer share: an embedded broker's records, readers that end, and waiting for what must come. */
import { openCluster, openConsumer } from "../../../lib/client/mod.ts";
import type { Cluster, ConsumerApi, ConsumerOptions, IncomingRecord } from "../../../lib/client/types.ts";
import { type Io, IoFailed, type Socket } from "../../../lib/io/mod.ts";
import { encodeBatch, errorName, type NewBatch, Produce, type Uuid } from "../../../lib/protocol/mod.ts";
import type { Broker } from "../../../mod.ts";
import { io, soon } from "../setup.ts";

const text = new TextEncoder();
export const bytes = (value: string): Uint8Array => text.encode(value);
export const textOf = (value: Uint8Array | null): string | null => value === null ? null : new TextDecoder().decode(value);
export const valuesOf = (records: Iterable<IncomingRecord>): (string | null)[] => [...records].map(({ value }) => textOf(value));

/** A consumer that begins at the start, in a hurry. */
export const consumer = (broker: Broker, options: Partial<ConsumerOptions> = {}, on: Io = io): ConsumerApi =>
  openConsumer(on, {
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

/** An `Io` whose connections can be cut at once, as a machine's that loses power: nothing is said to the other side. */
export function cuttable(): { readonly io: Io; cut(): void; mend(): void } {
  const sockets = new Set<Socket>();
  let isCut = false;
  const dial: Io["net"]["dial"] = (address, open, deadline) => {
    if (isCut) return Promise.reject(new IoFailed("connect to", `${address.host}:${address.port}`, "ENETUNREACH"));
    return io.net.dial(address, (socket) => {
      sockets.add(socket);
      return open(socket);
    }, deadline);
  };
  return {
    io: { ...io, net: { ...io.net, dial } },
    cut() {
      isCut = true;
      for (const socket of sockets) socket.destroy();
      sockets.clear();
    },
    mend() {
      isCut = false;
    },
  };
}

/** What a consumer is told of its partitions, and that it makes sense: nothing given twice, nothing taken that it does not have. */
export class Told {
  readonly holds = new Set<string>();
  readonly events: string[] = [];

  get callbacks(): Pick<ConsumerOptions, "onAssigned" | "onRevoked" | "onLost"> {
    const name = ({ topic, partition }: { topic: string; partition: number }) => `${topic}-${partition}`;
    const gone = (event: string) => (partitions: readonly { topic: string; partition: number }[]) => {
      this.events.push(`${event} ${partitions.map(name).join(" ")}`);
      for (const one of partitions) if (!this.holds.delete(name(one))) throw new Error(`${event} ${name(one)}, which it does not hold`);
    };
    return {
      onAssigned: (partitions) => {
        this.events.push(`assigned ${partitions.map(name).join(" ")}`.trim());
        for (const one of partitions) {
          if (this.holds.has(name(one))) throw new Error(`assigned ${name(one)} twice`);
          this.holds.add(name(one));
        }
      },
      onRevoked: gone("revoked"),
      onLost: gone("lost"),
    };
  }
}
