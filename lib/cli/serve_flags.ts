/** The flags of `serve`, from words to settings. Knows which flag stands for which setting; checks no values, that is the configuration's. */
import { parseArgs } from "@std/cli/parse-args";
import { suggestion } from "../config/mod.ts";
import { LOG_LEVELS, type LogFormat, type LogLevel } from "../telemetry/mod.ts";
import type { BootTopic } from "../node.ts";
import { UsageError } from "./exit.ts";

export const SERVE_HELP = `barnabas serve: run a broker

Usage: barnabas serve [FLAG …]

  --listen ADDRESS       where Kafka clients connect: host:port or NAME://host:port; again for more; port 0 takes a free one
                         (default 127.0.0.1:9092)
  --advertise ADDRESS    what clients are told instead, by listener name; needed for wildcards
  --data DIRECTORY       where the data lives (default ./data)
  --admin ADDRESS        where the HTTP admin API listens, or "none" (default 127.0.0.1:9644)
  --node-id N            number of this node (default 1)
  --topic SPEC           make this topic if it is missing: NAME[:PARTITIONS[:SETTING=VALUE,…]]; again for more
  --config FILE          a server.properties; what it says is overruled by the environment and by flags
  --set NAME=VALUE       any setting by its name; again for more
  --insecure             listen to other machines although nothing asks them who they are
  --log-level LEVEL      debug, info, warn or error (default info)
  --log-format FORMAT    text or json (default: text on a terminal)
  --help

Examples:
  barnabas serve --topic orders:6:retention.ms=3600000 --topic clicks
  barnabas serve --listen IN://127.0.0.1:9092 --listen OUT://0.0.0.0:19092 --advertise OUT://kafka.example:19092 --insecure
`;

const STRINGS = ["listen", "advertise", "data", "admin", "node-id", "topic", "config", "set", "log-level", "log-format"] as const;
const BOOLEANS = ["insecure", "help"] as const;
const REPEATED = ["listen", "advertise", "topic", "set"] as const;
const TOPIC_SHAPE = /^([^:]+)(?::(\d+)?(?::(.+))?)?$/;

export interface ServeFlags {
  readonly help: boolean;
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
export function parseServeFlags(args: readonly string[]): ServeFlags {
  const known = [...STRINGS, ...BOOLEANS];
  // "--insecure=no" would count as yes.
  const valued = BOOLEANS.find((name) => args.some((argument) => argument.startsWith(`--${name}=`)));
  if (valued !== undefined) throw new UsageError(`Flag "--${valued}" takes no value: it is given or left out`);
  const parsed = parseArgs(args, {
    string: STRINGS,
    boolean: BOOLEANS,
    collect: REPEATED,
    alias: { h: "help" },
    unknown: (argument, key) => {
      if (key === undefined) throw new UsageError(`Cannot use "${argument}": serve takes flags only`);
      throw new UsageError(`Unknown flag "${argument}"${suggestion(key, known).replace(/"(.+)"/, '"--$1"')}`);
    },
  });
  const one = (name: (typeof STRINGS)[number]): string | undefined => {
    const value = parsed[name] as string | undefined;
    if (value === "") throw new UsageError(`Flag "--${name}" needs a value`);
    return value;
  };
  const many = (name: (typeof REPEATED)[number]): readonly string[] => {
    const values = (parsed[name] ?? []) as readonly string[];
    if (values.includes("")) throw new UsageError(`Flag "--${name}" needs a value`);
    return values;
  };

  const settings = new Map<string, string>();
  for (const assignment of many("set")) {
    const at = assignment.indexOf("=");
    if (at < 1) throw new UsageError(`Invalid "--set ${assignment}": write --set NAME=VALUE`);
    settings.set(assignment.slice(0, at), assignment.slice(at + 1));
  }
  const set = (name: string, value: string | undefined) => value === undefined || settings.set(name, value);
  set("listeners", many("listen").join(",") || undefined);
  set("advertised.listeners", many("advertise").join(",") || undefined);
  set("log.dirs", one("data"));
  set("admin.listener", one("admin"));
  set("node.id", one("node-id"));
  return {
    help: parsed["help"] === true,
    insecure: parsed["insecure"] === true,
    configFile: one("config") ?? null,
    logLevel: oneOf("log-level", one("log-level") ?? "info", LOG_LEVELS),
    logFormat: one("log-format") === undefined ? null : oneOf("log-format", one("log-format")!, ["text", "json"] as const),
    topics: many("topic").map(parseTopic),
    settings,
  };
}

function oneOf<T extends string>(flag: string, value: string, accepted: readonly T[]): T {
  const found = accepted.find((word) => word === value);
  if (found === undefined) throw new UsageError(`Invalid "--${flag} ${value}": accepted are ${accepted.join(", ")}`);
  return found;
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
