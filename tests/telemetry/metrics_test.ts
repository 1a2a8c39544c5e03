import { describe, expect, test } from "bun:test";
import type { Sample } from "../../lib/telemetry/mod.ts";
import { renderMetrics } from "../../lib/telemetry/metrics.ts";

const sample = (name: string, value: number, labels?: Sample["labels"], type: Sample["type"] = "gauge"): Sample => ({
  name,
  type,
  help: `Help of ${name}`,
  value,
  ...(labels ? { labels } : {}),
});

describe("renderMetrics()", () => {
  test("tells help and type once for each name, and every row of it", async () => {
    const { body, contentType } = await renderMetrics([
      sample("a_total", 3, { api: "Fetch" }, "counter"),
      sample("b", 1.5),
      sample("a_total", 4, { api: "Produce" }, "counter"),
    ]);
    expect(contentType).toStartWith("text/plain");
    expect(body.trim().split("\n").filter((line) => line !== "")).toEqual([
      "# HELP a_total Help of a_total",
      "# TYPE a_total counter",
      'a_total{api="Fetch"} 3',
      'a_total{api="Produce"} 4',
      "# HELP b Help of b",
      "# TYPE b gauge",
      "b 1.5",
    ]);
  });

  test("escapes what clients chose for a name", async () => {
    const { body } = await renderMetrics([sample("a", 1, { client: 'x"}\ninjected 1 \\' })]);
    expect(body).toContain('a{client="x\\"}\\ninjected 1 \\\\"} 1');
    expect(body.split("\n").some((line) => line.startsWith("injected"))).toBe(false);
  });

  test("leaves out what is no number", async () => {
    const { body } = await renderMetrics([sample("a", NaN, { x: "1" }), sample("a", Infinity, { x: "2" }), sample("a", 1, { x: "3" })]);
    expect(body.split("\n").filter((line) => line.startsWith("a{"))).toEqual(['a{x="3"} 1']);
  });

  test("keeps nothing from one scrape to the next", async () => {
    const samples = [sample("a_total", 2, {}, "counter")];
    expect((await renderMetrics(samples)).body).toBe((await renderMetrics(samples)).body);
  });
});
