/**
 * What our own client and commands are run against: the built executable and Apache Kafka 4.3.1. CLIENT_KAFKA=host:port takes a Kafka that runs
 * already, COMPAT_BOOTSTRAP any broker in the place of the executable.
 */
import { afterAll, beforeAll, describe } from "bun:test";
import { startKafka } from "../../../bench/support/brokers.ts";
import { startBroker } from "./broker.ts";

export interface Running {
  readonly bootstrap: string;
  stop(): Promise<void>;
}

export const KAFKA = "Apache Kafka 4.3.1";

const clusters: Readonly<Record<string, () => Promise<Running>>> = {
  Barnabas: () => startBroker(),
  async [KAFKA]() {
    const running = process.env["CLIENT_KAFKA"];
    return running ? { bootstrap: running, stop: () => Promise.resolve() } : await startKafka();
  },
};

/** The same tests on each. @param bootstrap where it listens, once the tests run. */
export function onEachCluster(tests: (bootstrap: () => string, cluster: string) => void): void {
  for (const [cluster, start] of Object.entries(clusters)) {
    describe(cluster, () => {
      let running: Running | undefined;
      beforeAll(async () => {
        running = await start();
      }, 120_000);
      afterAll(() => running?.stop(), 60_000);
      tests(() => running!.bootstrap, cluster);
    });
  }
}
