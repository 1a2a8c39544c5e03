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
  topic: { summary: "list, create, describe, change and delete topics", load: async () => (await import("./topic/mod.ts")).topicGroup },
  produce: { summary: "send records to a topic", load: async () => (await import("./produce.ts")).produceCommand },
  consume: { summary: "print records of topics", load: async () => (await import("./consume.ts")).consumeCommand },
  group: {
    summary: "list and describe consumer groups, move and delete their offsets",
    load: async () => (await import("./group/mod.ts")).groupGroup,
  },
  config: {
    summary: "show and change settings of topics, brokers and groups",
    load: async () => (await import("./config/mod.ts")).configGroup,
  },
  cluster: {
    summary: "show brokers, quorum, disks, producers, and what the brokers serve",
    load: async () => (await import("./cluster/mod.ts")).clusterGroup,
  },
  health: {
    summary: "tell whether a broker serves clients; exit code 0 or 1",
    load: async () => (await import("./health.ts")).healthCommand,
  },
  bench: { summary: "measure how fast a cluster takes and gives records", load: async () => (await import("./bench/mod.ts")).benchGroup },
  completion: {
    summary: "print the completion script of a shell",
    load: async () => (await import("./completion/mod.ts")).completionCommand,
  },
  debug: { summary: "find out what is wrong", load: async () => (await import("./debug.ts")).debugGroup },
  sim: {
    summary: "run the broker on simulated machines that fail, and find the seed that breaks a promise",
    load: async () => (await import("./sim/mod.ts")).simCommand,
  },
  version: { summary: "print the version", load: async () => (await import("./version.ts")).versionCommand },
  __complete: {
    summary: "answer the completion scripts",
    hidden: true,
    load: async () => (await import("./completion/mod.ts")).completeCommand,
  },
};

export const isGroup = (node: Command | CommandGroup): node is CommandGroup => "commands" in node;
