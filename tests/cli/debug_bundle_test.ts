/** `barnabas debug bundle` by the executable's own entry, beside a node that runs, one that is down, and none at all. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { tarOf } from "../../lib/cli/tar.ts";

setDefaultTimeout(60_000);

const main = resolve(import.meta.dir, "../../main.ts");
const SECRET = "s3cr3t-of-the-records";
let folder = "";
let data = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "barnabas-bundle-"));
  data = join(folder, "data");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function run(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = Bun.spawn([process.execPath, main, ...args], { cwd: folder, env, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [out, error, code] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), child.exited]);
  return { out, error, code };
}

/** Unpacked by the system's own tar, which is what people have. */
async function unpacked(archive: string): Promise<ReadonlyMap<string, string>> {
  const to = join(folder, `${archive}.d`);
  await mkdir(to);
  const tar = Bun.spawnSync(["tar", "-xzf", join(folder, archive), "-C", to, "--strip-components=1"]);
  expect(tar.exitCode).toBe(0);
  const files = new Map<string, string>();
  for (const entry of await readdir(to, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    files.set(path.slice(to.length + 1), await readFile(path, "utf8"));
  }
  return files;
}

test("debug bundle has what a node says of itself, its settings and its files, and no record", async () => {
  const node = Bun.spawn(
    [process.execPath, main, "serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--data", data, "--topic", "orders:2"],
    { cwd: folder, env: { KAFKA_SSL_KEY_PASSWORD: "hidden-one", BARNABAS_NUM_PARTITIONS: "3" }, stdout: "pipe", stderr: "ignore" },
  );
  try {
    let said = "";
    for await (const chunk of node.stdout) {
      said += new TextDecoder().decode(chunk);
      if (said.includes("Kafka Server started")) break;
    }
    const admin = /HTTP admin on (http:\/\/\S+)/.exec(said)![1]!;
    const kafka = /PLAINTEXT:\/\/(\S+)/.exec(said)![1]!;
    await produce(kafka);
    const env = { KAFKA_SSL_KEY_PASSWORD: "hidden-one", BARNABAS_NUM_PARTITIONS: "3" };
    const ended = await run(["debug", "bundle", "--data", data, "--admin", admin, "--out", "up.tar.gz", "--json"], env);
    expect(ended.code).toBe(0);
    const told = JSON.parse(ended.out);
    expect(told).toMatchObject({ path: "up.tar.gz", problems: [] });
    expect((await stat(join(folder, "up.tar.gz"))).mode & 0o777).toBe(0o600);

    const files = await unpacked("up.tar.gz");
    expect([...files.keys()].sort()).toEqual([...told.files].sort());
    expect(JSON.parse(files.get("node/readyz.json")!)).toEqual({ status: "ok" });
    expect(JSON.parse(files.get("node/version.json")!)).toMatchObject({ name: "barnabas" });
    expect(files.get("node/metrics.txt")).toContain('barnabas_topic_records_total{topic="orders"} 1');
    expect(files.get("node/v1/topics.json")).toContain("orders");
    expect(JSON.parse(files.get("node/v1/logs.json")!).lines).toContainEqual(expect.stringContaining('"room":"config"'));
    expect(JSON.parse(files.get("node/v1/cluster.json")!)).toMatchObject({ nodeId: 1 });

    const listing = JSON.parse(files.get("data.json")!);
    expect(listing).toMatchObject({ path: data, meta: { formatVersion: 1, nodeId: 1 }, checkpoint: { clean: false }, problems: [] });
    expect(listing.files.map(({ path }: { path: string }) => path)).toContain("meta.json");
    expect(listing.totalBytes).toBeGreaterThan(0);
    expect(JSON.parse(files.get("settings.json")!).understood).toContainEqual(
      expect.objectContaining({ name: "num.partitions", value: "3" }),
    );
    for (const [name, text] of files) {
      expect([name, text.includes(SECRET)]).toEqual([name, false]);
      expect([name, text.includes("hidden-one")]).toEqual([name, false]);
    }
  } finally {
    node.kill("SIGTERM");
    await node.exited;
  }
});

test("debug bundle works for a node that is down, and says what could not be had", async () => {
  const ended = await run(["debug", "bundle", "--data", data, "--admin", "127.0.0.1:1", "--out", "down.tar.gz"]);
  expect(ended.code).toBe(0);
  expect(ended.error).toContain("Left out: /version");
  const files = await unpacked("down.tar.gz");
  expect([...files.keys()].sort()).toEqual(["bundle.json", "data.json", "settings.json"]);
  expect(JSON.parse(files.get("bundle.json")!)).toMatchObject({ answered: false, problems: [expect.stringContaining("/version")] });
  expect(JSON.parse(files.get("data.json")!)).toMatchObject({ meta: { formatVersion: 1 }, checkpoint: { clean: true } });
});

test("debug bundle leaves a file that exists alone, and refuses where there is no node at all", async () => {
  const again = await run(["debug", "bundle", "--data", data, "--admin", "none", "--out", "down.tar.gz"]);
  expect(again).toMatchObject({ code: 1, error: expect.stringContaining('Cannot write "down.tar.gz": it exists') });
  const nowhere = await run(["debug", "bundle", "--data", "nowhere", "--admin", "none"]);
  expect(nowhere).toMatchObject({ code: 1, error: expect.stringContaining('Cannot find a node: "nowhere" holds no data') });
});

test("tarOf() makes what tar reads, and refuses a name that does not fit", () => {
  expect(() => tarOf([{ name: "x".repeat(101), bytes: new Uint8Array(0) }], 0)).toThrow("more than 100 bytes");
  const archive = tarOf(
    [{ name: "a/b.txt", bytes: new TextEncoder().encode("hello") }, { name: "empty", bytes: new Uint8Array(0) }],
    1_700_000_000,
  );
  const listed = Bun.spawnSync(["tar", "-tvf", "-"], { stdin: archive });
  expect(listed.exitCode).toBe(0);
  expect(listed.stdout.toString().trim().split("\n").map((line) => line.replace(/ +/g, " "))).toEqual([
    expect.stringMatching(/^-rw------- \S+ 5 2023-11-1\d \S+ a\/b\.txt$/),
    expect.stringMatching(/^-rw------- \S+ 0 2023-11-1\d \S+ empty$/),
  ]);
});

async function produce(bootstrap: string): Promise<void> {
  const { Kafka, logLevel } = await import("kafkajs");
  const producer = new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING }).producer();
  await producer.connect();
  await producer.send({ topic: "orders", messages: [{ key: SECRET, value: SECRET }] });
  await producer.disconnect();
}
