/** `barnabas config get`. */
import { suggestion } from "../../config/mod.ts";
import { command } from "../declare.ts";
import { CommandFailed } from "../exit.ts";
import { valueOf } from "../outcomes.ts";
import { parseResource, RESOURCE_FORM } from "./change.ts";

export const get = command({
  name: "get",
  summary: "show settings, their values and where these come from",
  details: "Without names: the settings that somebody set. Values that are secret are not shown.",
  connects: true,
  json: "an array of name, value, source, isReadOnly, isSensitive, type, documentation, synonyms",
  flags: { "all": { type: "boolean", short: "a", help: "also those that have their default" } },
  arguments: {
    resource: { label: "RESOURCE", help: RESOURCE_FORM },
    names: { label: "NAME", help: "only these settings", optional: true, many: true, completes: "topic-setting" },
  },
  examples: [
    { command: "barnabas config get topic/orders --all", does: "everything about a topic" },
    { command: "barnabas config get broker/1 log.retention.ms", does: "one setting of one broker" },
  ],
  async run({ clients, out }, { flags, args }) {
    const resource = parseResource(args.resource);
    const admin = await clients.admin();
    const [outcome] = await admin.describeConfigs([resource]);
    if (outcome === undefined) throw new CommandFailed(`The cluster said nothing of "${args.resource}": try again`);
    const entries = valueOf(outcome).toSorted((a, b) => a.name < b.name ? -1 : 1);
    const unknown = args.names.find((name) => !entries.some((entry) => entry.name === name));
    if (unknown !== undefined) {
      throw new CommandFailed(`"${args.resource}" has no setting "${unknown}"${suggestion(unknown, entries.map(({ name }) => name))}`);
    }
    const shown = entries.filter(({ name, source }) =>
      args.names.length > 0 ? args.names.includes(name) : flags.all || source !== "default" && source !== "unknown"
    );
    await out.result(shown, () =>
      out.table(
        [{ title: "NAME" }, { title: "VALUE" }, { title: "SOURCE" }, { title: "CHANGEABLE" }],
        shown.map(({ name, value, source, isReadOnly, isSensitive }) => [
          name,
          isSensitive ? "(hidden)" : value,
          source,
          isReadOnly ? "no" : "yes",
        ]),
      ));
    if (shown.length === 0) out.note("Everything has its default: --all shows it");
  },
});
