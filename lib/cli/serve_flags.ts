/** The flags of `serve`, and which setting each stands for. Checks no values, that is the configuration's. */
import { brokerSettings, type Setting } from "../config/mod.ts";
import type { BootTopic } from "../node.ts";
import type { Flags, FlagValues } from "./declare.ts";

export const SERVE_FLAGS = {
  "listen": {
    type: "list",
    value: "ADDRESS",
    help: "where Kafka clients connect: host:port or NAME://host:port; port 0 takes a free one; without it 127.0.0.1:9092",
  },
  "advertise": { type: "list", value: "ADDRESS", help: "what clients are told instead, by listener name; needed for wildcards" },
  "advertise-host": { type: "string", value: "HOST", help: "the host that clients are told for every listener on all interfaces" },
  "data": { type: "string", value: "DIRECTORY", help: "where the data lives; without it ./data", completes: "directory" },
  "admin": { type: "string", value: "ADDRESS", help: 'where the HTTP admin API listens, or "none"; without it 127.0.0.1:9644' },
  "node-id": { type: "string", value: "N", help: "number of this node; without it 1" },
  "cluster-id": { type: "string", value: "ID", help: "of a new data directory; without it a random one" },
  "topic": { type: "list", value: "SPEC", help: "make this topic if it is missing: NAME[:PARTITIONS[:SETTING=VALUE,…]]" },
  "config": {
    type: "string",
    value: "FILE",
    help: "a server.properties; what it says is overruled by the environment and by flags",
    completes: "file",
  },
  "set": { type: "list", value: "NAME=VALUE", help: "any setting by its name", completes: "broker-setting" },
  "default": {
    type: "list",
    value: "NAME=VALUE",
    help: "for images and packages: a setting that file, environment and other flags overrule",
    completes: "broker-setting",
  },
  "insecure": { type: "boolean", help: "listen to other machines although nothing asks them who they are" },
  "log-level": { type: "choice", choices: ["debug", "info", "warn", "error"], help: "what is logged; without it info" },
  "log-format": { type: "choice", choices: ["text", "json"], help: "of the log; without it text on a terminal, else json" },
  "check": { type: "boolean", help: "say what the settings come to and what is ignored, start nothing; 78 when they cannot be used" },
} as const satisfies Flags;

/** The flags that `config explain` takes as well, so that it sees what `serve` would. */
export const SETTING_FLAGS = Object.fromEntries(
  Object.entries(SERVE_FLAGS).filter(([name]) => name !== "topic" && name !== "insecure" && name !== "check"),
) as Omit<typeof SERVE_FLAGS, "topic" | "insecure" | "check">;

const TOPIC_SHAPE = /^([^:]+)(?::(\d{1,10})?(?::(.+))?)?$/;

export interface SettingFlags {
  readonly configFile: string | null;
  /** By setting name. */
  readonly settings: ReadonlyMap<string, string>;
  /** By setting name, below everything else. */
  readonly installation: ReadonlyMap<string, string>;
  /** Flags that are written wrongly; every one. */
  readonly problems: readonly string[];
}

export interface ServeFlags extends SettingFlags {
  readonly insecure: boolean;
  readonly check: boolean;
  readonly topics: readonly BootTopic[];
}

export function serveFlags(given: FlagValues<typeof SERVE_FLAGS>): ServeFlags {
  const shared = settingFlags(given);
  const problems = [...shared.problems];
  const topics = given.topic.flatMap((spec) => {
    const topic = parseTopic(spec);
    if (typeof topic !== "string") return [topic];
    problems.push(`Invalid "--topic ${spec}": ${topic}`);
    return [];
  });
  return { ...shared, problems, topics, insecure: given.insecure, check: given.check };
}

export function settingFlags(given: FlagValues<typeof SETTING_FLAGS>): SettingFlags {
  const problems: string[] = [];
  const settings = assignments("set", given.set, problems);
  for (const { name, flag } of brokerSettings as readonly Setting[]) {
    const value = flag === undefined ? null : (given as Readonly<Record<string, string | readonly string[] | null>>)[flag];
    const text = typeof value === "object" ? value?.join(",") || null : value;
    if (text !== null && text !== undefined) settings.set(name, text);
  }
  return { configFile: given.config, settings, installation: assignments("default", given.default, problems), problems };
}

function assignments(flag: string, given: readonly string[], problems: string[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const assignment of given) {
    const at = assignment.indexOf("=");
    if (at < 1) problems.push(`Invalid "--${flag} ${assignment}": write --${flag} NAME=VALUE`);
    else found.set(assignment.slice(0, at), assignment.slice(at + 1));
  }
  return found;
}

/** A text says what is wrong. */
function parseTopic(spec: string): BootTopic | string {
  const match = TOPIC_SHAPE.exec(spec);
  if (!match) return "write NAME[:PARTITIONS[:SETTING=VALUE,…]]";
  const configs = new Map<string, string>();
  let last = "";
  for (const part of match[3]?.split(",") ?? []) {
    const at = part.indexOf("=");
    // A comma inside a value: cleanup.policy=compact,delete.
    if (at < 1 && last !== "") configs.set(last, `${configs.get(last)},${part}`);
    else if (at < 1) return `"${part}" is not SETTING=VALUE`;
    else configs.set(last = part.slice(0, at), part.slice(at + 1));
  }
  return { name: match[1]!, partitions: match[2] === undefined ? -1 : Number(match[2]), configs };
}
