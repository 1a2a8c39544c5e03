/** `barnabas topic alter` and `barnabas topic add-partitions`. */
import { changeConfigs } from "../config/change.ts";
import { command } from "../declare.ts";
import { UsageError } from "../exit.ts";
import { inOrder, settle } from "../outcomes.ts";
import { parsePairs } from "../values.ts";

export const alter = command({
  name: "alter",
  summary: "change settings of topics",
  connects: true,
  json: "an array of resource, ok, or error and message",
  flags: {
    "set": { type: "list", short: "s", value: "NAME=VALUE", help: "the new value of a setting", completes: "topic-setting" },
    "unset": { type: "list", short: "u", value: "NAME", help: "back to the brokers' default", completes: "topic-setting" },
    "validate-only": { type: "boolean", help: "only ask whether it would be done" },
  },
  arguments: { names: { label: "TOPIC", help: "its name", many: true, completes: "topic" } },
  examples: [{ command: "barnabas topic alter orders --set retention.ms=3600000 --unset segment.ms", does: "keep records for an hour" }],
  async run(context, { flags, args }) {
    const changes = [
      ...parsePairs("--set", flags.set).map(([name, value]) => ({ name, operation: "set" as const, value })),
      ...flags.unset.map((name) => ({ name, operation: "delete" as const })),
    ];
    if (changes.length === 0) throw new UsageError("Nothing to change: say --set NAME=VALUE or --unset NAME");
    await changeConfigs(context, args.names.map((name) => ({ type: "topic", name })), changes, flags["validate-only"]);
  },
});

export const addPartitions = command({
  name: "add-partitions",
  summary: "give a topic more partitions",
  details: "Keys that went to one partition may go to another afterwards. Partitions cannot be taken away again.",
  connects: true,
  json: "an array of topic, ok, or error and message",
  flags: {
    "to": { type: "integer", value: "N", min: 1, help: "how many it shall have in all" },
    "validate-only": { type: "boolean", help: "only ask whether it would be done" },
  },
  arguments: { names: { label: "TOPIC", help: "its name", many: true, completes: "topic" } },
  examples: [{ command: "barnabas topic add-partitions orders --to 12", does: "twelve in all" }],
  async run(context, { flags, args }) {
    const total = flags.to;
    if (total === null) throw new UsageError('Flag "--to" is missing: say how many partitions it shall have in all');
    const admin = await context.clients.admin();
    const totals = Object.fromEntries(args.names.map((name) => [name, total]));
    const done = await admin.createPartitions(totals, { validateOnly: flags["validate-only"] });
    await settle(
      context,
      inOrder(args.names, done).map(([name, outcome]) => ({ of: { topic: name }, outcome })),
      ({ of }) => `Topic "${of["topic"]}" ${flags["validate-only"] ? "could have" : "has"} ${total} partitions`,
    );
  },
});
