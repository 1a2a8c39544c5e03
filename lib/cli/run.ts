/** Runs one command: values from words, its context, signals, and from its end to an exit code. Decides nothing for any command. */
import type { HostProcess } from "../io/real/process.ts";
import type { Context } from "./context.ts";
import type { Command, CommonValues } from "./declare.ts";
import { endOf } from "./errors.ts";
import { CommandFailed, ExitCode } from "./exit.ts";
import { commandHelp } from "./help.ts";
import type { OpenContext } from "./open_context.ts";
import { Output } from "./output.ts";
import { parseCommand } from "./parse.ts";

/** @throws {UsageError} Everything else that fails has been said, and is the exit code. */
export async function runCommand(
  host: HostProcess,
  path: string,
  command: Command,
  words: readonly string[],
  open?: OpenContext,
): Promise<number> {
  const values = parseCommand(command, words, host.env);
  if (values.flags["help"] === true) {
    await host.write(commandHelp(path, command, host.columns()));
    return ExitCode.ok;
  }
  const common = values.flags as unknown as CommonValues;
  const out = new Output(host, {
    json: common.json === true,
    quiet: common.quiet === true,
    color: common["no-color"] !== true && host.env["TERM"] !== "dumb",
  });
  if (command.ownsProcess) {
    await command.run({ host } as Context, values);
    return ExitCode.ok;
  }
  const openContext = open ?? (await import("./open_context.ts")).openContext;
  const stopped = stopSignals(host, command.endsWhenInterrupted === true);
  const context = openContext({ host, out, common, interrupted: stopped.signal });
  try {
    await command.run(context, values);
    return stopped.exitCode() ?? ExitCode.ok;
  } catch (error) {
    const { message, exitCode } = endOf(error, context.clients.bootstrap);
    if (message !== "") out.error(message);
    return stopped.exitCode() ?? exitCode;
  } finally {
    await closed(context, out);
  }
}

/** Connections end with the process anyway: a failure here changes nothing for the caller. */
async function closed(context: Context, out: Output): Promise<void> {
  try {
    await context.clients.close();
  } catch (error) {
    if (!(error instanceof CommandFailed)) out.note(`Cannot close in order: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** The first signal is handed to a command that ends by itself; any other, and the second, ends the process at once. */
function stopSignals(host: HostProcess, endsByItself: boolean): { readonly signal: AbortSignal; exitCode(): number | null } {
  const controller = new AbortController();
  let exitCode: number | null = null;
  host.onStopSignal((signal) => {
    const again = exitCode !== null;
    exitCode = 128 + (signal === "SIGINT" ? 2 : 15);
    if (again || !endsByItself) host.exit(exitCode);
    controller.abort();
  });
  return { signal: controller.signal, exitCode: () => exitCode };
}
