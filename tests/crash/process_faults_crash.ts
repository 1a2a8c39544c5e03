/**
 * What may happen to the process of a node: stopped and continued, ended under load, short of file descriptors, its data directory removed, in use,
 * read-only, of another node or from a newer version. An honest client tells whether what was acknowledged is there.
 */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createRealIo } from "../../lib/io/real/mod.ts";
import { crc32c, encodeBatch, ListOffsets, Produce, ZERO_UUID } from "../../lib/protocol/mod.ts";
import { RawClient } from "../broker/harness.ts";
import { run } from "../compat/support/process.ts";
import { KafkaClient } from "../node/kafka_client.ts";
import { ownFolder, removeFolder } from "../support/own_folder.ts";
import { isRefused, mustStart, type Refused, type Running, start } from "./support/executable.ts";
import { HonestClient } from "./support/honest.ts";

const MS = 60_000;
const STOPPED_MS = 5_000;
const TOPIC = ["--topic", "honest"];
const io = createRealIo({
  onFatal: (_code, why) => {
    throw new Error(why);
  },
});

let directory: string;
beforeEach(() => {
  directory = ownFolder("barnabas-process-");
});
afterEach(() => removeFolder(directory));

async function refused(options: Parameters<typeof start>[1] = {}): Promise<Refused> {
  const node = await start(directory, options);
  if (isRefused(node)) return node;
  await node.kill();
  throw new Error("It started");
}

async function endOffset({ port }: Running): Promise<number> {
  using client = await KafkaClient.connect({ host: "", port });
  const { topics } = await client.ask(ListOffsets, 7, {
    replicaId: -1,
    topics: [{ name: "honest", partitions: [{ partitionIndex: 0, timestamp: -1 }] }],
  });
  return topics[0]!.partitions[0]!.offset;
}

test("stopped for 5 s under load and continued, a node serves on and nobody is told an error", async () => {
  const node = await mustStart(directory, { flags: TOPIC });
  const honest = new HonestClient(node.port, "honest");
  await honest.goesOn(20);
  process.kill(node.pid, "SIGSTOP");
  await Bun.sleep(STOPPED_MS);
  process.kill(node.pid, "SIGCONT");
  await honest.goesOn(50);
  expect(await honest.stop()).toEqual([]);
  expect((await fetch(`http://${node.admin}/readyz`)).status).toBe(200);
  expect(await node.stop()).toBe(0);
}, MS);

test("SIGTERM under load ends with 0, and everything acknowledged is there afterwards without any recovery", async () => {
  let node = await mustStart(directory, { flags: TOPIC });
  const honest = new HonestClient(node.port, "honest");
  await honest.goesOn(50);
  expect(await node.stop()).toBe(0);
  expect((await honest.stop()).join()).toContain("closed the connection");
  node = await mustStart(directory);
  expect(await endOffset(node)).toBeGreaterThanOrEqual(honest.rounds);
  expect(await node.said()).toBe("");
  expect(await node.stop()).toBe(0);
}, MS);

test("with 64 file descriptors a node refuses connections above its share, and opens more partitions than it may have files", async () => {
  const node = await mustStart(directory, { through: ["prlimit", "--nofile=64:64"], flags: [...TOPIC, "--topic", "wide:100"] });
  const honest = new HonestClient(node.port, "honest");
  await honest.goesOn(5);
  const clients: RawClient[] = [];
  for (let i = 0; i < 100; i++) {
    const client = await RawClient.connect(io, node.port).catch(() => null);
    if (client !== null) clients.push(client);
  }
  await honest.goesOn(20);
  expect(await node.said()).toContain("Refused a connection");
  expect((await fetch(`http://${node.admin}/metrics`)).status).toBe(200);
  for (const client of clients) client.close();
  await honest.goesOn(5);
  using client = await KafkaClient.connect({ host: "", port: node.port });
  const records = () => encodeBatch({ records: [{ key: null, value: new Uint8Array(200_000), timestamp: 1, headers: [] }] });
  const { responses } = await client.ask(Produce, 9, {
    acks: -1,
    timeoutMs: 20_000,
    topicData: [{
      name: "wide",
      topicId: ZERO_UUID,
      partitionData: Array.from({ length: 100 }, (_, index) => ({ index, records: records() })),
    }],
  });
  expect(responses[0]!.partitionResponses.filter(({ errorCode }) => errorCode !== 0)).toEqual([]);
  await honest.goesOn(20);
  expect(await honest.stop()).toEqual([]);
  expect(await node.stop()).toBe(0);
}, MS);

test("a data directory that is removed under a node ends it with 70 and a reason, not later than its next checkpoint", async () => {
  const node = await mustStart(directory, { flags: TOPIC });
  const honest = new HonestClient(node.port, "honest");
  await honest.goesOn(20);
  await rm(join(directory, "data"), { recursive: true });
  await honest.goesOn(20);
  // The last checkpoint is one, too.
  expect(await node.stop()).toBe(70);
  expect(await node.said()).toMatch(/"meta.json" was removed while the node was running|ENOENT/);
  await honest.stop();
}, MS);

test(
  "an address in use, and a data directory in use, of another node, from a newer version, or read-only is refused in words",
  async () => {
    const node = await mustStart(directory);
    const elsewhere = await start(await mkdtemp(join(directory, "other-")), { flags: ["--listen", `B://127.0.0.1:${node.port}`] });
    expect(elsewhere).toMatchObject({
      exitCode: 78,
      said: expect.stringContaining("another program listens there, choose another address"),
    });
    expect(await refused()).toMatchObject({ exitCode: 78, said: expect.stringContaining("another node is using it. Stop that node") });
    expect(await node.stop()).toBe(0);
    expect(await refused({ flags: ["--set", "node.id=7"] })).toMatchObject({
      exitCode: 78,
      said: expect.stringContaining("belongs to node 1"),
    });
    const path = join(directory, "data", "meta.json");
    const meta = (await readFile(path)).subarray(4);
    const newer = Buffer.from(JSON.stringify({ ...JSON.parse(meta.toString()), formatVersion: 99 }));
    const checksum = Buffer.alloc(4);
    checksum.writeUInt32BE(crc32c(newer, 0, newer.length) >>> 0);
    await writeFile(path, Buffer.concat([checksum, newer]));
    expect(await refused()).toMatchObject({ exitCode: 78, said: expect.stringContaining("it has format 99") });

    const isRoot = process.getuid?.() === 0;
    await chmod(directory, 0o777);
    if (isRoot) await run(["chown", "-R", "65534:65534", join(directory, "data")]);
    await run(["chmod", "-R", "a-w", join(directory, "data")]);
    const through = isRoot ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : [];
    const readOnly = await refused({ through });
    expect(readOnly.said).toMatch(/EACCES\. Check the path|Permission denied|cannot execute/);
  },
  MS,
);
