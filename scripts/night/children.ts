/** The processes of a night: one a core at a time, all told to end when the night does. */

export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

/** What ends late after it was told to is ended at once. */
const GRACE_MS = 20_000;

interface Running {
  kill(signal: NodeJS.Signals): void;
  readonly exited: Promise<number>;
}

export class Children {
  readonly #running = new Set<Running>();
  #stopped = false;

  get stopped(): boolean {
    return this.#stopped;
  }

  /** Runs to its end. */
  async run(command: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
    const child = Bun.spawn([...command], { env: { ...process.env, ...env }, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
    this.add(child);
    const [out, error, code] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), child.exited]);
    return { code, out, error };
  }

  /** One that somebody else started, to be ended with the others. */
  add(child: Running): void {
    this.#running.add(child);
    if (this.#stopped) child.kill("SIGINT");
    void child.exited.then(() => this.#running.delete(child));
  }

  /** No other begins; those that run are told to end, and get some time for it. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    for (const child of this.#running) child.kill("SIGINT");
    const late = setTimeout(() => {
      for (const child of this.#running) child.kill("SIGKILL");
    }, GRACE_MS);
    late.unref();
  }
}
