/** Hands each room its settings in the room's own terms. The composition root's other half: only names against names. */
import type { BrokerLimits } from "./broker/mod.ts";
import type { BrokerSettings } from "./config/mod.ts";
import { DEFAULT_STORAGE_SETTINGS, MEMORY_STORAGE_SETTINGS, type StorageSettings } from "./storage/mod.ts";
import { logOf } from "./telemetry/mod.ts";

export function storageSettings(settings: BrokerSettings, inMemory: boolean): StorageSettings {
  return {
    ...DEFAULT_STORAGE_SETTINGS,
    nodeId: settings.nodeId,
    walFileBytes: settings.walFileBytes,
    roundBytesMax: settings.walRoundBytesMax,
    queueBytesMax: settings.walQueueBytesMax,
    tailHeldBytesMax: Math.min(DEFAULT_STORAGE_SETTINGS.tailHeldBytesMax, Math.floor(requestBytesSoft(settings) * TAIL_SHARE)),
    syncStalledMs: settings.walSyncStallMs,
    syncFatalMs: settings.walSyncExitMs,
    minFreeBytes: settings.logMinFreeBytes < 0 ? null : settings.logMinFreeBytes,
    producerIdExpirationMs: settings.producerIdExpirationMs,
    producersPerLogMax: settings.producersPerPartitionMax,
    retentionCheckMs: settings.logRetentionCheckIntervalMs,
    compactionBufferBytes: settings.logCleanerDedupeBufferSize,
    log: logOf("storage"),
    ...(inMemory ? MEMORY_STORAGE_SETTINGS : {}),
  };
}

/** No limit, as Kafka's -1 means it, is not to be had. */
const DEFAULT_REQUEST_BYTES = 24 << 20;
/**
 * Of the request bytes above which connections are not read: what the logs may keep of them in memory before it is written to segments. Above
 * the share at which reading goes on again nothing would be read, and so nothing written either, until the next checkpoint.
 */
const TAIL_SHARE = 1 / 6;

const requestBytesSoft = ({ queuedMaxRequestBytes }: BrokerSettings): number =>
  queuedMaxRequestBytes < 1 ? DEFAULT_REQUEST_BYTES : queuedMaxRequestBytes;

export function kafkaLimits(settings: BrokerSettings) {
  const soft = requestBytesSoft(settings);
  return {
    frameBytesMax: settings.socketRequestMaxBytes,
    inFlightBytesSoft: soft,
    inFlightBytesResume: Math.floor(soft * 2 / 3),
    inFlightBytesHard: Math.max(256 << 20, 2 * settings.socketRequestMaxBytes),
    requestsInFlightMax: settings.connectionRequestsMax,
    unsentBytesMax: settings.connectionOutputBytesMax,
    idleMs: settings.connectionsMaxIdleMs,
    connectionsMax: settings.maxConnections,
    connectionsPerIpMax: settings.maxConnectionsPerIp,
    acceptsPerSecondMax: settings.maxConnectionCreationRate,
  } satisfies Partial<BrokerLimits>;
}
