/** The programs that docs/clients.md shows, as they stand there, in the languages that they are in. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type BrokerUnderTest, startBroker } from "../support/broker.ts";
import { franzGo, javaTools, nodePackage, python } from "../support/install.ts";
import { mustRun } from "../support/process.ts";

const page = await Bun.file(new URL("../../../docs/clients.md", import.meta.url)).text();
const EXPECTED = /```text\n([^]*?)```/.exec(page)![1]!;

/** What the page shows under this name, for the broker under test. */
function program(name: string): string {
  const text = new RegExp("```\\w+ " + name.replace(".", "\\.") + "\\n([^]*?)```").exec(page)?.[1];
  if (text === undefined) throw new Error(`docs/clients.md shows no "${name}"`);
  return text.replaceAll("127.0.0.1:9092", broker.bootstrap);
}

let broker: BrokerUnderTest;
let folder: string;
beforeAll(async () => {
  broker = await startBroker();
  folder = await mkdtemp(join(tmpdir(), "barnabas-clients-"));
});
afterAll(async () => {
  await broker?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Runs it in a folder of its own; records of one partition come in the order of the page. */
async function prints(name: string, prepare: (path: string) => Promise<readonly string[]>): Promise<void> {
  const path = await mkdtemp(join(folder, "program-"));
  await writeFile(join(path, name), program(name));
  const { stdout } = await mustRun(await prepare(path), { cwd: path, timeoutMs: 110_000 });
  expect(stdout).toBe(EXPECTED);
}

test("kafkajs", () =>
  prints("orders.mjs", async (path) => {
    await symlink(join(await nodePackage("kafkajs"), "node_modules"), join(path, "node_modules"));
    return ["node", "orders.mjs"];
  }), 300_000);

test("confluent-kafka for Python", () => prints("orders.py", async () => [await python("librdkafka"), "orders.py"]), 300_000);

test("Java", () =>
  prints("Orders.java", async () => {
    const lib = dirname(await javaTools());
    return ["java", "-cp", `${lib}/*`, "Orders.java"];
  }), 300_000);

test("Go", () =>
  prints("main.go", async (path) => {
    const module = await franzGo("v1.22.2");
    await writeFile(
      join(path, "go.mod"),
      `module orders\n\ngo 1.24\n\nrequire github.com/twmb/franz-go v1.22.2\n\nreplace github.com/twmb/franz-go => ${module}\n`,
    );
    await mustRun(["go", "mod", "tidy"], { cwd: path, timeoutMs: 110_000 });
    return ["go", "run", "."];
  }), 300_000);
