/** Traps that real clients fall into (docs/traps.md) and that only show on a whole broker, over real bytes. */
import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "bun:test";
import {
  CreateTopics,
  cutFrames,
  decodeResponse,
  encodeRequest,
  Metadata,
  RESPONSE_BYTES_MIN,
  Writer,
  ZERO_UUID,
} from "../../lib/protocol/mod.ts";
import { Broker } from "../../mod.ts";

let broker: Broker;
beforeAll(async () => {
  broker = await Broker.start({ storage: "memory" });
});
afterAll(() => broker.close());

/** Sends all frames at once and answers with as many replies, without their length. */
async function exchange(frames: readonly Uint8Array[]): Promise<Uint8Array[]> {
  const socket = connect(broker.address);
  socket.write(Buffer.concat(frames));
  let received = new Uint8Array(0);
  for await (const chunk of socket) {
    received = Buffer.concat([received, chunk as Uint8Array]);
    if (cutFrames(received, 1 << 20, RESPONSE_BYTES_MIN).frames.length === frames.length) break;
  }
  socket.destroy();
  return [...cutFrames(received, 1 << 20, RESPONSE_BYTES_MIN).frames];
}

const createTopics = (names: readonly string[]) => {
  const topics = names.map((name) => ({ name, numPartitions: 2, replicationFactor: 1, assignments: [], configs: [] }));
  const header = { apiVersion: 7, correlationId: 1, clientId: "traps" };
  return Buffer.concat(encodeRequest(CreateTopics, header, { topics, timeoutMs: 10_000, validateOnly: false }, new Writer()));
};
const metadata = (names: readonly string[]) => {
  const topics = names.map((name) => ({ topicId: ZERO_UUID, name }));
  const request = {
    topics,
    allowAutoTopicCreation: false,
    includeClusterAuthorizedOperations: false,
    includeTopicAuthorizedOperations: false,
  };
  return Buffer.concat(encodeRequest(Metadata, { apiVersion: 9, correlationId: 2, clientId: "traps" }, request, new Writer()));
};

test("metadata shows a topic with its leaders as soon as CreateTopics has answered, also on the next connection", async () => {
  const names = Array.from({ length: 50 }, (_, i) => `just-made-${i}`);
  await exchange([createTopics(names)]);
  const [reply] = await exchange([metadata(names)]);
  const { topics } = decodeResponse(Metadata, 9, 2, reply!);
  expect(topics.map(({ name, errorCode }) => ({ name, errorCode }))).toEqual(names.map((name) => ({ name, errorCode: 0 })));
  for (const { partitions } of topics) expect(partitions.map(({ leaderId, errorCode }) => [leaderId, errorCode])).toEqual([[1, 0], [1, 0]]);
});

test("clients are told the address that is bound, never a name that may mean ::1 first", async () => {
  const [reply] = await exchange([metadata([])]);
  const { brokers } = decodeResponse(Metadata, 9, 2, reply!);
  expect(brokers.map(({ host, port }) => ({ host, port }))).toEqual([{ host: "127.0.0.1", port: broker.address.port }]);
});
