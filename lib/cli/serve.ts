/** `barnabas serve`: flags, environment and file to settings, settings to a node, signals to its end. */
import { formatAddress } from "../config/mod.ts";
import type { HostProcess } from "../io/real/process.ts";
import { createRealIo } from "../io/real/mod.ts";
import { DeadlineExceeded, IoFailed } from "../io/mod.ts";
import { type RunningNode, SettingsRefused, startNode } from "../node.ts";
import { slowChecksums } from "../protocol/mod.ts";
import { CorruptLog, DataDirectoryRefused } from "../storage/mod.ts";
import { configureLog, type LogFormat, type LogLevel, logOf, LogRing } from "../telemetry/mod.ts";
import { command } from "./declare.ts";
import { ExitCode } from "./exit.ts";
import { SERVE_FLAGS, type ServeFlags, serveFlags } from "./serve_flags.ts";
import { logSettings, serveSettings, settingsReport } from "./serve_settings.ts";

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
  const settings = await serveSettings(host, flags);
  const { config, problems, exitCode } = settings;
  if (flags.check) {
    await host.write(settingsReport(settings));
    host.exit(problems.length > 0 ? exitCode : ExitCode.ok);
  }
  if (problems.length > 0) {
    host.writeError(`${problems.join("\n")}\n${exitCode === ExitCode.usage ? "Try: barnabas serve --help\n" : ""}`);
    host.exit(exitCode);
  }
  const { loggingLevel, loggingFormat } = config.values;
  const logs = new LogRing();
  const log = configureLog({
    level: loggingLevel as LogLevel,
    ring: logs,
    format: loggingFormat === "auto" ? (host.isTerminal ? "text" : "json") : loggingFormat as LogFormat,
    write: (line) => host.writeError(line),
  });
  host.onUncaught((error) => {
    host.writeError(
      `Stopping at once because of a bug, please report it: ${error instanceof Error ? error.stack ?? error.message : String(error)}\n`,
    );
    host.exit(ExitCode.internal);
  });
  logSettings(settings);
  config.subscribe(() => log.setLevel(config.values.loggingLevel as LogLevel));
  const asked = stopAsked(host);
  // Clients are told it too (DescribeLogDirs), and they know nothing of where this process was started.
  const directory = host.absolutePath(config.values.logDirs);
  let node: RunningNode;
  try {
    const io = createRealIo({
      onFatal: (code, why) => {
        host.writeError(`Stopping at once: ${why}\n`);
        host.exit(code);
      },
      residentSoftLimitBytes: config.values.memorySoftLimitBytes,
    });
    node = await startNode({ io, config, directory, inMemory: false, topics: flags.topics, logs });
  } catch (error) {
    refuse(host, error, directory);
  }
  announce(host, node);
  // Not before clients are served: it loads a library.
  node.services.io.timers.soon(warnOfSlowChecksums);
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

/** What a disk does that fails or is full: the same directory may be used again later, so a supervisor is to try. */
const OF_THE_DISK: ReadonlySet<string> = new Set(["EIO", "ENOSPC", "EDQUOT"]);

/** One line that says what to do, and the exit code that goes with it. */
function refuse(host: HostProcess, error: unknown, directory: string): never {
  if (error instanceof SettingsRefused) {
    host.writeError(`${error.message}\n`);
    host.exit(ExitCode.config);
  }
  if (error instanceof DataDirectoryRefused) {
    host.writeError(`${error.message}\n`);
    host.exit(error.cause instanceof IoFailed && OF_THE_DISK.has(error.cause.code) ? ExitCode.internal : ExitCode.config);
  }
  if (error instanceof DeadlineExceeded) {
    host.writeError(`Cannot start: ${error.message}. The disk does not answer: look at the system's log, then start the node again\n`);
    host.exit(ExitCode.internal);
  }
  if (error instanceof CorruptLog) {
    host.writeError(`${error.message}\n`);
    host.exit(ExitCode.damaged);
  }
  if (error instanceof IoFailed) {
    const hint = error.code === "EADDRINUSE"
      ? ": another program listens there, choose another address with --listen or --admin"
      : error.code === "EACCES"
      ? `: this user may not use it (data directory "${directory}")`
      : "";
    host.writeError(`${error.message}${hint}\n`);
    host.exit(ExitCode.config);
  }
  host.writeError(`Cannot start: ${error instanceof Error ? error.stack ?? error.message : String(error)}\n`);
  return host.exit(ExitCode.internal);
}

function warnOfSlowChecksums(): void {
  const cause = slowChecksums();
  if (cause === null) return;
  logOf("node")(
    "warn",
    "Checksums take ten times as long: the library for them cannot be unpacked and loaded. The directory for temporary files must be writable and not mounted noexec: name another one in TMPDIR",
    { cause },
  );
}

/** What a person wants to see, and the lines that harnesses for Apache Kafka wait for. */
function announce(host: HostProcess, node: RunningNode): void {
  const { nodeId } = node.services;
  for (const { name, bound, advertised } of node.listeners) {
    const told = advertised === null ? "" : `, which clients are told is ${formatAddress(advertised.host, advertised.port || bound.port)}`;
    host.writeOut(`Listening for Kafka clients on ${name}://${formatAddress(bound.host, bound.port)}${told}\n`);
  }
  if (node.adminAddress) host.writeOut(`HTTP admin on http://${formatAddress(node.adminAddress.host, node.adminAddress.port)}\n`);
  host.writeOut(`[BrokerServer id=${nodeId}] Transitioning from RECOVERY to RUNNING\n`);
  host.writeOut(`[KafkaRaftServer nodeId=${nodeId}] Kafka Server started\n`);
}
