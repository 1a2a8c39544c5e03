import { expect, test } from "bun:test";
import { Hono } from "hono";
import { IdempotencyKeys } from "../../lib/admin/v1/idempotency.ts";
import { problem } from "../../lib/admin/problem.ts";

/** Counts how often it was really done; each answer is what the next request is told to get. */
function setup() {
  const clock = { now: 0, mono: () => clock.now, wall: () => clock.now };
  const keys = new IdempotencyKeys(clock);
  const app = new Hono();
  const done: string[] = [];
  const world = {
    clock,
    done,
    answer: (): Response | Promise<Response> => Response.json({ done: done.length }),
    async ask(key: string, body = "{}"): Promise<readonly [status: number, body: unknown, replayed: string | null]> {
      const reply = await app.request("/write", { method: "POST", body, headers: { "idempotency-key": key } });
      return [reply.status, await reply.json(), reply.headers.get("idempotency-replayed")];
    },
  };
  app.post("/write", keys.middleware, async (context) => {
    done.push(await context.req.text());
    return await world.answer();
  });
  return world;
}

test("a key is remembered for ten minutes, then it is new", async () => {
  const world = setup();
  expect(await world.ask("k")).toEqual([200, { done: 1 }, null]);
  world.clock.now = 10 * 60_000 - 1;
  expect(await world.ask("k")).toEqual([200, { done: 1 }, "true"]);
  world.clock.now = 10 * 60_000;
  expect(await world.ask("k")).toEqual([200, { done: 2 }, null]);
});

test("an unknown outcome is kept, a refusal is not", async () => {
  const world = setup();
  world.answer = () => problem("timed-out", "nobody knows");
  expect((await world.ask("unknown"))[0]).toBe(504);
  world.answer = () => Response.json("done");
  expect((await world.ask("unknown")).slice(0, 1)).toEqual([504]);
  expect(world.done).toHaveLength(1);
  world.answer = () => problem("invalid-request", "not so");
  expect((await world.ask("refused"))[0]).toBe(400);
  world.answer = () => Response.json("done");
  expect(await world.ask("refused")).toEqual([200, "done", null]);
});

test("while the first is in work the same key has to wait, and another request may not have it", async () => {
  const world = setup();
  const { promise, resolve } = Promise.withResolvers<Response>();
  world.answer = () => promise;
  const first = world.ask("k");
  expect((await world.ask("k"))[0]).toBe(409);
  expect((await world.ask("k", '{"other":1}'))[0]).toBe(422);
  resolve(Response.json("done"));
  expect(await first).toEqual([200, "done", null]);
  expect(await world.ask("k")).toEqual([200, "done", "true"]);
  expect(world.done).toHaveLength(1);
});

test("beyond a thousand keys the oldest is forgotten, and beyond 8 MiB", async () => {
  const world = setup();
  for (let at = 0; at <= 1000; at++) await world.ask(`k${at}`);
  expect((await world.ask("k1"))[2]).toBe("true");
  expect((await world.ask("k0"))[2]).toBeNull();
  for (let at = 0; at < 5; at++) await world.ask(`large${at}`, `"${"x".repeat(2 << 20)}"`);
  expect((await world.ask("large0", `"${"x".repeat(2 << 20)}"`))[2]).toBeNull();
  expect((await world.ask("large4", `"${"x".repeat(2 << 20)}"`))[2]).toBe("true");
});

test("what a bug answered is an unknown outcome too", async () => {
  const world = setup();
  world.answer = () => problem("internal-error", "a bug");
  expect((await world.ask("k"))[0]).toBe(500);
  world.answer = () => Response.json("done");
  expect((await world.ask("k"))[0]).toBe(500);
  expect(world.done).toHaveLength(1);
});
