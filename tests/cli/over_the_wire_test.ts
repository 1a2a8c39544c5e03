/** Commands against an embedded broker, by the wire: each in both forms of output. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { Broker } from "../../mod.ts";
import { runWith } from "./fake.ts";

/** One starts processes; a busy machine takes its time. */
setDefaultTimeout(60_000);

let broker: Broker;
let env: Readonly<Record<string, string>>;
beforeAll(async () => {
  broker = await Broker.start({ storage: "memory", admin: "127.0.0.1:0", topics: [{ name: "orders", partitions: 2 }, "clicks"] });
  const { host, port } = broker.adminAddress!;
  env = { BARNABAS_BOOTSTRAP: broker.bootstrapServers, BARNABAS_ADMIN_URL: `http://${host}:${port}` };
});
afterAll(() => broker.close());

/** In this process, but for the process itself everything is real. */
async function cli(...args: string[]) {
  return await runWith({ env, isReal: true }, ...args);
}

async function json(...args: string[]) {
  const ended = await cli(...args, "--json");
  expect(ended).toMatchObject({ code: 0 });
  return JSON.parse(ended.out);
}

const id = expect.stringMatching(/^[\w-]{22}$/);

describe("barnabas topic", () => {
  test("lists, describes, changes, extends and deletes", async () => {
    expect((await cli("topic", "list")).out).toMatch(
      /^TOPIC +PARTITIONS +REPLICAS +TROUBLE\n(?:clicks +1 +1 +-\n)(?:.*\n)*orders +2 +1 +-\n/,
    );
    expect(await cli("topic", "create", "made", "-p", "3", "-c", "retention.ms=60000")).toEqual({
      out: "",
      error: 'Created topic "made" with 3 partitions\n',
      code: 0,
    });
    expect(await json("topic", "list", "ma*")).toEqual([
      { name: "made", topicId: id, isInternal: false, partitions: 3, replicationFactor: 1, underReplicated: 0, offline: 0 },
    ]);
    expect(await json("topic", "describe", "made")).toEqual([{
      name: "made",
      topicId: id,
      isInternal: false,
      partitions: [0, 1, 2].map((partition) => ({ partition, leader: 1, leaderEpoch: 0, replicas: [1], isr: [1], start: 0, end: 0 })),
      configs: [{ name: "retention.ms", value: "60000", source: "topic" }],
    }]);
    expect(await cli("topic", "alter", "made", "--set", "retention.ms=5000", "--unset", "segment.ms")).toMatchObject({ code: 0 });
    expect((await cli("config", "get", "topic/made")).out).toMatch(/^retention.ms +5000 +topic +yes$/m);
    expect(await cli("topic", "add-partitions", "made", "--to", "4")).toMatchObject({ error: 'Topic "made" has 4 partitions\n', code: 0 });
    expect(await cli("topic", "delete", "made", "-y")).toMatchObject({ error: 'Topic "made" is gone\n', code: 0 });
    const again = await cli("topic", "delete", "made", "-y");
    expect(again).toMatchObject({ code: 1, error: expect.stringContaining("UNKNOWN_TOPIC_OR_PARTITION") });
  });

  test("is refused by the broker in one line", async () => {
    const ended = await cli("topic", "create", "a/b");
    expect(ended.error.trim().split("\n")).toHaveLength(1);
    expect(ended).toMatchObject({ out: "", code: 1 });
    expect(await cli("topic", "alter", "orders", "--set", "retention.ms=soon")).toMatchObject({
      error: expect.stringContaining("INVALID_CONFIG"),
      code: 1,
    });
  });

  test("shows and deletes records", async () => {
    for (const value of ["a", "b", "c"]) await broker.produce("clicks", [{ value }]);
    expect(await json("topic", "offsets", "clicks", "--at", "-1")).toEqual([{ topic: "clicks", partition: 0, start: 0, end: 3, at: 2 }]);
    expect(await json("topic", "delete-records", "clicks", "--before", "2", "--yes")).toEqual([
      { topic: "clicks", partition: 0, ok: true, start: 2 },
    ]);
    expect(await json("topic", "offsets", "clicks")).toEqual([{ topic: "clicks", partition: 0, start: 2, end: 3 }]);
  });
});

describe("barnabas group", () => {
  test("moves offsets of a group that has no members, shows and deletes them", async () => {
    expect(await cli("group", "reset-offsets", "billing", "-t", "orders", "--to", "earliest")).toMatchObject({
      error: "This is the plan. Say --execute to do it\n",
      code: 0,
    });
    expect(await json("group", "list")).toEqual([]);
    await broker.produce("orders", [{ value: "a", partition: 1 }, { value: "b", partition: 1 }]);
    expect(await json("group", "reset-offsets", "billing", "-t", "orders", "--to", "earliest", "--execute")).toMatchObject({
      executed: true,
      offsets: [{ partition: 0, current: null, next: 0 }, { partition: 1, current: null, next: 0 }],
    });
    expect(await json("group", "list", "bill*")).toMatchObject([{ groupId: "billing", state: "Empty" }]);
    expect(await json("group", "describe", "billing")).toMatchObject([{
      groupId: "billing",
      state: "Empty",
      members: [],
      lag: 2,
      offsets: [{ partition: 0, committed: 0, end: 0, lag: 0 }, { partition: 1, committed: 0, end: 2, lag: 2 }],
    }]);
    expect((await cli("group", "reset-offsets", "billing", "--all-topics", "--shift", "1", "--execute")).code).toBe(0);
    expect((await json("group", "describe", "billing"))[0].lag).toBe(1);
    expect(await cli("group", "delete-offsets", "billing", "-t", "orders:0", "-y")).toMatchObject({ code: 0 });
    expect((await json("group", "describe", "billing"))[0].offsets).toHaveLength(1);
    expect(await cli("group", "delete", "billing", "--yes")).toMatchObject({ error: 'Group "billing" is gone\n', code: 0 });
    expect(await cli("group", "delete", "billing", "--yes")).toMatchObject({ code: 1 });
  });
});

describe("barnabas config", () => {
  test("sets, shows and unsets a setting of all brokers", async () => {
    expect(await cli("config", "set", "broker", "log.retention.ms=86400000")).toMatchObject({ code: 0 });
    expect(await json("config", "get", "broker/1", "log.retention.ms")).toMatchObject([
      { name: "log.retention.ms", value: "86400000", source: "dynamic-default-broker" },
    ]);
    expect(await cli("config", "unset", "broker", "log.retention.ms")).toMatchObject({ code: 0 });
    expect(await json("config", "get", "broker/1", "log.retention.ms")).not.toMatchObject([{ value: "86400000" }]);
    expect(await cli("config", "get", "topic/orders", "retention.m")).toMatchObject({
      error: 'Error: "topic/orders" has no setting "retention.m": did you mean "retention.ms"?\n',
      code: 1,
    });
  });
});

describe("barnabas cluster", () => {
  test("shows the cluster", async () => {
    expect(await json("cluster", "info")).toMatchObject({ clusterId: id, controller: 1, brokers: 1, offline: 0, underReplicated: 0 });
    const { host, port } = broker.address;
    expect(await json("cluster", "brokers")).toMatchObject([{ id: 1, host, port, isController: true }]);
    expect(await json("cluster", "quorum")).toMatchObject({ leaderId: 1, voters: [{ id: 1 }], observers: [] });
    expect((await json("cluster", "log-dirs"))[0].replicas.map(({ topic }: { topic: string }) => topic)).toContain("orders");
    expect((await cli("cluster", "log-dirs", "--replicas")).out).toMatch(/^orders +1 +1 +\d+ B$/m);
    expect(await json("cluster", "producers", "orders")).toBeArray();
    const features = await json("cluster", "features", "--broker", "1");
    expect(features.apis.find(({ key }: { key: number }) => key === 3)).toEqual({ key: 3, name: "Metadata", min: 0, max: 13 });
    for (const one of ["info", "brokers", "quorum", "log-dirs", "features"]) {
      expect(await cli("cluster", one)).toMatchObject({ out: expect.stringMatching(/\n$/), error: "", code: 0 });
    }
  });
});

test("barnabas health asks the admin listener, or the brokers", async () => {
  expect(await cli("health")).toEqual({ out: "ok\n", error: "", code: 0 });
  expect(await json("health", "--bootstrap", broker.bootstrapServers)).toEqual({ status: "ok", reasons: [] });
  expect(await cli("health", "--url", `http://${broker.bootstrapServers}`, "--timeout", "2s")).toMatchObject({ out: "", code: 1 });
});

test("a cluster that is not there is told at once, with 69", async () => {
  using closed = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => undefined } });
  const { port } = closed;
  closed.stop(true);
  const ended = await cli("topic", "list", "--bootstrap", `127.0.0.1:${port}`);
  expect(ended.error).toMatch(/^Error: Cannot reach a broker at "127.0.0.1:\d+": .*Say where with --bootstrap or BARNABAS_BOOTSTRAP\n$/);
  expect(ended).toMatchObject({ out: "", code: 69 });
});

test("an address that is none is a wrong flag", async () => {
  expect(await cli("topic", "list", "-b", "nowhere:port")).toMatchObject({
    out: "",
    code: 64,
    error: expect.stringContaining("--bootstrap"),
  });
});

describe("completion", () => {
  const completed = async (...words: string[]) =>
    (await cli("__complete", "zsh", "--", ...words)).out.split("\n").map((line) => line.split("\t")[0]);

  test("knows commands, flags, choices, and asks the cluster for names", async () => {
    expect(await completed("to")).toEqual(["topic", ""]);
    expect(await completed("topic", "add")).toEqual(["add-partitions", ""]);
    expect(await completed("topic", "describe", "or")).toEqual(["orders", ""]);
    expect(await completed("topic", "create", "x", "--part")).toEqual(["--partitions", ""]);
    expect(await completed("topic", "create", "x", "--config=retention.m")).toEqual(["--config=retention.ms", ""]);
    expect(await completed("serve", "--log-level", "")).toEqual(["debug", "info", "warn", "error", ""]);
    expect(await completed("serve", "--config", "")).toEqual([":files", ""]);
    expect(await completed("completion", "f")).toEqual(["fish", ""]);
    expect(await completed("topic", "describe", "-b", "127.0.0.1:1", "or")).toEqual([""]);
  });

  test("works in bash", async () => {
    const script = (await cli("completion", "bash")).out;
    const press = `barnabas() { "$BUN" "$MAIN" "$@"; }
${script}
press() { COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 )); _barnabas 2>/dev/null; printf '%s,' "\${COMPREPLY[@]}"; echo; }
press barnabas topic desc
press barnabas topic describe or
press barnabas serve --log-level = d`;
    const bash = Bun.spawn(["bash", "-c", press], {
      env: { ...process.env, ...env, BUN: process.execPath, MAIN: new URL("../../main.ts", import.meta.url).pathname },
      stdout: "pipe",
      stderr: "pipe",
    });
    expect(await new Response(bash.stdout).text()).toBe("describe,\norders,\ndebug,\n");
    expect(await bash.exited).toBe(0);
  });
});
