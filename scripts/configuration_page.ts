/** Makes `docs/configuration.md` from the declarations in `lib/config`: `bun run scripts/configuration_page.ts`. A test compares the two. */
import { readFileSync } from "node:fs";
import {
  brokerChapters,
  explainSettings,
  type Explanation,
  kafkaOnly,
  kafkaOnlyRule,
  loadSettings,
  PRECEDENCE,
} from "../lib/config/mod.ts";

const HEAD = `# Configuration

This page is made from the declarations of the settings. What a setting comes to on a machine, and why, is told there:

    barnabas config explain log.retention.ms
    barnabas serve --check --config server.properties

## Where settings are written

${PRECEDENCE}. Settings that say so can also be changed on a running broker, which counts most.

- **Flags**: those of \`barnabas serve --help\`, and \`--set NAME=VALUE\` for every setting.
- **Environment**: \`BARNABAS_\` or \`KAFKA_\` and the name in capitals, as the image of Apache Kafka has it: a dot is \`_\`, an underscore \`__\`, a
  dash \`___\`. \`BARNABAS_\` counts more. \`CLUSTER_ID\` is \`cluster.id\`. A variable without a value is not set.
- **File**: \`--config FILE\`, a \`server.properties\` with Java's syntax.
- **Installation**: \`--default NAME=VALUE\`, for images and packages.

Every value is checked before anything is opened, also one that another place overrules; all problems are told together. Unknown names are refused as
flags, and told as ignored elsewhere.
`;

const KAFKA_HEAD = `## Settings of Apache Kafka that are not here

A properties file or an environment for Apache Kafka 4.3.1 is taken as it is. For every setting that has no counterpart here, the log of a start says
that it was ignored, and why. Where values are checked, one that asks for what is so anyway is fine, and one that would change what a node does
ends the start.
`;

const cell = (text: string) => text.replaceAll("|", "\\|").replaceAll("\n", " ");
const code = (text: string) => text === "" ? "empty" : `\`${text}\``;

const aliasesOf = (related: readonly string[]) => related.flatMap((text) => /^"(.+)" is another name/.exec(text)?.[1] ?? []);

function row({ name, type, unit, accepted, live, doc, kafka, own, related, defaultInWords, default: value }: Explanation): string {
  const more = [
    ...aliasesOf(related).map((alias) => `Also \`${alias}\``),
    ...(own ? ["Not in Kafka"] : kafka === null ? [] : [`Kafka ${kafka}`]),
  ];
  const standard = code(value) + (defaultInWords === null ? "" : ` (${defaultInWords})`);
  const form = `${type}${unit === null ? "" : `, ${unit}`}: ${accepted}`;
  return `| \`${name}\` | ${cell(standard)} | ${cell(form)} | ${live ? "yes" : ""} | ${cell([doc, ...more].join(". "))} |`;
}

function table(rows: readonly Explanation[]): string {
  return `| name | default | accepted | live | what it is |\n|---|---|---|---|---|\n${rows.map(row).join("\n")}\n`;
}

/** The names that Kafka 4.3.1 has under a rule; of older and of other programs' names, how they begin. */
function strangers(ours: ReadonlySet<string>): string {
  const golden = readFileSync(new URL("../tests/golden/config/kafka-4.3.1-broker-configs.tsv", import.meta.url), "utf8");
  const theirs = golden.split("\n").slice(1).map((line) => line.split("\t")[0]!).filter((name) => name !== "" && !ours.has(name));
  const rules = kafkaOnly.map((rule) => ({ rule, names: theirs.filter((name) => kafkaOnlyRule(name) === rule).map(code) }));
  const lines = rules.map(({ rule: { names: { source }, why, group, judge }, names }) => {
    const shown = names.length > 0
      ? names.join(", ")
      : code(source.replaceAll("\\.", ".").replaceAll(/\(\?:|[()^$]/g, "").replaceAll("|", ", "));
    return `| ${group} | ${cell(shown)} | ${cell(why)} | ${judge === undefined ? "ignored" : "checked"} |`;
  });
  return `| about | names | why | values |\n|---|---|---|---|\n${lines.join("\n")}\n`;
}

export function configurationPage(): string {
  const all = explainSettings(loadSettings({}));
  const of = (name: string) => all.find((one) => one.of === "broker" && one.name === name)!;
  const chapters = brokerChapters.map(({ title, settings }) => `## ${title}\n\n${table(settings.map(({ name }) => of(name)))}`);
  const topics = `## Settings of topics\n\nWhere a topic has no value of its own, the broker's setting of the same thing counts.\n\n${
    table(all.filter((one) => one.of === "topic"))
  }`;
  return [
    HEAD,
    ...chapters,
    topics,
    KAFKA_HEAD,
    strangers(new Set(all.filter((one) => one.of === "broker").flatMap(({ name, related }) => [name, ...aliasesOf(related)]))),
  ]
    .join("\n");
}

if (import.meta.main) await Bun.write("docs/configuration.md", configurationPage());
