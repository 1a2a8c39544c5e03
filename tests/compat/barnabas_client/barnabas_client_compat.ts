/**
 * Our own client against the built executable and against Apache Kafka 4.3.1, in the same scenarios. CLIENT_KAFKA=host:port takes a Kafka
 * that runs already, COMPAT_BOOTSTRAP any broker in the place of the executable.
 */
import { afterAll, beforeAll, describe, test } from "bun:test";
import { startKafka } from "../../../bench/support/brokers.ts";
import { startBroker } from "../support/broker.ts";
import { scenarios as admin } from "./scenarios/admin.ts";
import { scenarios as consumer } from "./scenarios/consumer.ts";
import { scenarios as producer } from "./scenarios/producer.ts";

interface Running {
  readonly bootstrap: string;
  stop(): Promise<void>;
}

const clusters: Readonly<Record<string, () => Promise<Running>>> = {
  Barnabas: () => startBroker(),
  async "Apache Kafka 4.3.1"() {
    const running = process.env["CLIENT_KAFKA"];
    return running ? { bootstrap: running, stop: () => Promise.resolve() } : await startKafka();
  },
};

for (const [cluster, start] of Object.entries(clusters)) {
  describe(cluster, () => {
    let running: Running;
    beforeAll(async () => {
      running = await start();
    }, 120_000);
    afterAll(() => running?.stop());

    for (const [room, scenarios] of Object.entries({ admin, producer, consumer })) {
      for (const [name, run] of Object.entries(scenarios)) test(`${room}: ${name}`, () => run(running.bootstrap), 120_000);
    }
  });
}
