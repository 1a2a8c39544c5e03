/** What a partition must know of its topic's configuration, made from the topic settings of `config/`. Resolves nothing itself. */
import type { TopicValues } from "../config/mod.ts";
import type { BatchRules } from "../protocol/records/mod.ts";
import type { LogSettings } from "../storage/types.ts";

export interface PartitionSettings {
  readonly log: LogSettings;
  readonly minInsyncReplicas: number;
  readonly batch: BatchRules;
}

/** @param topic resolved: the topic's value, else the broker's, else the default. */
export function partitionSettings(topic: TopicValues): PartitionSettings {
  const compact = topic.cleanupPolicy.includes("compact");
  return {
    log: {
      segmentBytes: topic.segmentBytes,
      segmentMs: topic.segmentMs,
      retentionBytes: topic.retentionBytes,
      retentionMs: topic.retentionMs,
      indexIntervalBytes: topic.indexIntervalBytes,
      cleanupPolicy: { delete: topic.cleanupPolicy.includes("delete"), compact },
      minCompactionLagMs: topic.minCompactionLagMs,
      maxCompactionLagMs: topic.maxCompactionLagMs,
      minCleanableDirtyRatio: topic.minCleanableDirtyRatio,
      deleteRetentionMs: topic.deleteRetentionMs,
      fileDeleteDelayMs: topic.fileDeleteDelayMs,
    },
    minInsyncReplicas: topic.minInsyncReplicas,
    batch: {
      maxMessageBytes: topic.maxMessageBytes,
      timestampType: topic.messageTimestampType === "LogAppendTime" ? "LogAppendTime" : "CreateTime",
      timestampBeforeMaxMs: topic.messageTimestampBeforeMaxMs,
      timestampAfterMaxMs: topic.messageTimestampAfterMaxMs,
      compression: compressionRule(topic.compressionType),
      compacted: compact,
    },
  };
}

/** The setting's word for "no codec" is `uncompressed`; that of records is `none`. The setting accepts no other words. */
function compressionRule(word: string): BatchRules["compression"] {
  switch (word) {
    case "gzip":
    case "snappy":
    case "lz4":
    case "zstd":
      return word;
    case "uncompressed":
      return "none";
    default:
      return "producer";
  }
}
