import { describe, expect, test } from "bun:test";
import { type Metric, METRICS } from "../../lib/telemetry/contract.ts";

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}

interface Dashboard {
  readonly uid: string;
  readonly templating: { readonly list: readonly { readonly name: string; readonly query: unknown }[] };
  readonly panels: readonly Panel[];
}

const file = new URL("../../deploy/grafana/barnabas.json", import.meta.url);
const dashboard = await Bun.file(file).json() as Dashboard;
const metrics = new Map(Object.values<Metric>(METRICS).map((metric) => [metric.name, metric]));
/** Labels that Prometheus adds. */
const FROM_SCRAPE = ["job", "instance"];

/** What an expression speaks of: metric, the labels it selects by, and the function around it. */
function uses(expr: string) {
  return [...expr.matchAll(/(?:(\w+)\()?\b((?:barnabas|process)_\w+)(\{[^}]*\})?/g)].map(([, around, name, braces = ""]) => ({
    around: around ?? "",
    name: name!,
    metric: metrics.get(name!) ?? metrics.get(name!.replace(/_(?:bucket|sum|count)$/, "")),
    labels: [...braces.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label]) => label!),
  }));
}

describe("deploy/grafana/barnabas.json", () => {
  const targets = dashboard.panels.flatMap(({ title, targets = [] }) => targets.map((target) => ({ title, ...target })));

  test("is a dashboard with a data source that one can choose", () => {
    expect(dashboard.uid).toBe("barnabas");
    expect(dashboard.templating.list.map(({ name }) => name)).toEqual(["datasource", "job", "instance"]);
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    expect(JSON.stringify(dashboard)).not.toContain('"uid":"prometheus"');
    expect(targets.length).toBeGreaterThan(40);
  });

  test("asks only for metrics of the contract, by labels that they have", () => {
    for (const { title, expr } of targets) {
      const found = uses(expr);
      expect([title, found.length > 0]).toEqual([title, true]);
      for (const { name, metric, labels } of found) {
        expect([title, name, metric !== undefined]).toEqual([title, name, true]);
        for (const label of labels) expect([...FROM_SCRAPE, "le", ...metric!.labels]).toContain(label);
        // One node of many, and one Prometheus for many things: each query keeps to what was chosen.
        expect(labels).toContain("instance");
      }
    }
  });

  test("groups and labels by what the metrics have", () => {
    for (const { title, expr, legendFormat } of targets) {
      const have = new Set([...FROM_SCRAPE, "le", ...uses(expr).flatMap(({ metric }) => metric!.labels)]);
      const asked = [
        ...[...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list]) => list!.split(",").map((label) => label.trim())),
        ...[...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label!),
      ];
      expect([title, asked.filter((label) => !have.has(label))]).toEqual([title, []]);
    }
  });

  test("takes rates of counters and of histograms, and of nothing else", () => {
    for (const { title, expr } of targets) {
      for (const { around, name, metric } of uses(expr)) {
        const counts = metric!.type !== "gauge";
        expect([title, name, ["rate", "increase", "irate"].includes(around)]).toEqual([title, name, counts]);
      }
    }
  });

  test("has its panels side by side, none over another", () => {
    const taken = new Set<string>();
    for (const { title, gridPos: { x, y, w, h } } of dashboard.panels) {
      expect(x + w).toBeLessThanOrEqual(24);
      for (let column = x; column < x + w; column++) {
        for (let line = y; line < y + h; line++) {
          expect([title, taken.has(`${column},${line}`)]).toEqual([title, false]);
          taken.add(`${column},${line}`);
        }
      }
    }
  });
});
