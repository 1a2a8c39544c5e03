/** Clients of one cluster for one command, on the real client room, which is loaded with the first of them. */
import type { AdminApi, ClientOptions, Cluster, ConsumerApi, ConsumerOptions, ProducerApi, ProducerOptions } from "../client/mod.ts";
import type { Io } from "../io/mod.ts";
import type { Clients } from "./context.ts";
import { isKafkaError, unreachable } from "./errors.ts";
import { CommandFailed, ExitCode, UsageError } from "./exit.ts";

export class RealClients implements Clients {
  readonly bootstrap: string;
  readonly timeoutMs: number;
  readonly #io: Io;
  readonly #opened: { close(): Promise<void> }[] = [];
  #cluster: Promise<Cluster> | null = null;

  constructor(io: Io, bootstrap: string, timeoutMs: number) {
    this.#io = io;
    this.bootstrap = bootstrap;
    this.timeoutMs = timeoutMs;
  }

  /** Answers only when a broker has answered: that nothing is there is said at once, and not after all tries of a request. */
  cluster(): Promise<Cluster> {
    return this.#cluster ??= this.#reached();
  }

  async admin(): Promise<AdminApi> {
    await this.cluster();
    const { openAdmin } = await import("../client/mod.ts");
    return this.#kept(openAdmin(this.#io, this.#options()));
  }

  async producer(options: Omit<ProducerOptions, keyof ClientOptions>): Promise<ProducerApi> {
    await this.cluster();
    const { openProducer } = await import("../client/mod.ts");
    return this.#kept(openProducer(this.#io, { ...this.#options(), ...options }));
  }

  async consumer(options: Omit<ConsumerOptions, keyof ClientOptions>): Promise<ConsumerApi> {
    await this.cluster();
    const { openConsumer } = await import("../client/mod.ts");
    return this.#kept(openConsumer(this.#io, { ...this.#options(), ...options }));
  }

  async close(): Promise<void> {
    const opened = this.#opened.splice(0);
    await Promise.all(opened.map((one) => one.close()));
  }

  async #reached(): Promise<Cluster> {
    const { openCluster } = await import("../client/mod.ts");
    try {
      const cluster = this.#kept(openCluster(this.#io, this.#options()));
      await cluster.nodes(this.#io.deadlines.in("reach the cluster", this.timeoutMs));
      return cluster;
    } catch (error) {
      if (!isKafkaError(error)) throw error;
      if (error.error === "INVALID_CONFIG") throw new UsageError(`Invalid "--bootstrap ${this.bootstrap}": ${error.message}`);
      throw new CommandFailed(unreachable(this.bootstrap, error.message), ExitCode.unreachable);
    }
  }

  #options(): ClientOptions {
    return {
      bootstrapServers: this.bootstrap,
      clientId: "barnabas-cli",
      requestTimeoutMs: this.timeoutMs,
      connectTimeoutMs: Math.min(this.timeoutMs, CONNECT_TIMEOUT_MS),
    };
  }

  #kept<T extends { close(): Promise<void> }>(client: T): T {
    this.#opened.push(client);
    return client;
  }
}

const CONNECT_TIMEOUT_MS = 10_000;
