/**
 * franz-go's own suite for its client (`pkg/kgo`), unchanged, pointed at the broker by KGO_SEEDS. What it checks that Barnabas does not
 * serve yet is on `notServed`, each with its reason: the list may only shrink.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { type BrokerUnderTest, startBroker } from "../support/broker.ts";
import { franzGo } from "../support/install.ts";
import { mustRun, run } from "../support/process.ts";

const version = "v1.22.2";

/** Tests of the suite that are left out, and why. */
const notServed: Readonly<Record<string, string>> = {
  TestTxnEtl: "transactions are not served yet",
};

let broker: BrokerUnderTest;
let folder: string;
beforeAll(async () => {
  folder = await franzGo(version);
  broker = await startBroker();
  await mustRun(["go", "test", "-c", "-o", "kgo.test", "./pkg/kgo"], { cwd: folder, timeoutMs: 600_000 });
}, 900_000);
afterAll(() => broker?.stop());

interface Event {
  readonly Action: string;
  readonly Test?: string;
  readonly Output?: string;
}

test(`franz-go ${version} passes its own suite`, async () => {
  const skip = Object.keys(notServed).map((name) => `^${name}$`).join("|");
  const { stdout, stderr } = await run(
    ["go", "tool", "test2json", "../../kgo.test", "-test.v", "-test.count=1", "-test.timeout=9m", ...(skip ? [`-test.skip=${skip}`] : [])],
    {
      cwd: `${folder}/pkg/kgo`,
      timeoutMs: 580_000,
      env: { KGO_SEEDS: broker.bootstrap, KGO_TEST_RF: "1", KGO_TEST_RECORDS: process.env["KGO_TEST_RECORDS"] ?? "50000" },
    },
  );
  const events = stdout.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line) as Event);
  const ended = (
    action: string,
  ) => [...new Set(events.filter((e) => e.Action === action && e.Test && !e.Test.includes("/")).map((e) => e.Test!))];
  const failed = ended("fail");
  const output = failed.map((name) =>
    events.filter((e) => e.Test?.startsWith(name) && e.Output).map((e) => e.Output).join("").slice(-4000)
  );
  console.log(`franz-go: ${ended("pass").length} passed, ${failed.length} failed, skipped by themselves: ${ended("skip").join(", ")}`);
  for (const [name, reason] of Object.entries(notServed)) console.log(`left out: ${name}: ${reason}`);
  if (failed.length > 0) throw new Error(`Failed: ${failed.join(", ")}\n${output.join("\n")}`);
  expect(ended("pass").length, stdout.slice(-2000) + stderr.slice(-2000)).toBeGreaterThan(100);
}, 600_000);
