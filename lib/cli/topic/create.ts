/** `barnabas topic create`. */
import { command } from "../declare.ts";
import { inOrder, settle } from "../outcomes.ts";
import { counted } from "../confirm.ts";
import { parsePairs } from "../values.ts";

export const create = command({
  name: "create",
  summary: "create topics",
  connects: true,
  json: "an array of topic, ok, and topicId and partitions or error and message",
  flags: {
    "partitions": { type: "integer", short: "p", value: "N", min: 1, help: "partitions of each; without it the brokers' default" },
    "replication-factor": { type: "integer", short: "r", value: "N", min: 1, help: "copies of each; without it the brokers' default" },
    "config": { type: "list", short: "c", value: "NAME=VALUE", help: "a setting of the topics", completes: "topic-setting" },
    "if-not-exists": { type: "boolean", help: "a topic that exists is fine, whatever it looks like" },
    "validate-only": { type: "boolean", help: "only ask whether it would be done" },
  },
  arguments: { names: { label: "TOPIC", help: "its name", many: true } },
  examples: [
    { command: "barnabas topic create orders --partitions 6", does: "one topic" },
    { command: "barnabas topic create clicks views -p 12 -c retention.ms=3600000", does: "two that keep their records for an hour" },
  ],
  async run(context, { flags, args }) {
    const configs = Object.fromEntries(parsePairs("--config", flags.config));
    const topics = args.names.map((name) => ({
      name,
      configs,
      ...(flags.partitions === null ? {} : { partitions: flags.partitions }),
      ...(flags["replication-factor"] === null ? {} : { replicationFactor: flags["replication-factor"] }),
    }));
    const admin = await context.clients.admin();
    const made = await admin.createTopics(topics, { validateOnly: flags["validate-only"] });
    const rows = inOrder(args.names, made).map(([name, outcome]) => {
      const exists = flags["if-not-exists"] && !outcome.ok && outcome.error.error === "TOPIC_ALREADY_EXISTS";
      return {
        of: { topic: name },
        outcome: exists
          ? { ok: true as const, value: null }
          : outcome.ok
          ? { ok: true as const, value: { topicId: outcome.value.topicId, partitions: outcome.value.partitions.length } }
          : outcome,
      };
    });
    await settle(
      context,
      rows,
      ({ of, value }) => {
        if (value === null) return `Topic "${of["topic"]}" exists`;
        // An old cluster answers without a number.
        const size = value.partitions > 0 ? ` with ${counted(value.partitions, "partition")}` : "";
        return `${flags["validate-only"] ? "Would create" : "Created"} topic "${of["topic"]}"${size}`;
      },
      (value) => value === null ? { existed: true } : value,
    );
  },
});
