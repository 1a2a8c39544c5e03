/** Makes the context of a command on the real machine. The client room is loaded with the first client that is asked for. */
import { createRealIo } from "../io/real/mod.ts";
import type { HostProcess } from "../io/real/process.ts";
import { RealClients } from "./clients.ts";
import type { Context } from "./context.ts";
import type { CommonValues } from "./declare.ts";
import { ExitCode } from "./exit.ts";
import type { Output } from "./output.ts";

export interface ContextNeeds {
  readonly host: HostProcess;
  readonly out: Output;
  readonly common: CommonValues;
  readonly interrupted: AbortSignal;
}

/** How a command gets its context: the real one, or that of a test. */
export type OpenContext = (needs: ContextNeeds) => Context;

export const openContext: OpenContext = ({ host, out, common, interrupted }) => {
  const io = createRealIo({
    onFatal: (_, why) => {
      host.writeError(`Stopping at once: ${why}\n`);
      host.exit(ExitCode.internal);
    },
  });
  const clientsOf = (bootstrap: string, timeoutMs: number) => new RealClients(io, bootstrap, timeoutMs);
  return { host, io, out, common, interrupted, clientsOf, clients: clientsOf(common.bootstrap ?? "", common.timeout ?? 0) };
};
