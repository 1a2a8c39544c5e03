/** What a topic's overrides and the broker's settings come to, in the form that storage and the append path use. */
import type { BatchRules, CompressionType } from "../protocol/mod.ts";
import type { LogSettings } from "../storage/types.ts";
import type { BrokerSettings } from "./node_settings.ts";
import { topicSettingByName } from "./names.ts";
import { LONG_MAX, parseValue, type SettingValue } from "./setting.ts";

export interface TopicConfig {
  readonly log: LogSettings;
  readonly batch: BatchRules;
  readonly minInsyncReplicas: number;
}

/** @param overrides checked values, as the metadata holds them. */
export function resolveTopicConfig(overrides: ReadonlyMap<string, string>, broker: BrokerSettings): TopicConfig {
  const own = <T extends SettingValue>(name: string, otherwise: T): T => {
    const text = overrides.get(name);
    const parsed = text === undefined ? null : parseValue(topicSettingByName.get(name)!, text);
    return parsed?.ok ? parsed.value as T : otherwise;
  };
  const cleanup = own("cleanup.policy", broker.logCleanupPolicy);
  const unlimited = (ms: number) => ms >= LONG_MAX ? Infinity : ms;
  return {
    log: {
      segmentBytes: own("segment.bytes", broker.logSegmentBytes),
      segmentMs: own("segment.ms", broker.logRollMs),
      retentionBytes: own("retention.bytes", broker.logRetentionBytes),
      retentionMs: own("retention.ms", broker.logRetentionMs),
      indexIntervalBytes: own("index.interval.bytes", broker.logIndexIntervalBytes),
      cleanupPolicy: { delete: cleanup.includes("delete"), compact: cleanup.includes("compact") },
      minCompactionLagMs: own("min.compaction.lag.ms", broker.logCleanerMinCompactionLagMs),
      maxCompactionLagMs: unlimited(own("max.compaction.lag.ms", broker.logCleanerMaxCompactionLagMs)),
      minCleanableDirtyRatio: own("min.cleanable.dirty.ratio", broker.logCleanerMinCleanableRatio),
      deleteRetentionMs: own("delete.retention.ms", broker.logCleanerDeleteRetentionMs),
      fileDeleteDelayMs: own("file.delete.delay.ms", broker.logSegmentDeleteDelayMs),
    },
    batch: {
      maxMessageBytes: own("max.message.bytes", broker.messageMaxBytes),
      timestampType: own<string>("message.timestamp.type", broker.logMessageTimestampType) as BatchRules["timestampType"],
      timestampBeforeMaxMs: unlimited(own("message.timestamp.before.max.ms", broker.logMessageTimestampBeforeMaxMs)),
      timestampAfterMaxMs: unlimited(own("message.timestamp.after.max.ms", broker.logMessageTimestampAfterMaxMs)),
      compression: codec(own("compression.type", broker.compressionType)),
      compacted: cleanup.includes("compact"),
    },
    minInsyncReplicas: own("min.insync.replicas", broker.minInsyncReplicas),
  };
}

const codec = (name: string): BatchRules["compression"] => name === "uncompressed" ? "none" : name as CompressionType | "producer";
