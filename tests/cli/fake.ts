/** A process and a cluster that are not there: runs a command line in this process and keeps what it said. */
import type { AdminApi, Cluster, ConsumerApi, ConsumerOptions, ProducerApi, ProducerOptions } from "../../lib/client/mod.ts";
import type { OpenContext } from "../../lib/cli/open_context.ts";
import type { Clients } from "../../lib/cli/context.ts";
import type { Command } from "../../lib/cli/declare.ts";
import { commandLine } from "../../lib/cli/mod.ts";
import { runCommand } from "../../lib/cli/run.ts";
import { createMemoryIo } from "../../lib/io/memory/mod.ts";
import { type HostProcess, hostProcess } from "../../lib/io/real/process.ts";

export interface Ended {
  readonly out: string;
  readonly error: string;
  readonly code: number;
}

export interface World {
  /** The cluster is there: at `BARNABAS_BOOTSTRAP`. */
  readonly isReal?: boolean;
  /** Run instead of the command that the first word names. */
  readonly command?: Command;
  readonly admin?: Partial<AdminApi>;
  readonly cluster?: Partial<Cluster>;
  readonly producer?: Partial<ProducerApi>;
  readonly consumer?: Partial<ConsumerApi>;
  /** What the command wants of its consumer. */
  readonly onConsumer?: (options: Partial<ConsumerOptions>) => void;
  readonly onProducer?: (options: Partial<ProducerOptions>) => void;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly directories?: readonly string[];
  /** Takes new files; without it there is no disk. */
  readonly written?: Map<string, string>;
  /** What is typed when asked, on a terminal; absent: there is no terminal. */
  readonly answer?: string;
  readonly http?: HostProcess["getHttp"];
  /** Standard output fails with EPIPE after so many writes. */
  readonly writesMax?: number;
  /** Given the way to send the process a signal. */
  readonly onSignals?: (send: (signal: string) => void) => void;
}

export async function runWith(world: World, ...args: readonly string[]): Promise<Ended> {
  let [out, error] = ["", ""];
  let writes = 0;
  const decoder = new TextDecoder();
  const exited = Promise.withResolvers<number>();
  const bytes = async function* (text: string | undefined): AsyncIterable<Uint8Array> {
    if (text === undefined) throw Object.assign(new Error("ENOENT: no such file"), { code: "ENOENT" });
    if (text !== "") yield new TextEncoder().encode(text);
  };
  const host: HostProcess = {
    args,
    env: world.env ?? {},
    isTerminal: world.answer !== undefined,
    isInTerminal: world.answer !== undefined,
    isOutTerminal: false,
    columns: () => 100,
    textWidth: (text) => text.length,
    writeOut: (text) => void (out += text),
    writeError: (text) => void (error += text),
    write: async (chunk) => {
      if (++writes > (world.writesMax ?? Infinity)) throw Object.assign(new Error("write EPIPE"), { code: "EPIPE" });
      out += typeof chunk === "string" ? chunk : decoder.decode(chunk);
    },
    readIn: () => bytes(world.input ?? ""),
    readFile: (path) => bytes(world.files?.[path]),
    fileBytes: async (path) => {
      if (world.directories?.includes(path)) return null;
      if (world.files?.[path] === undefined) throw new Error("ENOENT: no such file");
      return world.files[path].length;
    },
    writeNewFile: async (path, written) => {
      if (world.written === undefined) throw new Error("no disk here");
      if (world.written.has(path)) throw Object.assign(new Error("file already exists"), { code: "EEXIST" });
      world.written.set(path, decoder.decode(written));
    },
    absolutePath: (path) => path,
    readText: async (path) => world.files?.[path] ?? "",
    ask: async (question) => {
      error += question;
      return world.answer ?? null;
    },
    getHttp: world.isReal ? hostProcess.getHttp : world.http ?? (() => Promise.reject(new Error("nothing listens"))),
    onStopSignal: (stop) => world.onSignals?.(stop),
    watchStall: () => Promise.resolve({ begins: () => {}, ends: () => {} }),
    onUncaught: () => undefined,
    exit: (exitCode) => {
      exited.resolve(exitCode);
      throw new Error(`exit ${exitCode}`);
    },
  };
  const io = createMemoryIo({ onFatal: (_, why) => void (error += why) });
  const clientsOf = (bootstrap: string, timeoutMs: number): Clients => ({
    bootstrap,
    timeoutMs,
    admin: async () => given("admin", world.admin),
    cluster: async () => given("cluster", world.cluster),
    producer: async (options) => {
      world.onProducer?.(options);
      return given("producer", world.producer);
    },
    consumer: async (options) => {
      world.onConsumer?.(options);
      return given("consumer", world.consumer);
    },
    close: async () => undefined,
  });
  const open: OpenContext = ({ out, common, interrupted }) => {
    const clients = clientsOf(common.bootstrap ?? "", common.timeout ?? 0);
    return { host, io, out, common, interrupted, clientsOf, clients };
  };
  const running = world.command === undefined
    ? commandLine(host, world.isReal ? undefined : open)
    : runCommand(host, world.command.name, world.command, args, open);
  return { code: await Promise.race([exited.promise, running]), out, error };
}

/** What was not given must not be called. */
function given<T extends object>(name: string, part: Partial<T> | undefined): T {
  return new Proxy((part ?? {}) as T, {
    get: (target, property) => {
      if (property === "then") return undefined;
      if (property in target) return target[property as keyof T];
      throw new Error(`The test gave no ${name}.${String(property)}`);
    },
  });
}
