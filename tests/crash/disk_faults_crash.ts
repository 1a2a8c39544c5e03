/**
 * A disk that fails under the running executable (HAZARDS W1 to W3): strace makes the write-ahead log's writes and syncs fail or hang, kcat
 * produces and reads. Bun makes these system calls itself, so that a preloaded library would not see them.
 */
import { afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { launch } from "../compat/support/broker.ts";
import { kcat, strace } from "../compat/support/install.ts";
import { type Finished, mustRun, run } from "../compat/support/process.ts";
import { ownFolder, removeFolder } from "../support/own_folder.ts";

let directory: string;
let broker: Awaited<ReturnType<typeof launch>>;
beforeAll(async () => {
  await kcat();
  await strace();
}, 300_000);
beforeEach(async () => {
  directory = ownFolder("barnabas-faults-");
  broker = await launch(directory, ["--topic", "t:1"]);
  await produce(1, 100);
});
afterEach(async () => {
  try {
    await broker.stop();
  } finally {
    removeFolder(directory);
  }
});

const lines = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => `${from + i}`).join("\n");
const tryProduce = (from: number, to: number, timeoutMs = 30_000): Promise<Finished> =>
  run(["kcat", "-b", broker.bootstrap, "-P", "-t", "t", "-X", "acks=all", "-X", `message.timeout.ms=${timeoutMs}`], {
    stdin: lines(from, to),
  });

async function produce(from: number, to: number): Promise<void> {
  const { exitCode, stderr } = await tryProduce(from, to);
  expect(exitCode, stderr).toBe(0);
}

async function readable(): Promise<string[]> {
  const { stdout } = await mustRun(["kcat", "-b", broker.bootstrap, "-C", "-t", "t", "-o", "beginning", "-e", "-q"]);
  return stdout.trim().split("\n");
}

/** From when it resolves until `stop`, each write and sync of the log meets `fault`. */
async function inject(fault: string): Promise<{ stop(): Promise<void> }> {
  const folder = join(directory, "data", "wal");
  const wal = (await readdir(folder)).filter((name) => name.endsWith(".wal")).sort().at(-1)!;
  const calls = "pwritev,pwrite64,fdatasync";
  const tracer = Bun.spawn([
    "strace",
    "-f",
    "-o",
    "/dev/null",
    "-p",
    String(broker.pid),
    "-P",
    join(folder, wal),
    "-e",
    `trace=${calls}`,
    "-e",
    `inject=${calls}:${fault}`,
  ], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  let said = "";
  const reader = tracer.stderr.getReader();
  while (!said.includes("attached")) {
    const { done, value } = await reader.read();
    if (done) throw new Error(`strace cannot attach: ${said}`);
    said += new TextDecoder().decode(value);
  }
  return {
    async stop() {
      tracer.kill("SIGINT");
      await tracer.exited;
    },
  };
}

async function ready(): Promise<{ readonly status: number; readonly body: string }> {
  const response = await fetch(`http://${broker.admin}/readyz`);
  return { status: response.status, body: await response.text() };
}

/** Asks again until the answer is what is waited for; the number of questions is bounded. */
async function readyUntil(status: number): Promise<string> {
  for (let asked = 0; asked < 2000; asked++) {
    const answer = await ready();
    if (answer.status === status) return answer.body;
    await Bun.sleep(10);
  }
  throw new Error(`/readyz never answered ${status}`);
}

test(
  "a write that fails with EIO ends the node with exit code 70; nothing of it is acknowledged, everything before it is there",
  async () => {
    await inject("error=EIO");
    const { exitCode } = await tryProduce(101, 200, 2_000);
    expect(exitCode).not.toBe(0);
    expect(await broker.exited).toBe(70);
    expect(await Bun.file(join(directory, "stderr.log")).text()).toContain("outcome of what was waiting is unknown");
    broker = await launch(directory);
    expect((await readable()).slice(0, 100)).toEqual(lines(1, 100).split("\n"));
    await produce(201, 210);
  },
  60_000,
);

test("a disk that hangs for 3 s makes the node unready and loses nothing; readers go on meanwhile", async () => {
  const fault = await inject("delay_enter=3000000:when=1");
  const producing = tryProduce(101, 200);
  expect(await readyUntil(503)).toContain("stalled");
  expect(await readable()).toEqual(lines(1, 100).split("\n"));
  expect((await producing).exitCode).toBe(0);
  await readyUntil(200);
  await fault.stop();
  expect(await readable()).toEqual(lines(1, 200).split("\n"));
}, 60_000);

test("a disk that hangs for longer than wal.sync.exit.ms ends the node with exit code 70", async () => {
  await broker.stop();
  broker = await launch(directory, ["--set", "wal.sync.exit.ms=2000"]);
  await inject("delay_enter=6000000:when=1");
  void tryProduce(101, 101, 1_000);
  expect(await broker.exited).toBe(70);
  broker = await launch(directory);
  expect((await readable()).slice(0, 100)).toEqual(lines(1, 100).split("\n"));
}, 60_000);

test("a full disk refuses producers, serves readers, and goes on by itself when there is space again", async () => {
  const fault = await inject("error=ENOSPC");
  const { exitCode } = await tryProduce(101, 110, 2_000);
  expect(exitCode).not.toBe(0);
  expect(await readyUntil(503)).toContain("full");
  expect(await readable()).toEqual(lines(1, 100).split("\n"));
  await fault.stop();
  await readyUntil(200);
  await produce(201, 210);
  expect((await readable()).slice(-10)).toEqual(lines(201, 210).split("\n"));
}, 60_000);
