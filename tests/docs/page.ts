/**
 * Runs a page of documentation as a reader would: its shell blocks in order, in one empty folder, with `barnabas` on the PATH, and looks whether
 * what they print is what the page shows.
 *
 * A block that begins with `barnabas serve` is started and left running; every other `sh` block must end with exit code 0. A `text` block right
 * behind one is what it prints; `…` in it stands for anything. The default addresses are those of a free port. A block after the comment
 * `<!-- not run: reason -->` is left out. BARNABAS_EXECUTABLE=PATH tries the pages with the built executable instead of the sources.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import type { Subprocess } from "bun";

export interface Block {
  readonly language: string;
  readonly text: string;
  /** Of its first line, from 1. */
  readonly line: number;
  readonly isRun: boolean;
}

const MAIN = resolve(import.meta.dir, "../../main.ts");
const COMMAND_MS = 60_000;
/** Where a machine has none: prints what is at the last argument. */
const CURL = "process.stdout.write(await (await fetch(process.argv.at(-1))).text())";
/** A failure in the middle of a pipe counts, where the shell can tell. */
const SHELL = Bun.which("bash") === null ? ["sh", "-eu", "-c"] : ["bash", "-euo", "pipefail", "-c"];

export function blocksOf(markdown: string): readonly Block[] {
  const blocks: Block[] = [];
  const lines = markdown.split("\n");
  for (let at = 0; at < lines.length; at++) {
    const fence = /^```(\w*)/.exec(lines[at]!);
    if (fence === null) continue;
    const end = lines.indexOf("```", at + 1);
    const before = lines.slice(0, at).findLast((line) => line.trim() !== "") ?? "";
    blocks.push({
      language: fence[1]!,
      text: lines.slice(at + 1, end).join("\n"),
      line: at + 2,
      isRun: !before.startsWith("<!-- not run:"),
    });
    at = end;
  }
  return blocks;
}

/** Whether `printed` is what the page shows, line ends and outer blanks aside. */
export function shows(shown: string, printed: string): boolean {
  const pattern = shown.trim().split("…").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("[^]*?");
  return new RegExp(`^${pattern}$`).test(printed.trim());
}

export class PageRun implements AsyncDisposable {
  readonly #folder: string;
  readonly #ports: { readonly kafka: number; readonly http: number };
  readonly #env: Record<string, string | undefined>;
  readonly #servers: Subprocess[] = [];

  private constructor(folder: string, ports: { readonly kafka: number; readonly http: number }) {
    this.#folder = folder;
    this.#ports = ports;
    this.#env = { ...process.env, PATH: `${join(folder, ".bin")}${delimiter}${process.env["PATH"]}`, NO_COLOR: "1" };
  }

  static async open(): Promise<PageRun> {
    const folder = await mkdtemp(join(tmpdir(), "barnabas-page-"));
    const run = new PageRun(folder, { kafka: freePort(), http: freePort() });
    await run.#command("barnabas", `exec ${process.env["BARNABAS_EXECUTABLE"] ?? `${process.execPath} ${MAIN}`} "$@"`);
    if (Bun.which("curl") === null) await run.#command("curl", `exec ${process.execPath} -e '${CURL}' "$@"`);
    return run;
  }

  async #command(name: string, script: string): Promise<void> {
    const path = join(this.#folder, ".bin", name);
    await Bun.write(path, `#!/bin/sh\n${script}\n`);
    await Bun.spawn(["chmod", "+x", path]).exited;
  }

  /** Answers with what the block printed, on either output. @throws {Error} when it failed. */
  async run(block: Block): Promise<string> {
    const script = this.#here(block.text);
    if (script.startsWith("barnabas serve") && !script.includes("--check")) return await this.#serve(script);
    const child = Bun.spawn([...SHELL, `exec 2>&1\n${script}`], {
      cwd: this.#folder,
      env: { ...this.#env, BARNABAS_BOOTSTRAP: `127.0.0.1:${this.#ports.kafka}` },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "inherit",
      timeout: COMMAND_MS,
      killSignal: "SIGKILL",
    });
    const [out, code] = await Promise.all([new Response(child.stdout).text(), child.exited]);
    if (code !== 0) throw new Error(`Line ${block.line} ends with exit code ${code}:\n${script}\n${out}`);
    return this.#there(out);
  }

  /** Writes a file that the page shows. */
  async write(name: string, text: string): Promise<void> {
    await writeFile(join(this.#folder, name), this.#here(text));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#servers) {
      server.kill("SIGTERM");
      await server.exited;
    }
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #serve(script: string): Promise<string> {
    const listens = `--listen 127.0.0.1:${this.#ports.kafka} --admin 127.0.0.1:${this.#ports.http}`;
    const server = Bun.spawn(["sh", "-c", `exec ${script.replace(/\s+#.*$/m, "")} ${listens}`], {
      cwd: this.#folder,
      env: this.#env,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "inherit",
    });
    this.#servers.push(server);
    let printed = "";
    for await (const chunk of server.stdout.pipeThrough(new TextDecoderStream() as never) as unknown as AsyncIterable<string>) {
      printed += chunk;
      if (printed.includes("Kafka Server started")) return this.#there(printed);
    }
    throw new Error(`"${script}" ended:\n${printed}`);
  }

  #here(text: string): string {
    return text.replaceAll("127.0.0.1:9092", `127.0.0.1:${this.#ports.kafka}`).replaceAll(
      "127.0.0.1:9644",
      `127.0.0.1:${this.#ports.http}`,
    );
  }

  #there(text: string): string {
    return text.replaceAll(`127.0.0.1:${this.#ports.kafka}`, "127.0.0.1:9092").replaceAll(
      `127.0.0.1:${this.#ports.http}`,
      "127.0.0.1:9644",
    );
  }
}

function freePort(): number {
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = listener;
  listener.stop(true);
  return port;
}
