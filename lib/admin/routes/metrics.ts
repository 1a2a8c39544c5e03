/** `/metrics`: numbers that the rooms keep, in Prometheus' text format. Nothing is counted twice and nothing is computed ahead. */
import { Hono } from "hono";
import type { Sample } from "../../telemetry/mod.ts";
import { renderMetrics } from "../../telemetry/metrics.ts";
import type { AdminContext } from "../mod.ts";

export function metrics(needs: AdminContext): Hono {
  return new Hono().get("/metrics", async () => {
    const { contentType, body } = await renderMetrics(samples(needs));
    return new Response(body, { headers: { "content-type": contentType } });
  });
}

type Labels = Readonly<Record<string, string>>;
const counter = (name: string, help: string, value: number, labels: Labels = {}): Sample => ({
  name: `barnabas_${name}`,
  type: "counter",
  help,
  value,
  labels,
});
const gauge = (name: string, help: string, value: number, labels: Labels = {}): Sample => ({
  name: `barnabas_${name}`,
  type: "gauge",
  help,
  value,
  labels,
});
const SHARES = ["0.01", "0.1", "0.5", "1", "+Inf"];

function* samples({ services, server, resident }: AdminContext): Iterable<Sample> {
  const { io, controller, storage, fetchSessions } = services;
  const kafka = server.stats;
  yield gauge("resident_bytes", "Resident memory of the process", resident.bytes());
  yield gauge("connections", "Open Kafka connections", kafka.connections);
  yield counter("connections_accepted_total", "Kafka connections accepted", kafka.accepted);
  yield counter("connections_refused_total", "Kafka connections closed at once because a limit was reached", kafka.refused);
  for (const { name, requests, failures } of kafka.apis) {
    yield counter("requests_total", "Kafka requests by API", requests, { api: name });
    yield counter("request_failures_total", "Kafka requests answered with an error because their handler failed or was late", failures, {
      api: name,
    });
  }
  for (const [event, count] of kafka.peerEvents) {
    yield counter("peer_events_total", "Peers that misbehaved or were refused, by sort", count, { event });
  }
  yield gauge("request_bytes_in_flight", "Bytes of requests in work", kafka.budget.heldBytes + kafka.budget.partialBytes);
  yield gauge("fetch_sessions", "Fetch sessions that are kept", fetchSessions.size);
  yield gauge("topics", "Topics in the metadata", controller.image.topics.size);
  yield gauge("partitions", "Partitions in the metadata", controller.image.partitionCount);
  yield gauge("metadata_index", "Raft index of the last applied entry", controller.image.index);
  yield gauge("storage_ok", "1 when storage is healthy", storage.health.state === "ok" ? 1 : 0);
  yield gauge("storage_sync_running_seconds", "How long the outstanding sync has been running", storage.health.syncRunningMs / 1000);
  for (const { op, exceeded, usedShare } of io.deadlines.stats()) {
    yield counter("deadline_exceeded_total", "Operations whose deadline passed, by operation", exceeded, { op });
    for (const [at, count] of usedShare.entries()) {
      yield counter("deadline_used_share_bucket", "Operations by the share of their time budget that they used", count, {
        op,
        le: SHARES[at]!,
      });
    }
  }
}
