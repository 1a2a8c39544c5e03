/** Makes `docs/metrics.md` from the contract in `lib/telemetry/contract.ts`: `bun run scripts/metrics_page.ts`. A test compares the two. */
import { type Metric, METRICS } from "../lib/telemetry/contract.ts";

const HEAD = `# Metrics

\`GET /metrics\` on the admin address (127.0.0.1:9644 unless \`admin.listener\` says otherwise), in Prometheus' text format:

\`\`\`yaml
scrape_configs:
  - job_name: barnabas
    static_configs:
      - targets: ["127.0.0.1:9644"]
\`\`\`

This page is the contract: it is made from the declarations that a scrape is held to, and a test compares the two. A name and its labels keep their
meaning; one that goes is named in the release notes. A dashboard for Grafana is in \`deploy/grafana/barnabas.json\`.

A scrape walks every partition once and asks the disk for its free space; rooms keep plain numbers, so that nothing is counted twice and producing
pays nothing: a thousand topics are about 10 ms of CPU and 150 kB. Rows by topic and by group are bounded by \`metrics.topics.max\` and \`metrics.group.lag.max\` (1,000 each, changed on a running
node); \`barnabas_metrics_rows_omitted\` says what was left out. Other labels have fixed or configured values. Everything but
\`barnabas_topic_records_total\` counts from the start of the process.

A histogram \`x\` has the rows \`x_bucket{le="…"}\`, \`x_sum\` and \`x_count\`. A client's errors are Kafka's names; an \`op\` is an operation of the node.
`;

export function metricsPage(): string {
  const cell = (text: string) => text.replaceAll("|", "\\|");
  const row = ({ name, type, labels, unit, help, alert }: Metric) =>
    `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(", ")} | ${unit} | ${cell(help)} | ${cell(alert ?? "")} |`;
  return `${HEAD}
| name | type | labels | unit | meaning | alert |
|---|---|---|---|---|---|
${Object.values<Metric>(METRICS).map(row).join("\n")}
`;
}

if (import.meta.main) await Bun.write("docs/metrics.md", metricsPage());
