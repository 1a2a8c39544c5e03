/**
 * The broker under test: the built executable on a free port with a fresh folder, or, with COMPAT_BOOTSTRAP=host:port, any Kafka that
 * runs already (to see that a scenario asks nothing that Apache Kafka would not do).
 */
import { appendFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { linesUntil } from "../../support/lines.ts";

export interface BrokerUnderTest {
  readonly bootstrap: string;
  /** The process, null for a foreign broker. */
  readonly pid: number | null;
  readonly directory: string;
  /** Stops it and removes its folder. */
  stop(): Promise<void>;
}

export const executable = resolve(import.meta.dir, "../../../dist/barnabas");

/** Starts `dist/barnabas serve` and resolves when it serves. */
export async function startBroker(flags: readonly string[] = []): Promise<BrokerUnderTest> {
  const foreign = process.env["COMPAT_BOOTSTRAP"];
  if (foreign) return { bootstrap: foreign, pid: null, directory: "", stop: () => Promise.resolve() };
  const directory = await mkdtemp(join(tmpdir(), "barnabas-compat-"));
  const started = await launch(directory, flags).catch(async (error: unknown) => {
    await rm(directory, { recursive: true, force: true });
    throw error;
  });
  return {
    bootstrap: started.bootstrap,
    pid: started.pid,
    directory,
    async stop() {
      await recordSeen(started.admin);
      await started.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** With COMPAT_SEEN=FILE: adds a line for every API and version that the broker was asked for, "Fetch 17", as its own metrics count them. */
async function recordSeen(admin: string): Promise<void> {
  const file = process.env["COMPAT_SEEN"];
  if (file === undefined || admin === "") return;
  const metrics = await (await fetch(`http://${admin}/metrics`)).text();
  const rows = metrics.matchAll(/^barnabas_requests_total\{api="(\w+)",version="(\d+)"\}/gm);
  await appendFile(file, Array.from(rows, ([, api, version]) => `${api} ${version}\n`).join(""));
}

/** The executable on a folder that outlives it: for restarts. */
export async function launch(directory: string, flags: readonly string[] = [], listen = "127.0.0.1:0") {
  const child = Bun.spawn(
    [executable, "serve", "--listen", listen, "--admin", "127.0.0.1:0", "--data", join(directory, "data"), ...flags],
    {
      cwd: directory,
      stdin: "ignore",
      stdout: "pipe",
      stderr: Bun.file(join(directory, "stderr.log")),
    },
  );
  const { bootstrap, admin } = await addresses(child.stdout, directory);
  return {
    bootstrap,
    /** `host:port` of the HTTP side. */
    admin,
    pid: child.pid,
    exited: child.exited,
    async stop() {
      child.kill("SIGTERM");
      return await child.exited;
    },
  };
}

/** What the broker says of where it listens, once it serves. */
async function addresses(
  stdout: ReadableStream<Uint8Array>,
  directory: string,
): Promise<{ readonly bootstrap: string; readonly admin: string }> {
  const { text, found } = await linesUntil(stdout, /Kafka Server started/);
  if (!found) throw new Error(`The broker ended before it served:\n${text}\n${await Bun.file(join(directory, "stderr.log")).text()}`);
  return { bootstrap: /PLAINTEXT:\/\/(\S+)/.exec(text)?.[1] ?? "", admin: /http:\/\/(\S+)/.exec(text)?.[1] ?? "" };
}

let counter = 0;
/** A name that no other scenario of this run uses. */
export const fresh = (prefix: string): string => `${prefix}-${process.pid}-${Date.now().toString(36)}-${counter++}`;
