/** What a node says and does between "stop" and its end, seen from outside. */
import { expect, test } from "bun:test";
import { openAdmin } from "../../lib/admin/mod.ts";
import { createMemoryIo } from "../../lib/io/memory/mod.ts";
import { Metadata } from "../../lib/protocol/mod.ts";
import { Broker } from "../../mod.ts";
import { TestClient } from "./client.ts";

test("/livez answers and /readyz says why not from the first moment of a start", async () => {
  const io = createMemoryIo({ onFatal: () => {} });
  const admin = await openAdmin(io, { host: "127.0.0.1", port: 0 }, io.deadlines.in("test", 5_000));
  try {
    const ask = async (path: string) => {
      const reply = await fetch(`http://127.0.0.1:${admin.address.port}${path}`);
      return { status: reply.status, type: reply.headers.get("content-type"), body: await reply.json() };
    };
    expect(await ask("/livez")).toMatchObject({ status: 200, body: { status: "ok" } });
    expect(await ask("/readyz")).toMatchObject({
      status: 503,
      body: { status: "unavailable", reasons: [expect.stringContaining("starting")] },
    });
    expect(await ask("/metrics")).toMatchObject({
      status: 503,
      type: "application/problem+json",
      body: { title: "Starting", status: 503 },
    });
  } finally {
    admin.close();
  }
});

test("a node that stops says so on /readyz first, serves on for shutdown.delay.ms, and then ends", async () => {
  const broker = await Broker.start({
    storage: "memory",
    topics: ["orders"],
    admin: "127.0.0.1:0",
    settings: { "shutdown.delay.ms": "500" },
  });
  const readyz = () => fetch(`http://127.0.0.1:${broker.adminAddress!.port}/readyz`);
  expect((await readyz()).status).toBe(200);
  const closing = broker.close();
  const reply = await readyz();
  expect([reply.status, await reply.json()]).toEqual([503, {
    status: "unavailable",
    reasons: ["The node is stopping: it answers what is in work and then leaves"],
  }]);
  // Who comes late, because it has not looked at /readyz yet, is served all the same.
  using late = await TestClient.connect(broker);
  expect((await late.call(Metadata, { topics: null })).topics).toHaveLength(1);
  expect(await broker.produce("orders", ["late"])).toHaveLength(1);
  await closing;
  await expect(TestClient.connect(broker)).rejects.toThrow();
});
