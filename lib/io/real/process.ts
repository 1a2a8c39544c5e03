/** The process as the command line sees it: arguments, environment, terminal, signals, exit. The only code that names `process`. */
import { readFile } from "node:fs/promises";
import { closeSync, existsSync, openSync, readSync } from "node:fs";

export interface HostProcess {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether standard error is a terminal. */
  readonly isTerminal: boolean;
  writeOut(text: string): void;
  writeError(text: string): void;
  /** @throws {Error} with the system's reason when the file cannot be read. */
  readText(path: string): Promise<string>;
  /** Calls back for SIGINT and SIGTERM, each time. */
  onStopSignal(stop: (signal: string) => void): void;
  /** Calls back for an error that nobody caught: a bug. */
  onUncaught(report: (error: unknown) => void): void;
  exit(code: number): never;
}

export const hostProcess: HostProcess = {
  args: process.argv.slice(2),
  env: process.env,
  isTerminal: Boolean(process.stderr.isTTY),
  writeOut: (text) => void process.stdout.write(text),
  writeError: (text) => void process.stderr.write(text),
  readText: (path) => readFile(path, "utf8"),
  onStopSignal: (stop) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stop(signal));
  },
  onUncaught: (report) => {
    process.on("uncaughtException", report);
    process.on("unhandledRejection", report);
  },
  exit: (code) => process.exit(code),
};

export interface ResidentMeter {
  /** Resident memory; 0 where the system does not say. */
  bytes(): number;
  close(): void;
}

/** The file stays open: out of file descriptors, `process.memoryUsage()` throws and nothing can be opened (HAZARDS X1). */
export function residentMeter(): ResidentMeter {
  const statm = "/proc/self/statm";
  if (!existsSync(statm)) return { bytes: () => 0, close() {} };
  const file = openSync(statm, "r");
  const text = Buffer.alloc(128);
  return {
    bytes: () => Number(text.toString("latin1", 0, readSync(file, text, 0, text.length, 0)).split(" ")[1]) * PAGE_BYTES,
    close: () => closeSync(file),
  };
}

const PAGE_BYTES = 4096;
