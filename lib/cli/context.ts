/** What a running command is given: the process, the machine, and its output. */
import type { HostProcess } from "../io/real/process.ts";
import type { Io } from "../io/mod.ts";
import type { CommonValues } from "./declare.ts";
import type { Output } from "./output.ts";

export interface Context {
  readonly host: HostProcess;
  readonly io: Io;
  readonly out: Output;
  readonly common: CommonValues;
  /** Fires at Ctrl-C or SIGTERM, for commands that end by themselves. */
  readonly interrupted: AbortSignal;
}
