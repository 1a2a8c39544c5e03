/** HTTP/1.1 through `Bun.serve`, with the admin door's limits. Routes and their meaning are the admin room's. */
import { IoFailed } from "../errors.ts";
import type { Address, HttpHandler, Listener } from "../io.ts";

const IDLE_TIMEOUT_S = 60;
/** HAZARDS S3. Larger bodies are answered 413 before they are read. Above the limit of the admin door, which says so in its own words. */
const BODY_BYTES_MAX = 1536 * 1024;

export async function listenHttp(address: Address, serve: HttpHandler): Promise<Listener> {
  try {
    const server = Bun.serve({
      hostname: address.host,
      port: address.port,
      idleTimeout: IDLE_TIMEOUT_S,
      maxRequestBodySize: BODY_BYTES_MAX,
      development: false,
      fetch(request, server) {
        const ip = server.requestIP(request);
        return serve(request, ip === null ? null : { host: ip.address, port: ip.port });
      },
    });
    return { address: { host: address.host, port: server.port ?? address.port }, close: () => void server.stop(false) };
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "EIO";
    throw new IoFailed("listen on", `${address.host}:${address.port}`, code, { cause: error });
  }
}
