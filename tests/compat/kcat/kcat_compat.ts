/** kcat (librdkafka's command line): produce and consume with every codec, keys, headers, groups, metadata, errors. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { type BrokerUnderTest, fresh, startBroker } from "../support/broker.ts";
import { mustRun, run } from "../support/process.ts";

let broker: BrokerUnderTest;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(() => broker.stop());

interface Message {
  readonly partition: number;
  readonly offset: number;
  readonly key: string | null;
  readonly payload: string;
  readonly headers?: string[];
}

const kcat = (...flags: string[]) => ["kcat", "-b", broker.bootstrap, "-q", ...flags];

async function consume(topic: string, ...flags: string[]): Promise<Message[]> {
  const { stdout } = await mustRun(kcat("-C", "-t", topic, "-o", "beginning", "-e", "-J", ...flags));
  return stdout.trim().split("\n").filter(Boolean).map((line) => JSON.parse(line) as Message);
}

for (const codec of ["none", "gzip", "snappy", "lz4", "zstd"]) {
  test(`kcat produces and consumes 2,000 records with ${codec}`, async () => {
    const topic = fresh(`kcat-${codec}`);
    const lines = Array.from({ length: 2000 }, (_, i) => `value ${i} ${"x".repeat(i % 100)}`);
    await mustRun(kcat("-P", "-t", topic, "-z", codec), { stdin: lines.join("\n") });
    const messages = await consume(topic);
    expect(messages.map((m) => m.payload)).toEqual(lines);
    expect(messages.map((m) => m.offset)).toEqual(lines.map((_, i) => i));
  });
}

test("kcat keeps keys, headers and empty values", async () => {
  const topic = fresh("kcat-headers");
  await mustRun(kcat("-P", "-t", topic, "-K", ":", "-H", "a=1", "-H", "b=two"), { stdin: "k1:v1\nk2:v2\n" });
  expect(await consume(topic)).toMatchObject([
    { key: "k1", payload: "v1", headers: ["a", "1", "b", "two"] },
    { key: "k2", payload: "v2", headers: ["a", "1", "b", "two"] },
  ]);
  await mustRun(kcat("-P", "-t", topic, "-K", ":", "-Z"), { stdin: "gone:\n" });
  expect((await consume(topic)).at(-1)).toMatchObject({ key: "gone", payload: null as unknown as string });
});

test("kcat reads from an offset, from the tail and by timestamp", async () => {
  const topic = fresh("kcat-offsets");
  await mustRun(kcat("-P", "-t", topic), { stdin: Array.from({ length: 50 }, (_, i) => `${i}`).join("\n") });
  const from = await mustRun(kcat("-C", "-t", topic, "-p", "0", "-o", "40", "-e", "-f", "%s,"));
  expect(from.stdout).toBe("40,41,42,43,44,45,46,47,48,49,");
  const tail = await mustRun(kcat("-C", "-t", topic, "-p", "0", "-o", "-3", "-e", "-f", "%s,"));
  expect(tail.stdout).toBe("47,48,49,");
  const past = await mustRun(kcat("-C", "-t", topic, "-p", "0", "-o", "s@1", "-e", "-f", "%s,"));
  expect(past.stdout.split(",").length).toBe(51);
});

test("kcat lists metadata as JSON", async () => {
  const topic = fresh("kcat-list");
  await mustRun(kcat("-P", "-t", topic), { stdin: "x\n" });
  const { stdout } = await mustRun(kcat("-L", "-J"));
  const metadata = JSON.parse(stdout) as { brokers: { name: string }[]; topics: { topic: string; partitions: { leader: number }[] }[] };
  expect(metadata.brokers.map((b) => b.name)).toEqual([broker.bootstrap]);
  expect(metadata.topics.find((t) => t.topic === topic)?.partitions.length).toBeGreaterThan(0);
});

test("kcat consumes as a group and goes on where the group stopped", async () => {
  const topic = fresh("kcat-group");
  const group = fresh("g");
  await mustRun(kcat("-P", "-t", topic), { stdin: "a\nb\nc\n" });
  const flags = ["-X", "auto.offset.reset=earliest", "-e", "-f", "%s,", "-G", group, topic];
  expect((await mustRun(kcat(...flags))).stdout).toBe("a,b,c,");
  await mustRun(kcat("-P", "-t", topic), { stdin: "d\n" });
  expect((await mustRun(kcat(...flags))).stdout).toBe("d,");
});

/** A kcat in a group; it says on its standard error what it is assigned. */
function join(group: string, topics: readonly string[]) {
  const flags = ["-X", "auto.offset.reset=earliest", "-X", "partition.assignment.strategy=roundrobin", "-G", group, ...topics];
  const child = Bun.spawn(["kcat", "-b", broker.bootstrap, ...flags], { stdin: "ignore", stdout: "ignore", stderr: "pipe" });
  const lines = child.stderr.pipeThrough(new TextDecoderStream()).getReader();
  let said = "";
  return {
    /** Resolves when it is assigned `count` partitions next, with their names. */
    async assigned(count: number): Promise<string[]> {
      for (;;) {
        for (let end = said.indexOf("\n"); end >= 0; end = said.indexOf("\n")) {
          const partitions = /rebalanced .*: assigned: (.*)$/.exec(said.slice(0, end))?.[1]?.split(", ");
          said = said.slice(end + 1);
          if (partitions?.length === count) return partitions;
        }
        const { done, value } = await lines.read();
        if (done) throw new Error("kcat ended before it was assigned its partitions");
        said += value;
      }
    },
    async leave(): Promise<void> {
      child.kill("SIGTERM");
      await child.exited;
    },
  };
}

test("kcat shares partitions with another kcat of its group, and has them all when that leaves", async () => {
  const topics = Array.from({ length: 4 }, () => fresh("kcat-rebalance"));
  for (const topic of topics) await mustRun(kcat("-P", "-t", topic), { stdin: "x\n" });
  const all = topics.map((topic) => `${topic} [0]`).sort();
  const group = fresh("g");
  const first = join(group, topics);
  expect((await first.assigned(4)).sort()).toEqual(all);
  const second = join(group, topics);
  const halves = await Promise.all([first.assigned(2), second.assigned(2)]);
  expect(halves.flat().sort()).toEqual(all);
  await first.leave();
  expect((await second.assigned(4)).sort()).toEqual(all);
  await second.leave();
}, 60_000);

test("kcat is told of an unknown topic, of an offset out of range and of a record that is too large", async () => {
  const unknown = await run(kcat("-C", "-t", fresh("nope"), "-e", "-X", "allow.auto.create.topics=false"));
  expect(unknown.exitCode).not.toBe(0);
  expect(unknown.stderr).toMatch(/Unknown topic or partition/);
  const topic = fresh("kcat-range");
  await mustRun(kcat("-P", "-t", topic), { stdin: "x\n" });
  const range = await run(kcat("-C", "-t", topic, "-p", "0", "-o", "500", "-e", "-X", "auto.offset.reset=error"));
  expect(range.stderr + range.stdout).toMatch(/[Oo]ffset out of range/);
  const loud = ["kcat", "-b", broker.bootstrap, "-P", "-t", topic, "-X", "message.max.bytes=5000000"];
  const large = await run(loud, { stdin: "x".repeat(2_000_000) });
  expect(large.exitCode).not.toBe(0);
  expect(large.stderr).toMatch(/[Mm]essage size too large/);
});

test("kcat produces idempotently with acks=all", async () => {
  const topic = fresh("kcat-idempotent");
  const lines = Array.from({ length: 5000 }, (_, i) => `${i}`);
  await mustRun(kcat("-P", "-t", topic, "-X", "enable.idempotence=true", "-X", "batch.num.messages=100"), { stdin: lines.join("\n") });
  expect((await consume(topic)).map((m) => m.payload)).toEqual(lines);
});
