/** The commands of `barnabas config`, in the order of the help. */
import type { CommandGroup } from "../declare.ts";
import { explainCommand } from "../config_explain.ts";
import { get } from "./get.ts";
import { set, unset } from "./set.ts";

export const configGroup: CommandGroup = {
  name: "config",
  summary: "show and change settings of topics, brokers and groups",
  commands: [get, set, unset, explainCommand],
};
