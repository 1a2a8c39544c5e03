/** The node that answers: its data directory and its connections. Reads what the rooms keep; changes nothing. */
import { z } from "@hono/zod-openapi";
import type { ConnectionState } from "../../../broker/mod.ts";
import { formatAddress } from "../../../config/mod.ts";
import type { AdminContext } from "../../mod.ts";
import type { Api } from "../operation.ts";
import { nextCursor, pageByNumber, pageByText, pageQuery } from "../paging.ts";
import { count, field, partitionIndex, text, topicName } from "../params.ts";

const tag = "node";
/** So that texts are in the order of the numbers. */
const DIGITS = 10;

const LogDirs = z.object({
  path: text("The data directory", "/var/lib/barnabas"),
  totalBytes: count("Size of its volume", 107374182400),
  usableBytes: count("What is left there for this node", 53687091200),
  logs: field(
    z.array(z.object({
      topic: topicName,
      partition: partitionIndex,
      sizeBytes: count("Bytes of the log", 524288),
      offsetLag: count("How many records this replica lacks", 0),
    })),
    "A page of its logs, in the order of topic and partition",
    [],
  ),
  nextCursor,
}).openapi("LogDirs");

const Connection = z.object({
  id: count("Counts up as connections come", 17),
  listener: text("Name of the listener that it came in by", "PLAINTEXT"),
  remote: text("Where it comes from", "127.0.0.1:51544"),
  local: text("Where it came to", "127.0.0.1:9092"),
  clientId: field(z.string().nullable(), "What the client calls itself, in its last request; null when it said nothing", "billing-1"),
  softwareName: field(z.string().nullable(), "The client's library; null when it did not say", "librdkafka"),
  softwareVersion: field(z.string().nullable(), "Version of that library; null when it did not say", "2.12.1"),
  openedAtMs: count("When it came, in milliseconds since 1970", 1760000000000),
  idleMs: count("Milliseconds since bytes came last", 250),
  receivedBytes: count("Bytes received", 10240),
  sentBytes: count("Bytes sent", 20480),
  requestsInFlight: count("Requests without an answer", 1),
  unsentBytes: count("Bytes of answers that the client has not taken", 0),
}).openapi("Connection");

const ConnectionPage = z.object({
  connections: field(z.array(Connection), "In the order in which they came", []),
  openCount: count("How many are open in all", 12),
  nextCursor,
}).openapi("ConnectionPage");

export function nodeRoutes(api: Api, { services, server }: AdminContext): void {
  api.add({
    method: "get",
    path: "/v1/log-dirs",
    id: "listLogDirs",
    tag,
    summary: "Show the data directory",
    description: "Where this node keeps its data, how full the volume is, and the size of every log.",
    query: pageQuery,
    answer: LogDirs,
    answers: { 200: "The data directory with a page of its logs" },
    problems: [507],
  }, async ({ query, deadline }) => {
    const { path, totalBytes, usableBytes } = await services.storage.usage(deadline);
    const { rows, nextCursor } = pageByText(
      services.partitions.all(),
      ({ topic, partition }) => `${topic}/${String(partition).padStart(DIGITS, "0")}`,
      query,
    );
    const logs = rows.map(({ topic, partition, sizeBytes, highWatermark, logEndOffset }) => ({
      topic,
      partition,
      sizeBytes,
      offsetLag: Math.max(0, highWatermark - logEndOffset),
    }));
    return { status: 200, body: { path, totalBytes, usableBytes, logs, nextCursor } };
  });

  api.add({
    method: "get",
    path: "/v1/connections",
    id: "listConnections",
    tag,
    summary: "List connections",
    description: "Kafka clients that are connected to this node.",
    query: pageQuery,
    answer: ConnectionPage,
    answers: { 200: "A page of connections" },
  }, ({ query }) => {
    const open = [...server.connections()];
    const { rows, nextCursor } = pageByNumber(open, ({ info }) => info.id, query);
    return { status: 200, body: { connections: rows.map(connectionView), openCount: open.length, nextCursor } };
  });
}

function connectionView(
  { info, openedAtMs, idleMs, receivedBytes, sentBytes, requestsInFlight, unsentBytes }: ConnectionState,
): z.output<typeof Connection> {
  return {
    id: info.id,
    listener: info.listener,
    remote: formatAddress(info.remote.host, info.remote.port),
    local: formatAddress(info.local.host, info.local.port),
    clientId: info.clientId,
    softwareName: info.clientSoftwareName || null,
    softwareVersion: info.clientSoftwareVersion || null,
    openedAtMs,
    idleMs: Math.max(0, Math.round(idleMs)),
    receivedBytes,
    sentBytes,
    requestsInFlight,
    unsentBytes,
  };
}
