/** Every command by its first word. None is loaded before it is asked for, so that `serve` starts no slower for all the others. */
import type { Command, CommandGroup } from "./declare.ts";

export interface Entry {
  readonly summary: string;
  readonly load: () => Promise<Command | CommandGroup>;
  /** Not shown in lists: for programs, not for people. */
  readonly hidden?: true;
}

export const COMMANDS: Readonly<Record<string, Entry>> = {
  serve: { summary: "run a broker", load: async () => (await import("./serve.ts")).serveCommand },
  version: { summary: "print the version", load: async () => (await import("./version.ts")).versionCommand },
};

export const isGroup = (node: Command | CommandGroup): node is CommandGroup => "commands" in node;
