import { describe, expect, test } from "bun:test";
import { brokerSettings, type Setting } from "../../lib/config/mod.ts";
import { UsageError } from "../../lib/cli/exit.ts";
import { command, type FlagValues } from "../../lib/cli/declare.ts";
import { parseCommand } from "../../lib/cli/parse.ts";
import { SERVE_FLAGS, serveFlags } from "../../lib/cli/serve_flags.ts";

const serve = command({
  name: "serve",
  summary: "run a broker",
  ownsProcess: true,
  flags: SERVE_FLAGS,
  arguments: {},
  examples: [],
  run: () => Promise.resolve(),
});
const parseServeFlags = (words: readonly string[]) =>
  serveFlags(parseCommand(serve, words, {}).flags as unknown as FlagValues<typeof SERVE_FLAGS>);

describe("serveFlags()", () => {
  test("turns flags into settings by their Kafka names", () => {
    const { settings } = parseServeFlags([
      "--listen",
      "IN://127.0.0.1:0",
      "--listen=OUT://127.0.0.1:9093",
      "--advertise",
      "OUT://kafka.example:9093",
      "--data",
      "/data",
      "--admin",
      "none",
      "--node-id",
      "3",
      "--set",
      "num.partitions=4",
      "--set",
      "ssl.cipher=a=b",
    ]);
    expect(Object.fromEntries(settings)).toEqual({
      "listeners": "IN://127.0.0.1:0,OUT://127.0.0.1:9093",
      "advertised.listeners": "OUT://kafka.example:9093",
      "log.dirs": "/data",
      "admin.listener": "none",
      "node.id": "3",
      "num.partitions": "4",
      "ssl.cipher": "a=b",
    });
  });

  test("sets nothing that was not asked for", () => {
    const flags = parseServeFlags([]);
    expect(flags.settings.size).toBe(0);
    expect(flags).toMatchObject({ insecure: false, check: false, configFile: null, installation: new Map(), topics: [], problems: [] });
  });

  const topics: readonly (readonly [spec: string, name: string, partitions: number, configs: Record<string, string>])[] = [
    ["orders", "orders", -1, {}],
    ["orders:6", "orders", 6, {}],
    ["orders:6:retention.ms=3600000", "orders", 6, { "retention.ms": "3600000" }],
    ["orders::retention.ms=1", "orders", -1, { "retention.ms": "1" }],
    ["orders:1:cleanup.policy=compact,delete,segment.ms=5", "orders", 1, { "cleanup.policy": "compact,delete", "segment.ms": "5" }],
  ];
  for (const [spec, name, partitions, configs] of topics) {
    test(`--topic ${spec}`, () => {
      const [topic] = parseServeFlags(["--topic", spec]).topics;
      expect([topic!.name, topic!.partitions, Object.fromEntries(topic!.configs)]).toEqual([name, partitions, configs]);
    });
  }

  const refusals: readonly (readonly [args: readonly string[], message: string])[] = [
    [["--lissten", "x"], 'Unknown flag "--lissten": did you mean "--listen"?'],
    [["here"], 'Cannot use "here": serve takes flags only'],
    [["--listen"], 'Flag "--listen" needs a value'],
    [["--data="], 'Flag "--data" needs a value'],
    [["--insecure=no"], 'Flag "--insecure" takes no value: it is given or left out'],
    [["--log-level", "loud"], 'Invalid "--log-level loud": accepted are debug, info, warn, error'],
    [["--log-format", "xml"], 'Invalid "--log-format xml": accepted are text, json'],
  ];
  for (const [args, message] of refusals) {
    test(`refuses ${args.join(" ")}`, () => {
      expect(() => parseServeFlags(args)).toThrow(UsageError);
      expect(() => parseServeFlags(args)).toThrow(message);
    });
  }

  test("finds everything that is written wrongly, not the first only", () => {
    const words = [
      "--set",
      "num.partitions",
      "--set",
      "=4",
      "--default",
      "x",
      "--topic",
      ":3",
      "--topic",
      "orders:many",
      "--topic",
      "a:1:compact",
    ];
    expect(parseServeFlags(words).problems).toEqual([
      'Invalid "--set num.partitions": write --set NAME=VALUE',
      'Invalid "--set =4": write --set NAME=VALUE',
      'Invalid "--default x": write --default NAME=VALUE',
      'Invalid "--topic :3": write NAME[:PARTITIONS[:SETTING=VALUE,…]]',
      'Invalid "--topic orders:many": write NAME[:PARTITIONS[:SETTING=VALUE,…]]',
      'Invalid "--topic a:1:compact": "compact" is not SETTING=VALUE',
    ]);
  });

  test("every setting that names a flag has it, and every flag is a setting's or serve's own", () => {
    const flags = (brokerSettings as readonly Setting[]).flatMap(({ flag }) => flag ?? []);
    const own = ["topic", "config", "set", "default", "insecure", "check"];
    expect([...flags, ...own].sort()).toEqual(Object.keys(SERVE_FLAGS).sort());
  });
});
