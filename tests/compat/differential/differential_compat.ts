/**
 * Sends the same requests to Apache Kafka 4.3.1 and to Barnabas, in every version that is served, and compares the decoded replies field by
 * field. What may differ is on the list in allowed.ts, with its reason; an entry of that list that no longer applies fails the run, too.
 * DIFFERENTIAL_KAFKA=host:port takes a Kafka that runs already and is fresh; COMPAT_BOOTSTRAP the same for Barnabas.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { APIS } from "../../../lib/protocol/mod.ts";
import { startKafka } from "../../../bench/support/brokers.ts";
import { startBroker } from "../support/broker.ts";
import { ALLOWED, isOrderless, ONE_SIDED, reasonFor } from "./allowed.ts";
import { compare } from "./compare.ts";
import { Peer } from "./peer.ts";
import { coordinatorReady, scenarios } from "./scenarios/mod.ts";

interface Running {
  readonly bootstrap: string;
  stop(): Promise<void>;
}
let kafka: Running;
let barnabas: Running;
const used = new Set<unknown>();
/** `Api vN answered well` and `Api vN refused`, by Kafka. */
const heard = new Set<string>();
const STARTED_WITH = ["--node-id", "1", "--set", "offsets.topic.replication.factor=1", "--set", "group.initial.rebalance.delay.ms=0"];

beforeAll(async () => {
  const running = process.env["DIFFERENTIAL_KAFKA"];
  kafka = running ? { bootstrap: running, stop: () => Promise.resolve() } : await startKafka();
  // What Kafka's properties say, so that both know it from their start.
  barnabas = await startBroker(STARTED_WITH);
  await Promise.all([kafka, barnabas].map(({ bootstrap }) => coordinatorReady(bootstrap)));
}, 120_000);
afterAll(async () => {
  await barnabas?.stop();
  await kafka?.stop();
}, 60_000);

function isRefused(reply: unknown): boolean {
  if (typeof reply !== "object" || reply === null) return typeof reply === "string";
  return Object.entries(reply).some(([name, value]) =>
    (name === "errorCode" && value !== 0) || (typeof value === "object" && isRefused(value))
  );
}

for (const [name, run] of Object.entries(scenarios)) {
  test(`Barnabas answers as Apache Kafka 4.3.1 does: ${name}`, async () => {
    const [theirs, ours] = [new Peer(kafka.bootstrap), new Peer(barnabas.bootstrap)];
    await Promise.all([run(theirs), run(ours)]);
    for (const { label, reply } of theirs.steps) heard.add(`${label.split(":")[0]} ${isRefused(reply) ? "refused" : "answered well"}`);
    const unexplained = compare(theirs.steps, ours.steps).filter((difference) => {
      if (isOrderless(difference)) return false;
      const entry = reasonFor(difference);
      if (entry) used.add(entry);
      return entry === undefined;
    });
    expect(unexplained).toEqual([]);
  }, 300_000);
}

test("every API that is served was answered well and refused, in every version", () => {
  const expected = APIS.flatMap(({ name, minVersion, maxVersion }) =>
    Array.from({ length: maxVersion - minVersion + 1 }, (_, i) => `${name} v${minVersion + i}`)
  ).flatMap((api) => [`${api} answered well`, `${api} refused`]);
  const missing = expected.filter((one) => !heard.has(one));
  expect(missing.filter((one) => !ONE_SIDED.some(([where]) => where.test(one)))).toEqual([]);
  expect(ONE_SIDED.filter(([where]) => !missing.some((one) => where.test(one)))).toEqual([]);
});

test("every entry of the list of allowed differences applies", () => {
  expect(ALLOWED.filter((entry) => !used.has(entry)).map(({ where, reason }) => `${where}: ${reason}`)).toEqual([]);
});
