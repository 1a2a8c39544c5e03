/** What `serve` makes of flags, environment and file: all problems at once, a report, and nothing left behind. */
import { describe, expect, test } from "bun:test";
import { COMMANDS, isGroup } from "../../lib/cli/commands.ts";
import { flagsOf, type FlagValues } from "../../lib/cli/declare.ts";
import { parseCommand } from "../../lib/cli/parse.ts";
import { serveCommand } from "../../lib/cli/serve.ts";
import { SERVE_FLAGS, serveFlags } from "../../lib/cli/serve_flags.ts";
import { serveSettings, settingsReport } from "../../lib/cli/serve_settings.ts";
import { hostProcess } from "../../lib/io/real/process.ts";

async function settings(words: readonly string[], env: Readonly<Record<string, string>> = {}, file: string | null = null) {
  const flags = parseCommand(serveCommand, words, env).flags as unknown as FlagValues<typeof SERVE_FLAGS>;
  const readText = (path: string) => file === null ? Promise.reject(new Error(`ENOENT: "${path}"`)) : Promise.resolve(file);
  return await serveSettings({ ...hostProcess, env, readText }, serveFlags(flags));
}

describe("serveSettings()", () => {
  test("tells problems of flags, environment, file and topics together", async () => {
    const { problems, exitCode } = await settings(
      ["--set", "num.partitions", "--topic", "a/b", "--topic", "c:0:retention.ms=soon", "--config", "x.properties"],
      { KAFKA_NODE_ID: "-1" },
      "log.retention.hours=week\nauthorizer.class.name=org.example.Acl",
    );
    expect(exitCode).toBe(64);
    expect(problems.map((problem) => /"(--set|--topic|node\.id|log\.retention\.hours|authorizer|a\/b|c)\b/.exec(problem)?.[1])).toEqual([
      "--set",
      "log.retention.hours",
      "authorizer",
      "node.id",
      "a/b",
      "c",
      "c",
    ]);
  });

  test("refuses to listen to other machines without --insecure, wherever that was asked for", async () => {
    const env = {
      KAFKA_LISTENERS: "PLAINTEXT://:9092",
      KAFKA_ADVERTISED_LISTENERS: "PLAINTEXT://a:9092",
      BARNABAS_ADMIN_LISTENER: "0.0.0.0:9644",
    };
    const { problems, exitCode } = await settings([], env);
    expect(problems.map((problem) => /Cannot listen at "([^"]+)" without security/.exec(problem)?.[1])).toEqual([
      "PLAINTEXT://:9092",
      "0.0.0.0:9644",
    ]);
    expect(exitCode).toBe(78);
    expect((await settings(["--insecure"], env)).problems).toEqual([]);
  });

  test("notes what clients elsewhere will stumble over, and nothing where it works", async () => {
    const at = async (...words: string[]) => (await settings(["--insecure", ...words])).notes;
    expect(await at("--listen", "0.0.0.0:9092", "--advertise", "localhost:9092")).toEqual([
      expect.stringContaining('Clients of listener "PLAINTEXT" are told localhost:9092'),
    ]);
    expect(await at("--listen", "0.0.0.0:0", "--advertise-host", "kafka.example")).toEqual([]);
    expect(await at()).toEqual([]);
  });

  test("takes what an installation brings only where nobody says otherwise", async () => {
    const installed = ["--insecure", "--default", "listeners=PLAINTEXT://:9092", "--default", "advertised.host.name=localhost"];
    expect((await settings(installed)).config.values.listeners).toEqual(["PLAINTEXT://:9092"]);
    const { config } = await settings(installed, { KAFKA_LISTENERS: "A://:1", KAFKA_ADVERTISED_HOST_NAME: "kafka" });
    expect([config.values.listeners, config.values.advertisedHostName]).toEqual([["A://:1"], "kafka"]);
  });
});

describe("settingsReport()", () => {
  test("has one line for each setting, with where it is from, and what is ignored by group", async () => {
    const env = { KAFKA_NODE_ID: "3", KAFKA_PROCESS_ROLES: "broker,controller", KAFKA_HEAP_OPTS: "-Xmx1g" };
    const file = "num.io.threads=8\nnum.partition=2\nnum.network.threads=3\noffsets.topic.replication.factor=3";
    const report = settingsReport(await settings(["--config", "x", "--data", "/d"], env, file));
    expect(report.split("\n")).toEqual([
      "Understood (4):",
      "  offsets.topic.replication.factor=3  line 4 of the properties file",
      "  node.id=3                           KAFKA_NODE_ID",
      "  process.roles=broker,controller     KAFKA_PROCESS_ROLES: a node is always broker and controller",
      "  log.dirs=/d                         the flags",
      "Ignored (4):",
      "  KAFKA_HEAP_OPTS                     the environment: Java: there is no Java machine: memory is bounded by queued.max.request.bytes and wal.queue.bytes.max",
      "  num.io.threads                      line 1 of the properties file: threads: one event loop serves all; queued.max.request.bytes and connection.requests.max bound its work",
      "  num.network.threads                 line 3 of the properties file: threads: one event loop serves all; queued.max.request.bytes and connection.requests.max bound its work",
      '  num.partition                       line 2 of the properties file: unknown: nobody knows it: did you mean "num.partitions"?',
      "Warnings (1):",
      '  "offsets.topic.replication.factor" is 3 and there is one node: no group can commit, set it to 1',
      "A node would start with these settings",
      "",
    ]);
  });
  test("ends with what cannot be used", async () => {
    const report = settingsReport(await settings(["--set", "node.id=x", "--listen", "nowhere"]));
    expect(report).toContain("Cannot be used (2):\n  Invalid value");
    expect(report).toEndWith("A node would not start with these settings\n");
  });
});

test("variables of the other commands' flags are no settings", async () => {
  const commands = await Promise.all(Object.values(COMMANDS).map(({ load }) => load()));
  const flags = commands.flatMap((node) => isGroup(node) ? node.commands : [node]).flatMap((command) => Object.values(flagsOf(command)));
  const variables = [...new Set(flags.flatMap(({ env }) => env !== undefined && env.startsWith("BARNABAS_") ? [env] : []))];
  expect(variables).toContain("BARNABAS_BOOTSTRAP");
  const env = Object.fromEntries(variables.map((name) => [name, "x"]));
  expect((await settings([], env)).loaded.ignored).toEqual([]);
});
