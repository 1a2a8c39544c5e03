/** @platformatic/kafka: the client that knows only the newest versions. It asks for a newer Node.js than many have, so it runs on Bun here. */
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { nodePackage } from "../support/install.ts";
import { runScenarios } from "../support/scenarios.ts";

runScenarios({
  client: "@platformatic/kafka",
  scenarios: {
    codecs: "produces and consumes with every codec",
    headers: "keeps keys, headers and null values",
    groups: "rebalances a group and goes on from committed offsets",
    admin: "creates, describes, alters, grows and deletes topics and groups",
    offsets: "lists offsets and deletes records",
    errors: "is told of existing and unknown topics, bad configs and too large records",
  },
  async prepare() {
    const cwd = await nodePackage("platformatic");
    await cp(join(import.meta.dir, "scenarios.mjs"), join(cwd, "scenarios.mjs"));
    return { command: [process.execPath, "scenarios.mjs"], cwd };
  },
});
