/** Makes the context of a command. */
import { createRealIo } from "../io/real/mod.ts";
import type { HostProcess } from "../io/real/process.ts";
import type { Context } from "./context.ts";
import type { CommonValues } from "./declare.ts";
import type { Output } from "./output.ts";
import { ExitCode } from "./exit.ts";

interface Given {
  readonly host: HostProcess;
  readonly out: Output;
  readonly common: CommonValues;
  readonly interrupted: AbortSignal;
}

export function openContext({ host, out, common, interrupted }: Given): Context {
  const io = createRealIo({
    onFatal: (_, why) => {
      host.writeError(`Stopping at once: ${why}\n`);
      host.exit(ExitCode.internal);
    },
  });
  return { host, io, out, common, interrupted };
}
