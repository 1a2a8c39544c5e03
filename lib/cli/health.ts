/** `barnabas health`: for container health checks and scripts. Asks the node itself, or, with --wire, any broker by the protocol. */
import { formatAddress, isWildcard, parseAddress } from "../config/mod.ts";
import type { Context } from "./context.ts";
import { command } from "./declare.ts";
import { isKafkaError } from "./errors.ts";
import { CommandFailed, ExitCode, UsageError } from "./exit.ts";

export const healthCommand = command({
  name: "health",
  summary: "tell whether a broker serves clients; exit code 0 or 1",
  details:
    `Asks a Barnabas node at its HTTP admin listener. With --bootstrap it asks any Kafka broker by the wire protocol instead: it is healthy
when it answers and every partition that clients can see has a leader.`,
  json: "status (ok or unavailable), reasons",
  flags: {
    "url": {
      type: "string",
      value: "URL",
      env: "BARNABAS_ADMIN_URL",
      help: "where the admin listener is; without it what BARNABAS_ADMIN_LISTENER says, or http://127.0.0.1:9644",
    },
    "bootstrap": { type: "string", short: "b", value: "HOST:PORT", help: "ask these brokers by the wire protocol, not a node by HTTP" },
    "timeout": { type: "duration", default: "5s", help: "longest wait for the answer" },
  },
  arguments: {},
  examples: [
    { command: "barnabas health", does: 'the node on this machine; in a Dockerfile: HEALTHCHECK CMD ["barnabas", "health"]' },
    { command: "barnabas health --bootstrap kafka.example:9092", does: "a cluster of any make" },
  ],
  async run(context, { flags }) {
    const reasons = flags.bootstrap === null
      ? await byHttp(context, flags.url ?? defaultUrl(context.host.env["BARNABAS_ADMIN_LISTENER"]), flags.timeout)
      : await byWire(context);
    const { out } = context;
    await out.result({ status: reasons.length === 0 ? "ok" : "unavailable", reasons }, () => reasons.length === 0 ? "ok\n" : "");
    for (const reason of reasons) out.error(reason);
    if (reasons.length > 0) throw new CommandFailed("");
  },
});

/** The listener that the node of this container has; one for all addresses is asked at the loopback address. */
function defaultUrl(listener: string | undefined): string {
  const parsed = parseAddress(listener || "127.0.0.1:9644");
  if (!parsed.ok) throw new CommandFailed(`BARNABAS_ADMIN_LISTENER is no address: ${parsed.message}`, ExitCode.config);
  const { host, port } = parsed.value;
  return `http://${formatAddress(isWildcard(host) ? "127.0.0.1" : host, port)}`;
}

/** Why it is not ready; none: it is. */
async function byHttp({ host }: Context, url: string, timeoutMs: number): Promise<readonly string[]> {
  if (!/^https?:\/\/./.test(url)) throw new UsageError(`Invalid "--url ${url}": write http://HOST:PORT`);
  const address = `${url.replace(/\/+$/, "")}/readyz`;
  try {
    const { status, text } = await host.getHttp(address, timeoutMs);
    return status === 200 ? [] : reasonsIn(text) ?? [`"${address}" answers ${status}: is this the admin listener of a Barnabas node?`];
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/\.$/, "") : String(error);
    return [`Cannot ask "${address}": ${why}; say where the admin listener is with --url`];
  }
}

function reasonsIn(text: string): readonly string[] | null {
  try {
    const { reasons } = JSON.parse(text) as { readonly reasons?: unknown };
    return Array.isArray(reasons) && reasons.length > 0 ? reasons.map(String) : null;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return null;
    throw error;
  }
}

async function byWire({ clients }: Context): Promise<readonly string[]> {
  try {
    const admin = await clients.admin();
    const topics = await admin.listTopics({ internal: true });
    const leaderless = topics.flatMap(({ name, partitions }) =>
      partitions.filter(({ leader }) => leader < 0).map(({ partition }) => `${name}-${partition}`)
    );
    return leaderless.length === 0 ? [] : [`${leaderless.length} partitions have no leader: ${leaderless.slice(0, 10).join(", ")}`];
  } catch (error) {
    if (!isKafkaError(error)) throw error;
    return [`Cannot reach a broker at "${clients.bootstrap}": ${error.message}`];
  }
}
