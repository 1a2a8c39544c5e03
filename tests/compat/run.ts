/**
 * Runs every client's scenarios against the built executable, one client after the other, and closes with the totals:
 * `bun tests/compat/run.ts [client …]`. A client that this machine cannot have is counted as skipped, with the reason.
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { confluentPython, franzGo, javaTools, kcat, nodePackage } from "./support/install.ts";
import { run } from "./support/process.ts";

const clients: Readonly<Record<string, () => Promise<unknown>>> = {
  kcat,
  kafkajs: () => nodePackage("kafkajs"),
  platformatic: () => nodePackage("platformatic"),
  librdkafka: confluentPython,
  java: javaTools,
  franz_go: () => franzGo("v1.22.2"),
  differential: javaTools,
  barnabas_client: javaTools,
  cli: javaTools,
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in clients));
if (unknown.length > 0) {
  console.error(`Cannot run "${unknown.join(", ")}": the clients are ${Object.keys(clients).join(", ")}`);
  process.exit(64);
}

let passed = 0;
let failed = 0;
let skipped = 0;
for (const [client, install] of Object.entries(clients)) {
  if (asked.length > 0 && !asked.includes(client)) continue;
  try {
    await install();
  } catch (error) {
    skipped++;
    console.log(`── ${client}: skipped: ${error instanceof Error ? error.message : String(error)}`);
    continue;
  }
  const files = (await readdir(join(import.meta.dir, client))).filter((file) => file.endsWith("_compat.ts"));
  const result = await run([process.execPath, "test", ...files.map((file) => `./tests/compat/${client}/${file}`)], {
    timeoutMs: 1_200_000,
  });
  const output = result.stdout + result.stderr;
  console.log(`── ${client}\n${output}`);
  const count = (word: string) => Number(new RegExp(`^\\s*(\\d+) ${word}$`, "m").exec(output)?.[1] ?? 0);
  passed += count("pass");
  // A run that ended badly without saying which test failed still is a failure.
  failed += Math.max(count("fail"), result.exitCode === 0 ? 0 : 1);
}
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exit(failed > 0 ? 1 : 0);
