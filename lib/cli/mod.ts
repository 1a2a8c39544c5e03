/** Door of `cli`: finds the command, runs it, and ends the process with its exit code. */
import type { HostProcess } from "../io/real/process.ts";
import { suggestion } from "../config/mod.ts";
import { COMMANDS, isGroup } from "./commands.ts";
import type { Command, CommandGroup } from "./declare.ts";
import { ExitCode, UsageError } from "./exit.ts";
import { groupHelp, section } from "./help.ts";
import { runCommand } from "./run.ts";

/** Runs until the command is done; never rejects: what fails ends the process with its exit code. */
export async function runCommandLine(host: HostProcess): Promise<void> {
  let path = "";
  try {
    const words = host.args[0] === "help" ? [...host.args.slice(1), "--help"] : host.args;
    const [first = "--help", ...rest] = words;
    if (first === "--help" || first === "-h") return await said(host, overview(host.columns()));
    if (first === "--version" || first === "-V") return await run(host, "version", (await import("./version.ts")).versionCommand, rest);
    const node = await loaded(first);
    path = first;
    if (!isGroup(node)) return await run(host, path, node, rest);
    const [second = "--help", ...args] = rest;
    if (second === "--help" || second === "-h") {
      const help = groupHelp(node, host.columns());
      if (rest.length > 0) return await said(host, help);
      host.writeError(help);
      return host.exit(ExitCode.usage);
    }
    const command = chosen(node, second);
    path = `${first} ${second}`;
    return await run(host, path, command, args);
  } catch (error) {
    if (error instanceof UsageError) {
      host.writeError(`${error.message}\nTry: barnabas ${path === "" ? "help" : `${path} --help`}\n`);
      host.exit(ExitCode.usage);
    }
    host.writeError(`Stopping: ${error instanceof Error ? error.stack ?? error.message : String(error)}\n`);
    host.exit(ExitCode.internal);
  }
}

async function run(host: HostProcess, path: string, command: Command, words: readonly string[]): Promise<void> {
  const exitCode = await runCommand(host, path, command, words);
  host.exit(exitCode);
}

async function said(host: HostProcess, text: string): Promise<void> {
  await host.write(text);
  host.exit(ExitCode.ok);
}

async function loaded(name: string): Promise<Command | CommandGroup> {
  const entry = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (entry === undefined) throw new UsageError(`Unknown command "${name}"${nearest(name, [...shown().map(([one]) => one), "help"])}`);
  return await entry.load();
}

function chosen(group: CommandGroup, name: string): Command {
  const found = group.commands.find((command) => command.name === name);
  if (found === undefined) {
    throw new UsageError(`Unknown command "${group.name} ${name}"${nearest(name, group.commands.map((command) => command.name))}`);
  }
  return found;
}

function nearest(name: string, known: readonly string[]): string {
  return suggestion(name, known) || `: there are ${known.join(", ")}`;
}

function shown(): readonly (readonly [name: string, summary: string])[] {
  return Object.entries(COMMANDS).filter(([, { hidden }]) => !hidden).map(([name, { summary }]) => [name, summary] as const);
}

function overview(columns: number): string {
  return [
    "barnabas: a Kafka-compatible message broker in one executable, and the tools for it and for any other Kafka cluster\n",
    "\nUsage: barnabas COMMAND [ARGUMENT …] [FLAG …]\n",
    section("Commands", [...shown(), ["help", "print this, or the help of a command: barnabas help topic create"]], columns),
    `
Examples:
  barnabas serve                                        # 127.0.0.1:9092, data in ./data
  barnabas serve --listen 127.0.0.1:0 --data /tmp/demo --topic orders:6

More: barnabas COMMAND --help
`,
  ].join("");
}
