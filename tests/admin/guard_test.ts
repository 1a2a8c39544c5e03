import { expect, test } from "bun:test";
import { Hono } from "hono";
import { browserGuard } from "../../lib/admin/guard.ts";

/** The status of a request through the guard of a node that listens on `boundTo` and is advertised as kafka.example. */
async function status(boundTo: string, method: string, url: string, headers: Readonly<Record<string, string>> = {}): Promise<number> {
  const app = new Hono();
  app.use("*", browserGuard(boundTo, () => ["kafka.example"]));
  app.all("*", (context) => context.text("ok"));
  return (await app.request(url, { method, headers })).status;
}

test("on loopback only localhost and IP addresses are names of the node, for reads too (DNS rebinding)", async () => {
  for (const host of ["localhost:9644", "127.0.0.1:9644", "[::1]:9644", "10.0.0.7"]) {
    expect([host, await status("127.0.0.1", "GET", `http://${host}/`)]).toEqual([host, 200]);
  }
  for (const host of ["evil.example", "kafka.example", "127.0.0.1.evil.example"]) {
    expect([host, await status("127.0.0.1", "GET", `http://${host}/`)]).toEqual([host, 403]);
  }
});

test("elsewhere programs may use any name, and browsers write by an address or an advertised name", async () => {
  expect(await status("0.0.0.0", "GET", "http://any.example/")).toBe(200);
  expect(await status("0.0.0.0", "POST", "http://any.example/")).toBe(200);
  expect(await status("0.0.0.0", "POST", "http://any.example/", { origin: "http://any.example" })).toBe(403);
  expect(await status("0.0.0.0", "POST", "http://kafka.example/", { origin: "https://kafka.example" })).toBe(200);
  expect(await status("0.0.0.0", "POST", "http://10.0.0.7:9644/", { origin: "http://10.0.0.7:9644" })).toBe(200);
});

test("pages of other origins write nowhere", async () => {
  for (const bound of ["127.0.0.1", "0.0.0.0"]) {
    for (const headers of [{ origin: "http://evil.example" }, { origin: "null" }, { "sec-fetch-site": "cross-site" }] as const) {
      for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
        expect([method, headers, await status(bound, method, "http://127.0.0.1:9644/", headers)]).toEqual([method, headers, 403]);
      }
    }
    expect(await status(bound, "GET", "http://127.0.0.1:9644/", { origin: "http://evil.example" })).toBe(200);
    expect(await status(bound, "POST", "http://127.0.0.1:9644/", { "sec-fetch-site": "same-origin" })).toBe(200);
  }
});
