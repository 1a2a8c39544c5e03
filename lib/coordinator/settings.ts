/** The coordinator's settings as the node's settings are now. */
import type { BrokerSettings } from "../config/mod.ts";
import type { CoordinatorSettings } from "./types.ts";

const MINUTE_MS = 60_000;
/** Kafka's fixed value: a member that never had an answer is forgotten after this. */
const NEW_MEMBER_JOIN_TIMEOUT_MS = 300_000;
/** Kafka's default of `offsets.load.buffer.size` is 5 MiB; smaller reads keep the loop free for others. */
const LOAD_BUFFER_BYTES = 1024 * 1024;

/** A view: a member read now is the value now. */
export function coordinatorSettings(settings: BrokerSettings): CoordinatorSettings {
  return {
    get minSessionTimeoutMs() {
      return settings.groupMinSessionTimeoutMs;
    },
    get maxSessionTimeoutMs() {
      return settings.groupMaxSessionTimeoutMs;
    },
    get initialRebalanceDelayMs() {
      return settings.groupInitialRebalanceDelayMs;
    },
    get maxSize() {
      return settings.groupMaxSize;
    },
    newMemberJoinTimeoutMs: NEW_MEMBER_JOIN_TIMEOUT_MS,
    get offsetMetadataMaxSize() {
      return settings.offsetMetadataMaxBytes;
    },
    get offsetsRetentionMs() {
      return settings.offsetsRetentionMinutes * MINUTE_MS;
    },
    get offsetsTopicPartitions() {
      return settings.offsetsTopicNumPartitions;
    },
    get offsetsTopicReplicationFactor() {
      return settings.offsetsTopicReplicationFactor;
    },
    get offsetsTopicSegmentBytes() {
      return settings.offsetsTopicSegmentBytes;
    },
    get offsetsRetentionCheckIntervalMs() {
      return settings.offsetsRetentionCheckIntervalMs;
    },
    offsetsLoadBufferBytes: LOAD_BUFFER_BYTES,
  };
}
