/** Door of `cli`: finds the command and runs it. Each command is a file of its own; none is loaded before it is asked for. */
import type { HostProcess } from "../io/real/process.ts";
import { suggestion } from "../config/mod.ts";
import { ExitCode, UsageError } from "./exit.ts";

const COMMANDS = ["serve", "version", "help"] as const;

const HELP = `barnabas: a Kafka-compatible message broker in one executable

Usage:
  barnabas serve [FLAG …]     run a broker (barnabas serve --help)
  barnabas version            print the version
  barnabas help               print this

Examples:
  barnabas serve                                        # 127.0.0.1:9092, data in ./data
  barnabas serve --listen 127.0.0.1:0 --data /tmp/demo --topic orders:6
`;

/** Runs until the command is done; never rejects: what fails ends the process with its exit code. */
export async function runCommandLine(host: HostProcess): Promise<void> {
  const [command = "help", ...args] = host.args;
  try {
    switch (command) {
      case "serve":
        return await (await import("./serve.ts")).serve(host, args);
      case "version":
      case "--version":
        host.writeOut(`barnabas ${(await import("../version.ts")).VERSION}\n`);
        return;
      case "help":
      case "--help":
      case "-h":
        host.writeOut(HELP);
        return;
      default:
        throw new UsageError(`Unknown command "${command}"${suggestion(command, COMMANDS) || `: there are ${COMMANDS.join(", ")}`}`);
    }
  } catch (error) {
    if (error instanceof UsageError) {
      host.writeError(`${error.message}\nTry: barnabas ${command === "serve" ? "serve --help" : "help"}\n`);
      host.exit(ExitCode.usage);
    }
    host.writeError(`Stopping: ${error instanceof Error ? error.stack ?? error.message : String(error)}\n`);
    host.exit(ExitCode.internal);
  }
}
