import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { errorCounterOf } from "../../lib/broker/reply_errors.ts";
import { HANDLERS } from "../../lib/broker/mod.ts";
import {
  type Fields,
  FindCoordinator,
  IncrementalAlterConfigs,
  Metadata,
  OffsetCommit,
  Produce,
  ZERO_UUID,
} from "../../lib/protocol/mod.ts";
import { type Metric, METRICS } from "../../lib/telemetry/contract.ts";
import { Broker } from "../../mod.ts";
import { TestClient } from "../node/client.ts";

interface Row {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

interface Scraped {
  readonly types: ReadonlyMap<string, string>;
  readonly rows: readonly Row[];
  value(name: string, labels?: Readonly<Record<string, string>>): number | undefined;
}

async function scrape(broker: Broker): Promise<Scraped> {
  const reply = await fetch(`http://127.0.0.1:${broker.adminAddress!.port}/metrics`);
  const types = new Map<string, string>();
  const rows: Row[] = [];
  for (const line of (await reply.text()).split("\n")) {
    const [, typed, type] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? [];
    if (typed !== undefined) types.set(typed, type!);
    if (line === "" || line.startsWith("#")) continue;
    const [, name, braces = "", value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line)!;
    const labels = Object.fromEntries([...braces.matchAll(/(\w+)="([^"]*)"/g)].map(([, label, text]) => [label!, text!]));
    rows.push({ name: name!, labels, value: Number(value) });
  }
  const fits = (row: Row, labels: Readonly<Record<string, string>>) =>
    Object.entries(labels).every(([label, text]) => row.labels[label] === text);
  return { types, rows, value: (name, labels = {}) => rows.find((row) => row.name === name && fits(row, labels))?.value };
}

async function commit(client: TestClient, group: string, topic: string, offset: number): Promise<void> {
  const { topics } = await client.call(Metadata, { topics: [{ name: topic, topicId: ZERO_UUID }] });
  await client.call(FindCoordinator, { keyType: 0, coordinatorKeys: [group] });
  const partitions = [{ partitionIndex: 0, committedOffset: offset, committedMetadata: null }];
  await client.call(OffsetCommit, {
    groupId: group,
    generationIdOrMemberEpoch: -1,
    memberId: "",
    topics: [{ name: topic, topicId: topics[0]!.topicId, partitions }],
  });
}

let broker: Broker;
let client: TestClient;
beforeAll(async () => {
  broker = await Broker.start({
    storage: "memory",
    admin: "127.0.0.1:0",
    topics: ["orders", "clicks"],
    listen: ["IN://127.0.0.1:0", "OUT://127.0.0.1:0"],
    settings: { "listener.security.protocol.map": "IN:PLAINTEXT,OUT:PLAINTEXT", "offsets.topic.num.partitions": "2" },
  });
  client = await TestClient.connect(broker);
  await broker.produce("orders", ["a", "b", "c"]);
  await commit(client, "readers", "orders", 1);
  const bad = {
    acks: -1,
    timeoutMs: 1_000,
    topicData: [{ name: "none", topicId: ZERO_UUID, partitionData: [{ index: 0, records: null }] }],
  };
  await client.call(Produce, bad);
  const stranger = await TestClient.connect(broker);
  stranger.raw.send(new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"));
  await stranger.raw.closed();
});
afterAll(async () => {
  client[Symbol.dispose]();
  await broker.close();
});

describe("/metrics", () => {
  const contract = new Map(Object.values<Metric>(METRICS).map((metric) => [metric.name, metric]));
  const ownerOf = ({ name }: Row) => contract.get(name) ?? contract.get(name.replace(/_(?:bucket|sum|count)$/, ""));

  test("serves nothing that is not in the contract, with its type and its labels", async () => {
    const { types, rows } = await scrape(broker);
    for (const row of rows) {
      const metric = ownerOf(row);
      expect([row.name, metric !== undefined]).toEqual([row.name, true]);
      expect([row.name, types.get(metric!.name)]).toEqual([row.name, metric!.type]);
      const labels: readonly string[] = row.name.endsWith("_bucket") ? [...metric!.labels, "le"] : metric!.labels;
      expect([row.name, ...Object.keys(row.labels).sort()]).toEqual([row.name, ...[...labels].sort()]);
    }
  });

  test("serves all of the contract once everything has happened", async () => {
    const { rows } = await scrape(broker);
    const served = new Set(rows.map((row) => ownerOf(row)!.name));
    expect([...contract.keys()].filter((name) => !served.has(name))).toEqual([]);
  });

  test("has no row twice, and histograms that add up", async () => {
    const { rows } = await scrape(broker);
    const keys = rows.map(({ name, labels }) => `${name}${JSON.stringify(Object.entries(labels).sort())}`);
    expect(new Set(keys).size).toBe(keys.length);
    for (const { name, labels, value } of rows.filter(({ labels }) => labels["le"] === "+Inf")) {
      const { le: _, ...rest } = labels;
      const count = rows.find((row) =>
        row.name === name.replace(/_bucket$/, "_count") && JSON.stringify(row.labels) === JSON.stringify(rest)
      );
      expect([name, count?.value]).toEqual([name, value]);
    }
  });

  test("tells what happened", async () => {
    const { value } = await scrape(broker);
    expect(value("barnabas_ready")).toBe(1);
    expect(value("barnabas_topic_records_total", { topic: "orders" })).toBe(3);
    expect(value("barnabas_topic_appended_bytes_total", { topic: "orders" })).toBe(
      value("barnabas_topic_size_bytes", { topic: "orders" })!,
    );
    expect(value("barnabas_group_lag_records", { group: "readers", topic: "orders" })).toBe(2);
    expect(value("barnabas_groups", { state: "Empty" })).toBe(1);
    expect(value("barnabas_requests_total", { api: "Produce", version: "13" })).toBe(1);
    expect(value("barnabas_request_errors_total", { api: "Produce", error: "UNKNOWN_TOPIC_ID" })).toBe(1);
    expect(value("barnabas_request_seconds_count", { api: "Produce" })).toBe(1);
    expect(value("barnabas_request_seconds_count", { api: "Fetch" })).toBeUndefined();
    expect(value("barnabas_connections", { listener: "IN" })).toBe(1);
    expect(value("barnabas_connections", { listener: "OUT" })).toBe(0);
    expect(value("barnabas_connections_accepted_total", { listener: "IN" })).toBe(2);
    expect(value("barnabas_network_received_bytes_total", { listener: "IN" })).toBeGreaterThan(100);
    expect(value("barnabas_network_sent_bytes_total", { listener: "OUT" })).toBe(0);
    expect(value("barnabas_storage_state", { state: "ok" })).toBe(1);
    expect(value("barnabas_wal_commit_seconds_count")).toBeGreaterThan(2);
    expect(value("barnabas_raft_leader")).toBe(1);
    expect(value("barnabas_disk_free_bytes")).toBeGreaterThan(0);
    expect(value("process_open_fds")).toBeGreaterThan(2);
    expect(value("process_max_fds")).toBeGreaterThan(value("process_open_fds")!);
  });

  test("bytes of connections that are gone stay counted", async () => {
    const sent = async () => (await scrape(broker)).value("barnabas_network_sent_bytes_total", { listener: "IN" })!;
    const before = await sent();
    const other = await TestClient.connect(broker);
    await other.call(Metadata, { topics: null });
    const during = await sent();
    expect(during).toBeGreaterThan(before);
    other[Symbol.dispose]();
    // Each look is a round trip, in which the close arrives.
    while ((await scrape(broker)).value("barnabas_connections", { listener: "IN" }) !== 1);
    expect(await sent()).toBe(during);
  });

  test("rows by topic and group are bounded by settings that act at once, and what is left out is counted", async () => {
    const set = async (name: string, value: string) => {
      const configs = [{ name, configOperation: 0, value }];
      const { responses } = await client.call(IncrementalAlterConfigs, {
        resources: [{ resourceType: 4, resourceName: "", configs }],
        validateOnly: false,
      });
      expect(responses[0]).toMatchObject({ errorCode: 0 });
    };
    await commit(client, "more readers", "orders", 3);
    await set("metrics.topics.max", "1");
    await set("metrics.group.lag.max", "1");
    const { rows, value } = await scrape(broker);
    expect(rows.filter(({ name }) => name === "barnabas_topic_size_bytes")).toHaveLength(1);
    expect(rows.filter(({ name }) => name === "barnabas_group_lag_records")).toHaveLength(1);
    expect(value("barnabas_metrics_rows_omitted", { family: "topic" })).toBe(2);
    expect(value("barnabas_metrics_rows_omitted", { family: "group_lag" })).toBe(1);
    await set("metrics.group.lag.max", "0");
    expect((await scrape(broker)).rows.filter(({ name }) => name === "barnabas_group_lag_records")).toEqual([]);
  });
});

describe("errorCounterOf()", () => {
  test("finds the errors of every API that is served", () => {
    // ApiVersions and a few more have one error at the top, most have one for each thing that was asked.
    const blind = HANDLERS.filter(({ api }) => {
      const counts = new Map<number, number>();
      errorCounterOf(api.response.fields, counts)(sample(api.response.fields));
      return counts.get(3) === undefined;
    });
    expect(blind.map(({ api }) => api.name)).toEqual([]);
  });

  test("counts each error of a reply, and no success", () => {
    const counts = new Map<number, number>();
    const rows = [0, 3, 3, 6].map((errorCode, index) => ({ index, errorCode, baseOffset: 0 }));
    errorCounterOf(Produce.response.fields, counts)({ responses: [{ name: "orders", partitionResponses: rows }] });
    expect(counts).toEqual(new Map([[3, 2], [6, 1]]));
  });
});

/** A reply in which every error code is 3. */
function sample(fields: Fields): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, declared]) => {
      const type = declared.kind === "field" ? declared.type : declared;
      if (type.kind === "array") return [name, type.of?.fields === undefined ? [] : [sample(type.of.fields)]];
      if (type.kind === "struct") return [name, sample(type.fields!)];
      return [name, /errorCode$/i.test(name) ? 3 : undefined];
    }),
  );
}
