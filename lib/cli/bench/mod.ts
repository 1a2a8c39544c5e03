/** The commands of `barnabas bench`. */
import type { CommandGroup } from "../declare.ts";
import { benchConsume } from "./consume.ts";
import { benchProduce } from "./produce.ts";

export const benchGroup: CommandGroup = {
  name: "bench",
  summary: "measure how fast a cluster takes and gives records",
  commands: [benchProduce, benchConsume],
};
