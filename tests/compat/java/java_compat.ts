/** The Java client through Apache Kafka 4.3.1's own command-line tools. Each test runs the tools as an operator would type them. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { type BrokerUnderTest, fresh, startBroker } from "../support/broker.ts";
import { javaTools } from "../support/install.ts";
import { mustRun, run, type RunOptions } from "../support/process.ts";

const classes = {
  topics: "org.apache.kafka.tools.TopicCommand",
  configs: "kafka.admin.ConfigCommand",
  groups: "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
  offsets: "org.apache.kafka.tools.GetOffsetShell",
  producer: "org.apache.kafka.tools.ConsoleProducer",
  consumer: "org.apache.kafka.tools.consumer.ConsoleConsumer",
  perf: "org.apache.kafka.tools.ProducerPerformance",
  verifiableProducer: "org.apache.kafka.tools.VerifiableProducer",
  verifiableConsumer: "org.apache.kafka.tools.VerifiableConsumer",
  apiVersions: "org.apache.kafka.tools.BrokerApiVersionsCommand",
  deleteRecords: "org.apache.kafka.tools.DeleteRecordsCommand",
  logDirs: "org.apache.kafka.tools.LogDirsCommand",
  features: "org.apache.kafka.tools.FeatureCommand",
  quorum: "org.apache.kafka.tools.MetadataQuorumCommand",
} as const;

let broker: BrokerUnderTest;
let classPath: string;
let scratch: string;
beforeAll(async () => {
  classPath = await javaTools();
  broker = await startBroker();
  scratch = await mkdtemp(join(tmpdir(), "barnabas-java-"));
}, 600_000);
afterAll(async () => {
  await broker?.stop();
  await rm(scratch, { recursive: true, force: true });
});

const command = (name: keyof typeof classes, flags: readonly string[]) => [
  "java",
  "-Xmx256m",
  "-XX:TieredStopAtLevel=1",
  "-cp",
  classPath,
  classes[name],
  "--bootstrap-server",
  broker.bootstrap,
  ...flags,
];
const tool = (name: keyof typeof classes, flags: readonly string[], options: RunOptions = {}) =>
  mustRun(command(name, flags), { timeoutMs: 90_000, ...options });
const failing = (name: keyof typeof classes, flags: readonly string[]) => run(command(name, flags), { timeoutMs: 90_000 });
const scenario = (name: string, body: () => Promise<void>) => test(name, body, 180_000);

scenario("TopicCommand creates, lists, describes, grows and deletes a topic", async () => {
  const topic = fresh("java-topic");
  await tool("topics", ["--create", "--topic", topic, "--partitions", "3", "--config", "retention.ms=60000"]);
  expect((await tool("topics", ["--list"])).stdout).toContain(topic);
  const described = await tool("topics", ["--describe", "--topic", topic]);
  expect(described.stdout).toMatch(/PartitionCount: 3\s+ReplicationFactor: 1\s+Configs: .*retention.ms=60000/);
  await tool("topics", ["--alter", "--topic", topic, "--partitions", "5"]);
  expect((await tool("topics", ["--describe", "--topic", topic])).stdout).toMatch(/PartitionCount: 5/);
  const again = await failing("topics", ["--create", "--topic", topic]);
  expect(again.stdout + again.stderr).toMatch(/already exists/);
  await tool("topics", ["--delete", "--topic", topic]);
  expect((await tool("topics", ["--list"])).stdout).not.toContain(topic);
});

scenario("ConfigCommand alters, describes and refuses topic and broker configs", async () => {
  const topic = fresh("java-config");
  await tool("topics", ["--create", "--topic", topic]);
  const entity = ["--entity-type", "topics", "--entity-name", topic];
  await tool("configs", ["--alter", ...entity, "--add-config", "retention.ms=123456,cleanup.policy=[compact,delete]"]);
  expect((await tool("configs", ["--describe", ...entity])).stdout).toMatch(/retention.ms=123456/);
  await tool("configs", ["--alter", ...entity, "--delete-config", "retention.ms"]);
  expect((await tool("configs", ["--describe", ...entity])).stdout).not.toMatch(/retention.ms=123456/);
  expect((await tool("configs", ["--describe", "--all", ...entity])).stdout).toMatch(/segment.bytes=1073741824/);
  const bad = await failing("configs", ["--alter", ...entity, "--add-config", "retention.ms=soon"]);
  expect(bad.stdout + bad.stderr).toMatch(/InvalidConfiguration|Invalid value/);
  const brokers = await tool("configs", ["--describe", "--all", "--entity-type", "brokers", "--entity-name", "1"]);
  expect(brokers.stdout).toMatch(/num.partitions=/);
});

for (const codec of ["none", "gzip", "snappy", "lz4", "zstd"]) {
  scenario(`ConsoleProducer and ConsoleConsumer exchange keys and headers with ${codec}`, async () => {
    const topic = fresh(`java-${codec}`);
    const lines = Array.from({ length: 200 }, (_, i) => `h:${i}\tk${i}\tvalue ${i}`);
    const flags = [
      "--topic",
      topic,
      "--reader-property",
      "parse.key=true",
      "--reader-property",
      "parse.headers=true",
      "--compression-codec",
      codec,
    ];
    await tool("producer", flags, { stdin: lines.join("\n") + "\n" });
    const consumed = await tool("consumer", [
      ...["--topic", topic, "--from-beginning", "--max-messages", "200", "--timeout-ms", "20000"],
      ...["--formatter-property", "print.key=true", "--formatter-property", "print.headers=true"],
    ]);
    expect(consumed.stdout.trim().split("\n")).toEqual(lines);
  });
}

scenario("GetOffsetShell and DeleteRecordsCommand see log start, log end, times and the largest timestamp", async () => {
  const topic = fresh("java-offsets");
  await tool("producer", ["--topic", topic], { stdin: "a\nb\nc\nd\n" });
  const at = async (time: string) => (await tool("offsets", ["--topic", topic, "--time", time])).stdout.trim();
  expect(await at("-1")).toBe(`${topic}:0:4`);
  expect(await at("-2")).toBe(`${topic}:0:0`);
  expect(await at("-3")).toMatch(new RegExp(`^${topic}:0:[0-3]$`));
  expect(await at("1")).toBe(`${topic}:0:0`);
  const file = join(scratch, "delete.json");
  await writeFile(file, JSON.stringify({ version: 1, partitions: [{ topic, partition: 0, offset: 3 }] }));
  expect((await tool("deleteRecords", ["--offset-json-file", file])).stdout).toMatch(/low_watermark: 3/);
  expect(await at("-2")).toBe(`${topic}:0:3`);
});

scenario("ConsumerGroupCommand lists, describes, resets and deletes a group", async () => {
  const topic = fresh("java-group");
  const group = fresh("g");
  await tool("producer", ["--topic", topic], { stdin: "a\nb\nc\n" });
  const consume = ["--topic", topic, "--group", group, "--from-beginning", "--timeout-ms", "15000", "--max-messages"];
  await tool("consumer", [...consume, "3"]);
  expect((await tool("groups", ["--list"])).stdout).toContain(group);
  const described = await tool("groups", ["--describe", "--group", group]);
  expect(described.stdout).toMatch(new RegExp(`${group}\\s+${topic}\\s+0\\s+3\\s+3\\s+0`));
  expect((await tool("groups", ["--describe", "--group", group, "--state"])).stdout).toMatch(/Empty/);
  await tool("groups", ["--group", group, "--topic", topic, "--reset-offsets", "--to-offset", "1", "--execute"]);
  expect((await tool("consumer", [...consume, "2"])).stdout.trim().split("\n")).toEqual(["b", "c"]);
  await tool("groups", ["--delete-offsets", "--group", group, "--topic", topic]);
  await tool("groups", ["--delete", "--group", group]);
  expect((await tool("groups", ["--list"])).stdout).not.toContain(group);
});

scenario("ProducerPerformance sends 50,000 records with acks=all, idempotently", async () => {
  const topic = fresh("java-perf");
  const { stdout } = await tool("perf", [
    ...["--topic", topic, "--num-records", "50000", "--record-size", "200", "--throughput", "-1"],
    ...["--command-property", "acks=all", "--command-property", "enable.idempotence=true"],
  ]);
  expect(stdout).toMatch(/50000 records sent/);
  expect((await tool("offsets", ["--topic", topic])).stdout.trim()).toBe(`${topic}:0:50000`);
});

scenario("VerifiableProducer and VerifiableConsumer agree on what was acknowledged", async () => {
  const topic = fresh("java-verifiable");
  const produced = await tool("verifiableProducer", ["--topic", topic, "--max-messages", "2000", "--acks", "-1"]);
  expect(produced.stdout.split("\n").filter((line) => line.includes("producer_send_success")).length).toBe(2000);
  const consumed = await tool("verifiableConsumer", [
    ...["--topic", topic, "--group-id", fresh("g"), "--max-messages", "2000", "--reset-policy", "earliest"],
  ]);
  const counts = consumed.stdout.split("\n").filter((line) => line.includes('"records_consumed"')).map((line) =>
    (JSON.parse(line) as { count: number }).count
  );
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(2000);
});

/** A VerifiableConsumer, which prints what it is assigned and what it reads as lines of JSON. */
function member(topic: string, group: string, flags: readonly string[]) {
  const own = ["--topic", topic, "--group-id", group, "--reset-policy", "earliest", "--session-timeout", "10000", ...flags];
  const child = Bun.spawn(command("verifiableConsumer", own), { stdin: "ignore", stdout: "pipe", stderr: "ignore" });
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const held = new Set<number>();
  let said = "";
  return {
    /** Resolves when it holds exactly so many partitions; says which. */
    async holds(count: number): Promise<number[]> {
      for (;;) {
        for (let end = said.indexOf("\n"); end >= 0; end = said.indexOf("\n")) {
          const line = JSON.parse(said.slice(0, end)) as { name: string; partitions?: { partition: number }[] };
          said = said.slice(end + 1);
          for (const { partition } of line.partitions ?? []) {
            if (line.name === "partitions_assigned") held.add(partition);
            if (line.name === "partitions_revoked") held.delete(partition);
          }
          if (/^partitions_/.test(line.name) && held.size === count) return [...held];
        }
        const { done, value } = await lines.read();
        if (done) throw new Error(`The consumer ended while it held ${held.size} partitions`);
        said += value;
      }
    },
    async leave(): Promise<void> {
      child.kill("SIGTERM");
      await child.exited;
    },
  };
}

for (const assignor of ["RangeAssignor", "CooperativeStickyAssignor"]) {
  scenario(`VerifiableConsumers share a group's partitions by ${assignor}, and the one that stays takes them all`, async () => {
    const topic = fresh("java-rebalance");
    const group = fresh("g");
    await tool("topics", ["--create", "--topic", topic, "--partitions", "4"]);
    const flags = ["--assignment-strategy", `org.apache.kafka.clients.consumer.${assignor}`];
    const first = member(topic, group, flags);
    expect((await first.holds(4)).sort()).toEqual([0, 1, 2, 3]);
    const second = member(topic, group, flags);
    const halves = await Promise.all([first.holds(2), second.holds(2)]);
    expect(halves.flat().sort()).toEqual([0, 1, 2, 3]);
    const described = await tool("groups", ["--describe", "--group", group, "--members"]);
    expect(described.stdout.split("\n").filter((line) => line.startsWith(`${group} `))).toHaveLength(2);
    await first.leave();
    expect((await second.holds(4)).sort()).toEqual([0, 1, 2, 3]);
    await second.leave();
  });
}

scenario("ConfigCommand describes a group and client metrics, and is told what cannot be changed", async () => {
  const described = await tool("configs", ["--describe", "--all", "--entity-type", "groups", "--entity-name", "g"]);
  expect(described.stdout).toMatch(/consumer\.session\.timeout\.ms=45000/);
  const refusals: readonly (readonly [type: string, name: string, change: string, says: RegExp])[] = [
    ["groups", "g", "consumer.session.timeout.ms=50000", /InvalidConfiguration.*KIP-848/],
    ["groups", "g", "session.timeout.ms=50000", /InvalidConfiguration.*"session\.timeout\.ms"/],
    ["client-metrics", "m", "interval.ms=1000", /InvalidRequest.*"interval\.ms"/],
    ["brokers", "1", "node.id=2", /InvalidRequest.*"node\.id"/],
  ];
  for (const [type, name, change, says] of refusals) {
    const refused = await failing("configs", ["--alter", "--entity-type", type, "--entity-name", name, "--add-config", change]);
    expect(refused.exitCode).not.toBe(0);
    expect(refused.stdout + refused.stderr).toMatch(says);
  }
});

scenario("ConsoleProducer is told of a record that is too large, and of a name that no topic can have", async () => {
  const topic = fresh("java-errors");
  await tool("topics", ["--create", "--topic", topic, "--config", "max.message.bytes=1000"]);
  const large = await run(command("producer", ["--topic", topic]), { stdin: "x".repeat(5_000) + "\n", timeoutMs: 90_000 });
  expect(large.stdout + large.stderr).toMatch(/RecordTooLargeException/);
  const named = await run(command("producer", ["--topic", "bad name!"]), { stdin: "x\n", timeoutMs: 90_000 });
  expect(named.stdout + named.stderr).toMatch(/InvalidTopicException/);
});

scenario("FeatureCommand finds no feature", async () => {
  const { stdout } = await tool("features", ["describe"]);
  expect(stdout).not.toMatch(/FinalizedVersionLevel: [1-9]/);
});

scenario("BrokerApiVersionsCommand, LogDirsCommand and MetadataQuorumCommand understand the broker", async () => {
  const versions = await tool("apiVersions", []);
  expect(versions.stdout).toMatch(/Produce\(0\): 0 to 13/);
  const topic = fresh("java-dirs");
  await tool("producer", ["--topic", topic], { stdin: "a\n" });
  expect((await tool("logDirs", ["--describe", "--topic-list", topic])).stdout).toContain(`"partition":"${topic}-0"`);
  expect((await tool("quorum", ["describe", "--status"])).stdout).toMatch(/LeaderId:\s+1/);
});
