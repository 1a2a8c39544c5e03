/** One request, one reply, through the project's own protocol room: what the benches ask beside their load generators. */
import { connect } from "node:net";
import {
  CreateTopics,
  decodeResponse,
  encodeBatch,
  encodeRequest,
  Fetch,
  ListOffsets,
  Metadata,
  Produce,
  Writer,
} from "../../lib/protocol/mod.ts";

const bytesOf = (chunks: readonly Uint8Array[]): Buffer => Buffer.concat(chunks);

/** A frame with correlation id 1. */
export function requestFrame<Draft>(api: unknown, apiVersion: number, request: Draft): Buffer {
  const header = { apiVersion, correlationId: 1, clientId: "bench" };
  return bytesOf(encodeRequest(api as never, header, request as never, new Writer()));
}

export async function ask<Read>(bootstrap: string, api: unknown, version: number, request: unknown): Promise<Read> {
  const [host, port] = bootstrap.split(":") as [string, string];
  const socket = connect({ host, port: Number(port) });
  socket.write(requestFrame(api, version, request));
  let received = Buffer.alloc(0);
  for await (const chunk of socket) {
    received = Buffer.concat([received, chunk as Buffer]);
    if (received.length >= 4 && received.length >= 4 + received.readInt32BE(0)) break;
  }
  socket.destroy();
  return decodeResponse(api as never, version, 1, received.subarray(4)) as Read;
}

export async function createTopics(bootstrap: string, names: readonly string[], partitions: number): Promise<void> {
  const topics = names.map((name) => ({ name, numPartitions: partitions, replicationFactor: 1, assignments: [], configs: [] }));
  const reply = await ask<{ topics: { errorCode: number; errorMessage: string }[] }>(bootstrap, CreateTopics, 7, {
    topics,
    timeoutMs: 60_000,
    validateOnly: false,
  });
  const failed = reply.topics.find((topic) => topic.errorCode !== 0);
  if (failed) throw new Error(`Cannot create topics: ${failed.errorMessage}`);
}

export async function firstMetadata(bootstrap: string): Promise<void> {
  await ask(bootstrap, Metadata, 9, { topics: [], allowAutoTopicCreation: false, includeTopicAuthorizedOperations: false });
}

export async function endOffset(bootstrap: string, topic: string, partition: number): Promise<number> {
  const request = {
    replicaId: -1,
    isolationLevel: 0,
    topics: [{ name: topic, partitions: [{ partitionIndex: partition, currentLeaderEpoch: -1, timestamp: -1 }] }],
  };
  const reply = await ask<{ topics: { partitions: { offset: number }[] }[] }>(bootstrap, ListOffsets, 7, request);
  return reply.topics[0]!.partitions[0]!.offset;
}

export interface ProduceShape {
  readonly topic: string;
  readonly partitions: readonly number[];
  readonly recordsPerPartition: number;
  readonly recordBytes: number;
}

/** A produce request with acks=all, one batch a partition. */
export function produceFrame({ topic, partitions, recordsPerPartition, recordBytes }: ProduceShape): Buffer {
  const value = new Uint8Array(recordBytes).map((_, i) => i * 31 + 7);
  const records = Array.from({ length: recordsPerPartition }, () => ({ key: null, value, timestamp: Date.now() }));
  const request = {
    transactionalId: null,
    acks: -1,
    timeoutMs: 30_000,
    topicData: [{ name: topic, partitionData: partitions.map((index) => ({ index, records: encodeBatch({ records }) })) }],
  };
  return requestFrame(Produce, 9, request);
}

/** A fetch without session of at most `bytes` from `offset`. */
export function fetchFrame(topic: string, offset: number, bytes: number): Buffer {
  const partition = { partition: 0, currentLeaderEpoch: -1, fetchOffset: offset, logStartOffset: -1, partitionMaxBytes: bytes };
  const request = {
    replicaId: -1,
    maxWaitMs: 500,
    minBytes: 1,
    maxBytes: bytes,
    isolationLevel: 0,
    sessionId: 0,
    sessionEpoch: -1,
    topics: [{ topic, partitions: [partition] }],
    forgottenTopicsData: [],
    rackId: "",
  };
  return requestFrame(Fetch, 11, request);
}
