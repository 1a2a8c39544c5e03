/** The flags of `serve`, and which setting each stands for. Checks no values, that is the configuration's. */
import { LOG_LEVELS, type LogFormat, type LogLevel } from "../telemetry/mod.ts";
import type { BootTopic } from "../node.ts";
import type { Flags, FlagValues } from "./declare.ts";
import { UsageError } from "./exit.ts";
import { parsePairs } from "./values.ts";

export const SERVE_FLAGS = {
  "listen": {
    type: "list",
    value: "ADDRESS",
    help: "where Kafka clients connect: host:port or NAME://host:port; port 0 takes a free one; without it 127.0.0.1:9092",
  },
  "advertise": { type: "list", value: "ADDRESS", help: "what clients are told instead, by listener name; needed for wildcards" },
  "data": { type: "string", value: "DIRECTORY", help: "where the data lives; without it ./data", completes: "directory" },
  "admin": { type: "string", value: "ADDRESS", help: 'where the HTTP admin API listens, or "none"; without it 127.0.0.1:9644' },
  "node-id": { type: "string", value: "N", help: "number of this node; without it 1" },
  "topic": { type: "list", value: "SPEC", help: "make this topic if it is missing: NAME[:PARTITIONS[:SETTING=VALUE,…]]" },
  "config": {
    type: "string",
    value: "FILE",
    help: "a server.properties; what it says is overruled by the environment and by flags",
    completes: "file",
  },
  "set": { type: "list", value: "NAME=VALUE", help: "any setting by its name", completes: "setting" },
  "insecure": { type: "boolean", help: "listen to other machines although nothing asks them who they are" },
  "log-level": { type: "choice", choices: LOG_LEVELS, default: "info", help: "what is logged" },
  "log-format": { type: "choice", choices: ["text", "json"], help: "of the log; without it text on a terminal, else json" },
} as const satisfies Flags;

const TOPIC_SHAPE = /^([^:]+)(?::(\d+)?(?::(.+))?)?$/;

export interface ServeFlags {
  readonly insecure: boolean;
  readonly configFile: string | null;
  readonly logLevel: LogLevel;
  /** Null: as the terminal wants it. */
  readonly logFormat: LogFormat | null;
  readonly topics: readonly BootTopic[];
  /** By setting name. */
  readonly settings: ReadonlyMap<string, string>;
}

/** @throws {UsageError} */
export function serveFlags(given: FlagValues<typeof SERVE_FLAGS>): ServeFlags {
  const settings = new Map(parsePairs("--set", given.set));
  const set = (name: string, value: string | null) => value === null || settings.set(name, value);
  set("listeners", given.listen.join(",") || null);
  set("advertised.listeners", given.advertise.join(",") || null);
  set("log.dirs", given.data);
  set("admin.listener", given.admin);
  set("node.id", given["node-id"]);
  return {
    insecure: given.insecure,
    configFile: given.config,
    logLevel: given["log-level"],
    logFormat: given["log-format"],
    topics: given.topic.map(parseTopic),
    settings,
  };
}

function parseTopic(spec: string): BootTopic {
  const match = TOPIC_SHAPE.exec(spec);
  if (!match) throw new UsageError(`Invalid "--topic ${spec}": write NAME[:PARTITIONS[:SETTING=VALUE,…]]`);
  const configs = new Map<string, string>();
  let last = "";
  for (const part of match[3]?.split(",") ?? []) {
    const at = part.indexOf("=");
    // A comma inside a value: cleanup.policy=compact,delete.
    if (at < 1 && last !== "") configs.set(last, `${configs.get(last)},${part}`);
    else if (at < 1) throw new UsageError(`Invalid "--topic ${spec}": "${part}" is not SETTING=VALUE`);
    else configs.set(last = part.slice(0, at), part.slice(at + 1));
  }
  return { name: match[1]!, partitions: match[2] === undefined ? -1 : Number(match[2]), configs };
}
