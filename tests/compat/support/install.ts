/**
 * Gets a client, pinned, into a cache folder that later runs reuse. Each installer answers with what the scenarios need, or throws
 * with the reason why this machine cannot have it; the runner then counts the client as skipped and says why.
 */
import { cp, mkdir } from "node:fs/promises";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { mustRun, run } from "./process.ts";

const cache = process.env["BARNABAS_COMPAT_CACHE"] ?? join(homedir(), ".cache", "barnabas-compat");
const here = join(import.meta.dir, "..");

async function folder(name: string): Promise<string> {
  const path = join(cache, name);
  await mkdir(path, { recursive: true });
  return path;
}

async function have(tool: string): Promise<boolean> {
  return (await run(["sh", "-c", `command -v ${tool}`])).exitCode === 0;
}

/** A Debian package, when this machine has apt and lets us use it. */
async function debian(tool: string, pkg: string): Promise<void> {
  if (await have(tool)) return;
  if (!(await have("apt-get"))) throw new Error(`"${tool}" is not installed and there is no apt-get to install "${pkg}"`);
  await mustRun(["sh", "-c", `apt-get update -qq && apt-get install -y -qq ${pkg}`], {
    timeoutMs: 300_000,
    env: { DEBIAN_FRONTEND: "noninteractive" },
  });
}

export async function kcat(): Promise<string> {
  await debian("kcat", "kcat");
  return "kcat";
}

/** Injects faults into the system calls of a running process. */
export async function strace(): Promise<string> {
  await debian("strace", "strace");
  return "strace";
}

/** A Node package with the lock file beside the scenario; answers with the folder that holds `node_modules`. */
export async function nodePackage(client: "kafkajs" | "openapi_client" | "platformatic"): Promise<string> {
  const path = await folder(client);
  for (const file of ["package.json", "package-lock.json"]) await cp(join(here, client, file), join(path, file));
  await mustRun(["npm", "ci", "--no-audit", "--no-fund", "--silent", "--ignore-scripts"], { cwd: path, timeoutMs: 180_000 });
  return path;
}

/** The packages of the client's requirements.txt in a virtual environment; answers with its python. */
export async function python(client: "librdkafka" | "kafka_python"): Promise<string> {
  const path = await folder(client);
  const interpreter = join(path, "venv", "bin", "python");
  if (!existsSync(interpreter)) {
    if (!(await have("python3"))) throw new Error("python3 is not installed");
    await mustRun(["python3", "-m", "venv", join(path, "venv")], { timeoutMs: 120_000 });
  }
  await mustRun([interpreter, "-m", "pip", "install", "-q", "-r", join(here, client, "requirements.txt")], { timeoutMs: 300_000 });
  return interpreter;
}

/** Apache Kafka's own tools from Maven Central; answers with the class path. */
export async function javaTools(): Promise<string> {
  if (!(await have("java"))) await debian("java", "openjdk-17-jre-headless");
  const path = await folder("java");
  const lib = join(path, "lib-4.3.1");
  if (!existsSync(lib)) {
    await debian("mvn", "maven");
    await cp(join(here, "java", "pom.xml"), join(path, "pom.xml"));
    await mustRun(["mvn", "-q", "-B", "dependency:copy-dependencies", `-DoutputDirectory=${lib}.part`], { cwd: path, timeoutMs: 600_000 });
    await mustRun(["mv", `${lib}.part`, lib]);
  }
  return `${lib}/*`;
}

/** franz-go's module, copied out of the read-only module cache; answers with its folder. */
export async function franzGo(version: string): Promise<string> {
  if (!(await have("go"))) throw new Error("go is not installed");
  const path = join(await folder("franz-go"), version);
  if (!existsSync(path)) {
    const info = await mustRun(["go", "mod", "download", "-json", `github.com/twmb/franz-go@${version}`], {
      cwd: cache,
      timeoutMs: 180_000,
    });
    await cp((JSON.parse(info.stdout) as { Dir: string }).Dir, path, { recursive: true });
    await mustRun(["chmod", "-R", "u+w", path]);
  }
  return path;
}
