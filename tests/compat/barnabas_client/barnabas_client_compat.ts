/** Our own client against the built executable and against Apache Kafka 4.3.1, in the same scenarios. */
import { test } from "bun:test";
import { onEachCluster } from "../support/clusters.ts";
import { scenarios as admin } from "./scenarios/admin.ts";
import { scenarios as consumer } from "./scenarios/consumer.ts";
import { scenarios as producer } from "./scenarios/producer.ts";

onEachCluster((bootstrap) => {
  for (const [room, scenarios] of Object.entries({ admin, producer, consumer })) {
    for (const [name, run] of Object.entries(scenarios)) test(`${room}: ${name}`, () => run(bootstrap()), 120_000);
  }
});
