/**
 * The HTTP application: health, metrics and version at once, and everything below `/v1` from the first request for it on, because the
 * schemas there are large and many nodes are never asked. Every answer that refuses says what exists or what to do.
 */
import { Hono } from "hono";
import { browserGuard } from "./guard.ts";
import type { AdminContext } from "./mod.ts";
import { problem } from "./problem.ts";
import { health } from "./routes/health.ts";
import { metrics } from "./routes/metrics.ts";
import { version } from "./routes/version.ts";
import type { V1App } from "./v1/app.ts";

const DOCS = "/v1/docs";

export function adminApp(needs: AdminContext): Hono {
  const { controller } = needs.services;
  const app = new Hono();
  app.use(browserGuard(needs.boundTo, function* () {
    for (const { endpoints } of controller.image.brokers.values()) for (const { host } of endpoints) yield host;
  }));
  app.route("/", health(needs));
  app.route("/", metrics(needs));
  app.route("/", version());
  for (const path of ["/", "/v1", "/v1/"]) app.get(path, (context) => context.redirect(DOCS));
  const paths = [...new Set(app.routes.filter(({ method }) => method === "GET").map(({ path }) => path)), DOCS].filter((path) =>
    !/^\/(?:v1\/?)?$/.test(path)
  ).sort();

  let v1: Promise<V1App> | null = null;
  app.all("/v1/*", async ({ req }) => {
    v1 ??= import("./v1/app.ts").then(({ v1App }) => v1App(needs));
    return (await v1).fetch(req.raw);
  });
  app.notFound(({ req: { method, path } }) => {
    if (!paths.includes(path)) return problem("not-found", `There is no "${path}": there are ${paths.join(", ")}`);
    return problem("method-not-allowed", `"${path}" does not answer ${method}: use GET`, { headers: { Allow: "GET, HEAD" } });
  });
  app.onError((error) => problem("internal-error", error.message));
  return app;
}
