#!/usr/bin/env node
// The command of the npm package: finds Bun and runs the broker with it. Plain Node.js, because that is what npm has.
import { spawn, spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const main = join(dirname(fileURLToPath(import.meta.url)), "main.js");

/** The `bun` package beside this one or above the working directory, then the PATH. */
function* candidates() {
  for (const from of [import.meta.url, join(process.cwd(), "package.json")]) {
    try {
      // Called so on every system.
      yield join(dirname(createRequire(from).resolve("bun/package.json")), "bin", "bun.exe");
    } catch {
      // Not installed there: the next place.
      continue;
    }
  }
  yield "bun";
}

const bun = [...candidates()].find((path) => spawnSync(path, ["--version"], { stdio: "ignore" }).status === 0);
if (bun === undefined) {
  console.error("Cannot run barnabas: it needs Bun and there is none. Try: npm install bun");
  process.exit(69);
}
const child = spawn(bun, [main, ...process.argv.slice(2)], { stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("error", (error) => {
  console.error(`Cannot start ${bun}: ${error.message}`);
  process.exit(71);
});
child.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGINT" ? 130 : 143)));
