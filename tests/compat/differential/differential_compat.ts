/**
 * Sends the same requests to Apache Kafka 4.3.1 and to Barnabas, in every version that is served, and compares the decoded replies field by
 * field. What may differ is on the list in allowed.ts, with its reason; an entry of that list that no longer applies fails the run, too.
 * DIFFERENTIAL_KAFKA=host:port takes a Kafka that runs already and is fresh; COMPAT_BOOTSTRAP the same for Barnabas.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { startKafka } from "../../../bench/support/brokers.ts";
import { startBroker } from "../support/broker.ts";
import { ALLOWED, reasonFor } from "./allowed.ts";
import { compare } from "./compare.ts";
import { Peer } from "./peer.ts";
import * as data from "./scenarios/data.ts";
import * as groups from "./scenarios/groups.ts";
import * as topics from "./scenarios/topics.ts";

const scenarios = { ...topics.scenarios, ...data.scenarios, ...groups.scenarios };

interface Running {
  readonly bootstrap: string;
  stop(): Promise<void>;
}
let kafka: Running;
let barnabas: Running;
const used = new Set<unknown>();

beforeAll(async () => {
  const running = process.env["DIFFERENTIAL_KAFKA"];
  kafka = running ? { bootstrap: running, stop: () => Promise.resolve() } : await startKafka();
  barnabas = await startBroker();
  await Promise.all([kafka, barnabas].map(({ bootstrap }) => groups.coordinatorReady(bootstrap)));
}, 120_000);
afterAll(async () => {
  await barnabas?.stop();
  await kafka?.stop();
});

for (const [name, run] of Object.entries(scenarios)) {
  test(`Barnabas answers as Apache Kafka 4.3.1 does: ${name}`, async () => {
    const [theirs, ours] = [new Peer(kafka.bootstrap), new Peer(barnabas.bootstrap)];
    await Promise.all([run(theirs), run(ours)]);
    const unexplained = compare(theirs.steps, ours.steps).filter((difference) => {
      const entry = reasonFor(difference);
      if (entry) used.add(entry);
      return entry === undefined;
    });
    expect(unexplained).toEqual([]);
  }, 300_000);
}

test("every entry of the list of allowed differences applies", () => {
  expect(ALLOWED.filter((entry) => !used.has(entry)).map(({ where, reason }) => `${where}: ${reason}`)).toEqual([]);
});
