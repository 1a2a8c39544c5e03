/** From a plan's knobs, which are numbers by name, to the product's settings. */
import type { TopicConfig } from "../../config/mod.ts";
import { DEFAULT_LOG_SETTINGS, DEFAULT_STORAGE_SETTINGS, type LogSettings, type StorageSettings } from "../../storage/mod.ts";

export type Knobs = Readonly<Record<string, number>>;

export const NODE_ID = 1;

/** Knobs of the run that carry the name of a setting are that setting; `walPreallocate` is 0 or 1. */
export function storageSettings(knobs: Knobs): Partial<StorageSettings> & { readonly nodeId: number } {
  const settings: Record<string, unknown> = { minFreeBytes: 0, retentionCheckMs: 0, idleBufferBytes: 0 };
  for (const [name, value] of Object.entries(knobs)) {
    if (name in DEFAULT_STORAGE_SETTINGS) settings[name] = name === "walPreallocate" ? value === 1 : value;
  }
  return { ...settings, nodeId: NODE_ID };
}

/** The same for a topic; `compacted` 1 makes it `cleanup.policy=compact`. */
export function topicConfig(knobs: Knobs): TopicConfig {
  const changed: Record<string, number> = {};
  for (const [name, value] of Object.entries(knobs)) if (name in DEFAULT_LOG_SETTINGS && name !== "cleanupPolicy") changed[name] = value;
  const compact = knobs["compacted"] === 1;
  const log: LogSettings = { ...DEFAULT_LOG_SETTINGS, segmentMs: 1e12, ...changed, cleanupPolicy: { delete: !compact, compact } };
  return {
    log,
    minInsyncReplicas: 1,
    batch: {
      maxMessageBytes: 1 << 20,
      timestampType: "CreateTime",
      timestampBeforeMaxMs: Infinity,
      timestampAfterMaxMs: Infinity,
      compression: "producer",
      compacted: compact,
    },
  };
}
