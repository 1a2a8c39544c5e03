/** `barnabas serve`: flags, environment and file to settings, settings to a node, signals to its end. */
import { formatAddress, isLoopback, loadSettings, NodeSettings, parseAddress } from "../config/mod.ts";
import type { HostProcess } from "../io/real/process.ts";
import { createRealIo } from "../io/real/mod.ts";
import { IoFailed } from "../io/mod.ts";
import { type RunningNode, SettingsRefused, startNode } from "../node.ts";
import { DataDirectoryRefused } from "../storage/mod.ts";
import { configureLog, logOf } from "../telemetry/mod.ts";
import { command } from "./declare.ts";
import { ExitCode } from "./exit.ts";
import { SERVE_FLAGS, type ServeFlags, serveFlags } from "./serve_flags.ts";

export const serveCommand = command({
  name: "serve",
  summary: "run a broker",
  ownsProcess: true,
  flags: SERVE_FLAGS,
  arguments: {},
  examples: [
    { command: "barnabas serve", does: "for this machine only, on 127.0.0.1:9092, data in ./data" },
    { command: "barnabas serve --topic orders:6:retention.ms=3600000 --topic clicks", does: "with topics made at the start" },
    {
      command: "barnabas serve --listen IN://127.0.0.1:9092 --listen OUT://0.0.0.0:19092 --advertise OUT://kafka.example:19092 --insecure",
      does: "for other machines too, on a network that is trusted",
    },
  ],
  run: ({ host }, { flags }) => serve(host, serveFlags(flags)),
});

/** Runs until a signal; the process ends in here. */
async function serve(host: HostProcess, flags: ServeFlags): Promise<void> {
  configureLog({
    level: flags.logLevel,
    format: flags.logFormat ?? (host.isTerminal ? "text" : "json"),
    write: (line) => host.writeError(line),
  });
  host.onUncaught((error) => {
    host.writeError(
      `Stopping at once because of a bug, please report it: ${error instanceof Error ? error.stack ?? error.message : String(error)}\n`,
    );
    host.exit(ExitCode.internal);
  });
  const config = await settingsOf(host, flags);
  const asked = stopAsked(host);
  let node: RunningNode;
  try {
    const io = createRealIo({
      onFatal: (code, why) => {
        host.writeError(`Stopping at once: ${why}\n`);
        host.exit(code);
      },
      residentSoftLimitBytes: config.values.memorySoftLimitBytes,
    });
    node = await startNode({ io, config, directory: config.values.logDirs, inMemory: false, topics: flags.topics });
  } catch (error) {
    refuse(host, error, config.values.logDirs);
  }
  announce(host, node);
  await asked;
  try {
    await node.stop();
  } catch (error) {
    host.writeError(`Cannot stop in order: ${error instanceof Error ? error.message : String(error)}\n`);
    host.exit(ExitCode.internal);
  }
  host.exit(0);
}

/** Resolves at the first signal: one that comes during the start counts when that is done. The second ends the process at once. */
function stopAsked(host: HostProcess): Promise<void> {
  return new Promise((resolve) => {
    let signals = 0;
    host.onStopSignal((signal) => {
      if (++signals > 1) host.exit(128 + (signal === "SIGINT" ? 2 : 15));
      resolve();
    });
  });
}

async function settingsOf(host: HostProcess, flags: ServeFlags): Promise<NodeSettings> {
  const stop = (problems: readonly string[]): never => {
    host.writeError(problems.join("\n") + "\n");
    return host.exit(ExitCode.config);
  };
  let properties = "";
  if (flags.configFile !== null) {
    try {
      properties = await host.readText(flags.configFile);
    } catch (error) {
      stop([`Cannot read the settings in "${flags.configFile}": ${(error as Error).message}`]);
    }
  }
  const { given, warnings, errors } = loadSettings({ flags: flags.settings, env: host.env, properties });
  if (errors.length > 0) stop(errors);
  const log = logOf("config");
  for (const warning of warnings) log("warn", warning);
  const config = new NodeSettings(given);
  const open = flags.insecure ? [] : exposed(config);
  if (open.length > 0) stop(open);
  return config;
}

/** Anything but loopback would let every machine that reaches it read, write and delete: that must be said (HAZARDS S3). */
function exposed(config: NodeSettings): readonly string[] {
  const { listeners, adminListener } = config.values;
  return [...listeners, ...(adminListener === "none" ? [] : [adminListener])].flatMap((text) => {
    const parsed = parseAddress(text);
    // What cannot be parsed is refused with its own message.
    if (!parsed.ok || isLoopback(parsed.value.host)) return [];
    return [
      `Cannot listen at "${text}" without security: anyone who reaches it could read and delete everything. Listen on 127.0.0.1, or say --insecure if the network is trusted`,
    ];
  });
}

/** One line that says what to do, and the exit code that goes with it. */
function refuse(host: HostProcess, error: unknown, directory: string): never {
  if (error instanceof SettingsRefused || error instanceof DataDirectoryRefused) {
    host.writeError(`${error.message}\n`);
    host.exit(ExitCode.config);
  }
  if (error instanceof IoFailed) {
    const hint = error.code === "EADDRINUSE"
      ? ": another program listens there, choose another address with --listen or --admin"
      : error.code === "EACCES"
      ? `: this user may not use it (data directory "${directory}")`
      : "";
    host.writeError(`${error.message}${hint}\n`);
    host.exit(ExitCode.failed);
  }
  host.writeError(`Cannot start: ${error instanceof Error ? error.stack ?? error.message : String(error)}\n`);
  return host.exit(ExitCode.internal);
}

/** What a person wants to see, and the lines that harnesses for Apache Kafka wait for. */
function announce(host: HostProcess, node: RunningNode): void {
  const { nodeId } = node.services;
  for (const { name, bound } of node.listeners) {
    host.writeOut(`Listening for Kafka clients on ${name}://${formatAddress(bound.host, bound.port)}\n`);
  }
  if (node.adminAddress) host.writeOut(`HTTP admin on http://${formatAddress(node.adminAddress.host, node.adminAddress.port)}\n`);
  host.writeOut(`[BrokerServer id=${nodeId}] Transitioning from RECOVERY to RUNNING\n`);
  host.writeOut(`[KafkaRaftServer nodeId=${nodeId}] Kafka Server started\n`);
}
