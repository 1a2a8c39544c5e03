/**
 * Metrics in Prometheus' text format. Rooms keep plain numbers; a collector turns them into samples when somebody asks, so that counting
 * costs the produce path nothing. One registry a node: many brokers in one process do not mix.
 */
import { Counter, Gauge, Registry } from "prom-client";

export interface Sample {
  /** With the unit as suffix: `barnabas_wal_sync_seconds_total`. */
  readonly name: string;
  readonly type: "counter" | "gauge";
  readonly help: string;
  readonly value: number;
  readonly labels?: Readonly<Record<string, string>>;
}

/** @param collect called for each scrape; the samples of one name have the same labels' names. */
export async function renderMetrics(samples: Iterable<Sample>): Promise<{ readonly contentType: string; readonly body: string }> {
  const registry = new Registry();
  const known = new Map<string, Counter | Gauge>();
  for (const { name, type, help, value, labels = {} } of samples) {
    let metric = known.get(name);
    if (!metric) {
      const configuration = { name, help, labelNames: Object.keys(labels), registers: [registry] };
      metric = type === "counter" ? new Counter(configuration) : new Gauge(configuration);
      known.set(name, metric);
    }
    if (Number.isFinite(value)) metric.inc({ ...labels }, value);
  }
  return { contentType: registry.contentType, body: await registry.metrics() };
}
