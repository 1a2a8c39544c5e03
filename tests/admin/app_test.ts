import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { VERSION } from "../../lib/version.ts";
import { Broker } from "../../mod.ts";

let broker: Broker;
let base = "";
beforeAll(async () => {
  broker = await Broker.start({ storage: "memory", admin: "127.0.0.1:0" });
  base = `http://127.0.0.1:${broker.adminAddress!.port}`;
});
afterAll(() => broker.close());

describe("the HTTP side", () => {
  test("says that it lives, that it is ready, and what it is", async () => {
    expect(await (await fetch(`${base}/livez`)).json()).toEqual({ status: "ok" });
    expect(await (await fetch(`${base}/readyz`)).json()).toEqual({ status: "ok" });
    expect(await (await fetch(`${base}/version`)).json()).toEqual({ name: "barnabas", version: VERSION });
  });

  test("has metrics in Prometheus' format, each sample under its type", async () => {
    const reply = await fetch(`${base}/metrics`);
    expect(reply.headers.get("content-type")).toStartWith("text/plain");
    const lines = (await reply.text()).trim().split("\n").filter((line) => line !== "");
    const types = new Set(lines.filter((line) => line.startsWith("# TYPE ")).map((line) => line.split(" ")[2]!));
    const samples = lines.filter((line) => !line.startsWith("#"));
    expect(samples.length).toBeGreaterThan(10);
    for (const line of samples) {
      expect(line).toMatch(/^(?:barnabas|process)_\w+(\{[^}]*\})? \S+$/);
      const name = /^\w+/.exec(line)![0];
      expect([...types]).toContain(types.has(name) ? name : name.replace(/_(?:bucket|sum|count)$/, ""));
    }
  });

  test("answers HEAD without a body", async () => {
    const reply = await fetch(`${base}/livez`, { method: "HEAD" });
    expect([reply.status, await reply.text()]).toEqual([200, ""]);
  });

  test("names what there is to who asks for something else", async () => {
    const reply = await fetch(`${base}/topics`);
    expect(reply.headers.get("content-type")).toBe("application/problem+json");
    expect(await reply.json()).toEqual({
      type: "/v1/docs#problem-not-found",
      title: "Not found",
      status: 404,
      detail: 'There is no "/topics": there are /livez, /metrics, /readyz, /v1/docs, /version',
    });
  });

  test("names the method to who uses another", async () => {
    const reply = await fetch(`${base}/livez`, { method: "POST" });
    expect([reply.status, reply.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
    expect(await reply.json()).toMatchObject({ detail: '"/livez" does not answer POST: use GET' });
  });

  test("refuses a request that names a foreign host, as a web page with a rebound name would", async () => {
    const reply = await fetch(`${base}/metrics`, { headers: { Host: "evil.example" } });
    expect(reply.status).toBe(403);
    expect(await reply.json()).toMatchObject({ title: "Host not allowed" });
    for (const host of ["localhost", "127.0.0.1", "[::1]"]) {
      expect((await fetch(`${base}/livez`, { headers: { Host: host } })).status).toBe(200);
    }
  });
});
