/** One target in a process of its own, so that an input that hangs it, takes too much memory or ends it is a finding too. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readInput, writeInput } from "./corpus.ts";
import { fuzz, inputOf } from "./engine.ts";
import { guarded } from "./guarded.ts";
import { failureOf } from "./shrink.ts";
import type { Input, Target } from "./target.ts";

export interface Report {
  readonly target: string;
  readonly seed: number;
  readonly inputs: number;
  readonly seconds: number;
  readonly finding: null | {
    /** -1: before the first one. */
    readonly index: number;
    readonly failure: string;
    /** Null when no input is to blame. */
    readonly file: string | null;
    /** Whether the input alone, in a new process, fails again. */
    readonly alone: boolean;
  };
}

export interface Amount {
  readonly seed: number;
  readonly inputs: number;
  readonly seconds: number;
}

export interface Limits {
  /** An input that takes longer hangs. */
  readonly hangsMs: number;
  /** Resident, of the whole process. */
  readonly memoryBytes: number;
}

/** What a process is told to do. */
export type Work = { readonly amount: Amount } | { readonly input: string };

/** Making it smaller may take so long. */
const SHRINK_MS = 30_000;
/** The target opens, or closes. */
const OPENS_MS = 60_000;
const LOOKED_AT_EVERY_MS = 50;
/** After it was told to end. */
const GRACE_MS = 1_000;
const FINDINGS = join(tmpdir(), "barnabas-fuzz");

/** Where a process is, in memory that its parent sees: the input, how many checks there were, and whether it makes a finding smaller. */
const NOTES_BYTES = 24;
const NOTHING: Input = { about: {}, bytes: new Uint8Array(0) };
const NOT_OPEN = -1;
const CLOSES = -2;

/** The part of the process. Writes what came of it into its folder. */
export async function runChild(target: Target, work: Work, folder: string): Promise<void> {
  const shared = Bun.mmap(join(folder, "progress"), { shared: true });
  const notes = new DataView(shared.buffer, shared.byteOffset);
  let checks = 0;
  const watching = guarded(target);
  const noting: Target = {
    ...watching,
    check: (input) => {
      notes.setFloat64(8, ++checks);
      return watching.check(input);
    },
  };
  let isOver = false;
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => isOver = true);
  await noting.open?.();
  const startedAt = performance.now();
  const finish = (inputs: number, index: number, failure: Error | null, file: string | null): void => {
    const finding = failure && { index, failure: failure.stack ?? failure.message, file, alone: true };
    const seconds = (performance.now() - startedAt) / 1000;
    const seed = "amount" in work ? work.amount.seed : 0;
    writeFileSync(join(folder, "report"), JSON.stringify({ target: target.name, seed, inputs, seconds, finding } satisfies Report));
  };
  if ("input" in work) {
    notes.setFloat64(0, 0);
    const failure = await failureOf(noting, readInput(work.input)) ??
      await failureOf({ ...noting, check: () => noting.close?.() }, NOTHING);
    return finish(1, 0, failure, failure && work.input);
  }
  const { seed, inputs: count, seconds } = work.amount;
  let shrinkUntil = Infinity;
  const { inputs, finding } = await fuzz(noting, {
    seed,
    count,
    isOver: () => isOver || performance.now() - startedAt > seconds * 1000,
    before: (at) => notes.setFloat64(0, at),
    shrinks: () => {
      notes.setFloat64(16, 1);
      shrinkUntil = performance.now() + SHRINK_MS;
    },
    shrunkEnough: () => isOver || performance.now() > shrinkUntil,
  });
  if (finding !== null) {
    const { input, failure, index } = finding;
    return finish(inputs, index, failure, writeInput(join(FINDINGS, target.name), input, failure.message));
  }
  notes.setFloat64(0, CLOSES);
  await noting.close?.();
  finish(inputs, CLOSES, null, null);
}

/** Starts the script at `run` in a process, watches it, and tries what it finds once more, alone. @returns null when it was stopped in the middle. */
export async function watched(run: string, target: Target, amount: Amount, limits: Limits, stop: AbortSignal): Promise<Report | null> {
  const report = await oneProcess(run, target, { amount }, limits, stop);
  const { file } = report?.finding ?? { file: null };
  if (report === null || file === null || stop.aborted) return report;
  const again = await oneProcess(run, target, { input: file }, limits, stop);
  return { ...report, finding: { ...report.finding!, alone: again?.finding != null } };
}

/** An input that was kept, in a process of its own. */
export function tryAgain(run: string, target: Target, input: string, limits: Limits, stop: AbortSignal): Promise<Report | null> {
  return oneProcess(run, target, { input }, limits, stop);
}

async function oneProcess(run: string, target: Target, work: Work, limits: Limits, stop: AbortSignal): Promise<Report | null> {
  if (stop.aborted) return null;
  mkdirSync(FINDINGS, { recursive: true });
  const folder = mkdtempSync(join(FINDINGS, "run-"));
  const startedAt = performance.now();
  try {
    const progress = join(folder, "progress");
    const first = new DataView(new ArrayBuffer(NOTES_BYTES));
    first.setFloat64(0, NOT_OPEN);
    writeFileSync(progress, new Uint8Array(first.buffer));
    const ended = await watch(
      [process.execPath, run, "--target", target.name, ...flagsOf(work), "--process", folder],
      progress,
      limits,
      stop,
    );
    const path = join(folder, "report");
    if (ended.code === 0 && existsSync(path)) return JSON.parse(readFileSync(path, "utf8")) as Report;
    if (stop.aborted && ended.why === null) return null;
    const { index, shrinks } = notesIn(progress);
    const said = ended.why ??
      `The process ended with ${ended.code}, and not by itself: ${ended.complained.slice(-2_000).trimEnd() || "without a word"}`;
    const failure = index === NOT_OPEN
      ? `Before the first input: ${said}`
      : index === CLOSES
      ? `After the last input: ${said}`
      : shrinks
      ? `It fails, and while it was made smaller: ${said}`
      : said;
    const file = index < 0 ? null : "input" in work ? work.input : await kept(target, work.amount.seed, index, failure);
    const seed = "amount" in work ? work.amount.seed : 0;
    const seconds = (performance.now() - startedAt) / 1000;
    return { target: target.name, seed, inputs: Math.max(0, index + 1), seconds, finding: { index, failure, file, alone: false } };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const flagsOf = (work: Work): readonly string[] =>
  "input" in work ? ["--input", work.input] : [
    ...["--seed", String(work.amount.seed)],
    ...(work.amount.inputs === Infinity ? ["--seconds", String(work.amount.seconds)] : ["--inputs", String(work.amount.inputs)]),
  ];

interface Ended {
  readonly code: string | number;
  readonly complained: string;
  /** Why it was killed. */
  readonly why: string | null;
}

async function watch(command: readonly string[], progress: string, { hangsMs, memoryBytes }: Limits, stop: AbortSignal): Promise<Ended> {
  const child = Bun.spawn([...command], { stdout: "ignore", stderr: "pipe", stdin: "ignore" });
  let why: string | null = null;
  let late: ReturnType<typeof setTimeout> | undefined;
  const end = (): void => {
    child.kill("SIGTERM");
    late = setTimeout(() => child.kill("SIGKILL"), GRACE_MS);
  };
  stop.addEventListener("abort", end);
  let last = { ...notesIn(progress), at: performance.now() };
  const timer = setInterval(() => {
    const now = notesIn(progress);
    if (now.index !== last.index || now.checks !== last.checks) last = { ...now, at: performance.now() };
    const allowedMs = now.index < 0 ? OPENS_MS : hangsMs;
    if (performance.now() - last.at > allowedMs) why = `It hangs: no end within ${allowedMs} ms`;
    else if (memoryOf(child.pid) > memoryBytes) why = `It takes more than ${memoryBytes} bytes of memory`;
    if (why !== null) child.kill("SIGKILL");
  }, LOOKED_AT_EVERY_MS);
  const complained = await new Response(child.stderr).text();
  const code = await child.exited;
  clearInterval(timer);
  clearTimeout(late);
  stop.removeEventListener("abort", end);
  return { code: child.signalCode ?? code, complained, why };
}

/** Writes the input down that the process did not get over. */
async function kept(target: Target, seed: number, index: number, failure: string): Promise<string> {
  await target.open?.();
  const input = inputOf(target, seed, index);
  await target.close?.();
  return writeInput(join(FINDINGS, target.name), input, failure);
}

export interface Notes {
  readonly index: number;
  readonly checks: number;
  readonly shrinks: boolean;
}

/** @param progress the file of a process. */
export function notesIn(progress: string): Notes {
  const notes = new DataView(new Uint8Array(readFileSync(progress)).buffer);
  return { index: notes.getFloat64(0), checks: notes.getFloat64(8), shrinks: notes.getFloat64(16) === 1 };
}

/** Resident; 0 where the system does not tell. */
function memoryOf(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]) * 4096;
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT" || (error as { code?: string }).code === "ESRCH") return 0;
    throw error;
  }
}
