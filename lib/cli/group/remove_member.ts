/** `barnabas group remove-member`. Source: KIP-345. */
import type { AdminApi } from "../../client/mod.ts";
import { confirm, listed } from "../confirm.ts";
import { command } from "../declare.ts";
import { CommandFailed, UsageError } from "../exit.ts";
import { settle, valueOf } from "../outcomes.ts";

export const removeMember = command({
  name: "remove-member",
  summary: "put members out of a group",
  details: "A member that still runs joins again. This is for members that are gone and whose session is long.",
  connects: true,
  destroys: true,
  json: "an array of memberId or groupInstanceId, ok, or error and message",
  flags: {
    "member": { type: "list", short: "m", value: "ID", help: "member id, as describe shows it" },
    "instance": { type: "list", short: "i", value: "ID", help: "group.instance.id of a static member" },
    "all": { type: "boolean", help: "every member" },
  },
  arguments: { group: { label: "GROUP", help: "its id", completes: "group" } },
  examples: [{
    command: "barnabas group remove-member billing --instance worker-7 --yes",
    does: "a static member that will not come back",
  }],
  async run(context, { flags, args }) {
    const named = [
      ...flags.member.map((memberId) => ({ memberId })),
      ...flags.instance.map((groupInstanceId) => ({ groupInstanceId })),
    ];
    if (named.length > 0 === flags.all) throw new UsageError("Say whom: --member ID, --instance ID, or --all");
    const admin = await context.clients.admin();
    const members = flags.all ? await everyMember(admin, args.group) : named;
    if (members.length === 0) throw new CommandFailed(`Group "${args.group}" has no members`);
    const names = members.map((one) => "memberId" in one ? one.memberId : one.groupInstanceId);
    await confirm(context, `Put out of group ${args.group} ${listed("member", names)}`);
    const done = await admin.removeGroupMembers(args.group, members);
    const rows = members.flatMap((of, row) => done[row] === undefined ? [] : [{ of, outcome: done[row] }]);
    await settle(context, rows, ({ of }) => `Member "${Object.values(of)[0]}" is out`);
  },
});

async function everyMember(admin: AdminApi, group: string) {
  const found = (await admin.describeGroups([group])).get(group);
  if (found === undefined) throw new CommandFailed(`The cluster said nothing of group "${group}": try again`);
  return valueOf(found).members.map(({ memberId, groupInstanceId }) => groupInstanceId === null ? { memberId } : { groupInstanceId });
}
