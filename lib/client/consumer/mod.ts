/** The consumer: records of topics or partitions, alone or in a group. Owns its pool. */
import type { Io } from "../../io/mod.ts";
import type { ConsumerApi, ConsumerOptions } from "../types.ts";
import { Consumer } from "./consumer.ts";

/** Opens nothing yet: the first read dials. @throws {KafkaError} `INVALID_CONFIG` for an option that cannot be used. */
export function openConsumer(io: Io, options: ConsumerOptions): ConsumerApi {
  return new Consumer(io, options);
}
