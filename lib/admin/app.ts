/** The HTTP application: health, metrics, version. Every answer that refuses says what exists or what to do. */
import { Hono } from "hono";
import { isLoopback } from "../config/mod.ts";
import { health } from "./routes/health.ts";
import { metrics } from "./routes/metrics.ts";
import { version } from "./routes/version.ts";
import type { AdminContext } from "./mod.ts";

/** What a refusal looks like (RFC 9457). */
export interface Problem {
  readonly title: string;
  readonly status: number;
  readonly detail: string;
}

export function adminApp(needs: AdminContext): Hono {
  const app = new Hono();
  // A page on the web may make a browser call a name that it points at 127.0.0.1: such a request names that host (DNS rebinding).
  app.use(async (context, next) => {
    const host = new URL(context.req.url).hostname.replace(/^\[|\]$/g, "");
    if (!isLoopback(host) && !/^[\d.]+$|:/.test(host)) {
      return problem(403, "Host not allowed", `"${host}" is not an address of this node: use its IP address or localhost`);
    }
    await next();
  });
  app.route("/", health(needs));
  app.route("/", metrics(needs));
  app.route("/", version());

  const paths = [...new Set(app.routes.filter(({ method }) => method === "GET").map(({ path }) => path))].sort();
  app.notFound((context) => {
    const { method, path } = context.req;
    if (!paths.includes(path)) return problem(404, "Not found", `There is no "${path}": there are ${paths.join(", ")}`);
    return problem(405, "Method not allowed", `"${path}" does not answer ${method}: use GET`, { Allow: "GET, HEAD" });
  });
  app.onError((error) => problem(500, "Internal error", error.message));
  return app;
}

export function problem(status: number, title: string, detail: string, headers: Readonly<Record<string, string>> = {}): Response {
  const body: Problem = { title, status, detail };
  return new Response(JSON.stringify(body) + "\n", { status, headers: { ...headers, "content-type": "application/problem+json" } });
}
