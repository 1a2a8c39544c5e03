import { expect, test } from "bun:test";
import { COMMANDS, isGroup } from "../../lib/cli/commands.ts";
import { flagsOf } from "../../lib/cli/declare.ts";
import { parseCommand } from "../../lib/cli/parse.ts";
import { cliPage } from "../../scripts/cli_page.ts";

test("docs/cli.md is what the declarations say: bun scripts/cli_page.ts writes it", async () => {
  expect(await Bun.file(new URL("../../docs/cli.md", import.meta.url)).text()).toBe(await cliPage());
});

test("declarations are complete: summaries agree, every flag and argument has its sentence, every command an example", async () => {
  for (const [name, { summary, load }] of Object.entries(COMMANDS)) {
    const node = await load();
    expect([name, node.name, node.summary]).toEqual([name, name, summary]);
    for (const command of isGroup(node) ? node.commands : [node]) {
      expect([command.name, command.examples.length > 0]).toEqual([command.name, true]);
      const shorts = Object.values(flagsOf(command)).flatMap(({ short }) => short ?? []);
      expect([command.name, shorts]).toEqual([command.name, [...new Set(shorts)]]);
      const sentences = [command.summary, ...Object.values(flagsOf(command)).map(({ help }) => help)];
      for (const sentence of sentences) expect(sentence).toMatch(/^\S.{2,}[^.\s]$/s);
      const args = Object.values(command.arguments);
      expect(args.slice(0, -1).every(({ many, optional }) => !many && !optional)).toBe(true);
    }
  }
});

/** Words as a shell would part them: quotes, no variables. */
function words(line: string): readonly string[] {
  return [...line.matchAll(/(?:'([^']*)'|"((?:\\.|[^"])*)"|([^\s'"]+))(?=\s|$)/g)].map(([, single, double, bare]) =>
    single ?? double ?? bare ?? ""
  );
}

test("every example is a command line that its command takes", async () => {
  let tried = 0;
  for (const { load } of Object.values(COMMANDS)) {
    const node = await load();
    for (const owner of isGroup(node) ? node.commands : [node]) {
      for (const { command: line } of owner.examples) {
        for (const part of line.replace(/^source <\((.*)\)$/, "$1").split(/\s[|>]\s/)) {
          const [program, first = "", ...rest] = words(part);
          if (program !== "barnabas") continue;
          const called = await COMMANDS[first]!.load();
          const command = isGroup(called) ? called.commands.find(({ name }) => name === rest[0])! : called;
          expect(() => parseCommand(command, isGroup(called) ? rest.slice(1) : rest, {})).not.toThrow();
          tried++;
        }
      }
    }
  }
  expect(tried).toBeGreaterThan(40);
});
