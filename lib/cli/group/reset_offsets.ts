/** `barnabas group reset-offsets`: a plan first, done only with --execute. Source of the choices: KIP-122. */
import type { AdminApi, TopicPartition } from "../../client/mod.ts";
import type { Context } from "../context.ts";
import { command } from "../declare.ts";
import { explained } from "../errors.ts";
import { CommandFailed, UsageError } from "../exit.ts";
import { chosenPartitions, endsOf, offsetsAt } from "../partitions.ts";
import { parsePlace, type Place, PLACE_FORM } from "../values.ts";

export const resetOffsets = command({
  name: "reset-offsets",
  summary: "move a group to another place; shows the plan, --execute does it",
  details: "The group must have no members. Offsets stay within what the partitions hold.",
  connects: true,
  json: "groupId, executed, and offsets: topic, partition, current, next, and error and message where it failed",
  flags: {
    "topic": { type: "list", short: "t", value: "TOPIC[:PARTITIONS]", help: "orders, or orders:0,3-5", completes: "topic" },
    "all-topics": { type: "boolean", help: "all partitions in which the group has committed" },
    "to": { type: "string", value: "PLACE", help: PLACE_FORM },
    "shift": { type: "integer", value: "N", help: "that many records on, or back when negative" },
    "dry-run": { type: "boolean", help: "only show the plan; this is what happens without --execute" },
    "execute": { type: "boolean", help: "do it" },
  },
  arguments: { group: { label: "GROUP", help: "its id", completes: "group" } },
  examples: [
    { command: "barnabas group reset-offsets billing --all-topics --to earliest", does: "what it would mean to read everything again" },
    { command: "barnabas group reset-offsets billing --topic orders --to 2h --execute", does: "the last two hours once more" },
    { command: "barnabas group reset-offsets billing --topic orders:3 --shift 1 --execute", does: "past a record that nobody can read" },
  ],
  async run(context, { flags, args }) {
    if ((flags.to === null) === (flags.shift === null)) throw new UsageError("Say where to: one of --to PLACE and --shift N");
    if ((flags.topic.length === 0) === !flags["all-topics"]) throw new UsageError("Say of what: one of --topic and --all-topics");
    if (flags.execute && flags["dry-run"]) throw new UsageError("Choose one of --execute and --dry-run");
    const target = flags.to === null ? { shift: flags.shift! } : parsePlace("--to", flags.to, context.io.clock.wall());
    const admin = await context.clients.admin();
    const plan = await planned(admin, args.group, flags.topic, target);
    if (plan.length === 0) throw new CommandFailed(`Group "${args.group}" has committed nothing: name partitions with --topic`);
    const failures = flags.execute ? await execute(admin, args.group, plan) : new Map<Step, string>();
    await show(context, args.group, plan, flags.execute, failures);
  },
});

interface Step extends TopicPartition {
  /** Null: nothing is committed. */
  readonly current: number | null;
  readonly next: number;
}

async function planned(
  admin: AdminApi,
  group: string,
  topics: readonly string[],
  target: Place | { readonly shift: number },
): Promise<readonly Step[]> {
  const committed = await admin.listGroupOffsets(group);
  const current = new Map(committed.map(({ topic, partition, offset }) => [`${topic}/${partition}`, offset]));
  const partitions = topics.length === 0
    ? committed.map(({ topic, partition }) => ({ topic, partition }))
    : await chosenPartitions(admin, "--topic", topics);
  const at = ({ topic, partition }: TopicPartition) => current.get(`${topic}/${partition}`) ?? null;
  const isShift = typeof target === "object" && "shift" in target;
  const [ends, offsets] = await Promise.all([
    isShift ? endsOf(admin, partitions) : [],
    isShift ? [] : offsetsAt(admin, partitions, target),
  ]);
  const next = (partition: TopicPartition, row: number): number => {
    if (!isShift) return offsets[row]!;
    const { start, end } = ends[row]!;
    const from = at(partition) ?? start;
    if (start === null || end === null || from === null) {
      throw new CommandFailed(`Partition ${partition.topic}-${partition.partition} has no leader to say what it holds: try again later`);
    }
    return Math.min(Math.max(from + target.shift, start), end);
  };
  return partitions.map((partition, row) => ({ ...partition, current: at(partition), next: next(partition, row) }))
    .sort((a, b) => a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : a.partition - b.partition);
}

/** What failed, and why. */
async function execute(admin: AdminApi, group: string, plan: readonly Step[]): Promise<Map<Step, string>> {
  const done = await admin.alterGroupOffsets(group, plan.map(({ topic, partition, next }) => ({ topic, partition, offset: next })));
  return new Map(plan.flatMap((step, row) => {
    const outcome = done[row];
    return outcome === undefined || outcome.ok ? [] : [[step, explained(outcome.error)] as const];
  }));
}

async function show(
  { out }: Context,
  groupId: string,
  plan: readonly Step[],
  executed: boolean,
  failures: ReadonlyMap<Step, string>,
): Promise<void> {
  const offsets = plan.map((step) => failures.has(step) ? { ...step, message: failures.get(step) } : step);
  await out.result({ groupId, executed, offsets }, () =>
    out.table(
      [
        { title: "TOPIC" },
        { title: "PARTITION", align: "right" },
        { title: "CURRENT", align: "right" },
        { title: "NEW", align: "right" },
        { title: "CHANGE", align: "right" },
        ...(failures.size > 0 ? [{ title: "" }] : []),
      ],
      plan.map((step) => [
        step.topic,
        step.partition,
        step.current,
        step.next,
        step.current === null ? "new" : `${step.next < step.current ? "" : "+"}${step.next - step.current}`,
        ...(failures.size > 0 ? [failures.has(step) ? "failed" : "done"] : []),
      ]),
    ));
  for (const why of new Set(failures.values())) out.error(why);
  if (failures.size > 0) throw new CommandFailed("");
  out.note(executed ? `Moved group "${groupId}"` : "This is the plan. Say --execute to do it");
}
