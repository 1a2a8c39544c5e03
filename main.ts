/** The executable: hands the command line to `lib/cli`. */
import { runCommandLine } from "./lib/cli/mod.ts";
import { hostProcess } from "./lib/io/real/process.ts";

void runCommandLine(hostProcess);
