/** `/livez`: the process answers. `/readyz`: clients can be served now, or why they cannot. */
import { Hono } from "hono";
import type { AdminNeeds } from "../mod.ts";

export function health({ readiness }: Pick<AdminNeeds, "readiness">): Hono {
  return new Hono()
    .get("/livez", (context) => context.json({ status: "ok" }))
    .get("/readyz", (context) => {
      const reasons = readiness.reasons().map(({ message }) => message);
      return reasons.length === 0 ? context.json({ status: "ok" }) : context.json({ status: "unavailable", reasons }, 503);
    });
}
