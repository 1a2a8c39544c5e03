/** Door of `broker`: the Kafka port and what is served there. */
export { AdvertisedCheck } from "./advertised_check.ts";
export { isUnforeseen, kafkaErrorOf } from "./error_mapping.ts";
export type { ConnectionState } from "./connection.ts";
export { deleteRecordsBefore } from "./delete_records.ts";
export { FetchBudget } from "./fetch_budget.ts";
export { FetchParks } from "./fetch_park.ts";
export { FETCH_SESSION_LIMITS, FetchSessions } from "./fetch_session.ts";
export { HANDLERS } from "./handlers/mod.ts";
export { ledPartition } from "./led_partition.ts";
export { type BrokerLimits, DEFAULT_LIMITS } from "./limits.ts";
export { KafkaServer, type KafkaServerOptions, type KafkaServerStats } from "./listener.ts";
export { type PeerEvent, PeerLog } from "./peer_log.ts";
export { type Phase, Readiness, type Unready, UNREADY_CODES } from "./readiness.ts";
export * from "./offset_lookup.ts";
export { settingsOf } from "./settings_of.ts";
export type { Services } from "./services.ts";
