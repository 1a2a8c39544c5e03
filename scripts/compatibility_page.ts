/**
 * Makes `docs/compatibility.md`: what is served, and what each client of the compatibility runs has asked for, from `tests/compat/seen.json`
 * (kept by `bun tests/compat/run.ts --record`). `bun run scripts/compatibility_page.ts`. A test compares the two.
 */
import { HANDLERS } from "../lib/broker/mod.ts";

/** Client to API to the versions that it asked for, in order. */
export type Seen = Readonly<Record<string, Readonly<Record<string, readonly number[]>>>>;

/** Columns of the table. The differential asks for everything, which says nothing about clients. */
const CLIENTS: Readonly<Record<string, string>> = {
  java: "Java client and tools 4.3.1",
  librdkafka: "librdkafka (confluent-kafka 2.16.1)",
  kcat: "kcat",
  franz_go: "franz-go 1.22.2",
  kafkajs: "kafkajs 2.2.4",
  platformatic: "@platformatic/kafka 2.12.1",
  kafka_python: "kafka-python 3.0.12",
  barnabas_client: "Barnabas' own client",
};

const HEAD = `# Compatibility

Barnabas answers what Apache Kafka 4.3.1 answers, in the same versions, for the APIs below; everything else is left out of ApiVersions, so that
clients know. A number in a client's column is a version that it has asked for in its compatibility run (\`bun tests/compat/run.ts\`), where it
produces and consumes with every codec, keys and headers, joins and leaves groups, manages topics, settings and groups, and provokes errors.
An empty cell means that it never asked. Two more runs are not in the table: the tests of franz-go's own \`pkg/kgo\` package, and a differential
that sends the same requests to Apache Kafka 4.3.1 and to Barnabas and compares the replies field by field.

What differs on purpose is in [decision 14](decisions/14_answers_unlike_kafkas.md); what is not there at all in [limits](limits.md).
`;

/** \`[3, 4, 5, 8]\` as "3-5, 8". */
function ranges(versions: readonly number[]): string {
  const parts: string[] = [];
  for (let i = 0; i < versions.length; i++) {
    const first = versions[i]!;
    while (versions[i + 1] === versions[i]! + 1) i++;
    parts.push(versions[i] === first ? `${first}` : `${first}-${versions[i]}`);
  }
  return parts.join(", ");
}

export function compatibilityPage(seen: Seen): string {
  const clients = Object.keys(CLIENTS).filter((client) => client in seen);
  const served = HANDLERS.map(({ api }) => api).toSorted((a, b) => a.key - b.key);
  const rows = served.map(({ key, name, minVersion, maxVersion }) =>
    `| ${key} | ${name} | ${minVersion}-${maxVersion} | ${clients.map((client) => ranges(seen[client]![name] ?? [])).join(" | ")} |`
  );
  return `${HEAD}
| key | API | served | ${clients.map((client) => CLIENTS[client]).join(" | ")} |
|---|---|---|${clients.map(() => "---|").join("")}
${rows.join("\n")}
`;
}

if (import.meta.main) {
  await Bun.write("docs/compatibility.md", compatibilityPage(await Bun.file("tests/compat/seen.json").json() as Seen));
}
