/** The scenarios of tests/compat/barnabas_client against an embedded broker: there they also meet Apache Kafka. */
import { test } from "bun:test";
import { Broker } from "../../mod.ts";
import { scenarios as admin } from "../compat/barnabas_client/scenarios/admin.ts";
import { scenarios as consumer } from "../compat/barnabas_client/scenarios/consumer.ts";
import { scenarios as producer } from "../compat/barnabas_client/scenarios/producer.ts";

for (const [room, scenarios] of Object.entries({ admin, producer, consumer })) {
  for (const [name, run] of Object.entries(scenarios)) {
    test(`${room}: ${name}`, async () => {
      await using broker = await Broker.start({ storage: "memory" });
      await run(broker.bootstrapServers);
    }, 30_000);
  }
}
