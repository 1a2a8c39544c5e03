/** `barnabas group list`. */
import { command } from "../declare.ts";
import { matcher } from "../topic/list.ts";

export const list = command({
  name: "list",
  summary: "list groups",
  connects: true,
  json: "an array of groupId, state, type, protocolType",
  flags: {
    "state": {
      type: "list",
      value: "STATE",
      help: "only groups in this state",
      completes: ["Stable", "Empty", "PreparingRebalance", "Dead"],
    },
  },
  arguments: { pattern: { label: "PATTERN", help: 'only ids like this; "*" stands for anything', optional: true, completes: "group" } },
  examples: [{ command: "barnabas group list --state Empty", does: "groups without members" }],
  async run({ clients, out }, { flags, args }) {
    const admin = await clients.admin();
    const fits = matcher(args.pattern ?? "*");
    const groups = (await admin.listGroups(flags.state.length === 0 ? {} : { states: flags.state }))
      .filter(({ groupId }) => fits(groupId)).toSorted((a, b) => a.groupId < b.groupId ? -1 : 1);
    await out.result(groups, () =>
      out.table(
        [{ title: "GROUP" }, { title: "STATE" }, { title: "TYPE" }, { title: "PROTOCOL" }],
        groups.map(({ groupId, state, type, protocolType }) => [groupId, state, type, protocolType]),
      ));
  },
});
