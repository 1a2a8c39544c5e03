/**
 * Barnabas as a library: a real Kafka-compatible broker inside the program.
 *
 * ```ts
 * await using broker = await Broker.start({ storage: "memory" });
 * new Kafka({ brokers: [broker.bootstrapServers] });
 * ```
 */
export { Admin, Consumer, Producer } from "./lib/connect.ts";
export { KafkaError } from "./lib/client/mod.ts";
export type * from "./lib/client/mod.ts";
export { Broker, type BrokerOptions, type GroupLag, type WaitOptions } from "./lib/embed.ts";
export type { AppendedEvent, BrokerEventName, BrokerEvents, Subscription, TopicEvent } from "./lib/embed/events.ts";
export { RequestRefused, WaitedInVain } from "./lib/embed/errors.ts";
export type { FixtureRecord, Payload, ProducedRecord } from "./lib/embed/produce.ts";
export type { RecordsOptions, SeenRecord } from "./lib/embed/records.ts";
export type { FixtureTopic } from "./lib/embed/topics.ts";
export { SettingsRefused } from "./lib/node.ts";
