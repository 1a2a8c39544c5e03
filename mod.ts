/**
 * Barnabas as a library: a real Kafka-compatible broker inside the program.
 *
 * ```ts
 * await using broker = await Broker.start({ storage: "memory" });
 * new Kafka({ brokers: [broker.bootstrapServers] });
 * ```
 */
export { Broker, type BrokerOptions } from "./lib/embed.ts";
export { SettingsRefused } from "./lib/node.ts";
