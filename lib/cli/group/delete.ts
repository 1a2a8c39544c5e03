/** `barnabas group delete` and `barnabas group delete-offsets`. */
import { confirm, listed } from "../confirm.ts";
import { command } from "../declare.ts";
import { UsageError } from "../exit.ts";
import { inOrder, settle } from "../outcomes.ts";
import { chosenPartitions, partitionText } from "../partitions.ts";

export const deleteGroups = command({
  name: "delete",
  summary: "delete groups with their offsets",
  details: "A group with members is not deleted.",
  connects: true,
  destroys: true,
  json: "an array of groupId, ok, or error and message",
  flags: {},
  arguments: { ids: { label: "GROUP", help: "its id", many: true, completes: "group" } },
  examples: [{ command: "barnabas group delete billing --yes", does: "without being asked" }],
  async run(context, { args }) {
    await confirm(context, `Delete ${listed("group", args.ids)}`);
    const admin = await context.clients.admin();
    const rows = inOrder(args.ids, await admin.deleteGroups(args.ids)).map(([groupId, outcome]) => ({ of: { groupId }, outcome }));
    await settle(context, rows, ({ of }) => `Group "${of["groupId"]}" is gone`);
  },
});

export const deleteOffsets = command({
  name: "delete-offsets",
  summary: "delete the offsets of a group in some partitions",
  details: "Not of topics that its members are subscribed to.",
  connects: true,
  destroys: true,
  json: "an array of topic, partition, ok, or error and message",
  flags: { "topic": { type: "list", short: "t", value: "TOPIC[:PARTITIONS]", help: "orders, or orders:0,3-5", completes: "topic" } },
  arguments: { group: { label: "GROUP", help: "its id", completes: "group" } },
  examples: [{ command: "barnabas group delete-offsets billing --topic orders --yes", does: "as if it had never read orders" }],
  async run(context, { flags, args }) {
    if (flags.topic.length === 0) throw new UsageError('Flag "--topic" is missing: say of which topics');
    const admin = await context.clients.admin();
    const partitions = await chosenPartitions(admin, "--topic", flags.topic);
    await confirm(context, `Delete the offsets of group ${args.group} in ${listed("partition", partitions.map(partitionText))}`);
    const done = await admin.deleteGroupOffsets(args.group, partitions);
    await settle(
      context,
      done.map((outcome) => ({ of: { topic: outcome.topic, partition: outcome.partition }, outcome })),
      ({ of }) => `No offset any more in ${of["topic"]}-${of["partition"]}`,
    );
  },
});
