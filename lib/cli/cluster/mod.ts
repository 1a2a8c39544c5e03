/** The commands of `barnabas cluster`, in the order of the help. */
import type { CommandGroup } from "../declare.ts";
import { brokers, info } from "./brokers.ts";
import { features } from "./features.ts";
import { logDirs } from "./log_dirs.ts";
import { producers } from "./producers.ts";
import { quorum } from "./quorum.ts";

export const clusterGroup: CommandGroup = {
  name: "cluster",
  summary: "show brokers, quorum, disks, producers, and what the brokers serve",
  commands: [info, brokers, quorum, logDirs, producers, features],
};
