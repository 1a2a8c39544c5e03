/** `/version`: what runs here. */
import { Hono } from "hono";
import { VERSION } from "../../version.ts";

export function version(): Hono {
  return new Hono().get("/version", (context) => context.json({ name: "barnabas", version: VERSION }));
}
