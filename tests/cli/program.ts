/** The real program against a real broker, for tests: `bun main.ts …` as a user would run it. */
import { resolve } from "node:path";

const main = resolve(import.meta.dir, "../../main.ts");

export interface Ended {
  readonly out: string;
  readonly error: string;
  readonly code: number;
}

export function start(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  stdin: "pipe" | "ignore" = "ignore",
  cwd: string = process.cwd(),
) {
  return Bun.spawn([process.execPath, main, ...args], {
    cwd,
    env: { PATH: process.env["PATH"], ...env },
    stdin,
    stdout: "pipe",
    stderr: "pipe",
  });
}

export async function finished(child: ReturnType<typeof start>): Promise<Ended> {
  const [out, error, code] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), child.exited]);
  return { out, error, code };
}

/** Runs to the end. @param input what it reads. */
export async function run(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  input?: string | Uint8Array,
): Promise<Ended> {
  const child = start(args, env, input === undefined ? "ignore" : "pipe");
  if (input !== undefined) {
    void child.stdin!.write(input);
    await child.stdin!.end();
  }
  return await finished(child);
}
