#!/usr/bin/env node
// Sets the project up where it is not, then runs one of its pinned tools: `node scripts/run.mjs bun main.ts serve`.
// Plain Node.js without dependencies, because on a fresh machine there is nothing else.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, lstatSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const modules = join(root, "node_modules");
const bin = (tool) => join(modules, ".bin", tool);

function fail(message) {
  console.error(message);
  process.exit(1);
}

/** npm writes this file last: it is there and newer than the lock file exactly when the installed packages fit. */
function isInstalled() {
  // A link to the packages of another checkout: npm ci would empty them under it.
  if (lstatSync(modules, { throwIfNoEntry: false })?.isSymbolicLink()) return true;
  const marker = join(modules, ".package-lock.json");
  return existsSync(marker) && statSync(marker).mtimeMs >= statSync(join(root, "package-lock.json")).mtimeMs;
}

function install() {
  console.error("Setting up: npm ci");
  const npm = process.env.npm_execpath && /\.c?js$/.test(process.env.npm_execpath) ? [process.execPath, process.env.npm_execpath] : ["npm"];
  const done = spawnSync(npm[0], [...npm.slice(1), "ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", 2, 2],
  });
  if (done.status !== 0) fail("Cannot set up: npm ci failed, its output is above");
}

const works = (tool) => spawnSync(bin(tool), ["--version"], { stdio: "ignore" }).status === 0;

/** bun and deno fetch nothing themselves: their binaries come as packages, and a script of theirs puts them in place. Some npm settings skip it. */
function ensureBinary(tool, script) {
  if (works(tool)) return;
  spawnSync(process.execPath, [script], { cwd: join(modules, tool), stdio: ["ignore", 2, 2] });
  if (!works(tool)) fail(`Cannot run ${tool} from node_modules: is this platform one that ${tool} supports? Try: npm rebuild ${tool}`);
}

const [tool, ...rest] = process.argv.slice(2);
if (!tool) fail("usage: node scripts/run.mjs TOOL [ARGUMENT …]");
const major = Number(process.versions.node.split(".")[0]);
if (major < JSON.parse(readFileSync(join(root, "package.json"), "utf8")).engines.node.match(/\d+/)[0]) {
  fail(`Node.js ${process.versions.node} is too old: 20 or newer is needed`);
}
if (!isInstalled()) install();
ensureBinary("bun", "install.js");
if (tool === "deno") ensureBinary("deno", "install.cjs");

const child = spawn(bin(tool), rest, { cwd: root, stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("error", (error) => fail(`Cannot start ${tool}: ${error.message}`));
child.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGINT" ? 130 : 143)));
