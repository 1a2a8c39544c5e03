/**
 * What a web console for Kafka asks to draw its pages, over 500 topics and 200 groups, beside Apache Kafka 4.3.1: `bun bench/console_sweep.ts`. Both
 * brokers have the same topics, records and groups, and are asked by the same client, interleaved: metadata of everything, settings of every topic,
 * log directories, groups and their descriptions, their committed offsets, the ends of every partition. Broker on the first core.
 */
import { Admin, Producer, type TopicPartition } from "../mod.ts";
import { type Rival, startBarnabas, startKafka } from "./support/brokers.ts";
import { cpuMicros } from "./support/process_stats.ts";
import { type Figure, median, printTable } from "./support/table.ts";

const TOPICS = 500;
const PARTITIONS = 2;
const GROUPS = 200;
/** Partitions that each group has committed. */
const COMMITTED = 20;
const ROUNDS = 5;

const topics = Array.from({ length: TOPICS }, (_, i) => `topic-${String(i).padStart(3, "0")}`);
const groups = Array.from({ length: GROUPS }, (_, i) => `group-${String(i).padStart(3, "0")}`);
const partitions: readonly TopicPartition[] = topics.flatMap((topic) =>
  Array.from({ length: PARTITIONS }, (_, partition) => ({ topic, partition }))
);

async function fill({ bootstrap }: Rival): Promise<void> {
  await using admin = await Admin.connect({ bootstrapServers: bootstrap });
  await admin.createTopics(topics.map((name) => ({ name, partitions: PARTITIONS, replicationFactor: 1 })));
  await using producer = await Producer.connect({ bootstrapServers: bootstrap });
  await producer.sendAll(partitions.map((place) => ({ ...place, value: "x".repeat(100) })));
  for (const [at, group] of groups.entries()) {
    const rows = Array.from({ length: COMMITTED }, (_, i) => ({ ...partitions[(at * COMMITTED + i) % partitions.length]!, offset: 1 }));
    const refused = (await admin.alterGroupOffsets(group, rows)).find((row) => !row.ok);
    if (refused !== undefined && !refused.ok) throw refused.error;
  }
}

/** Each step answers with how many things it was told of: the two brokers must agree. */
const STEPS: Readonly<Record<string, (admin: Admin) => Promise<number>>> = {
  "Metadata of all topics": async (admin) => (await admin.listTopics()).length,
  "DescribeConfigs of all topics": async (admin) =>
    (await admin.describeConfigs(topics.map((name) => ({ type: "topic" as const, name })))).filter(({ ok }) => ok).length,
  "DescribeLogDirs": async (admin) =>
    (await admin.describeLogDirs()).flatMap(({ replicas }) => replicas).filter(({ topic }) => topic.startsWith("topic-")).length,
  "ListGroups": async (admin) => (await admin.listGroups()).length,
  "DescribeGroups of all groups": async (admin) => [...(await admin.describeGroups(groups)).values()].filter(({ ok }) => ok).length,
  "OffsetFetch of all groups": async (admin) =>
    (await Promise.all(groups.map((group) => admin.listGroupOffsets(group)))).reduce((sum, rows) => sum + rows.length, 0),
  "ListOffsets of all partitions": async (admin) =>
    (await admin.listOffsets(partitions.map((place) => ({ ...place, position: "latest" as const })))).filter(({ ok }) => ok).length,
};

const rivals = [await startBarnabas(), await startKafka()] as const;
try {
  for (const rival of rivals) await fill(rival);
  const admins = await Promise.all(rivals.map(({ bootstrap }) => Admin.connect({ bootstrapServers: bootstrap })));
  const times = Object.fromEntries(Object.keys(STEPS).map((name) => [name, [[], []] as [number[], number[]]]));
  const sweeps: [number[], number[]] = [[], []];
  const cpu: [number[], number[]] = [[], []];
  for (let round = 0; round <= ROUNDS; round++) {
    const told: (readonly number[])[] = [];
    for (const [at, admin] of admins.entries()) {
      const cpuBefore = cpuMicros(rivals[at]!.pid);
      const began = performance.now();
      const counts: number[] = [];
      for (const [name, step] of Object.entries(STEPS)) {
        const stepBegan = performance.now();
        counts.push(await step(admin));
        if (round > 0) times[name]![at]!.push(performance.now() - stepBegan);
      }
      told.push(counts);
      if (round === 0) continue;
      sweeps[at]!.push(performance.now() - began);
      cpu[at]!.push(cpuMicros(rivals[at]!.pid) - cpuBefore);
    }
    if (String(told[0]) !== String(told[1])) throw new Error(`The brokers tell different things: ${told.join(" | ")}`);
  }
  const row = (what: string, [ours, beside]: readonly [readonly number[], readonly number[]], target: number | null): Figure => {
    const [a, b] = [median(ours), median(beside)];
    return { what, ours: `${a.toFixed(1)} ms`, beside: `${b.toFixed(1)} ms`, ratio: b / a, target };
  };
  printTable("Barnabas                    Kafka", [
    ...Object.entries(times).map(([name, both]) => row(name, both, null)),
    row("the whole sweep", sweeps, 1),
    row("broker CPU for it", [cpu[0].map((us) => us / 1000), cpu[1].map((us) => us / 1000)], null),
  ]);
  for (const admin of admins) await admin.close();
} finally {
  for (const rival of rivals) await rival.stop();
}
