/** What a running command is given: the process, the machine, its output, and clients of the cluster that are made when asked for. */
import type { AdminApi, ClientOptions, Cluster, ConsumerApi, ConsumerOptions, ProducerApi, ProducerOptions } from "../client/mod.ts";
import type { HostProcess } from "../io/real/process.ts";
import type { Io } from "../io/mod.ts";
import type { CommonValues } from "./declare.ts";
import type { Output } from "./output.ts";

/** Clients of the cluster at --bootstrap, within --timeout. All that were made are closed with `close`. */
export interface Clients {
  readonly bootstrap: string;
  readonly timeoutMs: number;
  cluster(): Promise<Cluster>;
  admin(): Promise<AdminApi>;
  producer(options: Omit<ProducerOptions, keyof ClientOptions>): Promise<ProducerApi>;
  consumer(options: Omit<ConsumerOptions, keyof ClientOptions>): Promise<ConsumerApi>;
  close(): Promise<void>;
}

export interface Context {
  readonly host: HostProcess;
  readonly io: Io;
  readonly out: Output;
  readonly common: CommonValues;
  /** @throws {CommandFailed} with `ExitCode.unreachable` from any of its calls, when no broker answers. */
  readonly clients: Clients;
  /** Clients of another cluster, or with another patience; closed by whoever asked. */
  readonly clientsOf: (bootstrap: string, timeoutMs: number) => Clients;
  /** Fires at Ctrl-C or SIGTERM, for commands that end by themselves. */
  readonly interrupted: AbortSignal;
}
