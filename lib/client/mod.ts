/** Door of `client`: a Kafka client by the wire protocol, for applications, the command line and other brokers. */
export { openAdmin } from "./admin/mod.ts";
export { CorruptBatch, KafkaError } from "./errors.ts";
export { openConsumer } from "./consumer/mod.ts";
export { openCluster } from "./pool.ts";
export { openProducer } from "./producer/mod.ts";
export { murmur2, partitionOfHash } from "./producer/murmur2.ts";
export { atController, atCoordinator } from "./routes.ts";
export type * from "./types.ts";
