/** `dist/barnabas` as a process that may also refuse to start: what it said and how it ended. Knows nothing of what is asked of it. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { executable } from "../../compat/support/broker.ts";
import { linesUntil } from "../../support/lines.ts";

export interface Running {
  readonly port: number;
  /** `host:port` of the HTTP side. */
  readonly admin: string;
  readonly pid: number;
  readonly exited: Promise<number>;
  /** What it wrote to standard error so far. */
  said(): Promise<string>;
  /** SIGTERM; resolves to the exit code. */
  stop(): Promise<number>;
  /** SIGKILL. */
  kill(): Promise<void>;
}

export interface Refused {
  readonly exitCode: number;
  readonly said: string;
}

export interface StartOptions {
  readonly flags?: readonly string[];
  /** Command before the executable: `setpriv …`, `prlimit …`. */
  readonly through?: readonly string[];
  /** Killed when it neither serves nor ends within so long; then `Refused` has exit code 137. */
  readonly budgetMs?: number;
}

/** Starts it on the folder `data` of `directory`. */
export async function start(
  directory: string,
  { flags = [], through = [], budgetMs = 20_000 }: StartOptions = {},
): Promise<Running | Refused> {
  const log = join(directory, "stderr.log");
  await rm(log, { force: true });
  const command = [...through, executable, "serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--data", "data", ...flags];
  const child = Bun.spawn(command, { cwd: directory, stdin: "ignore", stdout: "pipe", stderr: Bun.file(log) });
  const { text, found } = await linesUntil(child.stdout, /Kafka Server started/, budgetMs).catch((error: unknown) => {
    child.kill("SIGKILL");
    return { text: String(error), found: false };
  });
  if (!found) return { exitCode: await child.exited, said: await Bun.file(log).text() };
  return {
    port: Number(/PLAINTEXT:\/\/\S+:(\d+)/.exec(text)?.[1]),
    admin: /http:\/\/(\S+)/.exec(text)?.[1] ?? "",
    pid: child.pid,
    exited: child.exited,
    said: () => Bun.file(log).text(),
    async stop() {
      child.kill("SIGTERM");
      return await child.exited;
    },
    async kill() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

/** As `start`, for starts that must succeed. */
export async function mustStart(directory: string, options: StartOptions = {}): Promise<Running> {
  const started = await start(directory, options);
  if ("said" in started && "exitCode" in started) throw new Error(`It did not start (exit code ${started.exitCode}): ${started.said}`);
  return started as Running;
}

export const isRefused = (started: Running | Refused): started is Refused => "exitCode" in started;
