/** `barnabas consume`: against an embedded broker, and against a consumer that does what the test says. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  type AdminApi,
  type ConsumerApi,
  type ConsumerOptions,
  CorruptBatch,
  type IncomingRecord,
  type TopicPartition,
} from "../../lib/client/mod.ts";
import { Broker } from "../../mod.ts";
import { runWith } from "./fake.ts";
import { start } from "./program.ts";

setDefaultTimeout(60_000);

let broker: Broker;
let env: Readonly<Record<string, string>>;
beforeAll(async () => {
  broker = await Broker.start({
    storage: "memory",
    topics: [{ name: "orders", partitions: 2 }, "empty", { name: "lonely", partitions: 2 }],
  });
  env = { BARNABAS_BOOTSTRAP: broker.bootstrapServers };
  for (let at = 0; at < 10; at++) {
    await broker.produce("orders", [{ key: `k${at}`, value: `v${at}`, partition: at % 2, headers: { n: String(at) } }]);
  }
});
afterAll(() => broker.close());

const cli = (...args: string[]) => runWith({ env, isReal: true }, ...args);
const lines = async (...args: string[]) => {
  const { out, code } = await cli("consume", ...args);
  expect(code).toBe(0);
  return out.split("\n").filter((line) => line !== "").sort();
};

describe("barnabas consume", () => {
  test("prints everything that is there, and ends", async () => {
    expect(await lines("orders")).toEqual(["v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9"]);
    expect(await lines("empty")).toEqual([]);
  });

  test("begins and ends where it is told", async () => {
    expect(await lines("orders", "--from", "3")).toEqual(["v6", "v7", "v8", "v9"]);
    expect(await lines("orders", "--from", "-1")).toEqual(["v8", "v9"]);
    expect(await lines("orders", "-o", "-2", "-p", "1")).toEqual(["v7", "v9"]);
    expect(await lines("orders:0", "--until", "2")).toEqual(["v0", "v2"]);
    expect(await lines("orders", "--from", "1", "--until", "2")).toEqual(["v2", "v3"]);
    expect(await lines("orders", "--from", "latest")).toEqual([]);
    expect(await lines("orders", "--from", "1h")).toHaveLength(10);
    expect(await lines("orders", "--until", "1h")).toEqual([]);
    expect(await lines("orders:0", "--count", "2")).toEqual(["v0", "v2"]);
  });

  test("prints as it is told", async () => {
    expect(await lines("orders:1", "-n", "1", "--format", "%t/%p/%o %k=%v %h\\n")).toEqual(["orders/1/0 k1=v1 n=1"]);
    const [line] = await lines("orders:1", "--json", "-n", "1");
    expect(JSON.parse(line!)).toEqual({
      topic: "orders",
      partition: 1,
      offset: 0,
      timestamp: expect.any(Number),
      key: "k1",
      value: "v1",
      headers: [{ key: "n", value: "1" }],
    });
  });

  test("as a group goes on where the group stopped, and commits what it printed", async () => {
    expect(await lines("orders", "--group", "g", "--count", "4")).toHaveLength(4);
    const rest = await lines("orders", "-g", "g");
    expect(rest).toHaveLength(6);
    expect(await lines("orders", "-g", "g")).toEqual([]);
    const [described] = JSON.parse((await cli("group", "describe", "g", "--json")).out);
    expect(described).toMatchObject({ lag: 0, members: [] });
    await cli("group", "reset-offsets", "g", "--all-topics", "--to", "-1", "--execute");
    expect(await lines("orders", "-g", "g")).toEqual(["v8", "v9"]);
  });

  test("as a group misses nothing that comes to a partition which was empty, also from latest", async () => {
    expect(await lines("lonely", "--group", "patient", "--from", "latest")).toEqual([]);
    await broker.produce("lonely", [{ value: "came while nobody read", partition: 1 }]);
    expect(await lines("lonely", "--group", "patient", "--from", "latest")).toEqual(["came while nobody read"]);
  });

  const refusals: readonly (readonly [args: string[], code: number, message: string])[] = [
    [["nope"], 1, "nope"],
    [["orders:5"], 1, 'Topic "orders" has no partition 5'],
    [["orders", "--format", "%z"], 64, '"%z" means nothing'],
    [["orders", "--follow", "--until", "end"], 64, "Choose one of --follow and --until"],
    [["orders", "--json", "--format", "%v"], 64, "Choose one of --json and --format"],
    [["orders", "-g", "g", "--from", "5"], 64, "With --group"],
    [["orders", "-g", "g", "-p", "1"], 64, "Choose one of --group and --partition"],
    [["orders", "--from", "whenever"], 64, 'Invalid "--from whenever"'],
    [[], 64, "Argument TOPIC[:PARTITIONS] is missing"],
  ];
  for (const [args, code, message] of refusals) {
    test(`refuses ${args.join(" ")}`, async () => {
      expect(await cli("consume", ...args)).toMatchObject({ out: "", code, error: expect.stringContaining(message) });
    });
  }
});

describe("the program", () => {
  test("follows until Ctrl-C, then has committed what it printed", async () => {
    const child = start(["consume", "orders", "--follow", "--group", "follower", "--quiet"], env);
    let text = "";
    const reader = child.stdout.getReader();
    while (text.split("\n").length < 11) text += new TextDecoder().decode((await reader.read()).value);
    await broker.produce("orders", [{ value: "later", partition: 0 }]);
    while (!text.includes("later\n")) text += new TextDecoder().decode((await reader.read()).value);
    child.kill("SIGINT");
    expect(await child.exited).toBe(130);
    expect(await new Response(child.stderr).text()).toBe("");
    expect(JSON.parse((await cli("group", "describe", "follower", "--json")).out)[0]).toMatchObject({ lag: 0, members: [] });
  });

  test("ends quietly when its reader has enough", async () => {
    const command = `"$BUN" "$MAIN" consume orders --format '%v %v %v %v\\n' --quiet | head -n 1; echo "\${PIPESTATUS[0]}"`;
    const main = new URL("../../main.ts", import.meta.url).pathname;
    const shell = Bun.spawn(["bash", "-c", command], {
      env: { ...process.env, ...env, BUN: process.execPath, MAIN: main },
      stderr: "pipe",
    });
    expect(await new Response(shell.stdout).text()).toMatch(/^v\d v\d v\d v\d\n0\n$/);
    expect(await new Response(shell.stderr).text()).toBe("");
  });
});

// ── a consumer that does what the test says ──

const PARTITION: TopicPartition = { topic: "t", partition: 0 };
const record = (offset: number): IncomingRecord => ({
  ...PARTITION,
  offset,
  timestamp: 0,
  timestampType: "create",
  key: null,
  value: new TextEncoder().encode(`v${offset}`),
  headers: [],
  leaderEpoch: 0,
});
const admin: Partial<AdminApi> = {
  describeTopics: async () =>
    new Map([["t", {
      ok: true,
      value: {
        name: "t",
        topicId: "",
        isInternal: false,
        partitions: [{ partition: 0, leader: 1, leaderEpoch: 0, replicas: [1], isr: [1] }],
      },
    }]]),
  listOffsets: async (at) => at.map(({ position }) => ({ ...PARTITION, ok: true, value: position === "earliest" ? 0 : 4 })),
};

/** Hands out the lots one read after the other; then nothing more comes. */
function scripted(lots: readonly (readonly IncomingRecord[])[]) {
  const left = [...lots];
  const committed: number[] = [];
  let position = 0;
  let options: Partial<ConsumerOptions> = {};
  const consumer: Partial<ConsumerApi> = {
    subscribe: () => void options.onAssigned?.([PARTITION]),
    assign: () => undefined,
    seek: async () => undefined,
    pause: () => undefined,
    assignment: [PARTITION],
    position: () => position,
    poll: async () => {
      const lot = left.shift() ?? [];
      position = lot.length === 0 ? position : lot.at(-1)!.offset + 1;
      return lot;
    },
    commit: async (offsets) => void committed.push(...(offsets ?? []).map(({ offset }) => offset)),
  };
  return { consumer, committed, withOptions: (given: Partial<ConsumerOptions>) => void (options = given) };
}

describe("with --group", () => {
  test("commits only what the reader of the output has taken", async () => {
    const { consumer, committed, withOptions } = scripted([[record(0)], [record(1)], [record(2), record(3)]]);
    const ended = await runWith({ admin, consumer, onConsumer: withOptions, writesMax: 2 }, "consume", "t", "--group", "g", "--quiet");
    expect(ended).toEqual({ out: "v0\nv1\n", error: "", code: 0 });
    expect(committed).toEqual([2]);
  });

  test("commits nothing beyond --count", async () => {
    const { consumer, committed, withOptions } = scripted([[record(0), record(1), record(2), record(3)]]);
    expect(await runWith({ admin, consumer, onConsumer: withOptions }, "consume", "t", "-g", "g", "-n", "3", "-q")).toMatchObject({
      code: 0,
    });
    expect(committed).toEqual([3]);
  });

  test("ends in order at a signal, with the exit code of the signal", async () => {
    for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
      const { consumer, committed, withOptions } = scripted([[record(0)]]);
      let send: (signal: string) => void = () => undefined;
      const world = { admin, consumer, onConsumer: withOptions, onSignals: (given: typeof send) => void (send = given) };
      const poll = consumer.poll!;
      const stopping = { ...consumer, poll: (waitMs: number) => (committed.length === 0 ? send(signal) : undefined, poll(waitMs)) };
      expect(await runWith({ ...world, consumer: stopping }, "consume", "t", "-g", "g", "-f", "-q")).toEqual({
        out: "v0\n",
        error: "",
        code,
      });
      expect(committed).toEqual([1]);
    }
  });
});

test("a partition that gives nothing for --timeout ends the command", async () => {
  const { consumer } = scripted([[record(0)]]);
  expect(await runWith({ admin, consumer }, "consume", "t", "--timeout", "5ms", "-q")).toEqual({
    out: "v0\n",
    error: "Error: Cannot read to the end: nothing came for 5ms (t-0)\n",
    code: 1,
  });
});

describe("a batch that cannot be read", () => {
  const damaged = () => {
    const { consumer } = scripted([[record(0)], [record(3)]]);
    const seeks: unknown[] = [];
    const poll = consumer.poll!;
    let reads = 0;
    consumer.seek = async (_, offset) => void seeks.push(offset);
    consumer.poll = (waitMs) => {
      if (++reads !== 2) return poll(waitMs);
      throw new CorruptBatch({ ...PARTITION, baseOffset: 1, nextOffset: 3 }, "its checksum (CRC-32C) is wrong");
    };
    return { consumer, seeks };
  };
  const message = 'Error: Cannot read "t-0": the batch at offset 1: its checksum (CRC-32C) is wrong';

  test("ends the command", async () => {
    const { consumer } = damaged();
    expect(await runWith({ admin, consumer }, "consume", "t", "-q")).toEqual({ out: "v0\n", error: `${message}\n`, code: 1 });
  });

  test("is left out with --skip-errors, and said", async () => {
    const { consumer, seeks } = damaged();
    expect(await runWith({ admin, consumer }, "consume", "t", "-q", "--skip-errors")).toEqual({
      out: "v0\nv3\n",
      error: `${message}: skipped offsets 1 to 2\n`,
      code: 0,
    });
    expect(seeks).toEqual([0, 3]);
  });
});
