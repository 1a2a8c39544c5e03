/**
 * The in-sync rule: how far the high watermark may move, as a pure function of what the in-sync replicas have on disk.
 * Knows no log and no network. Source: KIP-966 (no progress below `min.insync.replicas`), Kafka's `effectiveMinIsr`.
 */

export interface InSyncState {
  readonly highWatermark: number;
  /** What the leader has fdatasync'ed. */
  readonly leaderEnd: number;
  /** What every other member of the in-sync set has fdatasync'ed, as it reported itself. */
  readonly followerEnds: readonly number[];
  readonly minInsyncReplicas: number;
  readonly replicaCount: number;
}

/** `min.insync.replicas`, but never more than there are replicas: a topic of one replica stays writable whatever the setting. */
export function effectiveMinInsync(minInsyncReplicas: number, replicaCount: number): number {
  return Math.min(minInsyncReplicas, replicaCount);
}

/** Whether an append with acks=-1 may start. */
export function hasEnoughReplicas(inSyncCount: number, minInsyncReplicas: number, replicaCount: number): boolean {
  return inSyncCount >= effectiveMinInsync(minInsyncReplicas, replicaCount);
}

/** The smallest durable end of the in-sync set; never back, and nowhere while the set is smaller than it must be. */
export function nextHighWatermark(state: InSyncState): number {
  const inSyncCount = state.followerEnds.length + 1;
  if (!hasEnoughReplicas(inSyncCount, state.minInsyncReplicas, state.replicaCount)) return state.highWatermark;
  let end = state.leaderEnd;
  for (const followerEnd of state.followerEnds) if (followerEnd < end) end = followerEnd;
  return Math.max(state.highWatermark, end);
}
