/** `barnabas produce` and `barnabas bench`: against an embedded broker, and against a producer that fails where the test says. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KafkaError, type OutgoingRecord, type ProducerApi, type ProducerOptions } from "../../lib/client/mod.ts";
import { Broker } from "../../mod.ts";
import { runWith, type World } from "./fake.ts";
import { finished, run, start } from "./program.ts";

setDefaultTimeout(60_000);

let broker: Broker;
let env: Readonly<Record<string, string>>;
let folder: string;
beforeAll(async () => {
  broker = await Broker.start({ storage: "memory", settings: { "auto.create.topics.enable": "true", "num.partitions": "1" } });
  env = { BARNABAS_BOOTSTRAP: broker.bootstrapServers };
  folder = await mkdtemp(join(tmpdir(), "barnabas-produce-"));
});
afterAll(async () => {
  await broker.close();
  await rm(folder, { recursive: true, force: true });
});

const cli = (world: Partial<World>, ...args: string[]) => runWith({ env, isReal: true, ...world }, ...args);
const printed = async (topic: string, format = "%k=%v|%h\\n") => (await cli({}, "consume", topic, "--format", format)).out;

describe("barnabas produce", () => {
  test("sends arguments", async () => {
    expect(await cli({}, "produce", "args", "hello", "-", "--key", "k", "-H", "a=1")).toMatchObject({
      out: "",
      error: expect.stringMatching(/^Wrote 2 records, 8 B in \d/),
      code: 0,
    });
    expect(await printed("args")).toBe("k=hello|a=1\nk=-|a=1\n");
    expect(await cli({}, "produce", "args", "one more")).toMatchObject({ error: "Wrote 1 record at args-0 offset 2\n", code: 0 });
  });

  test("sends what it reads, with keys, nulls and times", async () => {
    const input = "k1:v1\nk2:NULL\n:v3\n";
    expect(await cli({ input }, "produce", "piped", "-K", ":", "-Z", "NULL", "--timestamp", "@1767225600000")).toMatchObject({ code: 0 });
    expect(await printed("piped", "%k=%v %S %T\\n")).toBe("k1=v1 2 1767225600000\nk2= -1 1767225600000\n=v3 2 1767225600000\n");
  });

  test("feeds one topic into another", async () => {
    await cli(
      { input: '{"key":"k","value":"ü","headers":{"h":"1"}}\n{"valueBase64":"/w==","timestamp":5}\n' },
      "produce",
      "from",
      "-F",
      "json",
    );
    const { out } = await cli({}, "consume", "from", "--json");
    await cli({ input: out }, "produce", "to", "--format", "json");
    const bare = (text: string) => text.trim().split("\n").map((line) => ({ ...JSON.parse(line), topic: "" }));
    expect(bare((await cli({}, "consume", "to", "--json")).out)).toEqual(bare(out));
  });

  for (const compression of ["none", "gzip", "snappy", "lz4", "zstd"]) {
    test(`sends a file, compressed with ${compression}, and tells the offsets as JSON`, async () => {
      const topic = `file-${compression}`;
      const path = join(folder, topic);
      const lines = Array.from({ length: 3000 }, (_, at) => `line ${at} ${"x".repeat(at % 90)}`);
      await writeFile(path, lines.join("\n"));
      const bytes = lines.reduce((sum, line) => sum + line.length, 0);
      const child = await run(["produce", topic, "--file", path, "--compression", compression, "--json", "-q"], env);
      expect(child).toMatchObject({ error: "", code: 0 });
      expect(JSON.parse(child.out)).toEqual({
        topic,
        records: 3000,
        bytes,
        failed: 0,
        ms: expect.any(Number),
        partitions: [{ partition: 0, first: 0, last: 2999, records: 3000 }],
      });
      expect((await printed(topic, "%v\\n")).trim().split("\n")).toEqual(lines);
    });
  }

  test("takes acks 1 and 0, and sends to the partition that it is told", async () => {
    await cli({}, "topic", "create", "three", "-p", "3");
    for (const acks of ["1", "0"]) expect(await cli({}, "produce", "three", acks, "--acks", acks, "-p", "2")).toMatchObject({ code: 0 });
    expect(await printed("three", "%p:%v\\n")).toBe("2:1\n2:0\n");
    const beyond = await cli({}, "produce", "three", "a", "-p", "7");
    expect(beyond).toMatchObject({ out: "", code: 1, error: expect.stringContaining("Cannot write argument 1: ") });
  });

  test("stops at a line that is no record; what came before is written", async () => {
    const ended = await cli({ input: '{"value":"a"}\n{"value":"b"}\nvalue\n{"value":"c"}\n' }, "produce", "broken", "--format", "json");
    expect(ended.error).toContain("2 records before it were written\n");
    expect(ended.error).toContain("Error: Cannot use line 3 of standard input: No JSON");
    expect(ended.code).toBe(1);
    expect(await printed("broken", "%v\\n")).toBe("a\nb\n");
  });

  test("names the line of a record that the broker does not take", async () => {
    await cli({}, "topic", "create", "small", "-c", "max.message.bytes=1000");
    const ended = await cli({ input: `fits\n${"x".repeat(5000)}\nfits\n` }, "produce", "small", "--linger", "0ms");
    expect(ended.error).toMatch(/Cannot write line \d of standard input.*MESSAGE_TOO_LARGE/);
    expect(ended).toMatchObject({ out: "", code: 1 });
  });

  const refusals: readonly (readonly [args: string[], code: number, message: string])[] = [
    [[], 64, "Argument TOPIC is missing"],
    [["t", "--acks", "2"], 64, 'Invalid "--acks 2": accepted are all, 1, 0'],
    [["t", "--acks", "1", "--idempotent"], 64, "--idempotent needs --acks all"],
    [["t", "v", "--file", "x"], 64, "Choose one of values and --file"],
    [["t", "--file", "nowhere"], 1, 'Cannot read "nowhere"'],
    [["t", "--timestamp", "noon", "v"], 64, 'Invalid "--timestamp noon"'],
    [["t", "-K", "\\q", "v"], 64, "means nothing"],
    [["t", "-H", "a", "v"], 64, "write --header NAME=VALUE"],
    [["t", "v", "--format", "base64"], 1, "Cannot use argument 1"],
  ];
  for (const [args, code, message] of refusals) {
    test(`refuses ${args.join(" ")}`, async () => {
      expect(await cli({}, "produce", ...args)).toMatchObject({ out: "", code, error: expect.stringContaining(message) });
    });
  }
});

describe("the program", () => {
  test("reads a pipe only as fast as the cluster takes it, and keeps the order", async () => {
    const lines = Array.from({ length: 25_000 }, (_, at) => `${at} ${"y".repeat(800)}`);
    const ended = await run(["produce", "large"], env, lines.join("\n"));
    expect(ended).toMatchObject({ out: "", code: 0, error: expect.stringContaining("Wrote 25,000 records") });
    const child = start(["consume", "large", "--quiet"], env);
    expect((await finished(child)).out === `${lines.join("\n")}\n`).toBe(true);
  });

  test("ends quietly when the reader of a large topic has enough", async () => {
    const main = new URL("../../main.ts", import.meta.url).pathname;
    const command = `"$BUN" "$MAIN" consume large --quiet | head -n 1; echo "\${PIPESTATUS[0]}"`;
    const shell = Bun.spawn(["bash", "-c", command], {
      env: { ...process.env, ...env, BUN: process.execPath, MAIN: main },
      stderr: "pipe",
    });
    expect(await new Response(shell.stdout).text()).toMatch(/^0 y+\n0\n$/);
    expect(await new Response(shell.stderr).text()).toBe("");
  });

  test("ends in order at Ctrl-C while it waits for input: what was read is written", async () => {
    await cli({}, "topic", "create", "typed");
    const child = start(["produce", "typed", "--quiet"], env, "pipe");
    void child.stdin!.write("a\nb\n");
    await child.stdin!.flush();
    const consumer = start(["consume", "typed", "--follow", "--count", "2", "--quiet"], { ...env });
    expect((await finished(consumer)).out).toBe("a\nb\n");
    child.kill("SIGINT");
    expect(await finished(child)).toEqual({ out: "", error: "", code: 130 });
  });
});

describe("with a producer that does what the test says", () => {
  const world = (
    send: (record: OutgoingRecord) => Promise<number>,
    onProducer: (options: Partial<ProducerOptions>) => void = () => undefined,
  ) => {
    const producer: Partial<ProducerApi> = {
      send: async (record) => ({ topic: record.topic, partition: 0, offset: await send(record), timestamp: 0 }),
      flush: async () => undefined,
    };
    return { producer, onProducer };
  };

  test("is idempotent with all acks unless it is told otherwise", async () => {
    const asked: unknown[] = [];
    const given = world(async () => 0, ({ acks, idempotent, compression }) => asked.push([acks, idempotent, compression]));
    await runWith(given, "produce", "t", "v");
    await runWith(given, "produce", "t", "v", "--acks", "1", "-z", "zstd");
    expect(asked).toEqual([["all", true, "none"], [1, false, "zstd"]]);
  });

  test("stops reading at the first failure", async () => {
    const values: unknown[] = [];
    const given = world(async ({ value }) => {
      values.push(value);
      if (values.length === 2) throw new KafkaError("MESSAGE_TOO_LARGE", "Cannot write");
      return values.length;
    });
    const input = Array.from({ length: 100_000 }, (_, at) => `${at}\n`).join("");
    const ended = await runWith({ ...given, input }, "produce", "t", "--json");
    expect(ended).toMatchObject({ code: 1, error: expect.stringMatching(/^Error: Cannot write line 2 of standard input: Cannot write\n/) });
    expect(JSON.parse(ended.out)).toMatchObject({ failed: 1, records: values.length - 1 });
    expect(values.length).toBeLessThan(100_000);
  });
});

describe("barnabas bench", () => {
  test("produce tells throughput and latency, consume throughput", async () => {
    const wrote = await cli({}, "bench", "produce", "bench", "--records", "500", "--size", "100", "--json", "-q");
    expect(JSON.parse(wrote.out)).toEqual({
      topic: "bench",
      records: 500,
      failed: 0,
      bytes: 50_000,
      ms: expect.any(Number),
      recordsPerSecond: expect.any(Number),
      bytesPerSecond: expect.any(Number),
      latency: Object.fromEntries(["meanMs", "p50Ms", "p90Ms", "p99Ms", "p999Ms", "maxMs"].map((name) => [name, expect.any(Number)])),
    });
    const read = await cli({}, "bench", "consume", "bench", "--json", "-q");
    expect(JSON.parse(read.out)).toMatchObject({ topic: "bench", records: 500, bytes: 50_000, firstRecordMs: expect.any(Number) });
    expect((await cli({}, "bench", "produce", "bench", "-n", "5", "--rate", "1000", "-q")).out).toMatch(
      /^Records {5}5 of 1\.0 KiB\nThroughput /,
    );
    expect((await cli({}, "bench", "consume", "bench", "-n", "10", "-q")).out).toMatch(/^Records {7}\d+, /);
  });

  test("ends with 1 when the cluster refuses, or has nothing to read", async () => {
    await cli({}, "topic", "create", "tight", "-c", "max.message.bytes=500");
    expect(await cli({}, "bench", "produce", "tight", "-n", "3", "-q")).toMatchObject({
      code: 1,
      error: expect.stringContaining("Cannot write 3 of the records: "),
    });
    expect(await cli({}, "bench", "consume", "tight")).toMatchObject({
      out: "",
      code: 1,
      error: expect.stringContaining("There are no records"),
    });
  });
});
