/** `/metrics`: numbers that the rooms keep, in Prometheus' text format. Nothing is counted twice and nothing is computed ahead. */
import { Hono } from "hono";
import { collect } from "../metrics/collect.ts";
import type { AdminContext } from "../mod.ts";

export function metrics(context: AdminContext): Hono {
  return new Hono().get("/metrics", async () => {
    const { contentType, body } = await (await collect(context)).render();
    return new Response(body, { headers: { "content-type": contentType } });
  });
}
