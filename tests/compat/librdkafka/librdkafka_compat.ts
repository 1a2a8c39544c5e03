/** librdkafka through confluent-kafka for Python. The scenarios are in `scenarios.py`. */
import { join } from "node:path";
import { python } from "../support/install.ts";
import { runScenarios } from "../support/scenarios.ts";

runScenarios({
  client: "confluent-kafka",
  scenarios: {
    codecs: "produces and consumes with every codec",
    headers: "keeps keys, headers, null values and timestamps",
    acks: "produces with acks 0, 1 and all, idempotently too",
    groups: "rebalances eager, cooperative and static members",
    admin: "creates, describes, alters, grows and deletes topics, configs and groups",
    offsets: "lists, seeks and alters offsets, by timestamp too, and deletes records",
    errors: "is told of unknown topics, too large records, bad configs and offsets out of range",
  },
  async prepare() {
    return { command: [await python("librdkafka"), join(import.meta.dir, "scenarios.py")] };
  },
});
