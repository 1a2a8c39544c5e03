/** `bun scripts/cli_page.ts`: writes docs/cli.md from the declarations of the commands. A test holds that the page is fresh. */
import { COMMANDS, isGroup } from "../lib/cli/commands.ts";
import { type Command, flagsOf } from "../lib/cli/declare.ts";
import { EXIT_CODES } from "../lib/cli/exit.ts";
import { flagLabel, flagNotes, usageOf } from "../lib/cli/help.ts";

export async function cliPage(): Promise<string> {
  const shown = Object.entries(COMMANDS).filter(([, { hidden }]) => !hidden);
  const parts = await Promise.all(shown.map(async ([name, { summary, load }]) => {
    const node = await load();
    if (!isGroup(node)) return page(name, node);
    return [`## barnabas ${name}\n\n${sentence(summary)}\n`, ...node.commands.map((command) => page(`${name} ${command.name}`, command))]
      .join("\n");
  }));
  return [
    `# Command line

One executable: \`barnabas COMMAND\`. \`serve\`, \`health\`, \`debug\` and \`config explain\` are about a Barnabas node, \`sim\` needs none; all others
work with any Kafka cluster, by the wire protocol.

- Data goes to standard output, talk to standard error; \`--quiet\` leaves the talk out, \`--json\` prints data for programs.
- Colours and progress are only for terminals; \`--no-color\` or \`NO_COLOR\` leaves colours out there too.
- What deletes asks on a terminal; elsewhere it wants \`--yes\`.
- \`--bootstrap\` says which cluster, or \`BARNABAS_BOOTSTRAP\`.
- Every command has \`--help\`. \`barnabas completion SHELL\` prints a completion script.

This page is made from the declarations of the commands by \`scripts/cli_page.ts\`.

| exit code | meaning |
|---|---|
${EXIT_CODES.map(([code, meaning]) => `| ${code} | ${meaning} |`).join("\n")}
`,
    ...parts,
  ].join("\n");
}

function page(path: string, command: Command): string {
  const level = path.includes(" ") ? "###" : "##";
  const args = Object.values(command.arguments);
  const flags = Object.entries(flagsOf(command)).filter(([name]) => !SAID_ABOVE.has(name));
  return [
    `${level} barnabas ${path}\n\n${sentence(command.summary)}\n\n\`\`\`\n${usageOf(path, command)}\n\`\`\`\n`,
    command.details === undefined ? "" : `\n\`\`\`text\n${command.details.trim()}\n\`\`\`\n`,
    args.length === 0
      ? ""
      : `\n| argument | |\n|---|---|\n${args.map(({ label, help }) => `| ${code(label)} | ${cell(help)} |`).join("\n")}\n`,
    flags.length === 0
      ? ""
      : `\n| flag | |\n|---|---|\n${
        flags.map(([name, flag]) => `| ${code(flagLabel(name, flag))} | ${cell([flag.help, ...flagNotes(flag)].join("; "))} |`).join("\n")
      }\n`,
    command.examples.length === 0
      ? ""
      : `\n\`\`\`sh\n${command.examples.map(({ does, command }) => `# ${does}\n${command}`).join("\n")}\n\`\`\`\n`,
  ].join("");
}

/** What every command has. */
const SAID_ABOVE = new Set(["help", "quiet", "no-color"]);

const sentence = (text: string): string => `${text[0]!.toUpperCase()}${text.slice(1)}.`;
const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("<", "&lt;").replaceAll("*", "\\*");
const code = (text: string): string => `\`${text.replaceAll("|", "\\|")}\``;

if (import.meta.main) await Bun.write(new URL("../docs/cli.md", import.meta.url), await cliPage());
