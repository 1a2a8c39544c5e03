import { afterAll, describe, expect, test } from "bun:test";
import { createConnection } from "node:net";
import { Broker, Consumer } from "../../mod.ts";
import type { Problem } from "../../lib/admin/problem.ts";

const broker = await Broker.start({
  storage: "memory",
  admin: "127.0.0.1:0",
  topics: [{ name: "orders", partitions: 3 }, "payments"],
});
const base = `http://127.0.0.1:${broker.adminAddress!.port}`;
afterAll(() => broker.close());

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // deno-lint-ignore no-explicit-any -- each test looks at another shape
  readonly body: any;
}

async function ask(method: string, path: string, body?: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  const reply = await fetch(`${base}/v1${path}`, {
    method,
    headers: { ...(body !== undefined && { "content-type": "application/json" }), ...headers },
    ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  return { status: reply.status, headers: reply.headers, body: await reply.json() };
}

describe("topics", () => {
  test("page by cursor in the order of their names, without internal ones", async () => {
    const made = await ask("POST", "/topics", { topics: ["p-1", "p-2", "p-3"].map((name) => ({ name })) });
    expect(made.status).toBe(201);
    const first = await ask("GET", "/topics?prefix=p-&limit=2");
    expect(first.body.topics.map(({ name }: { name: string }) => name)).toEqual(["p-1", "p-2"]);
    const second = await ask("GET", `/topics?prefix=p-&limit=2&cursor=${first.body.nextCursor}`);
    expect(second.body).toMatchObject({ topics: [{ name: "p-3" }], nextCursor: null });
  });

  test("that exist are told apart from those that are made, and validateOnly makes none", async () => {
    const dry = await ask("POST", "/topics", { topics: [{ name: "dry" }], validateOnly: true });
    expect([dry.status, (await ask("GET", "/topics/dry")).status]).toEqual([200, 404]);
    const mixed = await ask("POST", "/topics", { topics: [{ name: "orders" }, { name: "mixed" }] });
    expect(mixed.status).toBe(207);
    expect(mixed.body.results).toMatchObject([{ topic: null, problem: { status: 409 } }, { topic: { name: "mixed" }, problem: null }]);
    const only = await ask("POST", "/topics", { topics: [{ name: "orders" }] });
    expect([only.status, only.body.kafkaError]).toEqual([409, "TOPIC_ALREADY_EXISTS"]);
  });

  test("are made by PUT once, and what differs is told", async () => {
    expect((await ask("PUT", "/topics/put", { partitions: 2 })).status).toBe(201);
    expect((await ask("PUT", "/topics/put", { partitions: 2 })).status).toBe(200);
    const other = await ask("PUT", "/topics/put", { partitions: 5 });
    expect([other.status, other.body.detail]).toEqual([
      409,
      'Topic "put" exists with 2 partitions, not 5 (raise them at /v1/topics/put/partitions)',
    ]);
    expect((await ask("PUT", "/topics/put/partitions", { count: 5 })).body.partitionCount).toBe(5);
    expect((await ask("DELETE", "/topics/put")).status).toBe(200);
    expect((await ask("DELETE", "/topics/put")).status).toBe(404);
  });

  test("name the nearest one to who mistypes", async () => {
    expect((await ask("GET", "/topics/ordres")).body.detail).toBe('There is no topic "ordres": did you mean "orders"?');
  });
});

describe("records", () => {
  test("come back as they were written, in every form", async () => {
    const written = await ask("POST", "/topics/orders/records", {
      compression: "zstd",
      records: [
        { partition: 1, key: "7", value: { format: "json", data: { id: 7 } }, headers: [{ key: "h", value: "x" }], timestamp: 5 },
        { partition: 1, value: { format: "hex", data: "00ff" } },
        { partition: 1, key: "7", value: null },
      ],
    });
    expect(written.body.results.map(({ offset }: { offset: number }) => offset)).toEqual([0, 1, 2]);
    const read = await ask("GET", "/topics/orders/partitions/1/records?offset=0");
    expect(read.body.records).toMatchObject([
      { offset: 0, timestamp: 5, key: { format: "text", data: "7" }, value: { format: "json", data: { id: 7 } }, headers: [{ key: "h" }] },
      { offset: 1, key: null, value: { format: "base64", data: "AP8=" } },
      { offset: 2, value: null },
    ]);
    expect((await ask("GET", "/topics/orders/partitions/1/records?last=1")).body).toMatchObject({
      records: [{ offset: 2 }],
      nextOffset: 3,
    });
    expect((await ask("GET", "/topics/orders/partitions/1/records?timestamp=6")).body.records[0].offset).toBe(1);
    const hex = await ask("GET", "/topics/orders/partitions/1/records?offset=1&limit=1&valueFormat=hex");
    expect(hex.body).toMatchObject({ records: [{ value: { format: "hex", data: "00ff" } }], nextOffset: 2 });
  });

  test("with a long number are told as text, so that no digit is lost", async () => {
    const value = '{"id":9007199254740993}';
    await ask("POST", "/topics/payments/records", { records: [{ value }] });
    const { body } = await ask("GET", "/topics/payments/partitions/0/records?last=1&valueFormat=json");
    expect(body.records[0].value).toEqual({ format: "text", data: value, sizeBytes: value.length, truncated: false });
  });

  test("larger than maxBytes are cut, and say so", async () => {
    await ask("POST", "/topics/payments/records", { records: [{ value: "x".repeat(1_000) }] });
    const { body } = await ask("GET", "/topics/payments/partitions/0/records?last=1&maxBytes=10");
    expect(body.records[0].value).toEqual({ format: "text", data: "x".repeat(10), sizeBytes: 1_000, truncated: true });
  });

  test("without a place for one of them are written for none", async () => {
    const refused = await ask("POST", "/topics/orders/records", { records: [{ partition: 0, value: "a" }, { partition: 9, value: "b" }] });
    expect([refused.status, refused.body.errors[0].path]).toEqual([404, "/records/1/partition"]);
    expect((await ask("GET", "/topics/orders/partitions/0/records")).body.highWatermark).toBe(0);
  });

  test("are deleted before an offset, and not beyond the end", async () => {
    expect((await ask("DELETE", "/topics/orders/partitions/1/records?before=1")).body.startOffset).toBe(1);
    expect((await ask("DELETE", "/topics/orders/partitions/1/records?before=99")).body.kafkaError).toBe("OFFSET_OUT_OF_RANGE");
  });
});

describe("groups", () => {
  const reset = (body: object) => ask("POST", "/groups/billing/offsets/reset", body);

  test("are reset as planned, told in a dry run, and deleted", async () => {
    await ask("POST", "/topics/orders/records", { records: ["a", "b", "c"].map((value) => ({ partition: 2, value })) });
    const topics = [{ topic: "orders", partitions: [2] }];
    expect((await reset({ to: { kind: "latest" }, topics })).body.offsets).toEqual([
      { topic: "orders", partition: 2, before: null, after: 3, clamped: false },
    ]);
    expect((await reset({ to: { kind: "shift", by: -2 }, dryRun: true })).body.offsets[0]).toMatchObject({ before: 3, after: 1 });
    expect((await ask("GET", "/groups/billing/offsets")).body.offsets).toMatchObject([{ committedOffset: 3, endOffset: 3, lag: 0 }]);
    expect((await reset({ to: { kind: "offset", offset: 77 } })).body.offsets[0]).toMatchObject({ after: 3, clamped: true });
    await reset({ to: { kind: "earliest" } });
    expect((await ask("GET", "/groups/billing")).body).toMatchObject({ state: "Empty", totalLag: 3, members: [] });
    expect((await ask("DELETE", "/groups/billing/offsets?topic=orders&partition=2")).body.partitions).toEqual([2]);
    await reset({ to: { kind: "earliest" }, topics });
    expect((await ask("DELETE", "/groups/billing")).status).toBe(200);
    expect((await ask("GET", "/groups/billing")).status).toBe(404);
  });

  test("with members show who reads what, and are neither reset nor deleted", async () => {
    await using consumer = await Consumer.connect({
      bootstrapServers: broker.bootstrapServers,
      groupId: "readers",
      autoOffsetReset: "earliest",
    });
    consumer.subscribe(["payments"]);
    await ask("POST", "/topics/payments/records", { records: [{ value: "a" }] });
    for await (const _ of consumer) break;
    expect((await ask("GET", "/groups/readers")).body).toMatchObject({
      state: "Stable",
      protocolType: "consumer",
      members: [{ clientHost: "/127.0.0.1", assignment: [{ topic: "payments", partitions: [0] }] }],
    });
    const topics = [{ topic: "payments" }];
    const refused = await ask("POST", "/groups/readers/offsets/reset", { to: { kind: "earliest" }, topics });
    expect([refused.status, refused.body.kafkaError]).toEqual([409, "NON_EMPTY_GROUP"]);
    expect((await ask("DELETE", "/groups/readers")).status).toBe(409);
  });

  test("that nobody knows are not reset without topics", async () => {
    const { status, body } = await ask("POST", "/groups/nobody/offsets/reset", { to: { kind: "earliest" } });
    expect([status, body.kafkaError]).toEqual([404, "GROUP_ID_NOT_FOUND"]);
  });
});

describe("settings", () => {
  test("are set and removed, with their sources", async () => {
    const set = await ask("PATCH", "/topics/payments/configs", { set: { "retention.ms": 1000 } });
    expect(set.body.configs).toMatchObject([{ name: "retention.ms", value: "1000", source: "topic" }]);
    const removed = await ask("PATCH", "/topics/payments/configs", { remove: ["retention.ms"] });
    expect(removed.body.configs).toMatchObject([{ source: "default" }]);
  });

  test("that do not exist change nothing of the others", async () => {
    const { status, body } = await ask("PATCH", "/topics/payments/configs", { set: { "segment.ms": 1000, "retentoin.ms": 1 } });
    expect([status, body.detail]).toEqual([400, 'Unknown topic setting "retentoin.ms": did you mean "retention.ms"?']);
    expect((await ask("GET", "/topics/payments/configs?changed=true")).body.configs).toEqual([]);
  });
});

describe("Idempotency-Key", () => {
  const produce = (value: string, key: string) =>
    ask("POST", "/topics/orders/records", { records: [{ partition: 0, value }] }, { "idempotency-key": key });

  test("tells the first answer again and writes once", async () => {
    const first = await produce("a", "k1");
    const again = await produce("a", "k1");
    expect(again.body).toEqual(first.body);
    expect([first.headers.get("idempotency-replayed"), again.headers.get("idempotency-replayed")]).toEqual([null, "true"]);
    expect((await ask("GET", "/topics/orders/partitions/0/records")).body.highWatermark).toBe(1);
  });

  test("is refused with another request, and free again after a refusal", async () => {
    await produce("a", "k2");
    expect((await produce("b", "k2")).status).toBe(422);
    const bad = await ask("POST", "/topics", { topics: [] }, { "idempotency-key": "k3" });
    expect([bad.status, (await ask("POST", "/topics", { topics: [{ name: "k3" }] }, { "idempotency-key": "k3" })).status]).toEqual([
      400,
      201,
    ]);
  });

  test("writes once when both come at the same time", async () => {
    const before = (await ask("GET", "/topics/orders/partitions/0/records")).body.highWatermark as number;
    const statuses = (await Promise.all([produce("c", "k4"), produce("c", "k4")])).map(({ status }) => status).sort();
    expect([[200, 200], [200, 409]]).toContainEqual(statuses);
    expect((await ask("GET", "/topics/orders/partitions/0/records")).body.highWatermark).toBe(before + 1);
  });
});

describe("requests that are no good", () => {
  test("have a body of another type, of no JSON, too large, or none where one is needed", async () => {
    expect((await ask("POST", "/topics", "a=b", { "content-type": "application/x-www-form-urlencoded" })).status).toBe(415);
    expect((await ask("POST", "/topics", "{")).body.type).toBe("/v1/docs#problem-invalid-json");
    expect((await ask("POST", "/topics", "[".repeat(100_000))).status).toBe(400);
    expect((await ask("POST", "/topics", " ".repeat(1024 * 1024 + 1))).status).toBe(413);
    expect((await ask("POST", "/topics")).status).toBe(415);
    expect((await ask("DELETE", "/topics/orders", { force: true })).status).toBe(400);
  });

  test("ask for a verb or a path that does not exist", async () => {
    const verb = await ask("POST", "/topics/orders", {});
    expect([verb.status, verb.headers.get("allow")]).toEqual([405, "GET, PUT, DELETE, HEAD"]);
    expect((await ask("GET", "/topcis")).body.detail).toBe('There is no "/v1/topcis": did you mean "/v1/topics"? See /v1/docs');
  });

  test("come from a web page of another origin", async () => {
    const body = { topics: [{ name: "evil" }] };
    for (const headers of [{ origin: "https://evil.example" }, { origin: "null" }, { "sec-fetch-site": "cross-site" }] as const) {
      expect((await ask("POST", "/topics", body, headers as Record<string, string>)).status).toBe(403);
    }
    expect((await ask("POST", "/topics", { ...body, validateOnly: true }, { origin: base })).status).toBe(200);
    expect((await ask("GET", "/topics/evil")).status).toBe(404);
  });

  test("every refusal is a problem body", async () => {
    const reply = await fetch(`${base}/v1/topics?limit=0`);
    expect(reply.headers.get("content-type")).toBe("application/problem+json");
    const { status, errors } = await reply.json() as Problem;
    expect({ status, errors }).toEqual({ status: 400, errors: [{ in: "query", path: "limit", accepted: "at least 1", got: '"0"' }] });
  });
});

describe("the node", () => {
  test("tells its connections", async () => {
    const socket = createConnection({ host: broker.address.host, port: broker.address.port });
    try {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      socket.once("connect", resolve).once("error", reject);
      await promise;
      // ApiVersions v0, correlation 1, client id "me": answered, so that the broker has seen it.
      const answered = new Promise<void>((resolve) => socket.once("data", () => resolve()));
      socket.write(new Uint8Array([0, 0, 0, 12, 0, 18, 0, 0, 0, 0, 0, 1, 0, 2, 109, 101]));
      await answered;
      const { body } = await ask("GET", "/connections");
      const own = body.connections.find(({ clientId }: { clientId: string | null }) => clientId === "me");
      expect(own).toMatchObject({ listener: "PLAINTEXT", receivedBytes: 16, requestsInFlight: 0 });
    } finally {
      socket.destroy();
    }
  });

  test("has a page that needs nothing else, and / leads there", async () => {
    const reply = await fetch(base);
    expect([reply.url, reply.headers.get("content-type")]).toEqual([`${base}/v1/docs`, "text/html; charset=UTF-8"]);
    const page = await reply.text();
    expect(page).toContain("Reset offsets of a group");
    expect(page).not.toMatch(/<script|<link|src=|url\(|@import/);
  });
});
