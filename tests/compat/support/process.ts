/** Runs a client as a separate process with a bound on its time. Must not know any client. */

export interface Finished {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Record<string, string>;
  readonly stdin?: string;
  /** The process is killed, by its id, after this long: exit code 137. */
  readonly timeoutMs?: number;
}

/** Never throws for a failing command; the caller looks at `exitCode`. */
export async function run(command: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const child = Bun.spawn([...command], {
    cwd: options.cwd ?? process.cwd(),
    env: { ...process.env, ...options.env },
    stdin: new TextEncoder().encode(options.stdin ?? ""),
    stdout: "pipe",
    stderr: "pipe",
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), options.timeoutMs ?? 60_000);
  try {
    const [stdout, stderr, exitCode] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    return { exitCode, stdout, stderr };
  } finally {
    clearTimeout(timer);
  }
}

/** As `run`, but a failing command is an error that shows everything it printed. */
export async function mustRun(command: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const result = await run(command, options);
  if (result.exitCode !== 0) {
    throw new Error(`Command failed with exit code ${result.exitCode}: ${command.join(" ")}\n${result.stdout}\n${result.stderr}`);
  }
  return result;
}
