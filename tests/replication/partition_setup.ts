/** What tests of partitions share: settings, states, batches, and a partition over a log whose disk the test controls. */
import type { TopicConfig } from "../../lib/config/mod.ts";
import type { Deadline, Io } from "../../lib/io/mod.ts";
import { type KafkaErrorName, type NodeId, nodeId, type Uuid } from "../../lib/protocol/mod.ts";
import { type BatchRules, encodeBatch, type NewBatch } from "../../lib/protocol/records/mod.ts";
import { LocalPartition, type Partition } from "../../lib/replication/mod.ts";
import type { PartitionImage } from "../../lib/state/metadata/image.ts";
import type { LogSettings } from "../../lib/storage/types.ts";
import { ManualTime } from "./manual_time.ts";
import { MemoryLog } from "./memory_log.ts";

export const NODE: NodeId = nodeId(1);
export const TOPIC_ID = "BBBBBBBBBBBBBBBBBBBBBA" as Uuid;

export const LOG_SETTINGS: LogSettings = {
  segmentBytes: 1024 * 1024,
  segmentMs: 1e9,
  retentionBytes: -1,
  retentionMs: -1,
  indexIntervalBytes: 4096,
  cleanupPolicy: { delete: true, compact: false },
  minCompactionLagMs: 0,
  maxCompactionLagMs: 1e15,
  minCleanableDirtyRatio: 0.5,
  deleteRetentionMs: 1e8,
  fileDeleteDelayMs: 0,
};

export const BATCH_RULES: BatchRules = {
  maxMessageBytes: 1024 * 1024,
  timestampType: "CreateTime",
  timestampBeforeMaxMs: Infinity,
  timestampAfterMaxMs: Infinity,
  compression: "producer",
  compacted: false,
};

export const SETTINGS: TopicConfig = { log: LOG_SETTINGS, minInsyncReplicas: 1, batch: BATCH_RULES };

export function partitionState(more: Partial<PartitionImage> = {}): PartitionImage {
  return { partition: 0, leader: NODE, leaderEpoch: 4, partitionEpoch: 0, replicas: [NODE], isr: [NODE], ...more };
}

/** `count` records "value 0", "value 1", … of one timestamp. */
export function batch(count = 1, more: Partial<NewBatch> = {}, timestamp = 1_700_000_000_000): Uint8Array {
  const text = new TextEncoder();
  const records = Array.from({ length: count }, (_, at) => ({
    timestamp,
    key: text.encode(`key ${at}`),
    value: text.encode(`value ${at}`),
  }));
  return encodeBatch({ records, ...more });
}

/** An `Io` of which only time exists: everything else is a mistake of the test. */
export function timeOnly(time: ManualTime): Io {
  const missing = (what: string) => () => {
    throw new Error(`Cannot use ${what}: this test only has time`);
  };
  return {
    clock: time,
    timers: time,
    deadlines: time.deadlines,
    random: missing("randomness"),
    fatal: missing("fatal"),
    mark: () => {},
    get disk(): never {
      return missing("the disk")();
    },
    get net(): never {
      return missing("the network")();
    },
    get cpu(): never {
      return missing("cpu jobs")();
    },
  };
}

export function setUp(options: { readonly state?: Partial<PartitionImage>; readonly settings?: Partial<TopicConfig> } = {}) {
  const time = new ManualTime();
  const log = new MemoryLog({ topicId: TOPIC_ID, partition: 0 }, LOG_SETTINGS);
  const partition = new LocalPartition(timeOnly(time), NODE, "orders", log, partitionState(options.state), {
    ...SETTINGS,
    ...options.settings,
  });
  return { time, log, partition, deadline: time.deadlines.in("test", 60_000) };
}

/** What a waiter is told, as a promise. */
export function acknowledged(partition: Partition, lastOffset: number, acks: 1 | -1, deadline: Deadline): Promise<KafkaErrorName | null> {
  return new Promise((resolve) =>
    partition.whenAcknowledged(lastOffset, acks, deadline, { acknowledged: (_, error) => resolve(error) }, 0)
  );
}
