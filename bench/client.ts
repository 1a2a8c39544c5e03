/**
 * Our client beside kafkajs and @platformatic/kafka, against the same Barnabas: `bun bench/client.ts [scenario …]`. Every client has a process of
 * its own on the second core and the same way of calling it, all of them under Bun; the broker has the first core. Medians of interleaved
 * rounds.
 */
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { nodePackage } from "../tests/compat/support/install.ts";
import { mustRun } from "../tests/compat/support/process.ts";
import { startBarnabas } from "./support/brokers.ts";
import { type Figure, median, printTable } from "./support/table.ts";
import { createTopics } from "./support/wire.ts";

const ROUNDS = 3;
const PARTITIONS = 3;

interface Rival {
  readonly client: "barnabas" | "kafkajs" | "platformatic";
  readonly script: string;
}

interface Load {
  readonly records: number;
  readonly bytes: number;
  /** Records in one call of `send`. */
  readonly perCall: number;
  /** Calls under way at once. */
  readonly calls: number;
}

async function rivals(): Promise<readonly Rival[]> {
  const source = join(import.meta.dir, "support", "client_load.mjs");
  const all: Rival[] = [{ client: "barnabas", script: source }];
  for (const client of ["kafkajs", "platformatic"] as const) {
    const script = join(await nodePackage(client), "client_load.mjs");
    await cp(source, script);
    all.push({ client, script });
  }
  return all;
}

/** Records a second. */
async function measure({ client, script }: Rival, what: string, bootstrap: string, topic: string, load: Load): Promise<number> {
  const library = join(import.meta.dir, "..", "lib", "connect.ts");
  const command = ["taskset", "-c", "1", process.execPath, script, client, what, JSON.stringify({ ...load, bootstrap, topic, library })];
  const { stdout } = await mustRun(command, { timeoutMs: 300_000 });
  const { records, ms } = JSON.parse(stdout.trim().split("\n").at(-1)!) as { records: number; ms: number };
  return records / ms * 1000;
}

async function contest(
  all: readonly Rival[],
  what: string,
  load: Load,
  bootstrap: string,
  topicFor: (rival: Rival, round: number) => Promise<string>,
): Promise<readonly number[]> {
  const rates: number[][] = all.map(() => []);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, rival] of all.entries()) {
      rates[i]!.push(await measure(rival, what, bootstrap, await topicFor(rival, round), load));
    }
  }
  return rates.map(median);
}

const scenarios: Readonly<Record<string, { readonly title: string; readonly what: "produce" | "consume"; readonly load: Load }>> = {
  batches: {
    title: "1,000 records of 100 B a call, 5 calls at once",
    what: "produce",
    load: { records: 400_000, bytes: 100, perCall: 1_000, calls: 5 },
  },
  large: {
    title: "100 records of 1 KiB a call, 5 calls at once",
    what: "produce",
    load: { records: 100_000, bytes: 1_024, perCall: 100, calls: 5 },
  },
  single: {
    title: "one record of 100 B a call, 100 calls at once",
    what: "produce",
    load: { records: 40_000, bytes: 100, perCall: 1, calls: 100 },
  },
  consume: { title: "reading 100 B records in a group", what: "consume", load: { records: 400_000, bytes: 100, perCall: 1_000, calls: 5 } },
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in scenarios));
if (unknown.length > 0) throw new Error(`No scenario "${unknown.join(", ")}": there are ${Object.keys(scenarios).join(", ")}`);

const all = await rivals();
const broker = await startBarnabas();
try {
  for (const [name, { title, what, load }] of Object.entries(scenarios)) {
    if (asked.length > 0 && !asked.includes(name)) continue;
    const filled = `${name}-filled`;
    if (what === "consume") {
      await createTopics(broker.bootstrap, [filled], PARTITIONS);
      await measure(all[0]!, "produce", broker.bootstrap, filled, load);
    }
    const rates = await contest(all, what, load, broker.bootstrap, async ({ client }, round) => {
      if (what === "consume") return filled;
      const topic = `${name}-${client}-${round}`;
      await createTopics(broker.bootstrap, [topic], PARTITIONS);
      return topic;
    });
    const shown = (rate: number): string => `${Math.round(rate)}/s`;
    const figures = all.slice(1).map((rival, i): Figure => ({
      what: `beside ${rival.client}`,
      ours: shown(rates[0]!),
      beside: shown(rates[i + 1]!),
      ratio: rates[0]! / rates[i + 1]!,
      target: 1,
    }));
    printTable(title, figures);
  }
} finally {
  await broker.stop();
}
