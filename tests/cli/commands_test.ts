/** Commands against a cluster that is not there: what they ask of it, what they print, how they end. */
import { describe, expect, test } from "bun:test";
import { KafkaError, type Outcome, type TopicView } from "../../lib/client/mod.ts";
import { runWith } from "./fake.ts";

const view = (name: string, partitions = 1): TopicView => ({
  name,
  topicId: "an-id",
  isInternal: false,
  partitions: Array.from({ length: partitions }, (_, partition) => ({ partition, leader: 1, leaderEpoch: 0, replicas: [1, 2], isr: [1] })),
});
const ok = <T>(value: T): Outcome<T> => ({ ok: true, value });
const refused = (error: KafkaError["error"], message: string) => ({ ok: false, error: new KafkaError(error, message) } as const);
/** Every partition holds offsets 10 to 19. */
const listOffsets = async (at: readonly { topic: string; partition: number; position: unknown }[]) =>
  at.map(({ topic, partition, position }) => ({
    topic,
    partition,
    ok: true as const,
    value: position === "earliest" ? 10 : position === "latest" ? 20 : 15,
  }));
const describeTopics = async (names: readonly string[]) =>
  new Map(
    names.map((name) => [name, name === "nope" ? refused("UNKNOWN_TOPIC_OR_PARTITION", 'There is no topic "nope"') : ok(view(name, 2))]),
  );

describe("barnabas topic", () => {
  test("list prints names in order, or JSON; a pattern chooses", async () => {
    const admin = { listTopics: async () => [view("b", 2), view("a"), view("c.d")] };
    expect(await runWith({ admin }, "topic", "list")).toEqual({
      out: "TOPIC  PARTITIONS  REPLICAS  TROUBLE\n" +
        "a               1         2  1 under-replicated\n" +
        "b               2         2  2 under-replicated\n" +
        "c.d             1         2  1 under-replicated\n",
      error: "",
      code: 0,
    });
    const { out } = await runWith({ admin }, "topic", "list", "c.*", "--json");
    expect(JSON.parse(out)).toEqual([
      { name: "c.d", topicId: "an-id", isInternal: false, partitions: 1, replicationFactor: 2, underReplicated: 1, offline: 0 },
    ]);
  });

  test("list prints nothing at all when there is nothing", async () => {
    expect(await runWith({ admin: { listTopics: async () => [] } }, "topic", "list")).toEqual({ out: "", error: "", code: 0 });
  });

  test("create says of each what became of it, and ends with 1 when one failed", async () => {
    const asked: unknown[] = [];
    const createTopics = async (topics: readonly { name: string }[]) => {
      asked.push(...topics);
      return new Map(
        topics.map(({ name }) => [name, name === "a" ? ok(view(name, 3)) : refused("TOPIC_ALREADY_EXISTS", `"${name}" exists`)]),
      );
    };
    const ended = await runWith({ admin: { createTopics } }, "topic", "create", "a", "b", "-p", "3", "-c", "retention.ms=5", "-c", "x=");
    expect(asked[0]).toEqual({ name: "a", partitions: 3, configs: { "retention.ms": "5", "x": "" } });
    expect(ended).toEqual({
      out: "",
      error: 'Created topic "a" with 3 partitions\nError: "b" exists: choose another name, or say --if-not-exists\n',
      code: 1,
    });
    const json = await runWith({ admin: { createTopics } }, "topic", "create", "a", "b", "--json", "--if-not-exists");
    expect(JSON.parse(json.out)).toEqual([
      { topic: "a", ok: true, topicId: "an-id", partitions: 3 },
      { topic: "b", ok: true, existed: true },
    ]);
    expect(json.code).toBe(0);
  });

  test("delete asks on a terminal, and does nothing without a yes", async () => {
    const asked: string[] = [];
    const admin = {
      deleteTopics: async (names: readonly string[]) => {
        asked.push(...names);
        return new Map(names.map((name) => [name, ok(undefined)]));
      },
    };
    expect(await runWith({ admin }, "topic", "delete", "a")).toMatchObject({
      error: "Delete 1 topic: a? Nobody can be asked here: say --yes\nTry: barnabas topic delete --help\n",
      code: 64,
    });
    expect(await runWith({ admin, answer: "n" }, "topic", "delete", "a", "b")).toMatchObject({
      error: expect.stringContaining("Delete 2 topics: a, b? [y/N] "),
      code: 1,
    });
    expect(asked).toEqual([]);
    expect(await runWith({ admin, answer: "y" }, "topic", "delete", "a")).toMatchObject({ code: 0 });
    expect(await runWith({ admin }, "topic", "delete", "b", "--yes", "--quiet")).toEqual({ out: "", error: "", code: 0 });
    expect(asked).toEqual(["a", "b"]);
  });

  test("delete-records counts what it would delete before it asks", async () => {
    let before: unknown;
    const admin = {
      describeTopics,
      listOffsets,
      deleteRecords: async (at: readonly { topic: string; partition: number; offset: number }[]) => {
        before = at;
        return at.map(({ topic, partition, offset }) => ({ topic, partition, ok: true as const, value: offset }));
      },
    };
    const ended = await runWith({ admin, answer: "yes" }, "topic", "delete-records", "orders", "--before", "1h");
    expect(ended.error).toContain("Delete 10 records of 2 partitions: orders-0, orders-1? [y/N] ");
    expect(ended.error).toContain("Partition orders-1 begins at 15\n");
    expect(before).toEqual([{ topic: "orders", partition: 0, offset: 15 }, { topic: "orders", partition: 1, offset: 15 }]);
    expect(await runWith({ admin }, "topic", "delete-records", "orders:7", "--before", "5", "-y")).toMatchObject({
      error: 'Error: Topic "orders" has no partition 7: it has 0 to 1\n',
      code: 1,
    });
  });

  test("describe shows partitions and what was configured; what is not there does not hide the rest", async () => {
    const config = { isReadOnly: false, isSensitive: false, type: "long", documentation: null, synonyms: [] };
    const admin = {
      describeTopics,
      listOffsets,
      describeConfigs: async () => [
        ok([
          { name: "retention.ms", value: "5", source: "topic" as const, ...config },
          { name: "segment.ms", value: "9", source: "default" as const, ...config },
        ]),
      ],
    };
    const ended = await runWith({ admin }, "topic", "describe", "orders", "nope");
    expect(ended.out).toContain("Configured  retention.ms=5\n");
    expect(ended.out).toContain("        1       1      0  1,2       1           10   20       10\n");
    expect(ended.error).toBe('Error: There is no topic "nope": "barnabas topic list" shows what there is\n');
    expect(ended.code).toBe(1);
    const json = JSON.parse((await runWith({ admin }, "topic", "describe", "orders", "nope", "--json")).out);
    expect(json[0].partitions[1]).toEqual({ partition: 1, leader: 1, leaderEpoch: 0, replicas: [1, 2], isr: [1], start: 10, end: 20 });
    expect(json[1]).toEqual({ name: "nope", ok: false, error: "UNKNOWN_TOPIC_OR_PARTITION", message: 'There is no topic "nope"' });
  });

  test("offsets shows what lies at a place", async () => {
    const { out } = await runWith({ admin: { describeTopics, listOffsets } }, "topic", "offsets", "orders:1", "--at", "-3", "--json");
    expect(JSON.parse(out)).toEqual([{ topic: "orders", partition: 1, start: 10, end: 20, at: 17 }]);
  });

  test("alter and add-partitions want to know what", async () => {
    expect(await runWith({}, "topic", "alter", "a")).toMatchObject({ code: 64, error: expect.stringContaining("--set NAME=VALUE") });
    expect(await runWith({}, "topic", "add-partitions", "a")).toMatchObject({
      code: 64,
      error: expect.stringContaining('"--to" is missing'),
    });
  });
});

describe("barnabas group", () => {
  const listGroupOffsets = async () => [
    { topic: "orders", partition: 1, offset: 18 },
    { topic: "orders", partition: 0, offset: 12 },
  ];

  test("describe shows lag, members, and partitions in which nothing is committed", async () => {
    const member = {
      memberId: "m-1",
      groupInstanceId: null,
      clientId: "app",
      clientHost: "/127.0.0.1",
      assignment: [{ topic: "orders", partition: 0 }, { topic: "other", partition: 0 }],
    };
    const group = { groupId: "g", state: "Stable", protocolType: "consumer", protocol: "range", coordinator: 1, members: [member] };
    const admin = { describeGroups: async () => new Map([["g", ok(group)]]), listGroupOffsets, listOffsets };
    const [json] = JSON.parse((await runWith({ admin }, "group", "describe", "g", "--json")).out);
    expect(json.lag).toBe(20);
    expect(json.offsets).toEqual([
      { topic: "orders", partition: 0, committed: 12, end: 20, lag: 8, memberId: "m-1" },
      { topic: "orders", partition: 1, committed: 18, end: 20, lag: 2, memberId: null },
      { topic: "other", partition: 0, committed: null, end: 20, lag: 10, memberId: "m-1" },
    ]);
    const { out } = await runWith({ admin }, "group", "describe", "g");
    expect(out).toContain("orders          0         12   20    8  app@127.0.0.1\n");
  });

  test("reset-offsets shows the plan, and does it only with --execute", async () => {
    let moved: unknown = null;
    const admin = {
      listGroupOffsets,
      listOffsets,
      describeTopics,
      alterGroupOffsets: async (_: string, offsets: readonly { topic: string; partition: number; offset: number }[]) => {
        moved = offsets;
        return offsets.map(({ topic, partition }) => ({ topic, partition, ok: true as const, value: undefined }));
      },
    };
    const plan = await runWith({ admin }, "group", "reset-offsets", "g", "--all-topics", "--to", "earliest");
    expect(plan).toEqual({
      out: "TOPIC   PARTITION  CURRENT  NEW  CHANGE\n" +
        "orders          0       12   10      -2\n" +
        "orders          1       18   10      -8\n",
      error: "This is the plan. Say --execute to do it\n",
      code: 0,
    });
    expect(moved).toBeNull();
    const done = await runWith({ admin }, "group", "reset-offsets", "g", "--topic", "orders:1", "--shift", "7", "--execute", "--json");
    expect(JSON.parse(done.out)).toEqual({
      groupId: "g",
      executed: true,
      offsets: [{ topic: "orders", partition: 1, current: 18, next: 20 }],
    });
    expect(moved).toEqual([{ topic: "orders", partition: 1, offset: 20 }]);
  });

  test("reset-offsets says which failed", async () => {
    const admin = {
      listGroupOffsets,
      listOffsets,
      alterGroupOffsets: async () =>
        [0, 1].map((partition) => ({ topic: "orders", partition, ...refused("UNKNOWN_MEMBER_ID", "The group has members") })),
    };
    const ended = await runWith({ admin }, "group", "reset-offsets", "g", "--all-topics", "--to", "5", "--execute");
    expect(ended).toMatchObject({ error: "Error: The group has members\n", code: 1 });
  });

  for (
    const args of [["--to", "earliest"], ["--all-topics"], ["--all-topics", "--topic", "a", "--to", "1"], [
      "--topic",
      "a",
      "--to",
      "1",
      "--shift",
      "1",
    ], [
      "--topic",
      "a",
      "--to",
      "1",
      "--execute",
      "--dry-run",
    ]]
  ) {
    test(`reset-offsets refuses ${args.join(" ")}`, async () => {
      expect(await runWith({}, "group", "reset-offsets", "g", ...args)).toMatchObject({ out: "", code: 64 });
    });
  }

  test("remove-member --all names static members by their instance", async () => {
    let removed: unknown;
    const members = [
      { memberId: "m-1", groupInstanceId: null, clientId: "", clientHost: "", assignment: [] },
      { memberId: "m-2", groupInstanceId: "i-2", clientId: "", clientHost: "", assignment: [] },
    ];
    const admin = {
      describeGroups: async () =>
        new Map([["g", ok({ groupId: "g", state: "Stable", protocolType: "consumer", protocol: "", coordinator: 1, members })]]),
      removeGroupMembers: async (_: string, asked: readonly object[]) => {
        removed = asked;
        return asked.map(() => ok(undefined));
      },
    };
    expect(await runWith({ admin }, "group", "remove-member", "g", "--all", "--yes")).toMatchObject({ code: 0 });
    expect(removed).toEqual([{ memberId: "m-1" }, { groupInstanceId: "i-2" }]);
    expect(await runWith({ admin }, "group", "remove-member", "g", "--yes")).toMatchObject({ code: 64 });
  });
});

describe("barnabas config", () => {
  const entry = { isReadOnly: false, isSensitive: false, type: "long", documentation: null, synonyms: [] };
  const admin = {
    describeConfigs: async () => [
      ok([
        { name: "b", value: "1", source: "topic" as const, ...entry },
        { name: "a", value: "2", source: "default" as const, ...entry },
        { name: "c", value: null, source: "static-broker" as const, ...entry, isSensitive: true, isReadOnly: true },
      ]),
    ],
  };

  test("get shows what was set, all, or what is named", async () => {
    const names = async (...args: string[]) =>
      JSON.parse((await runWith({ admin }, "config", "get", "topic/t", "--json", ...args)).out).map(({ name }: { name: string }) => name);
    expect(await names()).toEqual(["b", "c"]);
    expect(await names("--all")).toEqual(["a", "b", "c"]);
    expect(await names("a")).toEqual(["a"]);
    expect((await runWith({ admin }, "config", "get", "topic/t")).out).toContain("c     (hidden)  static-broker  no\n");
    expect(await runWith({ admin }, "config", "get", "topic/t", "aa")).toMatchObject({
      error: 'Error: "topic/t" has no setting "aa": did you mean "a"?\n',
      code: 1,
    });
  });

  test("set and unset ask for changes of one resource", async () => {
    const asked: unknown[] = [];
    const alterConfigs = async (changes: unknown, options: unknown) => {
      asked.push(changes, options);
      return [ok(undefined)];
    };
    await runWith({ admin: { alterConfigs } }, "config", "set", "broker", "a=1", "b=", "--validate-only");
    await runWith({ admin: { alterConfigs } }, "config", "unset", "group/x/y", "a");
    expect(asked).toEqual([
      [{
        resource: { type: "broker" },
        changes: [{ name: "a", operation: "set", value: "1" }, { name: "b", operation: "set", value: "" }],
      }],
      { validateOnly: true },
      [{ resource: { type: "group", name: "x/y" }, changes: [{ name: "a", operation: "delete" }] }],
      { validateOnly: false },
    ]);
  });

  for (const resource of ["topic", "topic/", "table/x", ""]) {
    test(`refuses the resource "${resource}"`, async () => {
      expect(await runWith({ admin }, "config", "get", resource)).toMatchObject({ code: 64 });
    });
  }
});

describe("barnabas health", () => {
  test("asks the admin listener, and says why a node is not ready", async () => {
    const asked: string[] = [];
    const http = (status: number, text: string) => async (url: string) => {
      asked.push(url);
      return { status, text };
    };
    expect(await runWith({ http: http(200, '{"status":"ok"}') }, "health")).toEqual({ out: "ok\n", error: "", code: 0 });
    const reasons = JSON.stringify({ status: "unavailable", reasons: ["The disk is full", "Still starting"] });
    expect(await runWith({ http: http(503, reasons), env: { BARNABAS_ADMIN_LISTENER: "0.0.0.0:7" } }, "health")).toEqual({
      out: "",
      error: "Error: The disk is full\nError: Still starting\n",
      code: 1,
    });
    expect(await runWith({ http: http(404, "no") }, "health", "--url", "http://a:1/", "--json")).toMatchObject({ code: 1 });
    expect(asked).toEqual(["http://127.0.0.1:9644/readyz", "http://127.0.0.1:7/readyz", "http://a:1/readyz"]);
    expect(await runWith({}, "health")).toMatchObject({ error: expect.stringContaining("say where the admin listener is"), code: 1 });
    expect(await runWith({}, "health", "--url", "a:1")).toMatchObject({ code: 64 });
  });

  test("asks any cluster by the wire, and names partitions without a leader", async () => {
    const broken = { ...view("a"), partitions: [{ partition: 0, leader: -1, leaderEpoch: 0, replicas: [1], isr: [] }] };
    expect(await runWith({ admin: { listTopics: async () => [view("a")] } }, "health", "--bootstrap", "x:1")).toMatchObject({ code: 0 });
    expect(await runWith({ admin: { listTopics: async () => [broken] } }, "health", "--bootstrap", "x:1")).toMatchObject({
      error: "Error: 1 partitions have no leader: a-0\n",
      code: 1,
    });
  });
});

describe("any command", () => {
  test("ends with 69 when no broker answers, and says what to do", async () => {
    const admin = { listTopics: () => Promise.reject(new KafkaError("NETWORK_EXCEPTION", "connection refused")) };
    expect(await runWith({ admin }, "topic", "list", "-b", "kafka.example:9092")).toMatchObject({
      error: expect.stringContaining('Cannot reach a broker at "kafka.example:9092": connection refused'),
      code: 69,
    });
  });

  test("ends with 70 for a bug, and names it", async () => {
    const admin = { listTopics: () => Promise.reject(new TypeError("x is not a function")) };
    expect(await runWith({ admin }, "topic", "list")).toMatchObject({ error: expect.stringContaining("This is a bug"), code: 70 });
  });

  test("ends quietly when nobody reads its output any more", async () => {
    expect(await runWith({ admin: { listTopics: async () => [view("a")] }, writesMax: 0 }, "topic", "list")).toEqual({
      out: "",
      error: "",
      code: 0,
    });
  });

  test("ends with 1 when the system does not take its output", async () => {
    const full = { code: "ENOSPC", syscall: "write" };
    const admin = { listTopics: () => Promise.reject(Object.assign(new Error("ENOSPC: no space left on device, write"), full)) };
    expect(await runWith({ admin }, "topic", "list")).toMatchObject({
      error: "Error: Cannot write the output: ENOSPC: no space left on device, write\n",
      code: 1,
    });
  });

  test("shows control characters that come from the cluster instead of sending them", async () => {
    const listGroups = async () => [{ groupId: "\x1b[2Jg\n", state: "Empty", type: "classic", protocolType: "" }];
    expect((await runWith({ admin: { listGroups } }, "group", "list")).out).toContain("\\x1b[2Jg\\x0a");
  });

  const help: readonly (readonly [args: string[], out: string])[] = [
    [["help", "topic", "create"], "Usage: barnabas topic create TOPIC… [FLAG …]"],
    [["topic", "create", "--help"], "Usage: barnabas topic create TOPIC… [FLAG …]"],
    [["topic", "--help"], "add-partitions  give a topic more partitions"],
    [["help", "consume"], "%t topic"],
    [["--version"], "barnabas "],
  ];
  for (const [args, out] of help) {
    test(`answers ${args.join(" ")}`, async () => {
      expect(await runWith({}, ...args)).toMatchObject({ out: expect.stringContaining(out), error: "", code: 0 });
    });
  }

  const refusals: readonly (readonly [args: string[], message: string])[] = [
    [["topik"], 'Unknown command "topik": did you mean "topic"?'],
    [["constructor"], 'Unknown command "constructor"'],
    [["topic", "lst"], 'Unknown command "topic lst": did you mean "list"?'],
    [["topic", "list", "--jason"], 'Unknown flag "--jason": did you mean "--json"?'],
    [["topic"], "Usage: barnabas topic COMMAND"],
    [["help", "topik"], 'Unknown command "topik"'],
    [["completion", "tcsh"], 'There is no script for "tcsh": there are bash, zsh, fish'],
  ];
  for (const [args, message] of refusals) {
    test(`refuses ${args.join(" ")}`, async () => {
      expect(await runWith({}, ...args)).toMatchObject({ out: "", error: expect.stringContaining(message), code: 64 });
    });
  }
});
