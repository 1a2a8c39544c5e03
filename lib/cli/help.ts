/** The text of `--help`, from declarations. Prints nothing itself. */
import { type Command, type CommandGroup, type Example, type Flag, type Flags, flagsOf } from "./declare.ts";

/** `topic create` for a command of a group. */
export function usageOf(path: string, command: Command): string {
  const args = Object.values(command.arguments).map(({ label, optional, many }) => {
    const word = many ? `${label}…` : label;
    return optional ? `[${word}]` : word;
  });
  return ["barnabas", path, ...args, "[FLAG …]"].join(" ");
}

/** `--topic, -t NAME`. */
export function flagLabel(name: string, flag: Flag): string {
  return `--${name}${flag.short === undefined ? "" : `, -${flag.short}`}${flagValueLabel(flag)}`;
}

export function flagValueLabel(flag: Flag): string {
  switch (flag.type) {
    case "boolean":
      return "";
    case "choice":
      return ` ${flag.choices.join("|")}`;
    case "duration":
      return " DURATION";
    case "size":
      return " SIZE";
    default:
      return ` ${flag.value}`;
  }
}

/** What follows the sentence: how often, the default, the variable. */
export function flagNotes(flag: Flag): readonly string[] {
  const notes = flag.type === "list" ? ["again for more"] : [];
  if ("default" in flag && flag.default !== undefined) notes.push(`default ${flag.default}`);
  if (flag.env !== undefined) notes.push(`environment ${flag.env}`);
  return notes;
}

export function commandHelp(path: string, command: Command, columns: number): string {
  const own = command.flags;
  const added = Object.fromEntries(Object.entries(flagsOf(command)).filter(([name]) => !(name in own)));
  const args = Object.values(command.arguments).map(({ label, help }) => [label, help] as const);
  return [
    `barnabas ${path}: ${command.summary}\n`,
    command.details === undefined ? "" : `\n${command.details.trim()}\n`,
    `\nUsage: ${usageOf(path, command)}\n`,
    section("Arguments", args, columns),
    section("Flags", flagRows(own), columns),
    section(Object.keys(own).length === 0 ? "Flags" : "Common flags", flagRows(added), columns),
    examples(command.examples),
  ].join("");
}

export function groupHelp(group: CommandGroup, columns: number): string {
  return [
    `barnabas ${group.name}: ${group.summary}\n`,
    `\nUsage: barnabas ${group.name} COMMAND [ARGUMENT …] [FLAG …]\n`,
    section("Commands", group.commands.map(({ name, summary }) => [name, summary] as const), columns),
    examples(group.commands.flatMap((command) => command.examples.slice(0, 1)).slice(0, 4)),
    `\nMore: barnabas ${group.name} COMMAND --help\n`,
  ].join("");
}

function flagRows(flags: Flags): readonly (readonly [string, string])[] {
  return Object.entries(flags).map(([name, flag]) => {
    const notes = flagNotes(flag);
    return [flagLabel(name, flag), `${flag.help}${notes.length === 0 ? "" : ` (${notes.join("; ")})`}`] as const;
  });
}

function examples(all: readonly Example[]): string {
  if (all.length === 0) return "";
  return `\nExamples:\n${all.map(({ command, does }) => `  # ${does}\n  ${command}\n`).join("")}`;
}

/** Widest label that its sentence may stand beside. */
const LABEL_MAX = 28;

export function section(title: string, rows: readonly (readonly [label: string, text: string])[], columns: number): string {
  if (rows.length === 0) return "";
  const width = Math.min(LABEL_MAX, Math.max(...rows.map(([label]) => label.length)));
  const indent = " ".repeat(width + 4);
  const lines = rows.flatMap(([label, text]) => {
    const [first = "", ...more] = wrapped(text, Math.max(30, Math.min(columns, 140) - indent.length));
    const beside = label.length <= width ? [`  ${label.padEnd(width)}  ${first}`] : [`  ${label}`, `${indent}${first}`];
    return [...beside, ...more.map((line) => indent + line)];
  });
  return `\n${title}:\n${lines.join("\n")}\n`;
}

function wrapped(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) [lines[lines.length], line] = [line, word];
    else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
