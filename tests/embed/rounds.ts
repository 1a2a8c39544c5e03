/**
 * `bun tests/embed/rounds.ts ROUNDS [memory|disk] [PLANTED]`: starts, uses and stops a broker again and again in one process, and says what is left of
 * them: file descriptors, what the runtime keeps alive for timers and sockets, objects, memory. PLANTED leaves one thing per round behind
 * (timer, file, listener, object), to show that it is seen.
 */
import { heapStats } from "bun:jsc";
import { mkdtemp, open, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRealIo } from "../../lib/io/real/mod.ts";
import { Metadata } from "../../lib/protocol/mod.ts";
import { Broker } from "../../mod.ts";
import { TestClient } from "../node/client.ts";

export interface Left {
  readonly rounds: number;
  readonly fileDescriptors: number;
  /** Cells that the runtime holds for pending timers, sockets and calls. */
  readonly held: number;
  readonly objects: number;
  readonly residentBytes: number;
}

const kept: unknown[] = [];

async function round(storage: string, planted: string): Promise<void> {
  const broker = await Broker.start({ storage, topics: ["orders", { name: "clicks", partitions: 8 }], admin: "127.0.0.1:0" });
  const told: string[] = [];
  broker.on("recordsAppended", ({ topic }) => told.push(topic));
  broker.events("topicCreated");
  await broker.produce("orders", ["a"]);
  await broker.records("orders", { count: 1 });
  await broker.waitFor(() => told.length > 0);
  const client = await TestClient.connect(broker);
  await client.call(Metadata, { topics: null });
  await (await fetch(`http://127.0.0.1:${broker.adminAddress!.port}/metrics`)).text();
  client[Symbol.dispose]();
  // Its files stay for a minute, unless the broker closes before.
  await broker.produce("clicks", ["a"]);
  await broker.deleteTopic("clicks");
  await broker.close();
  if (planted === "timer") createRealIo({ onFatal() {} }).deadlines.wake({ op: "planted", at: performance.now() + 3_600_000 }, () => {});
  if (planted === "file") kept.push(await open("/dev/null"));
  if (planted === "listener") kept.push(Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } }));
  if (planted === "object") kept.push(broker);
}

/** Twice: what a finalizer lets go of is collected the second time. */
async function collected(rounds: number): Promise<Left> {
  for (let i = 0; i < 2; i++) {
    await new Promise<void>((resolve) => setImmediate(resolve));
    Bun.gc(true);
  }
  const { objectCount, protectedObjectCount } = heapStats();
  const fileDescriptors = (await readdir("/proc/self/fd")).length;
  return { rounds, fileDescriptors, held: protectedObjectCount, objects: objectCount, residentBytes: process.memoryUsage.rss() };
}

/** Objects a round that are the engine's own: what it compiled, shapes, strings. One wheel of deadlines alone would be 770. */
const OBJECTS_PER_ROUND_MAX = 150;
/** Above this, memory grows with the rounds and not with the machine's mood; only looked at over many rounds. */
const RESIDENT_BYTES_PER_ROUND_MAX = 32 * 1024;
const ROUNDS_FOR_MEMORY = 500;

/** The collector looks at the stack conservatively: a broker that just closed may survive one measurement. A leak is there in all of them. */
const LAST_LOOKS = 3;

/** What was left, in words; empty when nothing was. The first third is the warm-up. */
export function leaks(seen: readonly Left[]): readonly string[] {
  const from = seen[Math.floor(seen.length / 3)]!;
  const last = seen.slice(-LAST_LOOKS);
  const found: string[] = [];
  const look = (what: keyof Left, allowed: (rounds: number) => number) => {
    if (!last.every((to) => to[what] - from[what] > allowed(to.rounds - from.rounds))) return;
    const to = last.at(-1)!;
    found.push(`${what}: ${to[what] - from[what]} more after ${to.rounds - from.rounds} rounds, ${from[what]} to ${to[what]}`);
  };
  look("fileDescriptors", () => 1);
  look("held", (rounds) => Math.max(3, rounds / 4));
  look("objects", (rounds) => rounds * OBJECTS_PER_ROUND_MAX);
  if (last.at(-1)!.rounds - from.rounds >= ROUNDS_FOR_MEMORY) look("residentBytes", (rounds) => rounds * RESIDENT_BYTES_PER_ROUND_MAX);
  return found;
}

async function main(): Promise<void> {
  const [count = "20", storage = "memory", planted = ""] = process.argv.slice(2);
  const directory = storage === "disk" ? await mkdtemp(join(tmpdir(), "barnabas-rounds-")) : null;
  const seen: Left[] = [];
  try {
    // The first tenth warms up: code that is compiled once, pools that are filled once.
    const rounds = Number(count);
    const step = Math.max(1, Math.floor(rounds / 10));
    for (let i = 1; i <= rounds; i++) {
      await round(directory === null ? "memory" : join(directory, `${i % 3}`), planted);
      if (i % step === 0) seen.push(await collected(i));
    }
  } finally {
    if (directory !== null) await rm(directory, { recursive: true, force: true });
  }
  console.log(JSON.stringify(seen));
  const found = leaks(seen);
  const last = seen.at(-1)!;
  console.log(found.length === 0 ? `${last.rounds} rounds, storage ${storage}: nothing is left` : found.join("\n"));
  // A leak that was planted is looked for by whoever planted it.
  process.exit(found.length === 0 || planted !== "" ? 0 : 1);
}

if (import.meta.main) await main();
