/**
 * Who may talk to the HTTP side from inside a browser: nobody but its own page. A web page cannot read what another origin answers, but it
 * can send requests, and with a name that it points at 127.0.0.1 it can even read (DNS rebinding). HAZARDS S3.
 * - On a loopback address only localhost and IP addresses are accepted as `Host`.
 * - Elsewhere other names are fine for those that are no browser; a browser's writes need an IP address, localhost or an advertised host.
 * - Writes that come from another origin are refused. There are no CORS headers, and bodies must be application/json.
 */
import type { MiddlewareHandler } from "hono";
import { isLoopback } from "../config/mod.ts";
import { problem } from "./problem.ts";

const SAFE = new Set(["GET", "HEAD", "OPTIONS"]);
/** What a browser says of a request that its own page, or the user, made. */
const OWN_SITES = new Set(["same-origin", "none"]);

/**
 * @param boundTo the host that the HTTP side listens on.
 * @param hosts by which this node is advertised, as they are now.
 */
export function browserGuard(boundTo: string, hosts: () => Iterable<string>): MiddlewareHandler {
  const onLoopback = isLoopback(boundTo);
  return async ({ req }, next) => {
    const url = new URL(req.url);
    const host = url.hostname.replace(/^\[|\]$/g, "");
    const origin = req.header("origin");
    const isKnown = isLoopback(host) || /^[\d.]+$|:/.test(host) || (!onLoopback && [...hosts()].includes(host));
    const isWrite = !SAFE.has(req.method);
    if (!isKnown && (onLoopback || (isWrite && origin !== undefined))) {
      return problem("host-not-allowed", `"${host}" is not an address of this node: use its IP address or localhost`);
    }
    const site = req.header("sec-fetch-site");
    if (isWrite && ((origin !== undefined && hostOf(origin) !== url.host) || (site !== undefined && !OWN_SITES.has(site)))) {
      return problem(
        "origin-not-allowed",
        `Pages of ${origin ?? "another site"} may not change this node: call it from a program, or from a page at ${url.origin}`,
      );
    }
    return await next();
  };
}

/** Scheme apart: a proxy in front may speak TLS. */
function hostOf(origin: string): string | null {
  return URL.parse(origin)?.host ?? null;
}
