/** The commands of `barnabas topic`, in the order of the help. */
import type { CommandGroup } from "../declare.ts";
import { addPartitions, alter } from "./alter.ts";
import { create } from "./create.ts";
import { deleteRecords, deleteTopics } from "./delete.ts";
import { describe } from "./describe.ts";
import { list } from "./list.ts";
import { offsets } from "./offsets.ts";

export const topicGroup: CommandGroup = {
  name: "topic",
  summary: "list, create, describe, change and delete topics",
  commands: [list, create, describe, offsets, alter, addPartitions, deleteTopics, deleteRecords],
};
