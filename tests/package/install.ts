/**
 * The whole way of a consumer: build, `npm pack`, `npm install` of the tarball into an empty folder, then the examples of docs/embed.md with the
 * packages that npm chose. Needs npm's registry; `.ci/run` calls it.
 */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildPackage } from "../../scripts/build_package.ts";
import { type Ended, root, run, typeErrors, writeProject } from "./consumer.ts";

const folder = await mkdtemp(join(tmpdir(), "barnabas-install-"));
const project = join(folder, "project");
let failed = 0;

function say(what: string, ok: boolean, text = ""): void {
  console.log(`${ok ? "ok    " : "FAILED"} ${what}${ok ? "" : `\n${text}`}`);
  if (!ok) failed++;
}
const ended = (what: string, { code, text }: Ended) => say(what, code === 0, text);

/** With the npm settings of this machine: only they know where its registry is. */
async function npm(...args: readonly string[]): Promise<Ended> {
  const child = Bun.spawn(["npm", ...args, "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: project,
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, error, code] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), child.exited]);
  return { code, text: out + error };
}

try {
  await buildPackage(join(folder, "built"));
  await writeProject(project);
  ended("npm pack", await npm("pack", join(folder, "built"), "--pack-destination", folder));
  const tarball = (await readdir(folder)).find((name) => name.endsWith(".tgz"))!;
  ended("npm install of the tarball", await npm("install", join(folder, tarball)));
  const { devDependencies } = await Bun.file(join(root, "package.json")).json();
  const also = ["kafkajs", "@types/bun", "typescript"].map((name) => `${name}@${devDependencies[name]}`);
  ended("npm install of what the examples need", await npm("install", "--save-dev", ...also));
  ended("bun test of the examples", await run(project, "bun", "test", "--timeout", "60000"));
  const types = await typeErrors(project, join(project, "node_modules/.bin/tsc"));
  say("types of the examples", types === "", types);
  ended("npx barnabas version", await run(project, "npx", "--no-install", "barnabas", "version"));
  ended("the example for Node.js", await run(project, "node", "node_example.mjs"));
} finally {
  await rm(folder, { recursive: true, force: true });
}
if (failed > 0) process.exit(1);
