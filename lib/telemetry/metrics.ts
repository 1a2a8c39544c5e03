/**
 * One scrape in Prometheus' text format. Rooms keep plain numbers; a collector turns them into samples when somebody asks, so that counting
 * costs the produce path nothing. Takes only metrics of the contract, with exactly their labels.
 */
import { type Metric as PromMetric, Registry } from "prom-client";
import type { Metric } from "./contract.ts";
import type { HistogramCounts } from "./histogram.ts";

interface Value {
  readonly value: number;
  readonly labels: Readonly<Record<string, string>>;
  /** When it is not the metric's own name. */
  readonly metricName?: string;
}

export type LabelsOf<Label extends string> = Readonly<Record<Label, string>>;

export class Scrape {
  readonly #families = new Map<Metric, Value[]>();

  /** A value that is no finite number is left out: it would make the whole scrape unreadable to some. */
  set<Label extends string>(metric: Metric<Label>, value: number, labels: NoInfer<LabelsOf<Label>>): void {
    if (Number.isFinite(value)) this.#rows(metric).push({ value, labels });
  }

  histogram<Label extends string>(
    metric: Metric<Label>,
    { bounds, cumulative, sum }: HistogramCounts,
    labels: NoInfer<LabelsOf<Label>>,
  ): void {
    const rows = this.#rows(metric);
    const { name } = metric;
    for (const [at, value] of cumulative.entries()) {
      rows.push({ metricName: `${name}_bucket`, value, labels: { le: at < bounds.length ? String(bounds[at]) : "+Inf", ...labels } });
    }
    rows.push({ metricName: `${name}_sum`, value: sum, labels });
    rows.push({ metricName: `${name}_count`, value: cumulative.at(-1)!, labels });
  }

  async render(): Promise<{ readonly contentType: string; readonly body: string }> {
    const registry = new Registry();
    for (const [{ name, help, type }, values] of this.#families) {
      // What the registry asks of a metric when it writes: its own classes would hash every label of every row first.
      registry.registerMetric({ name, get: () => ({ name, help, type, values, aggregator: "omit" }) } as unknown as PromMetric);
    }
    return { contentType: registry.contentType, body: await registry.metrics() };
  }

  #rows(metric: Metric): Value[] {
    let rows = this.#families.get(metric);
    if (rows === undefined) this.#families.set(metric, rows = []);
    return rows;
  }
}
