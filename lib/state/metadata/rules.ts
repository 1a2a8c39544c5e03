/** What the decisions need to know about settings. The configuration room knows; the controller hands it in, since state imports neither. */
import type { ConfigResourceType } from "./image.ts";

export interface MetadataRules {
  /** For topics that do not say; at least 1. */
  readonly defaultPartitions: number;
  readonly defaultReplicationFactor: number;
  readonly partitionsPerTopicMax: number;
  readonly partitionsPerClusterMax: number;
  /** Why `value` may not be set, or null. Unknown settings are refused by name. */
  checkConfig(type: ConfigResourceType, key: string, value: string): string | null;
  /** Why these overrides contradict each other once they are all set, or null. */
  checkConfigs(type: ConfigResourceType, overrides: ReadonlyMap<string, string>): string | null;
  /** The value without an override when the setting is a list (what append and subtract start from); null when it is not a list. */
  listDefault(type: ConfigResourceType, key: string): string | null;
}

/** Kafka's own limit for one request. */
export const PARTITIONS_PER_REQUEST_MAX = 10_000;
