/** `/livez`: the process answers. `/readyz`: clients can be served now, or why they cannot. */
import { Hono } from "hono";
import type { AdminNeeds } from "../mod.ts";

export function health({ services, isReady }: AdminNeeds): Hono {
  return new Hono()
    .get("/livez", (context) => context.json({ status: "ok" }))
    .get("/readyz", (context) => {
      const { health: storage } = services.storage;
      const reasons: string[] = [];
      if (!isReady()) reasons.push("The Kafka listeners are not open yet");
      if (storage.state !== "ok") reasons.push(`Storage is ${storage.state}: ${storage.reason ?? "no reason is known"}`);
      if (services.controller.quorum().leader === null) reasons.push("The metadata has no leader");
      return reasons.length === 0 ? context.json({ status: "ok" }) : context.json({ status: "unavailable", reasons }, 503);
    });
}
