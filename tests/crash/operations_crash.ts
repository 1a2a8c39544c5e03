/**
 * What docs/operations.md claims, tried with the executable (or the sources, where nobody built one) and a client that people use. Apart from
 * `bun test`, because it starts a process for each thing that an operator does.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { type Consumer, Kafka, logLevel } from "kafkajs";
import { cp, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { crc32c, errorName, Fetch, type KafkaErrorName, Metadata, writeInt32, ZERO_UUID } from "../../lib/protocol/mod.ts";
import { TestClient } from "../node/client.ts";
import { ownFolder, removeFolder } from "../support/own_folder.ts";

setDefaultTimeout(60_000);

const root = resolve(import.meta.dir, "../..");
const executable = join(root, "dist/barnabas");
const barnabas = existsSync(executable) ? [executable] : [process.execPath, join(root, "main.ts")];
let folder = "";
/** What a node left that ran with two topics, records in both and a group, and was stopped in order. */
let pristine = "";
let data = "";
const running: Node[] = [];

interface Node {
  readonly child: Bun.Subprocess<"ignore", "pipe", "pipe">;
  readonly kafka: Kafka;
  readonly bootstrap: string;
  readonly admin: string;
  stop(): Promise<{ readonly code: number; readonly lines: readonly Readonly<Record<string, unknown>>[] }>;
}

function spawn(args: readonly string[]) {
  const command = [...barnabas, ...args];
  return Bun.spawn(command, { cwd: folder, env: {}, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
}

const serveArgs = (directory: string, ...more: readonly string[]) => [
  ...["serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--data", directory, "--log-format", "json"],
  ...more,
];

async function serve(directory: string, ...more: readonly string[]): Promise<Node> {
  const child = spawn(serveArgs(directory, ...more));
  let said = "";
  for await (const chunk of child.stdout) {
    said += new TextDecoder().decode(chunk);
    if (said.includes("Kafka Server started")) break;
  }
  if (!said.includes("Kafka Server started")) throw new Error(`It did not start: ${await new Response(child.stderr).text()}`);
  const bootstrap = /PLAINTEXT:\/\/(\S+)/.exec(said)![1]!;
  const node: Node = {
    child,
    bootstrap,
    admin: /HTTP admin on (http:\/\/\S+)/.exec(said)![1]!,
    kafka: new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING }),
    async stop() {
      child.kill("SIGTERM");
      const [code, text] = await Promise.all([child.exited, new Response(child.stderr).text()]);
      const lines = text.trim().split("\n").filter((line) => line !== "");
      return { code, lines: lines.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>) };
    },
  };
  running.push(node);
  return node;
}

/** How a start ends that is refused. */
async function refused(directory: string, ...more: readonly string[]): Promise<{ readonly code: number; readonly text: string }> {
  const child = spawn(serveArgs(directory, ...more));
  const [code, text] = await Promise.all([child.exited, new Response(child.stderr).text()]);
  return { code, text };
}

async function cli(...args: readonly string[]): Promise<{ readonly code: number; readonly text: string }> {
  const child = spawn(args);
  const [code, out, error] = await Promise.all([child.exited, new Response(child.stdout).text(), new Response(child.stderr).text()]);
  return { code, text: out + error };
}

async function produce({ kafka }: Node, topic: string, values: readonly string[]): Promise<string | null> {
  const producer = kafka.producer({ retry: { retries: 0 } });
  await producer.connect();
  try {
    await producer.send({ topic, messages: values.map((value) => ({ value })) });
    return null;
  } catch (error) {
    const { type, cause } = error as { readonly type?: string; readonly cause?: { readonly type?: string } };
    return type ?? cause?.type ?? String(error);
  } finally {
    await producer.disconnect();
  }
}

/** Values from the beginning, as many as were asked for, and then commits that they were read. */
async function consume({ kafka }: Node, topic: string, count: number, groupId: string): Promise<readonly string[]> {
  const consumer: Consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 50 });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const values: string[] = [];
  const done = Promise.withResolvers<void>();
  await consumer.run({
    eachMessage: async ({ message }) => {
      values.push(message.value!.toString());
      if (values.length === count) done.resolve();
    },
  });
  await done.promise;
  await consumer.disconnect();
  return values;
}

/** What a fetch of one batch at `fetchOffset` is answered with. */
async function fetchError({ bootstrap }: Node, topic: string, fetchOffset: number): Promise<KafkaErrorName> {
  const port = Number(bootstrap.split(":")[1]);
  using client = await TestClient.connect({ address: { host: "127.0.0.1", port } });
  const { topics } = await client.call(Metadata, { topics: [{ name: topic, topicId: ZERO_UUID }] });
  const { responses } = await client.call(Fetch, {
    maxWaitMs: 0,
    minBytes: 0,
    maxBytes: 1,
    topics: [{ topic, topicId: topics[0]!.topicId, partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: 1 }] }],
  });
  return errorName(responses[0]!.partitions[0]!.errorCode);
}

async function metric({ admin }: Node, name: string): Promise<number | null> {
  const text = await (await fetch(`${admin}/metrics`)).text();
  const line = text.split("\n").find((line) => line.startsWith(`${name} `));
  return line === undefined ? null : Number(line.slice(name.length + 1));
}

/** The first segment of the topic whose logs are the largest. */
async function segment(directory: string): Promise<string> {
  const paths = (await readdir(join(directory, "topics"), { recursive: true })).filter((path) => path.endsWith("0.log"));
  const sized = await Promise.all(paths.map(async (path) => ({ path, size: (await stat(join(directory, "topics", path))).size })));
  return join(directory, "topics", sized.sort((a, b) => b.size - a.size)[0]!.path);
}

const large = Array.from({ length: 100 }, (_, at) => `${at}:${"x".repeat(2_000)}`);

beforeAll(async () => {
  folder = ownFolder("barnabas-operations-");
  pristine = join(folder, "pristine");
  const node = await serve(pristine, "--topic", "orders", "--topic", "clicks", "--set", "offsets.topic.num.partitions=1");
  for (let i = 0; i < 3; i++) expect(await produce(node, "orders", large)).toBeNull();
  expect(await produce(node, "clicks", ["a", "b", "c"])).toBeNull();
  expect(await consume(node, "clicks", 3, "readers")).toEqual(["a", "b", "c"]);
  expect(await node.stop()).toEqual({ code: 0, lines: [] });
});
beforeEach(async () => {
  data = join(folder, "data");
  await cp(pristine, data, { recursive: true });
});
afterEach(async () => {
  for (const { child } of running.splice(0)) {
    child.kill("SIGKILL");
    await child.exited;
  }
  await rm(data, { recursive: true, force: true });
});
afterAll(() => removeFolder(folder));

describe("watching and stopping", () => {
  test("SIGTERM: /readyz says 503 at once, late clients are served for shutdown.delay.ms, then it ends with 0", async () => {
    const node = await serve(data, "--set", "shutdown.delay.ms=4000");
    expect((await cli("health", "--url", node.admin)).code).toBe(0);
    node.child.kill("SIGTERM");
    // The signal is handled some turns later; from then on it is 503 until the end.
    let reply = await fetch(`${node.admin}/readyz`);
    while (reply.status === 200) reply = await fetch(`${node.admin}/readyz`);
    expect([reply.status, await reply.json()]).toEqual([503, { status: "unavailable", reasons: [expect.stringContaining("stopping")] }]);
    expect((await cli("health", "--url", node.admin)).code).toBe(1);
    expect(await produce(node, "clicks", ["late"])).toBeNull();
    expect(await node.child.exited).toBe(0);

    const again = await serve(data);
    expect(await consume(again, "clicks", 4, "others")).toEqual(["a", "b", "c", "late"]);
  });

  test("the log is JSON with its documented fields, and its level changes on the running node", async () => {
    const node = await serve(data);
    const shout = async (bytes: string) => {
      const closed = Promise.withResolvers<void>();
      const [hostname, port] = node.bootstrap.split(":") as [string, string];
      await Bun.connect({
        hostname,
        port: Number(port),
        socket: { open: (socket) => void socket.write(bytes), data() {}, close: () => closed.resolve() },
      });
      await closed.promise;
    };
    const set = (level: string) => cli("config", "set", "broker/1", `logging.level=${level}`, "--bootstrap", node.bootstrap);
    await shout("GET / HTTP/1.1\r\n\r\n");
    expect((await set("error")).code).toBe(0);
    await shout("PUT / HTTP/1.1\r\n\r\n");
    expect((await set("warn")).code).toBe(0);
    await shout("\x16\x03\x01\x02\x00\x01\x00\x01");
    expect((await cli("config", "unset", "broker/1", "logging.level", "--bootstrap", node.bootstrap)).code).toBe(0);
    const { lines: kept } = await (await fetch(`${node.admin}/v1/logs`)).json() as { lines: readonly string[] };
    const { code, lines } = await node.stop();
    expect(code).toBe(0);
    const peers = lines.filter(({ event }) => event === "Closed a connection");
    expect(peers).toHaveLength(2);
    for (const { time, ...line } of peers) {
      expect(new Date(time as string).toISOString()).toBe(time as string);
      expect(line).toEqual({
        level: "warning",
        room: "broker",
        event: "Closed a connection",
        kind: "badFrame",
        peer: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
        cause: expect.any(String),
      });
    }
    expect(kept.map((line) => JSON.parse(line))).toEqual(expect.arrayContaining(peers));
  });
});

describe("the disk is full", () => {
  test("producers are refused, reading and deleting go on, and /readyz says it", async () => {
    const node = await serve(data, "--set", "log.min.free.bytes=9000000000000000");
    expect(await produce(node, "clicks", ["more"])).toBe("KAFKA_STORAGE_ERROR");
    expect(await consume(node, "clicks", 3, "others")).toEqual(["a", "b", "c"]);
    const reply = await fetch(`${node.admin}/readyz`);
    expect([reply.status, await reply.json()]).toEqual([503, {
      status: "unavailable",
      reasons: [expect.stringContaining("Storage is full")],
    }]);
    expect(await metric(node, 'barnabas_unready{reason="storage_full"}')).toBe(1);
    const deleted = await cli("topic", "delete-records", "clicks", "--before", "latest", "--yes", "--bootstrap", node.bootstrap);
    expect(deleted).toMatchObject({ code: 0 });
    expect((await cli("topic", "delete", "orders", "--yes", "--bootstrap", node.bootstrap)).code).toBe(0);
    expect((await node.stop()).code).toBe(0);
  });
});

describe("a file is damaged", () => {
  test("a batch: who reads it is told, the log names the place, all else is served", async () => {
    const path = await segment(data);
    const bytes = await readFile(path);
    bytes[bytes.length - 100]! ^= 0xff;
    await writeFile(path, bytes);
    const node = await serve(data);
    const ended = await cli("topic", "offsets", "orders", "--bootstrap", node.bootstrap);
    expect(ended.text).toContain("300");
    // The first two batches are well.
    expect([await fetchError(node, "orders", 0), await fetchError(node, "orders", 199)]).toEqual(["NONE", "NONE"]);
    expect(await fetchError(node, "orders", 200)).toBe("CORRUPT_MESSAGE");
    expect(await produce(node, "orders", ["goes on"])).toBeNull();
    expect(await fetchError(node, "orders", 300)).toBe("NONE");
    expect(await metric(node, 'barnabas_request_errors_total{api="Fetch",error="CORRUPT_MESSAGE"}')).toBe(1);
    const deleted = await cli("topic", "delete-records", "orders", "--before", "300", "--yes", "--bootstrap", node.bootstrap);
    expect(deleted).toMatchObject({ code: 0 });
    expect(await consume(node, "orders", 1, "after")).toEqual(["goes on"]);
    const { lines } = await node.stop();
    expect(lines).toContainEqual(expect.objectContaining({ level: "error", room: "storage", event: "Cannot serve damaged records" }));
    expect(JSON.stringify(lines)).toContain("fails its checksum");
  });

  test("a segment that is missing: its partition is offline, put back it is served again", async () => {
    const path = await segment(data);
    await rename(path, join(folder, "aside.log"));
    const node = await serve(data);
    while (await metric(node, "barnabas_partitions_offline") !== 1);
    expect(await produce(node, "orders", ["no"])).toBe("KAFKA_STORAGE_ERROR");
    expect(await produce(node, "clicks", ["yes"])).toBeNull();
    const { code, lines } = await node.stop();
    expect(code).toBe(0);
    expect(lines).toContainEqual(expect.objectContaining({ level: "error", event: expect.stringContaining("A partition is offline") }));

    await rename(join(folder, "aside.log"), path);
    const again = await serve(data);
    expect(await consume(again, "orders", 300, "others")).toHaveLength(300);
    expect(await metric(again, "barnabas_partitions_offline")).toBe(0);
  });

  test("the checkpoint: it is made anew, nothing is lost", async () => {
    await rm(join(data, "checkpoint"));
    const node = await serve(data);
    expect(await consume(node, "orders", 300, "others")).toHaveLength(300);
    const { lines } = await node.stop();
    expect(lines).toContainEqual(expect.objectContaining({ event: expect.stringContaining("The checkpoint is missing") }));
  });

  test("raft/state or meta.json: it refuses to start and changes nothing", async () => {
    await rename(join(data, "raft"), join(folder, "raft.aside"));
    expect(await refused(data)).toMatchObject({ code: 65, text: expect.stringContaining("nothing was changed") });
    await rm(join(data, "raft"), { recursive: true, force: true });
    await rename(join(folder, "raft.aside"), join(data, "raft"));
    await rename(join(data, "meta.json"), join(folder, "meta.aside"));
    expect(await refused(data)).toMatchObject({ code: 78, text: expect.stringContaining('put "meta.json" back') });
    await rename(join(folder, "meta.aside"), join(data, "meta.json"));
    const node = await serve(data);
    expect(await consume(node, "clicks", 3, "others")).toHaveLength(3);
  });
});

describe("directories", () => {
  test("backup and restore: a cold copy has topics, records, settings, groups and their offsets", async () => {
    const backup = join(folder, "backup");
    const before = await serve(data);
    expect((await cli("config", "set", "topic/clicks", "retention.ms=7200000", "--bootstrap", before.bootstrap)).code).toBe(0);
    expect((await before.stop()).code).toBe(0);
    await cp(data, backup, { recursive: true });

    // What comes after the backup is not in it.
    const after = await serve(data);
    expect(await produce(after, "clicks", ["later"])).toBeNull();
    expect((await cli("topic", "delete", "orders", "--yes", "--bootstrap", after.bootstrap)).code).toBe(0);
    await after.stop();

    try {
      const restored = await serve(backup);
      expect(await consume(restored, "orders", 300, "others")).toHaveLength(300);
      expect(await consume(restored, "clicks", 3, "others")).toEqual(["a", "b", "c"]);
      const admin = restored.kafka.admin();
      await admin.connect();
      const [offsets] = await admin.fetchOffsets({ groupId: "readers", topics: ["clicks"] });
      await admin.disconnect();
      expect(offsets!.partitions).toMatchObject([{ partition: 0, offset: "3" }]);
      const config = await cli("config", "get", "topic/clicks", "--bootstrap", restored.bootstrap);
      expect(config.text).toContain("7200000");
      await restored.stop();
    } finally {
      await rm(backup, { recursive: true, force: true });
    }
  });

  test("a directory that moved is served from its new place, to its own node only, and to one at a time", async () => {
    const moved = join(folder, "elsewhere");
    await rename(data, moved);
    try {
      const node = await serve(moved);
      expect(await consume(node, "clicks", 3, "others")).toEqual(["a", "b", "c"]);
      expect(await refused(moved)).toMatchObject({ code: 78, text: expect.stringContaining("another node is using it") });
      await node.stop();
      expect(await refused(moved, "--node-id", "2")).toMatchObject({ code: 78, text: expect.stringContaining("it belongs to node 1") });
    } finally {
      await rm(moved, { recursive: true, force: true });
    }
  });

  test("a directory that is moved away under a running node ends the node, and has everything that was acknowledged", async () => {
    const node = await serve(data);
    expect(await produce(node, "clicks", ["acknowledged"])).toBeNull();
    const moved = join(folder, "taken");
    await rename(data, moved);
    try {
      node.child.kill("SIGTERM");
      const [code, text] = await Promise.all([node.child.exited, new Response(node.child.stderr).text()]);
      expect({ code, text }).toEqual({ code: 70, text: expect.stringContaining("data") });
      const again = await serve(moved);
      expect(await consume(again, "clicks", 4, "others")).toEqual(["a", "b", "c", "acknowledged"]);
      await again.stop();
    } finally {
      await rm(moved, { recursive: true, force: true });
    }
  });

  test("a format of a later version is refused, and nothing is changed", async () => {
    const path = join(data, "meta.json");
    const meta = JSON.parse((await readFile(path)).subarray(4).toString()) as object;
    const content = new TextEncoder().encode(JSON.stringify({ ...meta, formatVersion: 99 }));
    const bytes = new Uint8Array(4 + content.length);
    bytes.set(content, 4);
    writeInt32(bytes, 0, crc32c(content, 0, content.length));
    await writeFile(path, bytes);
    const files = async () => (await readdir(data, { recursive: true })).sort();
    const before = await files();
    expect(await refused(data)).toMatchObject({ code: 78, text: expect.stringContaining("it has format 99") });
    expect(await files()).toEqual(before);
  });
});
