/**
 * Runs every client's scenarios against the built executable, one client after the other, and closes with the totals:
 * `bun tests/compat/run.ts [--record] [client …]`. A client that this machine cannot have is counted as skipped, with the reason.
 * `--record` keeps which versions of which APIs each client asked for, and makes docs/compatibility.md of it.
 */
import { readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { franzGo, javaTools, kcat, nodePackage, python } from "./support/install.ts";
import { run } from "./support/process.ts";
import { keepSeen } from "./support/seen.ts";

const clients: Readonly<Record<string, () => Promise<unknown>>> = {
  kcat,
  kafkajs: () => nodePackage("kafkajs"),
  platformatic: () => nodePackage("platformatic"),
  librdkafka: () => python("librdkafka"),
  kafka_python: () => python("kafka_python"),
  java: javaTools,
  franz_go: () => franzGo("v1.22.2"),
  differential: javaTools,
  openapi_client: () => nodePackage("openapi_client"),
  barnabas_client: javaTools,
  cli: javaTools,
  pages: javaTools,
};

const records = process.argv.includes("--record");
const asked = process.argv.slice(2).filter((argument) => argument !== "--record");
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
  const seen = join(tmpdir(), `barnabas-seen-${process.pid}-${client}`);
  const files = (await readdir(join(import.meta.dir, client))).filter((file) => file.endsWith("_compat.ts"));
  const result = await run([process.execPath, "test", ...files.map((file) => `./tests/compat/${client}/${file}`)], {
    timeoutMs: 1_200_000,
    env: records ? { COMPAT_SEEN: seen } : {},
  });
  if (records) await keepSeen(client, seen);
  const output = result.stdout + result.stderr;
  console.log(`── ${client}\n${output}`);
  const count = (word: string) => Number(new RegExp(`^\\s*(\\d+) ${word}$`, "m").exec(output)?.[1] ?? 0);
  passed += count("pass");
  // A run that ended badly without saying which test failed still is a failure.
  failed += Math.max(count("fail"), result.exitCode === 0 ? 0 : 1);
}
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exit(failed > 0 ? 1 : 0);
