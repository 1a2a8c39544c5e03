/** `barnabas topic delete` and `barnabas topic delete-records`. */
import { confirm, counted, listed } from "../confirm.ts";
import { command } from "../declare.ts";
import { CommandFailed, UsageError } from "../exit.ts";
import { inOrder, settle } from "../outcomes.ts";
import { chosenPartitions, endsOf, offsetsAt, partitionText } from "../partitions.ts";
import { parsePlace, PLACE_FORM } from "../values.ts";

export const deleteTopics = command({
  name: "delete",
  summary: "delete topics with all their records",
  connects: true,
  destroys: true,
  json: "an array of topic, ok, or error and message",
  flags: { "if-exists": { type: "boolean", help: "a topic that is not there is fine" } },
  arguments: { names: { label: "TOPIC", help: "its name", many: true, completes: "topic" } },
  examples: [{ command: "barnabas topic delete orders --yes", does: "without being asked" }],
  async run(context, { flags, args }) {
    await confirm(context, `Delete ${listed("topic", args.names)}`);
    const admin = await context.clients.admin();
    const rows = inOrder(args.names, await admin.deleteTopics(args.names)).map(([name, outcome]) => {
      const isGone = flags["if-exists"] && !outcome.ok && outcome.error.error === "UNKNOWN_TOPIC_OR_PARTITION";
      return { of: { topic: name }, outcome: isGone ? { ok: true as const, value: undefined } : outcome };
    });
    await settle(context, rows, ({ of }) => `Topic "${of["topic"]}" is gone`);
  },
});

export const deleteRecords = command({
  name: "delete-records",
  summary: "delete the oldest records of partitions",
  connects: true,
  destroys: true,
  json: "an array of topic, partition, ok, and start (the new first offset) or error and message",
  flags: { "before": { type: "string", value: "PLACE", help: `up to but without: ${PLACE_FORM}` } },
  arguments: { topics: { label: "TOPIC[:PARTITIONS]", help: "orders, or orders:0,3-5", many: true, completes: "topic" } },
  examples: [
    { command: "barnabas topic delete-records orders --before latest", does: "everything that is there now" },
    { command: "barnabas topic delete-records orders:0 --before 7d", does: "what is older than a week" },
  ],
  async run(context, { flags, args }) {
    if (flags.before === null) throw new UsageError('Flag "--before" is missing: say up to where, "latest" for everything');
    const place = parsePlace("--before", flags.before, context.io.clock.wall());
    const admin = await context.clients.admin();
    const partitions = await chosenPartitions(admin, "TOPIC", args.topics);
    const [ends, offsets] = await Promise.all([endsOf(admin, partitions), offsetsAt(admin, partitions, place)]);
    const count = offsets.reduce((sum, offset, row) => sum + Math.max(0, offset - (ends[row]?.start ?? offset)), 0);
    if (partitions.length === 0) throw new CommandFailed("No partition was named");
    await confirm(context, `Delete ${counted(count, "record")} of ${listed("partition", partitions.map(partitionText))}`);
    const done = await admin.deleteRecords(partitions.map((partition, row) => ({ ...partition, offset: offsets[row]! })));
    await settle(
      context,
      done.map((outcome) => ({ of: { topic: outcome.topic, partition: outcome.partition }, outcome })),
      ({ of, value }) => `Partition ${of["topic"]}-${of["partition"]} begins at ${value}`,
      (start) => ({ start }),
    );
  },
});
