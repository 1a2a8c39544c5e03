/** kafkajs 2.2.4 on Node.js: the client that knows no flexible version. The scenarios are in `scenarios.mjs`. */
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { nodePackage } from "../support/install.ts";
import { runScenarios } from "../support/scenarios.ts";

runScenarios({
  client: "kafkajs",
  scenarios: {
    codecs: "produces and consumes with every codec",
    recompressed: "reads what the broker compressed anew",
    headers: "keeps keys, headers, null values and timestamps",
    groups: "rebalances a group of two consumers and goes on from committed offsets",
    admin: "creates, describes, alters, grows and deletes topics and groups",
    offsets: "fetches, sets and resets offsets, by timestamp too, and deletes records",
    idempotent: "produces idempotently",
    errors: "is told of unknown topics, bad configs and existing topics",
  },
  async prepare() {
    const cwd = await nodePackage("kafkajs");
    await cp(
      join(import.meta.dir, "scenarios.mjs"),
      join(cwd, "scenarios.mjs"),
    );
    return { command: ["node", "scenarios.mjs"], cwd };
  },
});
