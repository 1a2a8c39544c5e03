/** `barnabas group describe`: members, what each reads, and how far behind the group is. */
import type { AdminApi, GroupDescription } from "../../client/mod.ts";
import { command } from "../declare.ts";
import { explained } from "../errors.ts";
import { CommandFailed } from "../exit.ts";
import { errorJson, inOrder } from "../outcomes.ts";
import type { Output } from "../output.ts";
import { endsOf } from "../partitions.ts";

export const describe = command({
  name: "describe",
  summary: "show members, offsets and lag of groups",
  connects: true,
  json: "an array of groupId, state, protocolType, protocol, coordinator, members, offsets (with end and lag), lag",
  flags: {},
  arguments: { ids: { label: "GROUP", help: "its id", many: true, completes: "group" } },
  examples: [{ command: "barnabas group describe billing", does: "who reads what, and how far behind" }],
  async run({ clients, out }, { args }) {
    const admin = await clients.admin();
    const found = inOrder(args.ids, await admin.describeGroups(args.ids));
    const described = await Promise.all(
      found.map(async ([groupId, outcome]) => outcome.ok ? await withOffsets(admin, outcome.value) : { groupId, failed: outcome.error }),
    );
    await out.result(
      described.map((one) => "failed" in one ? { groupId: one.groupId, ...errorJson(one.failed) } : one),
      () => described.flatMap((one) => "failed" in one ? [] : [text(out, one)]).join("\n"),
    );
    for (const one of described) if ("failed" in one) out.error(explained(one.failed));
    if (described.some((one) => "failed" in one)) throw new CommandFailed("");
  },
});

interface OffsetRow {
  readonly topic: string;
  readonly partition: number;
  /** Null: assigned, but nothing is committed. */
  readonly committed: number | null;
  readonly end: number | null;
  readonly lag: number | null;
  readonly memberId: string | null;
}

type Described = GroupDescription & { readonly offsets: readonly OffsetRow[]; readonly lag: number };

async function withOffsets(admin: AdminApi, group: GroupDescription): Promise<Described> {
  const rows = new Map<string, { topic: string; partition: number; committed: number | null; memberId: string | null }>();
  const key = (topic: string, partition: number) => `${topic}/${partition}`;
  for (const { topic, partition, offset } of await admin.listGroupOffsets(group.groupId)) {
    rows.set(key(topic, partition), { topic, partition, committed: offset, memberId: null });
  }
  for (const { memberId, assignment } of group.members) {
    for (const { topic, partition } of assignment) {
      const known = rows.get(key(topic, partition));
      rows.set(key(topic, partition), { topic, partition, committed: known?.committed ?? null, memberId });
    }
  }
  const sorted = [...rows.values()].sort((a, b) => a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : a.partition - b.partition);
  const ends = await endsOf(admin, sorted);
  const offsets = sorted.map(({ memberId, ...row }, at) => {
    const { start, end } = ends[at]!;
    // Nothing committed: everything that is there may still be read.
    const from = row.committed ?? start;
    return { ...row, end, lag: end === null || from === null ? null : Math.max(0, end - from), memberId };
  });
  return { ...group, offsets, lag: offsets.reduce((sum, { lag }) => sum + (lag ?? 0), 0) };
}

function text(out: Output, { groupId, state, protocol, coordinator, members, offsets, lag }: Described): string {
  const client = new Map(members.map(({ memberId, clientId, clientHost }) => [memberId, `${clientId}@${clientHost.replace(/^\//, "")}`]));
  return [
    out.fields([
      ["Group", groupId],
      ["State", state],
      ["Assignor", protocol],
      ["Coordinator", coordinator],
      ["Members", members.length],
      ["Lag", lag],
    ]),
    out.table(
      [{ title: "MEMBER" }, { title: "INSTANCE" }, { title: "CLIENT" }, { title: "PARTITIONS", align: "right" }],
      members.map(({ memberId, groupInstanceId, assignment }) => [
        memberId,
        groupInstanceId,
        client.get(memberId) ?? null,
        assignment.length,
      ]),
    ),
    out.table(
      [
        { title: "TOPIC" },
        { title: "PARTITION", align: "right" },
        { title: "COMMITTED", align: "right" },
        { title: "END", align: "right" },
        { title: "LAG", align: "right" },
        { title: "CLIENT" },
      ],
      offsets.map((row) => [row.topic, row.partition, row.committed, row.end, row.lag, row.memberId && (client.get(row.memberId) ?? null)]),
    ),
  ].filter((part) => part !== "").join("\n");
}
