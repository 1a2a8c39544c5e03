/** `barnabas bench produce`: as fast as it goes, or at a rate; with a rate, latency counts from when a record was due, not from when it left. */
import type { Io } from "../../io/mod.ts";
import { command } from "../declare.ts";
import { explained, isKafkaError } from "../errors.ts";
import { CommandFailed } from "../exit.ts";
import { number, Progress } from "../progress.ts";
import { SendWindow } from "../records/window.ts";
import { sizeText } from "../values.ts";
import { Latencies, type LatencySummary } from "./latencies.ts";

export const benchProduce = command({
  name: "produce",
  summary: "write records and tell throughput and latency",
  details:
    `Writes real records: choose a topic that is for this. With --rate, latency counts from when a record was due, so that a cluster that
stalls does not look fast.`,
  connects: true,
  endsWhenInterrupted: true,
  json: "topic, records, failed, bytes, ms, recordsPerSecond, bytesPerSecond, latency (meanMs, p50Ms, p90Ms, p99Ms, p999Ms, maxMs)",
  flags: {
    "records": { type: "integer", short: "n", value: "N", default: 100_000, min: 1, help: "how many" },
    "size": { type: "size", short: "s", default: "1KiB", help: "of each value" },
    "rate": { type: "integer", value: "N", min: 1, max: 10_000_000, help: "records a second; without it as fast as it goes" },
    "compression": {
      type: "choice",
      short: "z",
      choices: ["none", "gzip", "snappy", "lz4", "zstd"],
      default: "none",
      help: "of the batches",
    },
    "acks": { type: "choice", choices: ["all", "1", "0"], default: "all", help: "whose disk must have a record" },
    "batch": { type: "size", default: "128KiB", help: "largest batch" },
    "linger": { type: "duration", default: "5ms", help: "how long a batch that is not full waits for company" },
  },
  arguments: { topic: { label: "TOPIC", help: "where they go", completes: "topic" } },
  examples: [
    { command: "barnabas bench produce bench --records 1000000 --size 1KiB", does: "throughput" },
    { command: "barnabas bench produce bench --rate 1000 --records 30000 --json", does: "latency under a steady load, for a program" },
  ],
  async run(context, { flags, args }) {
    const { io, out, host } = context;
    const producer = await context.clients.producer({
      compression: flags.compression,
      acks: flags.acks === "all" ? "all" : flags.acks === "1" ? 1 : 0,
      idempotent: flags.acks === "all",
      lingerMs: flags.linger,
      batchBytes: flags.batch,
      deliveryTimeoutMs: context.clients.timeoutMs,
    });
    const value = filler(io, flags.size);
    const latencies = new Latencies();
    const progress = new Progress(host, io.clock, { what: "Writing", isQuiet: out.isQuiet, total: flags.records });
    const window = new SendWindow<number>(producer, (_, bytes, dueAt) => {
      progress.step(1, bytes, 1);
      latencies.add(io.clock.mono() - dueAt);
    });
    const startedAt = io.clock.mono();
    for (let sent = 0; sent < flags.records && !context.interrupted.aborted && window.failure === null; sent++) {
      const dueAt = flags.rate === null ? null : startedAt + sent * 1000 / flags.rate;
      if (dueAt !== null) await until(io, dueAt);
      if (window.isFull) await window.room();
      window.send({ topic: args.topic, value }, dueAt ?? io.clock.mono());
    }
    await window.drained();
    progress.end();
    const ms = Math.max(1, io.clock.mono() - startedAt);
    const result = {
      topic: args.topic,
      records: progress.records,
      failed: window.failed,
      bytes: progress.bytes,
      ms: Math.round(ms),
      recordsPerSecond: Math.round(progress.records * 1000 / ms),
      bytesPerSecond: Math.round(progress.bytes * 1000 / ms),
      latency: latencies.summary(),
    };
    await out.result(result, () =>
      out.fields([
        ["Records", `${number(result.records)} of ${sizeText(flags.size)}${result.failed > 0 ? `, ${number(result.failed)} failed` : ""}`],
        ["Throughput", `${number(result.recordsPerSecond)} records/s, ${sizeText(result.bytesPerSecond)}/s`],
        ["Latency", latencyText(result.latency)],
      ]));
    if (window.failure === null) return;
    const { error } = window.failure;
    throw new CommandFailed(
      `Cannot write ${number(window.failed)} of the records: ${
        isKafkaError(error) ? explained(error) : error instanceof Error ? error.message : String(error)
      }`,
    );
  },
});

/** Hexadecimal digits by chance: they compress to about a half, as text does, and not to nothing. */
function filler(io: Io, bytes: number): Uint8Array {
  return new TextEncoder().encode(io.random("bench").bytes(Math.ceil(bytes / 2)).toHex().slice(0, bytes));
}

function until(io: Io, at: number): Promise<void> | void {
  const leftMs = at - io.clock.mono();
  if (leftMs > 0) return new Promise((resolve) => void io.timers.after(leftMs, resolve));
}

function latencyText({ meanMs, p50Ms, p90Ms, p99Ms, p999Ms, maxMs }: LatencySummary): string {
  const ms = (value: number | null) => value === null ? "-" : `${value.toFixed(value < 10 ? 2 : 0)} ms`;
  return `mean ${ms(meanMs)}, p50 ${ms(p50Ms)}, p90 ${ms(p90Ms)}, p99 ${ms(p99Ms)}, p99.9 ${ms(p999Ms)}, most ${ms(maxMs)}`;
}
