/** The commands of `barnabas group`, in the order of the help. */
import type { CommandGroup } from "../declare.ts";
import { deleteGroups, deleteOffsets } from "./delete.ts";
import { describe } from "./describe.ts";
import { list } from "./list.ts";
import { removeMember } from "./remove_member.ts";
import { resetOffsets } from "./reset_offsets.ts";

export const groupGroup: CommandGroup = {
  name: "group",
  summary: "list and describe consumer groups, move and delete their offsets",
  commands: [list, describe, resetOffsets, deleteGroups, deleteOffsets, removeMember],
};
