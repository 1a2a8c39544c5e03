/** `barnabas config set` and `barnabas config unset`. */
import { command } from "../declare.ts";
import { UsageError } from "../exit.ts";
import { parsePairs } from "../values.ts";
import { changeConfigs, parseResource, RESOURCE_FORM } from "./change.ts";

const validateOnly = { type: "boolean", help: "only ask whether it would be done" } as const;

export const set = command({
  name: "set",
  summary: "set settings",
  connects: true,
  json: "an array of resource, ok, or error and message",
  flags: {
    "append": { type: "boolean", help: "add the values to a setting that is a list" },
    "subtract": { type: "boolean", help: "take the values out of a setting that is a list" },
    "validate-only": validateOnly,
  },
  arguments: {
    resource: { label: "RESOURCE", help: RESOURCE_FORM },
    pairs: { label: "NAME=VALUE", help: "the new value", many: true, completes: "topic-setting" },
  },
  examples: [
    { command: "barnabas config set topic/orders retention.ms=3600000 max.message.bytes=2097152", does: "two settings of a topic" },
    { command: "barnabas config set broker log.retention.ms=86400000", does: "the default of all brokers, while they run" },
  ],
  async run(context, { flags, args }) {
    if (flags.append && flags.subtract) throw new UsageError("Choose one of --append and --subtract");
    const operation = flags.append ? "append" : flags.subtract ? "subtract" : "set";
    const changes = parsePairs("", args.pairs).map(([name, value]) => ({ name, operation, value } as const));
    await changeConfigs(context, [parseResource(args.resource)], changes, flags["validate-only"]);
  },
});

export const unset = command({
  name: "unset",
  summary: "give settings their default again",
  connects: true,
  json: "an array of resource, ok, or error and message",
  flags: { "validate-only": validateOnly },
  arguments: {
    resource: { label: "RESOURCE", help: RESOURCE_FORM },
    names: { label: "NAME", help: "a setting", many: true, completes: "topic-setting" },
  },
  examples: [{ command: "barnabas config unset topic/orders retention.ms", does: "as the brokers have it" }],
  async run(context, { flags, args }) {
    const changes = args.names.map((name) => ({ name, operation: "delete" } as const));
    await changeConfigs(context, [parseResource(args.resource)], changes, flags["validate-only"]);
  },
});
