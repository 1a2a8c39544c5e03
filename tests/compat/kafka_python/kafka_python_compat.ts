/** kafka-python and its admin command line. The scenarios are in `scenarios.py`. */
import { join } from "node:path";
import { python } from "../support/install.ts";
import { runScenarios } from "../support/scenarios.ts";

runScenarios({
  client: "kafka-python",
  scenarios: {
    codecs: "produces and consumes with every codec",
    headers: "keeps keys, headers, null values and timestamps",
    acks: "produces with acks 0, 1 and all, idempotently too",
    groups: "rebalances, and commits what it read",
    offsets: "lists, seeks and finds offsets by timestamp",
    errors: "is told of too large records and offsets out of range",
    admin_command: "manages topics, configs, partitions, groups and the cluster from its command line",
  },
  async prepare() {
    return { command: [await python("kafka_python"), join(import.meta.dir, "scenarios.py")] };
  },
});
