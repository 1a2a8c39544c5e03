/**
 * Peers that send what no client sends, or read what no client would leave, against the real executable (HAZARDS N2 to N7, X1, X2). Beside all of
 * it an honest client goes on without one failure, the process stays within a stated memory, and what is logged is little and names the peer.
 */
import { afterEach, beforeEach, expect, test } from "bun:test";
import fc from "fast-check";
import { createRealIo } from "../../lib/io/real/mod.ts";
import {
  type AnyApi,
  APIS,
  ApiVersions,
  encodeBatch,
  encodeRequest,
  Fetch,
  Metadata,
  Produce,
  Writer,
  ZERO_UUID,
} from "../../lib/protocol/mod.ts";
import { RawClient } from "../broker/harness.ts";
import { KafkaClient } from "../node/kafka_client.ts";
import { OddRequests } from "../node/odd_requests.ts";
import { ownFolder, removeFolder } from "../support/own_folder.ts";
import { mustStart, type Running } from "./support/executable.ts";
import { HonestClient } from "./support/honest.ts";

const MS = 60_000;
const MIB = 1024 * 1024;
/** Of the whole process: fetch replies 96 MiB, other replies 64 MiB, requests 24 MiB, what waits for segments 16 MiB, heap and runtime. */
const RESIDENT_BYTES_MAX = 512 * MIB;
const PER_IP_MAX = 200;
const seed = Number(process.env["HOSTILE_SEED"] ?? 1);

let directory: string;
let node: Running;
let honest: HonestClient;
const io = createRealIo({
  onFatal: (_code, why) => {
    throw new Error(why);
  },
});

beforeEach(async () => {
  directory = ownFolder("barnabas-hostile-");
  const settings = [
    "max.connection.creation.rate=100000",
    `max.connections.per.ip=${PER_IP_MAX}`,
    "request.timeout.ms=2000",
    "group.min.session.timeout.ms=1",
    "auto.create.topics.enable=false",
    "max.partitions=20000",
  ];
  const topics = ["honest", "orders", "clicks:3", "compacted:1:cleanup.policy=compact", "uncompressed:1:compression.type=uncompressed"];
  node = await mustStart(directory, {
    flags: [...topics.flatMap((topic) => ["--topic", topic]), ...settings.flatMap((setting) => ["--set", setting])],
  });
  honest = new HonestClient(node.port, "honest");
  await honest.goesOn(1);
});
afterEach(async () => {
  try {
    await honest.goesOn(10);
    expect(await honest.stop()).toEqual([]);
    expect(await residentBytesMax()).toBeLessThan(RESIDENT_BYTES_MAX);
    const lines = (await node.said()).split("\n").filter((line) => line !== "");
    expect(lines.filter((line) => line.includes(`"error"`) || line.includes("bug"))).toEqual([]);
    expect(lines.length).toBeLessThan(100);
    for (const line of lines) if (line.includes(`"kind"`) && !line.includes("not logged")) expect(line).toContain(`"peer":"127.0.0.1:`);
    expect(await node.stop()).toBe(0);
  } finally {
    removeFolder(directory);
  }
}, MS);

/** The most that the process ever had. */
async function residentBytesMax(): Promise<number> {
  return Number(/VmHWM:\s+(\d+) kB/.exec(await Bun.file(`/proc/${node.pid}/status`).text())?.[1]) * 1024;
}

async function metric(name: string): Promise<number> {
  const text = await (await fetch(`http://${node.admin}/metrics`)).text();
  return Number(new RegExp(`^barnabas_${name} (\\S+)$`, "m").exec(text)?.[1]);
}

const connections = () => metric(`connections\\{listener="PLAINTEXT"\\}`);
const connect = (options?: { readonly isReading?: boolean }) => RawClient.connect(io, node.port, options);

/** Those that were accepted: one that is closed at once may not even have been open for us. */
async function many(count: number, options?: { readonly isReading?: boolean }): Promise<RawClient[]> {
  const clients: RawClient[] = [];
  for (let i = 0; i < count; i++) {
    const client = await connect(options).catch(() => null);
    if (client !== null) clients.push(client);
  }
  return clients;
}

function framed(api: AnyApi, apiVersion: number, body: unknown): Uint8Array {
  return Buffer.concat(encodeRequest(api as never, { apiVersion, correlationId: 7, clientId: "tests" }, body as never, new Writer()));
}

/** A request cut, altered, continued and mislabelled, one thing at a time. */
function* mutations(request: Uint8Array): Iterable<Uint8Array> {
  const cutStep = Math.max(1, Math.floor(request.length / 12));
  for (let at = 0; at < request.length; at += cutStep) yield request.subarray(0, at);
  // Wherever a length or a count may be, in each of its forms.
  for (let at = 8; at + 4 <= request.length; at += Math.max(1, Math.floor(request.length / 16))) {
    for (const value of [0xffffffff, 0xfffffffe, 0x7fffffff, 0x00ffffff, 0xffffff0f]) {
      const altered = Buffer.from(request);
      altered.writeUInt32BE(value, at);
      yield altered;
    }
  }
  yield Buffer.concat([request, Buffer.alloc(50, 0xff)]);
  for (const [offset, value] of [[0, 999], [0, -1], [2, 99], [2, -1]] as const) {
    const altered = Buffer.from(request);
    altered.writeInt16BE(value, offset);
    yield altered;
  }
}

test(`every API in every version, cut and altered: answered or closed, nobody else notices (HOSTILE_SEED=${seed})`, async () => {
  const odd = new OddRequests();
  let client: RawClient | null = null;
  let [answered, closed] = [0, 0];
  for (const api of APIS) {
    for (let version = api.minVersion; version <= api.maxVersion; version++) {
      const [sample] = fc.sample(odd.of({ ...api, minVersion: version, maxVersion: version }), { numRuns: 1, seed: seed * 1000 + version });
      const request = framed(api, version, sample!.body).subarray(4, 3000);
      for (const frame of mutations(request)) {
        if (client === null || client.isClosed) client = await connect();
        const length = new Uint8Array(4);
        new DataView(length.buffer).setInt32(0, frame.length);
        // A Metadata request behind it: also what gets no answer of its own shows that it is over.
        client.send(length, frame.slice(), framed(Metadata, 12, { topics: [], allowAutoTopicCreation: false }));
        await client.until(() =>
          client!.isClosed || client!.frames.some((reply) => reply.length > 4 && reply[3] === 7 && isMetadata(reply))
        );
        if (client.isClosed) closed++;
        else answered++;
        client.frames.length = 0;
      }
    }
  }
  client?.close();
  expect(answered).toBeGreaterThan(1000);
  expect(closed).toBeGreaterThan(1000);
}, MS);

/** Brokers, cluster id and controller follow: no other reply of so few bytes names the host. */
const isMetadata = (reply: Uint8Array): boolean => Buffer.from(reply).includes("127.0.0.1");

test("connections that ask for much and read nothing do not keep others from reading", async () => {
  using filling = await KafkaClient.connect({ host: "", port: node.port });
  const records = encodeBatch({ records: [{ key: null, value: new Uint8Array(1_000_000), timestamp: 1, headers: [] }] });
  for (let i = 0; i < 30; i++) {
    await filling.ask(Produce, 9, {
      acks: -1,
      timeoutMs: 10_000,
      topicData: [{ name: "orders", topicId: ZERO_UUID, partitionData: [{ index: 0, records }] }],
    });
  }
  const fetching = framed(Fetch, 12, {
    maxWaitMs: 500,
    minBytes: 1,
    maxBytes: 50_000_000,
    topics: [{ topic: "orders", topicId: ZERO_UUID, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 50_000_000 }] }],
  });
  const clients = await many(20, { isReading: false });
  for (const client of clients) for (let i = 0; i < 500; i++) client.send(fetching);
  await honest.goesOn(100);
  for (const client of clients) client.close();
}, MS);

test("connections that send ten thousand requests each and read no reply are bounded together", async () => {
  const asking = framed(Metadata, 12, { topics: null, allowAutoTopicCreation: false });
  const batch = Buffer.concat(Array.from({ length: 1000 }, () => asking));
  const clients = await many(30, { isReading: false });
  for (const client of clients) for (let i = 0; i < 10; i++) client.send(batch);
  await honest.goesOn(100);
  for (const client of clients) client.close();
}, MS);

test("lengths that are claimed and not sent take no memory; garbage, TLS and HTTP are closed", async () => {
  const claims = await many(PER_IP_MAX - 20);
  for (const [index, client] of claims.entries()) {
    const bytes = Buffer.alloc(index % 2 === 0 ? 1024 : 300_000);
    bytes.writeInt32BE(100_000_000, 0);
    client.send(bytes);
  }
  await honest.goesOn(50);
  for (const client of claims) client.close();
  for (
    const bytes of ["GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "\xff\xff\xff\xff", "\x00\x00\x00\x01\x00"]
  ) {
    const client = await connect();
    client.send(Buffer.from(bytes, "latin1"));
    await client.closed();
  }
}, MS);

test("more connections than an address may have are closed at once, and places come back", async () => {
  const clients = await many(3 * PER_IP_MAX);
  while (clients.filter(({ isClosed }) => !isClosed).length > PER_IP_MAX) {
    await Promise.race(clients.filter(({ isClosed }) => !isClosed).map((client) => client.closed()));
  }
  await honest.goesOn(10);
  expect(await connections()).toBeLessThanOrEqual(PER_IP_MAX);
  for (const client of clients) client.close();
  while (await connections() > 3) await honest.goesOn(1);
  const again = await connect();
  again.send(framed(ApiVersions, 3, { clientSoftwareName: "tests", clientSoftwareVersion: "1" }));
  expect((await again.receive(1)).length).toBe(1);
  again.close();
}, MS);

test("batches that grow enormously when they are opened are refused in every codec", async () => {
  const value = new Uint8Array(150_000_000);
  for (const compression of ["gzip", "snappy", "lz4", "zstd"] as const) {
    const records = encodeBatch({ records: [{ key: value.subarray(0, 1), value, timestamp: 1, headers: [] }], compression });
    for (const name of ["compacted", "uncompressed"]) {
      const asked = await Promise.all(Array.from({ length: 4 }, async () => {
        using client = await KafkaClient.connect({ host: "", port: node.port });
        const { responses } = await client.ask(Produce, 9, {
          acks: -1,
          timeoutMs: 20_000,
          topicData: [{ name, topicId: ZERO_UUID, partitionData: [{ index: 0, records }] }],
        });
        return responses[0]!.partitionResponses[0]!.errorCode;
      }));
      for (const code of asked) expect([compression, name, code]).toEqual([compression, name, 10]);
    }
  }
}, MS);

test("a byte at a time is served, and parked fetches of clients that went are gone", async () => {
  const asking = framed(ApiVersions, 3, { clientSoftwareName: "tests", clientSoftwareVersion: "1" });
  const slow = await many(50);
  for (let at = 0; at < asking.length; at++) {
    for (const client of slow) client.send(asking.slice(at, at + 1));
    await honest.goesOn(1);
  }
  for (const client of slow) expect((await client.receive(1)).length).toBe(1);
  const parking = framed(Fetch, 12, {
    maxWaitMs: 600_000,
    minBytes: 100_000_000,
    topics: [{ topic: "clicks", topicId: ZERO_UUID, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 }] }],
  });
  for (const client of slow) for (let i = 0; i < 20; i++) client.send(parking);
  while (await metric("fetches_parked") < 50 * 20) await honest.goesOn(1);
  for (const client of slow) client.close();
  while (await metric("fetches_parked") > 1) await honest.goesOn(1);
}, MS);
