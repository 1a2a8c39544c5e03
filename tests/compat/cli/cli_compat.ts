/** The commands of the executable against the executable and against Apache Kafka 4.3.1: the same words, the same answers. */
import { expect, test } from "bun:test";
import { executable, fresh } from "../support/broker.ts";
import { onEachCluster } from "../support/clusters.ts";
import { run as runProcess } from "../support/process.ts";

const id = expect.stringMatching(/^[\w-]{22}$/);

onEachCluster((bootstrap) => {
  const cli = async (args: readonly string[], stdin?: string) => {
    const env = { BARNABAS_BOOTSTRAP: bootstrap() };
    const { exitCode, stdout, stderr } = await runProcess([executable, ...args], { env, timeoutMs: 60_000, ...(stdin ? { stdin } : {}) });
    return { code: exitCode, out: stdout, error: stderr };
  };
  /** What it prints with --json; it must succeed. */
  const json = async (...args: readonly string[]) => {
    const { code, out, error } = await cli([...args, "--json"]);
    expect({ args, code, error: code === 0 ? "" : error }).toEqual({ args, code: 0, error: "" });
    return JSON.parse(out);
  };
  const lines = async (...args: readonly string[]) => {
    const { code, out } = await cli([...args, "--quiet"]);
    expect({ args, code }).toEqual({ args, code: 0 });
    return out.split("\n").slice(0, -1);
  };
  /** A change is seen a moment after it was made: Apache Kafka answers when its controller has it, its brokers learn of it then. */
  const eventually = async (args: readonly string[], isThere: (answer: Awaited<ReturnType<typeof cli>>) => boolean) => {
    for (let tries = 1;; tries++) {
      const answer = await cli(args);
      if (isThere(answer)) return answer;
      if (tries === 50) throw new Error(`Cannot see the change: "${args.join(" ")}" says ${JSON.stringify(answer)}`);
    }
  };
  const topicOf = async (prefix: string, ...flags: readonly string[]) => {
    const topic = fresh(prefix);
    expect(await cli(["topic", "create", topic, ...flags])).toMatchObject({ code: 0 });
    await eventually(["topic", "offsets", topic], ({ code }) => code === 0);
    return topic;
  };

  test("topic: create, list, describe, alter, add-partitions, delete", async () => {
    const topic = await topicOf("topic", "-p", "2", "-c", "retention.ms=3600000");
    expect(await cli(["topic", "create", topic])).toMatchObject({ code: 1, error: expect.stringContaining("TOPIC_ALREADY_EXISTS") });
    expect(await cli(["topic", "create", topic, "--if-not-exists"])).toMatchObject({ code: 0 });
    expect(await json("topic", "list", topic)).toEqual([
      { name: topic, topicId: id, isInternal: false, partitions: 2, replicationFactor: 1, underReplicated: 0, offline: 0 },
    ]);
    const [described] = await json("topic", "describe", topic);
    expect(described.partitions.map(({ start, end }: { start: number; end: number }) => [start, end])).toEqual([[0, 0], [0, 0]]);
    expect(described.configs).toContainEqual({ name: "retention.ms", value: "3600000", source: "topic" });
    expect(await cli(["topic", "alter", topic, "--set", "retention.ms=7200000"])).toMatchObject({ code: 0 });
    await eventually(["config", "get", `topic/${topic}`, "retention.ms"], ({ out }) => out.includes("7200000"));
    expect(await json("config", "get", `topic/${topic}`, "retention.ms")).toMatchObject([{ value: "7200000", source: "topic" }]);
    expect(await cli(["topic", "alter", topic, "--set", "retention.ms=soon"])).toMatchObject({ code: 1 });
    expect(await cli(["topic", "add-partitions", topic, "--to", "3"])).toMatchObject({ code: 0 });
    expect(await cli(["topic", "add-partitions", topic, "--to", "1"])).toMatchObject({
      code: 1,
      error: expect.stringContaining("INVALID_PARTITIONS"),
    });
    expect(await json("topic", "delete", topic, "--yes")).toEqual([{ topic, ok: true }]);
    expect(await eventually(["topic", "describe", topic], ({ code }) => code !== 0)).toMatchObject({
      code: 1,
      out: "",
      error: expect.stringContaining("UNKNOWN_TOPIC_OR_PARTITION"),
    });
  }, 120_000);

  test("produce and consume: keys, headers, nulls, times, every codec", async () => {
    const topic = await topicOf("records");
    const input =
      '{"key":"k","value":"ü","headers":{"a":"1","b":null},"timestamp":1767225600000}\n{"key":"gone","value":null}\n{"valueBase64":"/wA="}\n';
    for (const codec of ["none", "gzip", "snappy", "lz4", "zstd"]) {
      expect(await cli(["produce", topic, "--format", "json", "-z", codec], input)).toMatchObject({ code: 0 });
    }
    const records = (await lines("consume", topic, "--json")).map((line) => JSON.parse(line));
    expect(records.map(({ offset }) => offset)).toEqual(Array.from({ length: 15 }, (_, at) => at));
    for (let at = 0; at < 15; at += 3) {
      expect(records.slice(at, at + 3)).toMatchObject([
        { key: "k", value: "ü", headers: [{ key: "a", value: "1" }, { key: "b", value: null }], timestamp: 1_767_225_600_000 },
        { key: "gone", value: null, headers: [] },
        { key: null, valueBase64: "/wA=" },
      ]);
    }
    expect(await lines("consume", topic, "--from", "-3", "--format", "%o %k %S\\n")).toEqual(["12 k 2", "13 gone -1", "14  2"]);
    expect(await lines("consume", topic, "--from", "@1767225600000", "-n", "1", "-F", "%o\\n")).toEqual(["0"]);
    expect(await lines("consume", topic, "--until", "2", "-F", "%o\\n")).toEqual(["0", "1"]);
    const large = await cli(["produce", topic], `small\n${"x".repeat(2_000_000)}\n`);
    expect(large).toMatchObject({ code: 1, error: expect.stringContaining("line 2 of standard input") });
  }, 120_000);

  test("topic: offsets, delete-records", async () => {
    const topic = await topicOf("offsets", "-p", "2");
    expect(await cli(["produce", topic, "-p", "1", "a", "b", "c"])).toMatchObject({ code: 0 });
    expect(await json("topic", "offsets", `${topic}:1`, "--at", "-1")).toEqual([{ topic, partition: 1, start: 0, end: 3, at: 2 }]);
    expect(await json("topic", "delete-records", `${topic}:1`, "--before", "2", "-y")).toEqual([{
      topic,
      partition: 1,
      ok: true,
      start: 2,
    }]);
    expect(await lines("consume", topic)).toEqual(["c"]);
    expect(await json("topic", "delete-records", topic, "--before", "latest", "-y")).toMatchObject([{ start: 0 }, { start: 3 }]);
  }, 120_000);

  test("group: consume, describe, reset-offsets, delete-offsets, delete", async () => {
    const topic = await topicOf("grouped", "-p", "2");
    const group = fresh("group");
    expect(await cli(["produce", topic, ...Array.from({ length: 10 }, (_, at) => `v${at}`)])).toMatchObject({ code: 0 });
    expect(await lines("consume", topic, "-g", group, "-n", "4")).toHaveLength(4);
    expect(await json("group", "describe", group)).toMatchObject([{ groupId: group, state: "Empty", members: [], lag: 6 }]);
    expect(await lines("consume", topic, "-g", group)).toHaveLength(6);
    expect(await json("group", "list", group)).toMatchObject([{ groupId: group, state: "Empty", protocolType: "consumer" }]);
    const plan = await json("group", "reset-offsets", group, "--all-topics", "--to", "earliest");
    expect(plan.executed).toBe(false);
    expect((await json("group", "describe", group))[0].lag).toBe(0);
    expect(await json("group", "reset-offsets", group, "-t", topic, "--to", "earliest", "--execute")).toMatchObject({ executed: true });
    expect((await json("group", "describe", group))[0].lag).toBe(10);
    expect(await lines("consume", topic, "-g", group)).toHaveLength(10);
    expect(await cli(["group", "delete-offsets", group, "-t", `${topic}:0`, "-y"])).toMatchObject({ code: 0 });
    expect((await json("group", "describe", group))[0].offsets.map(({ partition }: { partition: number }) => partition)).toEqual([1]);
    expect(await cli(["group", "delete", group, "-y"])).toMatchObject({ code: 0 });
    expect(await cli(["group", "delete", group, "-y"])).toMatchObject({ code: 1, error: expect.stringContaining("GROUP_ID_NOT_FOUND") });
  }, 120_000);

  test("group: members are shown, keep the group from being deleted, and can be put out", async () => {
    const topic = await topicOf("members");
    const group = fresh("group");
    await cli(["produce", topic, "a"]);
    const child = Bun.spawn([executable, "consume", topic, "-g", group, "--follow"], {
      env: { BARNABAS_BOOTSTRAP: bootstrap() },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "ignore",
    });
    const { value } = await child.stdout.getReader().read();
    expect(new TextDecoder().decode(value)).toBe("a\n");
    const [described] = await json("group", "describe", group);
    expect(described).toMatchObject({ state: "Stable", members: [{ clientId: "barnabas-cli", assignment: [{ topic, partition: 0 }] }] });
    expect(await cli(["group", "delete", group, "-y"])).toMatchObject({ code: 1, error: expect.stringContaining("NON_EMPTY_GROUP") });
    expect(await json("group", "remove-member", group, "--member", described.members[0].memberId, "-y")).toMatchObject([{ ok: true }]);
    child.kill("SIGINT");
    expect(await child.exited).toBe(130);
    expect((await json("group", "describe", group))[0].members).toEqual([]);
  }, 120_000);

  test("config: set, get and unset of the default of all brokers", async () => {
    expect(await cli(["config", "set", "broker", "log.retention.ms=86400000"])).toMatchObject({ code: 0 });
    await eventually(["config", "get", "broker", "log.retention.ms"], ({ code }) => code === 0);
    expect(await json("config", "get", "broker", "log.retention.ms")).toMatchObject([{
      value: "86400000",
      source: "dynamic-default-broker",
    }]);
    expect(await cli(["config", "unset", "broker", "log.retention.ms"])).toMatchObject({ code: 0 });
    await eventually(["config", "get", "broker"], ({ code, out }) => code === 0 && !out.includes("log.retention.ms"));
    expect((await json("config", "get", "broker/1", "--all")).length).toBeGreaterThan(50);
  }, 120_000);

  test("cluster: info, brokers, quorum, log-dirs, producers, features; health", async () => {
    const topic = await topicOf("cluster");
    await cli(["produce", topic, "a"]);
    expect(await json("cluster", "info")).toMatchObject({ clusterId: id, brokers: 1, offline: 0, underReplicated: 0 });
    const [broker] = await json("cluster", "brokers");
    expect(`${broker.host}:${broker.port}`).toBe(bootstrap());
    expect(await json("cluster", "quorum")).toMatchObject({ leaderId: broker.id, voters: [{ id: broker.id }] });
    const [disk] = await json("cluster", "log-dirs");
    expect(disk.replicas).toContainEqual({ topic, partition: 0, sizeBytes: expect.any(Number), offsetLag: 0, isFuture: false });
    expect(await json("cluster", "producers", topic)).toMatchObject([{ topic, partition: 0, producerEpoch: 0, lastSequence: 0 }]);
    const { apis } = await json("cluster", "features", "--broker", String(broker.id));
    expect(apis.find(({ key }: { key: number }) => key === 1)).toMatchObject({ name: "Fetch", min: 4 });
    expect(await json("health", "--bootstrap", bootstrap())).toEqual({ status: "ok", reasons: [] });
  }, 120_000);

  test("bench, and completion of names", async () => {
    const topic = await topicOf("bench");
    expect(await json("bench", "produce", topic, "-n", "2000", "--size", "100", "-q")).toMatchObject({
      records: 2000,
      failed: 0,
      bytes: 200_000,
    });
    expect(await json("bench", "consume", topic, "-q")).toMatchObject({ records: 2000, bytes: 200_000 });
    expect((await cli(["__complete", "fish", "--", "topic", "describe", topic.slice(0, -1)])).out).toContain(`${topic}\t`);
  }, 120_000);
});
