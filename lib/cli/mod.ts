/** Door of `cli`: finds the command, runs it, and ends the process with its exit code. */
import type { HostProcess } from "../io/real/process.ts";
import { suggestion } from "../config/mod.ts";
import { COMMANDS, isGroup } from "./commands.ts";
import type { Command, CommandGroup } from "./declare.ts";
import { endOf } from "./errors.ts";
import { ExitCode, UsageError } from "./exit.ts";
import { groupHelp, section } from "./help.ts";
import type { OpenContext } from "./open_context.ts";
import { runCommand } from "./run.ts";

/** Runs until the command is done; never rejects: what fails ends the process with its exit code. */
export async function runCommandLine(host: HostProcess): Promise<void> {
  const exitCode = await commandLine(host);
  host.exit(exitCode);
}

/** @param open how commands get their context; the real one when absent. @returns the exit code. */
export async function commandLine(host: HostProcess, open?: OpenContext): Promise<number> {
  let path = "";
  const run = (command: Command, words: readonly string[]) => runCommand(host, path, command, words, open);
  try {
    const [first = "--help", ...rest] = host.args[0] === "help" ? [...host.args.slice(1), "--help"] : host.args;
    if (first === "--help" || first === "-h") return await said(host, overview(host.columns()));
    if (first === "--version" || first === "-V") return await run((await import("./version.ts")).versionCommand, rest);
    const node = await loaded(first);
    path = first;
    if (!isGroup(node)) return await run(node, rest);
    const [second, ...words] = rest;
    if (second === "--help" || second === "-h") return await said(host, groupHelp(node, host.columns()));
    if (second === undefined) {
      host.writeError(groupHelp(node, host.columns()));
      return ExitCode.usage;
    }
    const command = chosen(node, second);
    path = `${first} ${second}`;
    return await run(command, words);
  } catch (error) {
    if (error instanceof UsageError) {
      host.writeError(`${error.message}\nTry: barnabas ${path === "" ? "help" : `${path} --help`}\n`);
      return ExitCode.usage;
    }
    const { message, exitCode } = endOf(error, "");
    if (message !== "") host.writeError(`${message}\n`);
    return exitCode;
  }
}

async function said(host: HostProcess, text: string): Promise<number> {
  await host.write(text);
  return ExitCode.ok;
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
  barnabas produce orders hello world                   # two records
  barnabas consume orders --follow                      # what is there, and what comes
  barnabas topic list --bootstrap kafka.example:9092    # any Kafka cluster

More: barnabas COMMAND --help
`,
  ].join("");
}
