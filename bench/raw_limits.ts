/**
 * Barnabas against what the machine can do at all: `bun bench/raw_limits.ts [scenario …]`. The same frames, from the same generator, go to the
 * broker and to a bare loop that reads them from the socket, writes them to one file and syncs it. Server on the first core, generator on the second.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mustRun } from "../tests/compat/support/process.ts";
import { type Rival, startBarnabas, startRaw, startRawReader } from "./support/brokers.ts";
import { fillPageCache } from "./support/page_cache.ts";
import { cpuMicros, residentMib } from "./support/process_stats.ts";
import { type Figure, median, printTable } from "./support/table.ts";
import { createTopics, fetchFrame, firstMetadata, produceFrame } from "./support/wire.ts";

const ROUNDS = 3;
const scratch = await mkdtemp(join(tmpdir(), "bench-frames-"));

interface Sent {
  readonly frames: number;
  readonly ms: number;
  readonly replyBytes: number;
  readonly p50: number;
  readonly p99: number;
}

let files = 0;
async function frameFile(frames: readonly Buffer[]): Promise<string> {
  const path = join(scratch, `frames-${files++}`);
  await writeFile(path, Buffer.concat(frames));
  return path;
}

async function send(server: Rival, file: string, count: number, inFlight: number, connections = 1): Promise<Sent> {
  const command = ["taskset", "-c", "1", process.execPath, join(import.meta.dir, "support/frame_load.ts"), server.bootstrap, file];
  const { stdout } = await mustRun([...command, String(count), String(inFlight), String(connections)], { timeoutMs: 180_000 });
  return JSON.parse(stdout) as Sent;
}

const mbPerSecond = (sent: Sent, frameBytes: number): number => sent.frames * frameBytes / sent.ms / 1000;

const scenarios: Record<string, (ours: Rival, raw: Rival) => Promise<readonly Figure[]>> = {
  /** 1 KiB records in batches of about 1 MB, acks=all, everything on disk before it is answered. */
  async bulk(ours, raw) {
    await createTopics(ours.bootstrap, ["bulk"], 1);
    const frame = produceFrame({ topic: "bulk", partitions: [0], recordsPerPartition: 900, recordBytes: 1024 });
    const file = await frameFile([frame]);
    const rates: [number[], number[]] = [[], []];
    await send(ours, file, 1000, 8);
    await send(raw, file, 1000, 8);
    for (let round = 0; round < ROUNDS; round++) {
      for (const [at, server] of [ours, raw].entries()) rates[at]!.push(mbPerSecond(await send(server, file, 600, 8), frame.length));
    }
    const [a, b] = rates.map(median) as [number, number];
    return [{
      what: "1 KiB records, acks=all, on disk",
      ours: `${a.toFixed(0)} MB/s`,
      beside: `${b.toFixed(0)} MB/s`,
      ratio: a / b,
      target: 0.7,
    }];
  },

  /** Equal batches to one partition and to a thousand. */
  async partitions(ours) {
    const many = 1000;
    await createTopics(ours.bootstrap, ["one"], 1);
    await createTopics(ours.bootstrap, ["thousand"], many);
    const shape = { recordsPerPartition: 4, recordBytes: 1024 };
    const all = Array.from({ length: many }, (_, i) => i);
    const spread = Array.from(
      { length: 10 },
      (_, i) => produceFrame({ ...shape, topic: "thousand", partitions: all.slice(i * 100, i * 100 + 100) }),
    );
    // One partition takes one batch a request (KIP-98), so its requests carry one each, pipelined as deep.
    const single = produceFrame({ ...shape, topic: "one", partitions: [0] });
    const [spreadFile, singleFile] = [await frameFile(spread), await frameFile([single])];
    const perBatch = { one: [] as number[], thousand: [] as number[] };
    for (let round = 0; round <= ROUNDS; round++) {
      const one = await send(ours, singleFile, 40_000, 100);
      const thousand = await send(ours, spreadFile, 600, 8);
      if (round === 0) continue;
      perBatch.one.push(one.frames / one.ms * 1000);
      perBatch.thousand.push(thousand.frames * 100 / thousand.ms * 1000);
    }
    const [one, thousand] = [median(perBatch.one), median(perBatch.thousand)];
    return [{
      what: "1,000 partitions against 1, 4 KiB batches",
      ours: `${Math.round(thousand)} batches/s`,
      beside: `${Math.round(one)} batches/s`,
      ratio: thousand / one,
      target: 0.8,
    }];
  },

  /** Everything from the beginning, a few MiB a fetch, against the same from a bare file. */
  async read(ours) {
    await createTopics(ours.bootstrap, ["read"], 1);
    const recordsPerBatch = 900;
    const batches = 600;
    const perFetch = 4;
    const frame = produceFrame({ topic: "read", partitions: [0], recordsPerPartition: recordsPerBatch, recordBytes: 1024 });
    await send(ours, await frameFile([frame]), batches, 8);
    const fetchBytes = perFetch * frame.length;
    const starts = Array.from({ length: batches / perFetch }, (_, i) => i * perFetch * recordsPerBatch);
    const fetches = await frameFile(starts.map((offset) => fetchFrame("read", offset, fetchBytes)));
    const reader = await startRawReader(batches * frame.length, fetchBytes);
    const rates: [number[], number[]] = [[], []];
    try {
      for (let round = 0; round <= ROUNDS; round++) {
        for (const [at, server] of [ours, reader].entries()) {
          const { replyBytes, ms } = await send(server, fetches, starts.length * 4, 4);
          if (round > 0) rates[at]!.push(replyBytes / ms / 1000);
        }
      }
    } finally {
      await reader.stop();
    }
    const [a, b] = rates.map(median) as [number, number];
    return [{
      what: "catch-up read, against file to socket",
      ours: `${a.toFixed(0)} MB/s`,
      beside: `${b.toFixed(0)} MB/s`,
      ratio: a / b,
      target: 0.7,
    }];
  },

  /** One connection, one small request in flight: the latency of the disk plus ours. */
  async latency(ours, raw) {
    await createTopics(ours.bootstrap, ["latency"], 1);
    const file = await frameFile([produceFrame({ topic: "latency", partitions: [0], recordsPerPartition: 1, recordBytes: 1024 })]);
    const times: [number[], number[]] = [[], []];
    for (let round = 0; round <= ROUNDS; round++) {
      for (const [at, server] of [ours, raw].entries()) {
        const { p50 } = await send(server, file, 3000, 1);
        if (round > 0) times[at]!.push(p50);
      }
    }
    const [a, b] = times.map(median) as [number, number];
    return [{
      what: "one request in flight, p50",
      ours: `${a.toFixed(3)} ms`,
      beside: `${b.toFixed(3)} ms`,
      ratio: b / a,
      target: 1 / 1.5,
    }];
  },

  async start() {
    const times: number[] = [];
    let idle = 0;
    for (let round = 0; round < 7; round++) {
      const began = performance.now();
      const broker = await startBarnabas();
      await firstMetadata(broker.bootstrap);
      times.push(performance.now() - began);
      idle = residentMib(broker.pid).now;
      await broker.stop();
    }
    const ms = median(times);
    return [
      { what: "exec to first Metadata reply, against 100 ms", ours: `${ms.toFixed(0)} ms`, beside: "100 ms", ratio: 100 / ms, target: 1 },
      { what: "idle RSS, against 120 MB", ours: `${idle.toFixed(0)} MiB`, beside: "120 MB", ratio: 120 / (idle * 1.048576), target: 1 },
    ];
  },
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in scenarios));
if (unknown.length > 0) throw new Error(`No scenario "${unknown.join(", ")}": there are ${Object.keys(scenarios).join(", ")}`);

const empty = fillPageCache();
for (const recycled of [false, true]) {
  const [ours, raw] = [await startBarnabas(), await startRaw(recycled)];
  try {
    const figures: Figure[] = [];
    for (const [name, scenario] of Object.entries(scenarios)) {
      if (asked.length > 0 && !asked.includes(name)) continue;
      // What does not look at the bare loop need not be run twice.
      if (recycled && !["bulk", "latency"].includes(name)) continue;
      const before = cpuMicros(ours.pid);
      figures.push(...await scenario(ours, raw));
      console.log(`${name}: broker CPU ${((cpuMicros(ours.pid) - before) / 1e6).toFixed(1)} s`);
    }
    const { now, peak } = residentMib(ours.pid);
    figures.push({
      what: "loaded RSS, against 250 MB",
      ours: `${now.toFixed(0)} MiB, peak ${peak.toFixed(0)}`,
      beside: "250 MB",
      ratio: 250 / (peak * 1.048576),
      target: 1,
    });
    printTable(
      `Barnabas                 the machine (${recycled ? "a file that is written over, as a recycled WAL is" : "a file that grows"})`,
      figures,
    );
  } finally {
    await ours.stop();
    await raw.stop();
  }
}
empty();
await rm(scratch, { recursive: true, force: true });
