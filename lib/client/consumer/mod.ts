/** The consumer: records of topics or partitions, alone or in a group. Owns its pool. */
import type { Io } from "../../io/mod.ts";
import { openCluster } from "../pool.ts";
import type { Cluster, ConsumerApi, ConsumerOptions } from "../types.ts";
import { Consumer } from "./consumer.ts";

/** Opens nothing yet: the first read dials. @param cluster is the consumer's from now on. @throws {KafkaError} `INVALID_CONFIG` for an option that cannot be used. */
export function openConsumer(io: Io, options: ConsumerOptions, cluster: Cluster = openCluster(io, options)): ConsumerApi {
  return new Consumer(io, options, cluster);
}
