/**
 * The executable under clients that people use, while its process is killed, stopped and continued, its disk fails, hangs, tears and fills, and the
 * network between loses, cuts and delays. What the clients asked and were told is one history; the oracles that judge simulated runs judge
 * it. HISTORY_ROUNDS (3), HISTORY_FAULTS (8 in each round) and HISTORY_SEED say how much and what.
 */
import { afterAll, expect, test } from "bun:test";
import { mkdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Draws } from "../../lib/sim/mod.ts";
import { judge } from "../../lib/sim/oracles/mod.ts";
import { python as pythonOf } from "../compat/support/install.ts";
import { mustRun, run } from "../compat/support/process.ts";
import { ownFolder, removeFolder } from "../support/own_folder.ts";
import {
  type Client,
  kafkajsMember,
  kafkajsProducer,
  librdkafka,
  ownAdmin,
  ownProducer,
  ownReader,
  ownWhole,
  type ProcessClient,
  type Where,
} from "./support/history_clients.ts";
import {
  Broker,
  DISK_FAULTS,
  type Fault,
  type Faulty,
  NET_FAULTS,
  PROCESS_FAULTS,
  spaceFaults,
  SYNC_EXIT_MS,
  within,
} from "./support/history_faults.ts";
import { Recorder } from "./support/history_recorder.ts";

import { Proxy } from "./support/proxy.ts";
import { Shim } from "./support/shim.ts";

const rounds = Number(process.env["HISTORY_ROUNDS"] ?? 3);
const faultsPerRound = Number(process.env["HISTORY_FAULTS"] ?? 8);
const seed = Number(process.env["HISTORY_SEED"] ?? Date.now() % 1_000_000);
const SCRIPT = join(import.meta.dir, "support", "history_client.py");
const PARTITIONS = 3;
const GROUPS = ["librdkafka", "kafkajs"];
/** Everything under way has its answer by then: the longest deadline of a client, and what starting again takes. */
const SETTLE_MS = 90_000;

/** What happened, for the last line. */
const totals = { acknowledged: 0, unknown: 0, failed: 0, read: 0, committed: 0, changed: 0, starts: 0 };
const met = new Map<string, number>();

async function round(directory: string, number: number, python: string): Promise<void> {
  const draws = new Draws(seed, `round/${number}`);
  const proxy = await Proxy.listen(new Draws(seed, `proxy/${number}`));
  const shim = await Shim.make(directory);
  const recorder = new Recorder();
  const small = draws.chance(0.4) ? null : await SmallDisk.mount(join(directory, "data"));
  const broker = new Broker(directory, flagsOf(draws, small !== null), proxy, typeof shim === "string" ? null : shim);
  const where: Where = { recorder, bootstrap: `127.0.0.1:${proxy.port}`, topic: "records", partitions: PARTITIONS };
  try {
    await broker.start();
    const clients = await connect(where, python, directory, draws);
    const faulty: Faulty = {
      broker,
      proxy,
      shim: typeof shim === "string" ? null : shim,
      recorder,
      draws,
      killClient: () => clients.killOne(),
    };
    for (const [name, fault] of drawn(faulty, small)) {
      await goOn(recorder, draws.below(draws.pick([40, 400, 1_500])));
      console.log(`  ${name}`);
      await within(fault(faulty), SETTLE_MS, `the fault "${name}" comes to its end`);
      met.set(name, (met.get(name) ?? 0) + 1);
    }
    proxy.heal();
    await goOn(recorder, 100);
    await within(clients.stop(), SETTLE_MS, "every client has an answer to everything that it asked");
    expect(recorder.open).toBe(0);
    await readBack(broker, where, python);
    if (process.env["HISTORY_KEEP"]) await recorder.save(join(process.env["HISTORY_KEEP"], `history-${seed}-${number}.jsonl`));
    expect(judge(recorder.history)).toEqual([]);
  } catch (error) {
    const kept = join(tmpdir(), `barnabas-history-${seed}-${number}.jsonl`);
    await recorder.save(kept);
    console.log(`The history is in ${kept}\n${broker.said}${(await broker.running?.said()) ?? ""}`);
    throw error;
  } finally {
    for (const name of Object.keys(recorder.counts) as (keyof typeof recorder.counts)[]) totals[name] += recorder.counts[name];
    totals.starts += broker.starts;
    await broker.running?.kill();
    await small?.unmount();
    await proxy.close();
    if (typeof shim !== "string") shim.close();
  }
}

/** A file system of its own for the data, where this user may mount one. */
class SmallDisk {
  private constructor(readonly folder: string) {}

  static async mount(folder: string): Promise<SmallDisk | null> {
    if (process.getuid?.() !== 0 || process.platform !== "linux") return null;
    await mkdir(folder);
    const { exitCode } = await run(["mount", "-t", "tmpfs", "-o", "size=192m,mode=700", "barnabas-test", folder]);
    return exitCode === 0 ? new SmallDisk(folder) : null;
  }

  async unmount(): Promise<void> {
    await mustRun(["umount", this.folder]);
  }
}

/** Small files, so that they roll; limits that faults reach within seconds. */
function flagsOf(draws: Draws, onSmallDisk: boolean): readonly string[] {
  const settings = {
    "log.segment.bytes": 1 << 20,
    "wal.file.bytes": draws.pick(onSmallDisk ? [1 << 20, 4 << 20] : [1 << 20, 4 << 20, 64 << 20]),
    "wal.round.bytes.max": draws.pick([100_000, 1 << 20, 8 << 20]),
    "wal.sync.exit.ms": SYNC_EXIT_MS,
    "offsets.topic.num.partitions": draws.pick([1, 5]),
    "num.partitions": 1,
  };
  return [...Object.entries(settings).flatMap(([name, value]) => ["--set", `${name}=${value}`]), "--topic", `records:${PARTITIONS}`];
}

/** Every kind about as often as the others; those that need the shim, or a disk of their own, only where there is one. */
function drawn({ draws, shim }: Faulty, small: SmallDisk | null): readonly (readonly [string, Fault])[] {
  const disk = { ...(shim === null ? {} : DISK_FAULTS), ...(small === null ? {} : spaceFaults(small.folder)) };
  const kinds = [PROCESS_FAULTS, NET_FAULTS, ...(Object.keys(disk).length === 0 ? [] : [disk, disk])];
  return Array.from({ length: faultsPerRound }, () => draws.pick(Object.entries(draws.pick(kinds))));
}

async function connect(where: Where, python: string, directory: string, draws: Draws) {
  let number = 0;
  const spawn = (args: readonly string[]) => {
    const name = `${args[0] === "produce" ? "rd" : "rdg"}-${number++}`;
    return { args, client: librdkafka(python, where, join(directory, `${name}.log`), name, args) };
  };
  const below = (stream: string) => {
    const own = new Draws(draws.below(2 ** 31), stream);
    return (count: number) => own.below(count);
  };
  const processes: { args: readonly string[]; client: ProcessClient }[] = [
    spawn(["produce", String(PARTITIONS), "1", "300000"]),
    spawn(["produce", String(PARTITIONS), "0", "2000"]),
    spawn(["consume", GROUPS[0]!]),
    spawn(["consume", GROUPS[0]!]),
  ];
  const here: Client[] = await Promise.all([
    ownProducer(where, "own", 60_000, below("own")),
    ownProducer(where, "hasty", 700, below("hasty")),
    ownReader(where, "reader"),
    ownAdmin(where, "admin", below("admin")),
    kafkajsProducer(where, "js", below("js")),
    kafkajsMember(where, "jsg-0", GROUPS[1]!),
    kafkajsMember(where, "jsg-1", GROUPS[1]!),
  ]);
  return {
    async killOne() {
      const at = draws.below(processes.length);
      await processes[at]!.client.kill();
      processes[at] = spawn(processes[at]!.args);
    },
    async stop() {
      await Promise.all([...here, ...processes.map(({ client }) => client)].map(({ stop }) => stop()));
    },
  };
}

async function goOn(recorder: Recorder, records: number): Promise<void> {
  const { acknowledged } = recorder.counts;
  await recorder.until(() => recorder.counts.acknowledged >= acknowledged + records, `${records} acknowledgements`);
}

/** Two starts after a kill, and two clients that read everything. */
async function readBack(broker: Broker, where: Where, python: string): Promise<void> {
  await broker.kill();
  if (!(await broker.start())) throw new Error("It was killed while it started, by nobody");
  await ownWhole(where, "own after a kill", GROUPS);
  await broker.terminate();
  if (!(await broker.start())) throw new Error("It was killed while it started, by nobody");
  const args = [python, SCRIPT, "whole", "librdkafka after a stop", where.topic, String(where.partitions)];
  const { stdout } = await mustRun(args, { env: { BOOTSTRAP: where.bootstrap } });
  await where.recorder.follow(new Response(stdout).body!);
}

const directory = ownFolder("barnabas-history-");
afterAll(() => removeFolder(directory));

test(`the history holds over ${rounds} rounds of ${faultsPerRound} faults (HISTORY_SEED=${seed})`, async () => {
  const python = await pythonOf("librdkafka");
  try {
    for (let number = 0; number < rounds; number++) {
      const folder = join(directory, String(number));
      await mkdir(folder);
      console.log(`round ${number}`);
      await round(folder, number, python);
      await rm(folder, { recursive: true });
    }
  } finally {
    const numbers = Object.entries(totals).map(([name, count]) => `${count} ${name}`).join(", ");
    const faults = [...met].sort().map(([name, count]) => `${name} ${count}`).join(", ");
    console.log(`history: seed ${seed}, ${rounds} rounds; ${numbers}; faults: ${faults}`);
  }
}, rounds * 10 * 60_000);
