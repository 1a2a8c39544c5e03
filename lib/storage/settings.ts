/** Settings of a node's storage, each with its default. `node.ts` maps the configuration to it; nothing here is per topic. */
import type { LogSettings } from "./types.ts";

/** One structured line; `node.ts` hands it to the log. */
export type StorageLog = (level: "info" | "warn" | "error", event: string, properties: Readonly<Record<string, unknown>>) => void;

export interface StorageSettings {
  readonly nodeId: number;
  /** Null while the cluster's id is not known: then it is not compared. */
  readonly clusterId: string | null;

  /** Size of a preallocated WAL file; a larger commit round makes its file larger. */
  readonly walFileBytes: number;
  /** Fill WAL files with zeros ahead and reuse them: overwriting is several times faster than growing. Off on a disk in memory. */
  readonly walPreallocate: boolean;
  /** Trimmed WAL files kept for reuse; more are deleted. */
  readonly walSparesMax: number;
  /** Bytes of partition data in one commit round. */
  readonly roundBytesMax: number;
  /** Bytes of partition data that wait for a round, or were committed beyond `tailBytesLimit`; beyond it appends are refused with `Overloaded`. */
  readonly queueBytesMax: number;
  /** Room beyond `queueBytesMax` for the broker's own records. */
  readonly queueBytesReserved: number;
  /** Rounds up to this size are one O_DSYNC write instead of write and fdatasync; 0 never. */
  readonly durableWriteBytesMax: number;
  readonly syncStalledMs: number;
  readonly syncFatalMs: number;

  /** Appends up to this size are copied, so that they do not keep a whole frame buffer alive until their segment is written. */
  readonly copyBytesMax: number;
  /** Copied bytes that may wait in memory for their segment before they are written there. */
  readonly tailBytesMax: number;
  /** The same for bytes in other people's buffers, which are scarce. */
  readonly tailHeldBytesMax: number;
  /** At this many unwritten bytes no commit round starts: the segments' disk is slower than the WAL's. */
  readonly tailBytesLimit: number;

  /** WAL bytes, or time since the first change, after which dirty segments are synced and the WAL is trimmed. */
  readonly checkpointWalBytes: number;
  readonly checkpointMs: number;

  readonly openFilesMax: number;
  readonly indexCacheBytes: number;
  /** Buffers kept for reuse by reads and copies. */
  readonly idleBufferBytes: number;

  /** Free space below which producers are refused; null: 1 GiB, or 5 % of a disk smaller than 20 GiB. */
  readonly minFreeBytes: number | null;

  readonly producerIdExpirationMs: number;
  /** Producers remembered per partition; beyond it the one that was silent longest is forgotten. */
  readonly producersPerLogMax: number;

  /** How often retention and compaction look; 0 never (a test calls `maintain`). */
  readonly retentionCheckMs: number;
  /** Memory of the compaction's key map, 24 bytes a key; a round of compaction covers as many keys as fit. */
  readonly compactionBufferBytes: number;
  /** Largest batch that compaction and timestamp search decompress. */
  readonly decompressedBytesMax: number;

  readonly log: StorageLog;
}

const MIB = 1024 * 1024;

export const DEFAULT_STORAGE_SETTINGS: Omit<StorageSettings, "nodeId"> = {
  clusterId: null,
  walFileBytes: 64 * MIB,
  walPreallocate: true,
  walSparesMax: 4,
  roundBytesMax: 8 * MIB,
  queueBytesMax: 32 * MIB,
  queueBytesReserved: 8 * MIB,
  durableWriteBytesMax: 128 * 1024,
  syncStalledMs: 1000,
  syncFatalMs: 10_000,
  copyBytesMax: 32 * 1024,
  tailBytesMax: 12 * MIB,
  tailHeldBytesMax: 4 * MIB,
  tailBytesLimit: 24 * MIB,
  checkpointWalBytes: 256 * MIB,
  checkpointMs: 60_000,
  openFilesMax: 2000,
  indexCacheBytes: 32 * MIB,
  idleBufferBytes: 20 * MIB,
  minFreeBytes: null,
  producerIdExpirationMs: 86_400_000,
  producersPerLogMax: 10_000,
  retentionCheckMs: 300_000,
  compactionBufferBytes: 32 * MIB,
  decompressedBytesMax: 128 * MIB,
  log() {},
};

/** What differs when the disk is in memory: nothing is preallocated, and little is kept twice. */
export const MEMORY_STORAGE_SETTINGS: Partial<StorageSettings> = {
  walFileBytes: 4 * MIB,
  walPreallocate: false,
  walSparesMax: 0,
  durableWriteBytesMax: 0,
  checkpointWalBytes: 16 * MIB,
  tailBytesMax: 2 * MIB,
  minFreeBytes: 32 * MIB,
};

/** Kafka's defaults; a log found on disk has them until `configure`. */
export const DEFAULT_LOG_SETTINGS: LogSettings = {
  segmentBytes: 1024 * MIB,
  segmentMs: 604_800_000,
  retentionBytes: -1,
  retentionMs: -1,
  indexIntervalBytes: 4096,
  cleanupPolicy: { delete: true, compact: false },
  minCompactionLagMs: 0,
  maxCompactionLagMs: Number.MAX_SAFE_INTEGER,
  minCleanableDirtyRatio: 0.5,
  deleteRetentionMs: 86_400_000,
  fileDeleteDelayMs: 60_000,
};
