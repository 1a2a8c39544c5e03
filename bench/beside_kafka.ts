/**
 * Barnabas beside Apache Kafka 4.3.1 with librdkafka's client, interleaved: `bun bench/beside_kafka.ts [scenario …]`. Broker and client have a
 * core each; ours syncs before every acknowledgement, Kafka as shipped does not. Both are warmed before anything counts, because memory that
 * a process touches for the first time is slow on virtual machines.
 */
import { type Rival, startBarnabas, startKafka } from "./support/brokers.ts";
import { type LoadGenerator, loadGenerator, type ProduceLoad } from "./support/librdkafka.ts";
import { fillPageCache } from "./support/page_cache.ts";
import { cpuMicros, residentMib } from "./support/process_stats.ts";
import { type Figure, median, printTable } from "./support/table.ts";
import { createTopics } from "./support/wire.ts";

const ROUNDS = 3;

interface Measured {
  readonly perSecond: number;
  readonly cpuMicrosPerRecord: number;
  readonly p50: number;
  readonly p99: number;
}

type Load = Omit<ProduceLoad, "bootstrap" | "topic">;

async function measure(load: LoadGenerator, rival: Rival, topic: string, shape: Load): Promise<Measured> {
  const before = cpuMicros(rival.pid);
  const { records, ms, p50, p99 } = await load.produce({ ...shape, bootstrap: rival.bootstrap, topic });
  return { perSecond: records / ms * 1000, cpuMicrosPerRecord: (cpuMicros(rival.pid) - before) / records, p50, p99 };
}

const shown = (m: Measured): string => `${Math.round(m.perSecond)}/s ${m.cpuMicrosPerRecord.toFixed(1)} us`;

/** The same load on both in turn, medians of the rounds. */
async function duel(load: LoadGenerator, ours: Rival, theirs: Rival, name: string, shape: Load): Promise<readonly [Measured, Measured]> {
  const results: [Measured[], Measured[]] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    for (const [at, rival] of [ours, theirs].entries()) {
      const topic = `${name}-${round}`;
      await createTopics(rival.bootstrap, [topic], shape.partitions);
      results[at]!.push(await measure(load, rival, topic, shape));
    }
  }
  const middle = (all: readonly Measured[]): Measured => ({
    perSecond: median(all.map((m) => m.perSecond)),
    cpuMicrosPerRecord: median(all.map((m) => m.cpuMicrosPerRecord)),
    p50: median(all.map((m) => m.p50)),
    p99: median(all.map((m) => m.p99)),
  });
  return [middle(results[0]), middle(results[1])];
}

const scenarios: Record<string, (load: LoadGenerator, ours: Rival, theirs: Rival) => Promise<readonly Figure[]>> = {
  async bulk(load, ours, theirs) {
    const figures: Figure[] = [];
    const shapes: [string, Load, number | null][] = [
      ["1 KiB in bulk, 1 partition", { partitions: 1, records: 500_000, bytes: 1024, batch: 10_000, inFlight: 5, rate: 0 }, 1],
      ["1 KiB in bulk, 100 partitions", { partitions: 100, records: 300_000, bytes: 1024, batch: 10_000, inFlight: 5, rate: 0 }, 1],
      ["100 B in bulk, 1 partition", { partitions: 1, records: 2_000_000, bytes: 100, batch: 10_000, inFlight: 5, rate: 0 }, 1],
    ];
    for (const [at, [what, shape, target]] of shapes.entries()) {
      const [a, b] = await duel(load, ours, theirs, `bulk${at}`, shape);
      figures.push({ what, ours: shown(a), beside: shown(b), ratio: a.perSecond / b.perSecond, target });
    }
    return figures;
  },

  async single(load, ours, theirs) {
    const shape: Load = { partitions: 1, records: 60_000, bytes: 100, batch: 1, inFlight: 1_000_000, rate: 0 };
    const [a, b] = await duel(load, ours, theirs, "single", shape);
    return [
      { what: "one record a request", ours: shown(a), beside: shown(b), ratio: a.perSecond / b.perSecond, target: 4 },
      {
        what: "  broker CPU a request against 50 us",
        ours: `${a.cpuMicrosPerRecord.toFixed(1)} us`,
        beside: `${b.cpuMicrosPerRecord.toFixed(1)} us`,
        ratio: 50 / a.cpuMicrosPerRecord,
        target: 1,
      },
    ];
  },

  async paced(load, ours, theirs) {
    const [a, b] = await duel(load, ours, theirs, "paced", {
      partitions: 1,
      records: 20_000,
      bytes: 1024,
      batch: 10_000,
      inFlight: 5,
      rate: 5_000,
    });
    const text = (m: Measured) => `p50 ${m.p50.toFixed(2)} p99 ${m.p99.toFixed(2)} ms`;
    return [{ what: "5,000 records/s paced, p99 latency", ours: text(a), beside: text(b), ratio: b.p99 / a.p99, target: null }];
  },

  async topics(_, ours, theirs) {
    const times: [number[], number[]] = [[], []];
    for (let round = 0; round < ROUNDS; round++) {
      for (const [at, rival] of [ours, theirs].entries()) {
        const names = Array.from({ length: 1000 }, (_, i) => `many-${round}-${i}`);
        const began = performance.now();
        await createTopics(rival.bootstrap, names, 1);
        times[at]!.push(performance.now() - began);
      }
    }
    const [a, b] = [median(times[0]), median(times[1])];
    return [{ what: "1,000 topics in one request", ours: `${a.toFixed(0)} ms`, beside: `${b.toFixed(0)} ms`, ratio: b / a, target: 1 }];
  },

  async read(load, ours, theirs) {
    const results: number[][] = [[], []];
    const records = 500_000;
    for (const rival of [ours, theirs]) {
      await createTopics(rival.bootstrap, ["read"], 1);
      await load.produce({
        bootstrap: rival.bootstrap,
        topic: "read",
        partitions: 1,
        records,
        bytes: 1024,
        batch: 10_000,
        inFlight: 5,
        rate: 0,
      });
    }
    for (let round = 0; round < ROUNDS; round++) {
      for (const [at, rival] of [ours, theirs].entries()) {
        const { bytes, ms } = await load.consume(rival.bootstrap, "read", 1, records);
        results[at]!.push(bytes / ms / 1000);
      }
    }
    const [a, b] = results.map(median) as [number, number];
    return [{ what: "catch-up read", ours: `${a.toFixed(0)} MB/s`, beside: `${b.toFixed(0)} MB/s`, ratio: a / b, target: 1 }];
  },
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in scenarios));
if (unknown.length > 0) throw new Error(`No scenario "${unknown.join(", ")}": there are ${Object.keys(scenarios).join(", ")}`);

const load = await loadGenerator();
const empty = fillPageCache();
const [ours, theirs] = [await startBarnabas(), await startKafka()];
try {
  for (const rival of [ours, theirs]) {
    await createTopics(rival.bootstrap, ["warm-up"], 1);
    const records = 1_000_000;
    await load.produce({
      bootstrap: rival.bootstrap,
      topic: "warm-up",
      partitions: 1,
      records,
      bytes: 1024,
      batch: 10_000,
      inFlight: 5,
      rate: 0,
    });
  }
  const figures: Figure[] = [];
  for (const [name, scenario] of Object.entries(scenarios)) {
    if (asked.length > 0 && !asked.includes(name)) continue;
    figures.push(...await scenario(load, ours, theirs));
    printTable(`── so far (${name} done)`, figures);
  }
  const memory = (rival: Rival) => {
    const { now, peak } = residentMib(rival.pid);
    return `${now.toFixed(0)} MiB, peak ${peak.toFixed(0)}`;
  };
  figures.push({
    what: "resident memory after all this",
    ours: memory(ours),
    beside: memory(theirs),
    ratio: residentMib(theirs.pid).now / residentMib(ours.pid).now,
    target: null,
  });
  figures.push({
    what: "exec to serving",
    ours: `${ours.startMs.toFixed(0)} ms`,
    beside: `${theirs.startMs.toFixed(0)} ms`,
    ratio: theirs.startMs / ours.startMs,
    target: 1,
  });
  printTable("Barnabas (durable)                                    Apache Kafka 4.3.1 (as shipped), same client, a core each", figures);
} finally {
  await ours.stop();
  await theirs.stop();
  empty();
}
