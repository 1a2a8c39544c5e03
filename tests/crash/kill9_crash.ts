/**
 * kill -9 with a real client: a librdkafka producer counts what was acknowledged while the executable is killed after a random number of
 * acknowledgements and started again on its data, KILL9_ROUNDS times (20). In the end everything acknowledged must be there, at its
 * offset, in order, once. KILL9_SEED repeats the same draws.
 */
import { afterAll, expect, test } from "bun:test";
import { join } from "node:path";
import { launch } from "../compat/support/broker.ts";
import { python as pythonOf } from "../compat/support/install.ts";
import { mustRun } from "../compat/support/process.ts";
import { eachLine } from "../support/lines.ts";
import { ownFolder, removeFolder } from "../support/own_folder.ts";

const rounds = Number(process.env["KILL9_ROUNDS"] ?? 20);
const seed = Number(process.env["KILL9_SEED"] ?? Date.now() % 1_000_000);
const script = join(import.meta.dir, "client.py");
const partitions = 3;

/** mulberry32: small, good enough to draw moments. */
function draws(state: number): () => number {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Follows the producer's lines; wakes whoever waits for a number of acknowledgements. */
class Acknowledged {
  readonly byPartition: Map<number, number>[] = Array.from({ length: partitions }, () => new Map());
  count = 0;
  done: string | null = null;
  readonly problems: string[] = [];
  #wake: () => void = () => {};

  async follow(stdout: ReadableStream<Uint8Array>): Promise<void> {
    await eachLine(stdout, (line) => {
      this.#line(line);
      this.#wake();
    });
    this.done ??= "ended";
    this.#wake();
  }

  #line(line: string): void {
    const [kind, partition, offset, sequence] = line.split(" ");
    if (kind === "ack") {
      const known = this.byPartition[Number(partition)]!;
      if (known.has(Number(offset))) this.problems.push(`offset ${offset} of partition ${partition} was acknowledged twice`);
      known.set(Number(offset), Number(sequence));
      this.count++;
    } else if (kind === "done") this.done = line;
    else this.problems.push(line);
  }

  async until(condition: () => boolean, what: string): Promise<void> {
    const late = setTimeout(() => {
      this.problems.push(`waited 60 s for ${what}`);
      this.#wake();
    }, 60_000);
    while (!condition() && this.problems.length === 0 && this.done === null) await new Promise<void>((resolve) => (this.#wake = resolve));
    clearTimeout(late);
    if (this.problems.length > 0) throw new Error(this.problems.slice(0, 5).join("\n"));
  }
}

const directory = ownFolder("barnabas-kill9-");
afterAll(() => removeFolder(directory));

test(`everything acknowledged survives ${rounds} kill -9 (KILL9_SEED=${seed})`, async () => {
  const random = draws(seed);
  const python = await pythonOf("librdkafka");
  const topic = `kill9:${partitions}`;
  let broker = await launch(directory, ["--topic", topic]);
  const address = broker.bootstrap;
  const env = { ...process.env, BOOTSTRAP: address, TOPIC: "kill9" };
  const producer = Bun.spawn([python, script, "produce"], {
    env,
    stdin: "pipe",
    stdout: "pipe",
    stderr: Bun.file(join(directory, "producer.log")),
  });
  const acknowledged = new Acknowledged();
  const following = acknowledged.follow(producer.stdout);
  try {
    for (let round = 0; round < rounds; round++) {
      // Most rounds die under load; every tenth dies as soon as it listens, in the middle of what follows a recovery.
      const target = random() < 0.1 ? acknowledged.count : acknowledged.count + 1 + Math.floor(random() * 3000);
      await acknowledged.until(() => acknowledged.count >= target, `${target} acknowledgements in round ${round}`);
      process.kill(broker.pid, "SIGKILL");
      await broker.exited;
      broker = await launch(directory, ["--topic", topic], address);
    }
    const beforeEnd = acknowledged.count;
    await acknowledged.until(() => acknowledged.count > beforeEnd, "acknowledgements after the last restart");
    producer.stdin.write("stop\n");
    await producer.stdin.end();
    await following;
    expect(acknowledged.problems).toEqual([]);
    expect(acknowledged.done).toMatch(/^done \d+ 0$/);

    const { stdout } = await mustRun([python, script, "consume"], { env: { BOOTSTRAP: address, TOPIC: "kill9" }, timeoutMs: 120_000 });
    const logs: number[][] = Array.from({ length: partitions }, () => []);
    for (const line of stdout.trim().split("\n")) {
      const [, partition, offset, sequence] = line.split(" ").map(Number);
      const log = logs[partition!]!;
      if (offset !== log.length) throw new Error(`Partition ${partition} goes from offset ${log.length - 1} to ${offset}`);
      log.push(sequence!);
    }
    logs.forEach((log, partition) => {
      // The producer never gave up, so each sequence is there once and in order.
      expect(log.findIndex((sequence, at) => sequence !== at), `first wrong place in partition ${partition}`).toBe(-1);
      for (const [offset, sequence] of acknowledged.byPartition[partition]!) {
        if (log[offset] !== sequence) {
          throw new Error(`Lost: partition ${partition} offset ${offset} was acknowledged as ${sequence}, has ${log[offset]}`);
        }
      }
    });
    console.log(`kill -9: ${rounds} rounds, ${acknowledged.count} acknowledged records, all there, in order, once`);
  } finally {
    producer.kill("SIGKILL");
    await producer.exited;
    process.kill(broker.pid, "SIGKILL");
    await broker.exited;
  }
}, 30 * 60_000);
