/**
 * The client as values of its own, on the real machine: `Producer`, `Consumer`, `Admin`, each with `connect`. Here and not in the client room,
 * which is given its `Io` and may not choose one.
 */
import {
  type AdminApi,
  type ClientOptions,
  type Cluster,
  type ConsumerApi,
  type ConsumerOptions,
  openAdmin,
  openCluster,
  openConsumer,
  openProducer,
  type ProducerApi,
  type ProducerOptions,
} from "./client/mod.ts";
import { invariant, type Io } from "./io/mod.ts";
import { createRealIo } from "./io/real/mod.ts";

export type Producer = ProducerApi;
export const Producer = {
  /** Resolves when a broker has answered. @throws {KafkaError} for options that cannot be used, and when none answers in `connectTimeoutMs`. */
  connect: (options: ProducerOptions): Promise<Producer> => connected(options, (io, cluster) => openProducer(io, options, cluster)),
};

export type Consumer = ConsumerApi;
export const Consumer = {
  /** As `Producer.connect`. Nothing is read before `subscribe` or `assign`. */
  connect: (options: ConsumerOptions): Promise<Consumer> => connected(options, (io, cluster) => openConsumer(io, options, cluster)),
};

export type Admin = AdminApi;
export const Admin = {
  /** As `Producer.connect`. */
  connect: (options: ClientOptions): Promise<Admin> => connected(options, (io, cluster) => openAdmin(io, options, cluster)),
};

/** A client that nobody can reach says so here, once, instead of in the first of its calls. */
async function connected<Client>(options: ClientOptions, open: (io: Io, cluster: Cluster) => Client): Promise<Client> {
  const io = createRealIo({ onFatal: (_code, why) => invariant(false, why) });
  const cluster = openCluster(io, options);
  try {
    const client = open(io, cluster);
    const deadline = io.deadlines.in("connect", cluster.options.connectTimeoutMs);
    await cluster.retry(deadline, () => cluster.nodes(deadline));
    return client;
  } catch (error) {
    await cluster.close();
    throw error;
  }
}
