/** The two brokers side by side, each pinned to the first core: Barnabas durable as shipped, Apache Kafka 4.3.1 as shipped. */
import { mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { executable } from "../../tests/compat/support/broker.ts";
import { javaTools } from "../../tests/compat/support/install.ts";
import { mustRun } from "../../tests/compat/support/process.ts";
import { linesUntil } from "../../tests/support/lines.ts";

export interface Rival {
  readonly name: "barnabas" | "kafka" | "raw";
  readonly bootstrap: string;
  readonly pid: number;
  /** From exec to the line that says it serves. */
  readonly startMs: number;
  stop(): Promise<void>;
}

async function start(name: Rival["name"], command: readonly string[], ready: RegExp, directory: string, address?: string): Promise<Rival> {
  const began = performance.now();
  const child = Bun.spawn(["taskset", "-c", "0", ...command], {
    cwd: directory,
    stdin: "ignore",
    stdout: "pipe",
    stderr: Bun.file(join(directory, "stderr")),
  });
  const { text, found } = await linesUntil(child.stdout, ready);
  if (!found) {
    const said = text + await Bun.file(join(directory, "stderr")).text();
    throw new Error(`${command[0]} ended before it served (is it there? "npm run build" makes the executable):\n${said}`);
  }
  return {
    name,
    bootstrap: address ?? ready.exec(text)![1]!,
    pid: child.pid,
    startMs: performance.now() - began,
    async stop() {
      // Kafka's own way out may take a minute on a busy machine, and nobody looks at what it leaves.
      child.kill(name === "kafka" ? "SIGKILL" : "SIGTERM");
      await child.exited;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

export async function startBarnabas(flags: readonly string[] = []): Promise<Rival> {
  const directory = await mkdtemp(join(tmpdir(), "bench-barnabas-"));
  const command = [executable, "serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--data", join(directory, "data"), ...flags];
  return await start("barnabas", command, /PLAINTEXT:\/\/(127\.0\.0\.1:\d+)/, directory);
}

function freePort(): number {
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = listener;
  listener.stop(true);
  return port;
}

export async function startKafka(): Promise<Rival> {
  const classPath = await javaTools();
  const directory = await mkdtemp(join(tmpdir(), "bench-kafka-"));
  const [port, controllerPort] = [freePort(), freePort()];
  const properties = join(directory, "server.properties");
  await writeFile(
    properties,
    [
      "process.roles=broker,controller",
      "node.id=1",
      `controller.quorum.voters=1@127.0.0.1:${controllerPort}`,
      `listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
      `advertised.listeners=PLAINTEXT://127.0.0.1:${port}`,
      "controller.listener.names=CONTROLLER",
      "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
      `log.dirs=${join(directory, "data")}`,
      "offsets.topic.replication.factor=1",
      "transaction.state.log.replication.factor=1",
      "transaction.state.log.min.isr=1",
      "group.initial.rebalance.delay.ms=0",
    ].join("\n"),
  );
  // Without a configuration log4j tells errors only, and nothing says when Kafka serves.
  const logging = join(directory, "log4j2.properties");
  await writeFile(
    logging,
    [
      "appender.out.type=Console",
      "appender.out.name=out",
      "rootLogger.level=error",
      "rootLogger.appenderRef.out.ref=out",
      "logger.started.name=kafka.server.KafkaRaftServer",
      "logger.started.level=info",
      "",
    ].join("\n"),
  );
  const java = ["java", "-cp", classPath];
  await mustRun([...java, "kafka.tools.StorageTool", "format", "-t", "MkU3OEVBNTcwNTJENDM2Qg", "-c", properties]);
  const heap = ["-server", "-Xms1g", "-Xmx1g", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-XX:InitiatingHeapOccupancyPercent=35"];
  const command = ["java", ...heap, `-Dlog4j2.configurationFile=${logging}`, "-cp", classPath, "kafka.Kafka", properties];
  return await start("kafka", command, /Kafka Server started/, directory, `127.0.0.1:${port}`);
}

/** The bare loop of `raw_server.ts`. @param recycled the file is filled first and then written over. */
export async function startRaw(recycled: boolean): Promise<Rival> {
  const directory = await mkdtemp(join(tmpdir(), "bench-raw-"));
  const command = ["env", `RECYCLE=${recycled ? 1 : 0}`, process.execPath, join(import.meta.dir, "raw_server.ts"), directory];
  return await start("raw", command, /PLAINTEXT:\/\/(127\.0\.0\.1:\d+)/, directory);
}

/** The bare loop of `raw_reader.ts` over a file of `fileBytes` that it makes. */
export async function startRawReader(fileBytes: number, chunkBytes: number): Promise<Rival> {
  const directory = await mkdtemp(join(tmpdir(), "bench-reader-"));
  const path = join(directory, "file.bin");
  const block = Buffer.alloc(1 << 20, 5);
  const file = await open(path, "w");
  for (let at = 0; at < fileBytes; at += block.length) await file.write(block, 0, block.length, at);
  await file.close();
  const command = [process.execPath, join(import.meta.dir, "raw_reader.ts"), path, String(chunkBytes)];
  return await start("raw", command, /PLAINTEXT:\/\/(127\.0\.0\.1:\d+)/, directory);
}
