/** Produce and fetch as clients see them: real bytes over a real socket, the real storage on the disk in memory. */
import { expect, test } from "bun:test";
import { FetchBudget } from "../../../lib/broker/fetch_budget.ts";
import { FetchParks } from "../../../lib/broker/fetch_park.ts";
import { FetchSessions } from "../../../lib/broker/fetch_session.ts";
import { HANDLERS, KafkaServer, type Services } from "../../../lib/broker/mod.ts";
import { NodeSettings, resolveTopicConfig } from "../../../lib/config/mod.ts";
import { createMemoryIo, type MemoryIo } from "../../../lib/io/memory/mod.ts";
import {
  decodeResponse,
  type Draft,
  encodeRequest,
  errorName,
  Fetch,
  FetchRequest,
  type FetchResponse,
  ListOffsets,
  ListOffsetsRequest,
  type ListOffsetsResponse,
  Produce,
  ProduceRequest,
  type ProduceResponse,
  Writer,
  ZERO_UUID,
} from "../../../lib/protocol/mod.ts";
import { forEachBatch, readBatchHeader } from "../../../lib/protocol/records/mod.ts";
import { ReplicaSet } from "../../../lib/replication/mod.ts";
import { MEMORY_STORAGE_SETTINGS, openStorage } from "../../../lib/storage/mod.ts";
import { metadataDelta, metadataImage, topicId, topicImage } from "../../replication/metadata.ts";
import { batch, NODE } from "../../replication/partition_setup.ts";
import { RawClient } from "../harness.ts";
import { BROKER } from "./broker_setup.ts";

const ORDERS = topicImage("orders", 1, 4);

class DataPort implements AsyncDisposable {
  static async open(disk?: MemoryIo): Promise<DataPort> {
    const io = disk ?? createMemoryIo({
      onFatal: (_code, why) => {
        throw new Error(why);
      },
    });
    const config = new NodeSettings();
    const storage = await openStorage(io, { ...MEMORY_STORAGE_SETTINGS, nodeId: NODE }, "/data");
    const image = metadataImage([ORDERS], [BROKER]);
    const partitions = new ReplicaSet({
      io,
      nodeId: NODE,
      storage,
      settingsOf: (topic) => resolveTopicConfig(topic.configs, config.values),
    });
    partitions.start(image);
    const services = {
      io,
      nodeId: NODE,
      settings: config.values,
      config,
      controller: { image },
      partitions,
      storage,
      fetchSessions: new FetchSessions(io.clock, io.random("fetch.session")),
      fetchBudget: new FetchBudget(io.deadlines),
      fetchParks: new FetchParks(io.deadlines),
    } as unknown as Services;
    const server = new KafkaServer(services, HANDLERS);
    const { port } = await server.listen("PLAINTEXT", { host: "127.0.0.1", port: 0 }, io.deadlines.in("test", 10_000));
    return new DataPort(io, services, partitions, server, port);
  }

  private constructor(
    readonly io: MemoryIo,
    readonly services: Services,
    readonly replicaSet: ReplicaSet,
    readonly server: KafkaServer,
    readonly port: number,
  ) {}

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.stop(this.io.deadlines.in("test", 0));
    await this.replicaSet.close();
    await this.services.storage.close(this.io.deadlines.in("test", 10_000));
  }

  async client(): Promise<Client> {
    return new Client(await RawClient.connect(this.io, this.port));
  }
}

class Client {
  readonly raw: RawClient;
  #correlationId = 0;

  constructor(raw: RawClient) {
    this.raw = raw;
  }

  async produce(request: Draft<typeof ProduceRequest>, version = 9): Promise<ProduceResponse> {
    const id = this.#correlationId++;
    this.raw.send(...encodeRequest(Produce, { apiVersion: version, correlationId: id, clientId: "test" }, request, new Writer()));
    return decodeResponse(Produce, version, id, (await this.raw.receive(id + 1))[id]!);
  }

  async fetch(request: Draft<typeof FetchRequest>, version = 12): Promise<FetchResponse> {
    const id = this.#correlationId++;
    this.raw.send(...encodeRequest(Fetch, { apiVersion: version, correlationId: id, clientId: "test" }, request, new Writer()));
    return decodeResponse(Fetch, version, id, (await this.raw.receive(id + 1))[id]!);
  }

  async listOffsets(request: Draft<typeof ListOffsetsRequest>): Promise<ListOffsetsResponse> {
    const id = this.#correlationId++;
    this.raw.send(...encodeRequest(ListOffsets, { apiVersion: 7, correlationId: id, clientId: "test" }, request, new Writer()));
    return decodeResponse(ListOffsets, 7, id, (await this.raw.receive(id + 1))[id]!);
  }
}

function produceOf(partition: number, records: Uint8Array, acks = -1): Draft<typeof ProduceRequest> {
  return {
    transactionalId: null,
    acks,
    timeoutMs: 10_000,
    topicData: [{ name: "orders", topicId: topicId(1), partitionData: [{ index: partition, records }] }],
  };
}

function fetchOf(partition: number, fetchOffset: number, more: Partial<Draft<typeof FetchRequest>> = {}): Draft<typeof FetchRequest> {
  return {
    maxWaitMs: 10_000,
    minBytes: 1,
    maxBytes: 50_000_000,
    topics: [{ topic: "orders", topicId: topicId(1), partitions: [{ partition, fetchOffset, partitionMaxBytes: 1_000_000 }] }],
    ...more,
  };
}

function rowOf(response: FetchResponse) {
  const row = response.responses[0]!.partitions[0]!;
  const records = row.records as Uint8Array;
  const baseOffsets: number[] = [];
  forEachBatch(records, (at) => baseOffsets.push(readBatchHeader(records, at).baseOffset));
  return { error: errorName(row.errorCode), highWatermark: row.highWatermark, records, baseOffsets };
}

test("what was produced is fetched byte for byte, but for base offset and leader epoch, in every version", async () => {
  await using port = await DataPort.open();
  const client = await port.client();
  const sent = batch(3);
  for (let version = Produce.minVersion; version <= Produce.maxVersion; version++) {
    const row = (await client.produce(produceOf(0, sent.slice()), version)).responses[0]!.partitionResponses[0]!;
    expect([row.errorCode, row.baseOffset]).toEqual([0, (version - Produce.minVersion) * 3]);
  }
  for (let version = Fetch.minVersion; version <= Fetch.maxVersion; version++) {
    const { error, highWatermark, records } = rowOf(await client.fetch(fetchOf(0, 7), version));
    expect([error, highWatermark, readBatchHeader(records).baseOffset]).toEqual(["NONE", 33, 6]);
    const first = records.slice(16, sent.byteLength);
    expect(first).toEqual(sent.slice(16));
  }
});

test("a fetch that found nothing is answered by the next produce, on another connection", async () => {
  await using port = await DataPort.open();
  const [reader, writer] = [await port.client(), await port.client()];
  const parked = reader.fetch(fetchOf(1, 0, { maxWaitMs: 60_000 }));
  await writer.produce(produceOf(1, batch(2)));
  expect(rowOf(await parked)).toMatchObject({ error: "NONE", highWatermark: 2, baseOffsets: [0] });
});

test("pipelined produces of one connection enter the log in their order", async () => {
  await using port = await DataPort.open();
  const client = await port.client();
  const replies = await Promise.all(Array.from({ length: 50 }, () => client.produce(produceOf(2, batch(1)))));
  expect(replies.map(({ responses }) => responses[0]!.partitionResponses[0]!.baseOffset)).toEqual(
    Array.from({ length: 50 }, (_, at) => at),
  );
  const { baseOffsets } = rowOf(await client.fetch(fetchOf(2, 0)));
  expect(baseOffsets).toEqual(Array.from({ length: 50 }, (_, at) => at));
});

test("produce with acks=0 has no reply, and a failed one ends the connection", async () => {
  await using port = await DataPort.open();
  const client = await port.client();
  client.raw.send(
    ...encodeRequest(Produce, { apiVersion: 9, correlationId: 90, clientId: "test" }, produceOf(0, batch(1), 0), new Writer()),
  );
  expect(rowOf(await client.fetch(fetchOf(0, 0))).baseOffsets).toEqual([0]);
  client.raw.send(
    ...encodeRequest(Produce, { apiVersion: 9, correlationId: 91, clientId: "test" }, produceOf(9, batch(1), 0), new Writer()),
  );
  await client.raw.closed();
});

test("a repeated batch is written once, also after the broker's logs were opened again", async () => {
  const numbered = (baseSequence: number) => batch(2, { producerId: 5, producerEpoch: 0, baseSequence });
  const baseOffset = async (client: Client, sequence: number) => {
    const { errorCode, baseOffset } = (await client.produce(produceOf(0, numbered(sequence)))).responses[0]!.partitionResponses[0]!;
    return [errorName(errorCode) as string, baseOffset];
  };
  let disk: MemoryIo;
  {
    await using port = await DataPort.open();
    disk = port.io;
    const client = await port.client();
    expect(await baseOffset(client, 0)).toEqual(["NONE", 0]);
    expect(await baseOffset(client, 2)).toEqual(["NONE", 2]);
    expect(await baseOffset(client, 0)).toEqual(["NONE", 0]);
    expect(await baseOffset(client, 6)).toEqual(["OUT_OF_ORDER_SEQUENCE_NUMBER", -1]);
  }
  await using port = await DataPort.open(disk);
  const client = await port.client();
  expect(await baseOffset(client, 2)).toEqual(["NONE", 2]);
  expect(await baseOffset(client, 4)).toEqual(["NONE", 4]);
  // The first two come from the segment, which holds both although their records are years old; the third is still in memory.
  expect(rowOf(await client.fetch(fetchOf(0, 0))).baseOffsets).toEqual([0, 2]);
  expect(rowOf(await client.fetch(fetchOf(0, 4))).baseOffsets).toEqual([4]);
});

test("offsets are found by time and by their special names in the real log", async () => {
  await using port = await DataPort.open();
  const client = await port.client();
  for (const timestamp of [1_000, 3_000, 2_000]) await client.produce(produceOf(3, batch(2, {}, timestamp)));
  const offsetOf = async (timestamp: number) => {
    const { topics } = await client.listOffsets({
      replicaId: -1,
      isolationLevel: 0,
      topics: [{ name: "orders", partitions: [{ partitionIndex: 3, timestamp }] }],
    });
    const { offset, timestamp: at } = topics[0]!.partitions[0]!;
    return [offset, at];
  };
  expect(await offsetOf(-1)).toEqual([6, -1]);
  expect(await offsetOf(-2)).toEqual([0, -1]);
  expect(await offsetOf(-3)).toEqual([2, 3_000]);
  expect(await offsetOf(2_000)).toEqual([2, 3_000]);
  expect(await offsetOf(5_000)).toEqual([-1, -1]);
});

test("a reader that begins anywhere sees every record once, whatever the sizes of its fetches", async () => {
  await using port = await DataPort.open();
  const client = await port.client();
  let end = 0;
  for (let at = 0; at < 40; at++) {
    const count = 1 + at % 7;
    await client.produce(produceOf(0, batch(count)));
    end += count;
  }
  for (const partitionMaxBytes of [1, 300, 2_000, 1_000_000]) {
    for (const from of [0, 5, end - 1]) {
      const offsets: number[] = [];
      let next = from;
      while (next < end) {
        const response = await client.fetch(
          fetchOf(0, next, {
            topics: [{ topic: "orders", topicId: ZERO_UUID, partitions: [{ partition: 0, fetchOffset: next, partitionMaxBytes }] }],
          }),
        );
        const { records } = rowOf(response);
        expect(records.byteLength).toBeGreaterThan(0);
        forEachBatch(records, (at) => {
          const { baseOffset, lastOffsetDelta } = readBatchHeader(records, at);
          for (let offset = Math.max(next, baseOffset); offset <= baseOffset + lastOffsetDelta; offset++) offsets.push(offset);
          next = baseOffset + lastOffsetDelta + 1;
        });
      }
      expect(offsets).toEqual(Array.from({ length: end - from }, (_, at) => from + at));
    }
  }
  expect(port.services.fetchBudget.usedBytes).toBe(0);
});

test("a deleted topic ends parked fetches and takes its logs along", async () => {
  await using port = await DataPort.open();
  const client = await port.client();
  await client.produce(produceOf(0, batch(1)));
  const parked = client.fetch(fetchOf(0, 1, { maxWaitMs: 60_000 }));
  const other = await port.client();
  while ([...port.replicaSet.all()].every(({ watcherCount }) => watcherCount === 0)) await other.fetch(fetchOf(1, 0, { maxWaitMs: 0 }));
  port.replicaSet.apply(metadataDelta({ topicsDeleted: [ORDERS] }), metadataImage([]));
  expect(rowOf(await parked).error).toBe("NOT_LEADER_OR_FOLLOWER");
  expect([...port.services.storage.logs()]).toEqual([]);
});
