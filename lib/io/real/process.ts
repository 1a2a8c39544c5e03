/** The process as the command line sees it: arguments, environment, terminal, streams, signals, exit. The only code that names `process`. */
import { readFile, stat, writeFile } from "node:fs/promises";
import { closeSync, createReadStream, existsSync, openSync, readdirSync, readFileSync, readSync } from "node:fs";
import { resolve } from "node:path";
import { heapSize } from "bun:jsc";
import type { StallWatch } from "./stall_watch.ts";

export interface HostProcess {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether standard error is a terminal. */
  readonly isTerminal: boolean;
  readonly isInTerminal: boolean;
  readonly isOutTerminal: boolean;
  /** Characters of a line on the terminal; 100 where there is none. */
  columns(): number;
  /** How many of them the text takes. */
  textWidth(text: string): number;
  /** Without waiting: for a few lines. */
  writeOut(text: string): void;
  writeError(text: string): void;
  /** To standard output; resolves when the reader has taken it. @throws {Error} with code `EPIPE` when there is no reader any more. */
  write(bytes: string | Uint8Array): Promise<void>;
  /** Standard input from here on; reads only as fast as it is asked for. */
  readIn(): AsyncIterable<Uint8Array>;
  /** As `readIn` for a file. @throws {Error} with the system's reason when it cannot be read. */
  readFile(path: string): AsyncIterable<Uint8Array>;
  /** Null: not known before it is read (a pipe). @throws {Error} as `readFile`. */
  fileBytes(path: string): Promise<number | null>;
  /** Seen from the directory in which the process was started. */
  absolutePath(path: string): string;
  /** @throws {Error} with the system's reason when the file cannot be read. */
  readText(path: string): Promise<string>;
  /** Makes the file, for its owner only. @throws {Error} with code `EEXIST` when there is one, or the system's reason. */
  writeNewFile(path: string, bytes: Uint8Array): Promise<void>;
  /** Asks on the terminal; null when it ends instead. */
  ask(question: string): Promise<string | null>;
  /** @throws {Error} with the reason when nothing answers within `timeoutMs`. */
  getHttp(url: string, timeoutMs: number): Promise<{ readonly status: number; readonly text: string }>;
  /** Calls back for SIGINT and SIGTERM, each time. */
  onStopSignal(stop: (signal: string) => void): void;
  /** Calls back for an error that nobody caught: a bug. */
  onUncaught(report: (error: unknown) => void): void;
  /** Ends the process when something takes longer, which may keep everything else from happening. */
  watchStall(afterMs: number): Promise<StallWatch>;
  exit(code: number): never;
}

export const hostProcess: HostProcess = {
  args: process.argv.slice(2),
  env: process.env,
  isTerminal: Boolean(process.stderr.isTTY),
  get isInTerminal() {
    return Boolean(process.stdin.isTTY);
  },
  get isOutTerminal() {
    return Boolean(process.stdout.isTTY);
  },
  columns: () => process.stderr.columns || process.stdout.columns || COLUMNS_ELSEWHERE,
  textWidth: (text) => Bun.stringWidth(text),
  writeOut: (text) => void process.stdout.write(text),
  writeError: (text) => void process.stderr.write(text),
  write: (bytes) =>
    new Promise((resolve, reject) => {
      // The stream also emits what it tells the callback; unheard, that would end the process.
      if (process.stdout.listenerCount("error") === 0) process.stdout.on("error", reject);
      process.stdout.write(bytes, (error) => error ? reject(error) : resolve());
    }),
  readIn: () => process.stdin,
  readFile: (path) => createReadStream(path, { highWaterMark: READ_BYTES }),
  fileBytes: async (path) => {
    const found = await stat(path);
    return found.isFile() ? found.size : null;
  },
  absolutePath: (path) => resolve(path),
  readText: (path) => readFile(path, "utf8"),
  writeNewFile: (path, bytes) => writeFile(path, bytes, { flag: "wx", mode: 0o600 }),
  ask: async (question) => {
    const { createInterface } = await import("node:readline");
    const lines = createInterface({ input: process.stdin, output: process.stderr });
    return await new Promise((resolve) => {
      lines.on("close", () => resolve(null));
      // Readline takes the signal from the terminal: it is handed on to who listens for it.
      lines.on("SIGINT", () => process.kill(process.pid, "SIGINT"));
      lines.question(question, (answer) => {
        resolve(answer);
        lines.close();
      });
    });
  },
  getHttp: async (url, timeoutMs) => {
    const reply = await fetch(url, { signal: AbortSignal.timeout(timeoutMs), redirect: "manual" });
    return { status: reply.status, text: await reply.text() };
  },
  onStopSignal: (stop) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stop(signal));
  },
  onUncaught: (report) => {
    process.on("uncaughtException", report);
    process.on("unhandledRejection", report);
  },
  watchStall: async (afterMs) => (await import("./stall_watch.ts")).watchStall(afterMs),
  exit: (code) => process.exit(code),
};

const READ_BYTES = 256 * 1024;
const COLUMNS_ELSEWHERE = 100;

export interface ProcessMeter {
  /** `bun 1.4.5` */
  readonly runtime: string;
  /** Seconds since 1970. */
  readonly startSeconds: number;
  /** Resident memory; 0 where the system does not say. */
  residentBytes(): number;
  /** Of JavaScript objects. */
  heapBytes(): number;
  /** User and system. */
  cpuSeconds(): number;
  /** NaN where the system does not say. */
  openFiles(): number;
  openFilesMax(): number;
  close(): void;
}

/** One file stays open: out of file descriptors, `process.memoryUsage()` throws and nothing can be opened (HAZARDS X1). */
export function processMeter(): ProcessMeter {
  const statm = "/proc/self/statm";
  const file = existsSync(statm) ? openSync(statm, "r") : null;
  const text = Buffer.alloc(128);
  return {
    runtime: `bun ${process.versions["bun"]}`,
    startSeconds: Date.now() / 1000 - process.uptime(),
    residentBytes: () =>
      file === null ? 0 : Number(text.toString("latin1", 0, readSync(file, text, 0, text.length, 0)).split(" ")[1]) * PAGE_BYTES,
    heapBytes: () => heapSize(),
    cpuSeconds: () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1e6;
    },
    openFiles: () => orNaN(() => readdirSync("/proc/self/fd").length),
    openFilesMax: () => orNaN(() => Number(/^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "latin1"))![1])),
    close: () => file === null || closeSync(file),
  };
}

/** Not every system has it, and none has it when file descriptors have run out. */
function orNaN(look: () => number): number {
  try {
    return look();
  } catch {
    return NaN;
  }
}

const PAGE_BYTES = 4096;
