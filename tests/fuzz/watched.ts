/** One target in a process of its own, so that an input that hangs it, takes too much memory or ends it is a finding too. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeInput } from "./corpus.ts";
import { fuzz, inputOf } from "./engine.ts";
import type { Target } from "./target.ts";

export interface Report {
  readonly target: string;
  readonly seed: number;
  readonly inputs: number;
  readonly seconds: number;
  readonly finding: null | { readonly index: number; readonly failure: string; readonly file: string };
}

export interface Amount {
  readonly seed: number;
  readonly inputs: number;
  readonly seconds: number;
}

/** An input that takes longer hangs. Shrinking counts as the input that is shrunk. */
const HANGS_MS = 60_000;
const MEMORY_BYTES_MAX = 2 * 1024 ** 3;
const LOOKED_AT_EVERY_MS = 250;
const FINDINGS = join(tmpdir(), "barnabas-fuzz");

/** The part of the process: tries inputs and notes in the file at `progress` which one it is at. */
export async function runOne(target: Target, { seed, inputs: count, seconds }: Amount, progress: string): Promise<Report> {
  const note = Bun.mmap(progress, { shared: true });
  const index = new DataView(note.buffer, note.byteOffset);
  await target.open?.();
  const startedAt = performance.now();
  const { inputs, finding } = await fuzz(target, {
    seed,
    count,
    isOver: () => performance.now() - startedAt > seconds * 1000,
    before: (at) => index.setFloat64(0, at),
  });
  const took = (performance.now() - startedAt) / 1000;
  if (finding === null) await target.close?.();
  return {
    target: target.name,
    seed,
    inputs,
    seconds: took,
    finding: finding && {
      index: finding.index,
      failure: finding.failure.stack ?? finding.failure.message,
      file: writeInput(join(FINDINGS, target.name), finding.input, finding.failure.message),
    },
  };
}

/** Starts the process with the script at `run`, and watches it. */
export async function watched(run: string, target: Target, { seed, inputs, seconds }: Amount): Promise<Report> {
  mkdirSync(FINDINGS, { recursive: true });
  const folder = mkdtempSync(join(FINDINGS, "run-"));
  const progress = join(folder, "progress");
  writeFileSync(progress, new Uint8Array(8));
  const amount = inputs === Infinity ? ["--seconds", String(seconds)] : ["--inputs", String(inputs)];
  const child = Bun.spawn([process.execPath, run, "--target", target.name, "--seed", String(seed), ...amount, "--progress", progress], {
    stdout: "pipe",
    stderr: "pipe",
  });
  const startedAt = performance.now();
  let why: string | null = null;
  let last = { index: -1, at: startedAt };
  const timer = setInterval(() => {
    const index = indexIn(progress);
    if (index !== last.index) last = { index, at: performance.now() };
    if (performance.now() - last.at > HANGS_MS) why = `It hangs: no end within ${HANGS_MS} ms`;
    else if (memoryOf(child.pid) > MEMORY_BYTES_MAX) why = `It takes more than ${MEMORY_BYTES_MAX} bytes of memory`;
    if (why !== null) child.kill("SIGKILL");
  }, LOOKED_AT_EVERY_MS);
  const [said, complained] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  const code = await child.exited;
  clearInterval(timer);
  const index = indexIn(progress);
  rmSync(folder, { recursive: true });
  if (code === 0) return JSON.parse(said.trimEnd().split("\n").at(-1)!) as Report;
  const failure = why ?? `The process ended with ${child.signalCode ?? code}: ${complained.slice(-2_000)}`;
  const file = writeInput(join(FINDINGS, target.name), inputOf(target, seed, index), failure);
  return {
    target: target.name,
    seed,
    inputs: index + 1,
    seconds: (performance.now() - startedAt) / 1000,
    finding: { index, failure, file },
  };
}

const indexIn = (progress: string): number => new DataView(new Uint8Array(readFileSync(progress)).buffer).getFloat64(0);

/** Resident; 0 where the system does not tell. */
function memoryOf(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]) * 4096;
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT" || (error as { code?: string }).code === "ESRCH") return 0;
    throw error;
  }
}
