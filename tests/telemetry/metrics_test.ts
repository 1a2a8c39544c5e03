import { describe, expect, test } from "bun:test";
import { type Metric, METRICS } from "../../lib/telemetry/contract.ts";
import { Histogram } from "../../lib/telemetry/mod.ts";
import { Scrape } from "../../lib/telemetry/metrics.ts";
import { metricsPage } from "../../scripts/metrics_page.ts";

const declared = <const Label extends string>(name: string, type: Metric["type"], labels: readonly Label[]): Metric<Label> => ({
  name,
  type,
  labels,
  unit: "1",
  help: `Help of ${name}`,
});
const A = declared("a_total", "counter", ["api"]);
const B = declared("b", "gauge", []);

async function linesOf(fill: (scrape: Scrape) => void): Promise<readonly string[]> {
  const scrape = new Scrape();
  fill(scrape);
  return (await scrape.render()).body.trim().split("\n").filter((line) => line !== "");
}

describe("Scrape", () => {
  test("tells help and type once for each name, and every row of it", async () => {
    const lines = await linesOf((scrape) => {
      scrape.set(A, 3, { api: "Fetch" });
      scrape.set(B, 1.5, {});
      scrape.set(A, 4, { api: "Produce" });
    });
    expect(lines).toEqual([
      "# HELP a_total Help of a_total",
      "# TYPE a_total counter",
      'a_total{api="Fetch"} 3',
      'a_total{api="Produce"} 4',
      "# HELP b Help of b",
      "# TYPE b gauge",
      "b 1.5",
    ]);
  });

  test("writes a histogram as Prometheus wants it", async () => {
    const histogram = new Histogram([0.1, 1]);
    for (const seconds of [0.05, 0.1, 0.5, 7]) histogram.observe(seconds);
    const lines = await linesOf((scrape) => scrape.histogram(declared("h", "histogram", ["api"]), histogram.counts(), { api: "x" }));
    expect(lines).toEqual([
      "# HELP h Help of h",
      "# TYPE h histogram",
      'h_bucket{le="0.1",api="x"} 2',
      'h_bucket{le="1",api="x"} 3',
      'h_bucket{le="+Inf",api="x"} 4',
      'h_sum{api="x"} 7.65',
      'h_count{api="x"} 4',
    ]);
  });

  test("escapes what clients chose for a name", async () => {
    const lines = await linesOf((scrape) => scrape.set(A, 1, { api: 'x"}\ninjected 1 \\' }));
    expect(lines).toContain('a_total{api="x\\"}\\ninjected 1 \\\\"} 1');
    expect(lines.some((line) => line.startsWith("injected"))).toBe(false);
  });

  test("leaves out what is no number", async () => {
    const lines = await linesOf((scrape) => {
      for (const [api, value] of [["1", NaN], ["2", Infinity], ["3", 1]] as const) scrape.set(A, value, { api });
    });
    expect(lines.filter((line) => line.startsWith("a_total{"))).toEqual(['a_total{api="3"} 1']);
  });
});

describe("the contract", () => {
  const metrics = Object.values<Metric>(METRICS);

  test("keeps to Prometheus' rules for names", () => {
    const wrong = metrics.filter(({ name, type, labels }) =>
      !/^(?:barnabas|process)_[a-z][a-z0-9_]*$/.test(name) ||
      (type === "counter") !== name.endsWith("_total") ||
      /_(?:bucket|sum|count)$/.test(name) ||
      labels.some((label) => !/^[a-z][a-z_]*$/.test(label) || label === "le" || label.startsWith("__"))
    );
    expect(wrong).toEqual([]);
    expect(new Set(metrics.map(({ name }) => name)).size).toBe(metrics.length);
  });

  test("names the unit in what is measured in one", () => {
    const suffixes: Readonly<Record<string, RegExp>> = { seconds: /_seconds(?:_total)?$/, bytes: /_bytes(?:_total)?$/ };
    const wrong = metrics.filter(({ name, unit }) => suffixes[unit] !== undefined && !suffixes[unit].test(name));
    expect(wrong.map(({ name }) => name)).toEqual([]);
  });

  test("is what docs/metrics.md says", async () => {
    // After a change: bun run scripts/metrics_page.ts
    expect(await Bun.file(new URL("../../docs/metrics.md", import.meta.url)).text()).toBe(metricsPage());
  });

  test("speaks in its alerts of metrics and labels that there are", () => {
    for (const { alert = "" } of metrics) {
      for (const [, name, braces = ""] of alert.matchAll(/\b((?:barnabas|process)_[a-z_]+)(\{[^}]*\})?/g)) {
        const found = metrics.find((metric) => metric.name === name || metric.name === name!.replace(/_(?:bucket|sum|count)$/, ""));
        expect([name, found?.name !== undefined]).toEqual([name, true]);
        for (const [, label] of braces.matchAll(/(\w+)\s*(?:=~|!=|!~|=)/g)) expect(found!.labels).toContain(label!);
      }
    }
  });
});
