/** Which segments of a log may go, by size and age (`retention.bytes`, `retention.ms`). A calculation; deletes nothing. */
import type { StoredLog } from "./log/partition_log.ts";

/**
 * The log start that retention asks for. Segments go from the oldest on, at most `countMax`; when everything has expired, the active one is
 * rolled and goes too.
 */
export function retentionStart(log: StoredLog, nowMs: number, countMax: number): number {
  const { retentionBytes, retentionMs, cleanupPolicy } = log.settings;
  if (!cleanupPolicy.delete) return log.logStartOffset;
  const { segments } = log;
  let excess = retentionBytes < 0 ? 0 : log.sizeBytes - retentionBytes;
  let count = 0;
  for (const [index, segment] of segments.entries()) {
    const isActive = index === segments.length - 1;
    // A timestamp from the future must not keep a segment for ever (HAZARDS C1).
    const newestMs = Math.min(segment.maxTimestamp >= 0 ? segment.maxTimestamp : segment.firstTimestamp, nowMs);
    const isOld = retentionMs >= 0 && segment.size > 0 && nowMs - newestMs > retentionMs;
    const isExcess = !isActive && excess >= segment.size && segment.size > 0;
    if (count >= countMax || !isOld && !isExcess) return count === 0 ? log.logStartOffset : segment.base;
    if (isActive) {
      if (log.durableEndOffset < log.logEndOffset) return segment.base;
      log.roll();
      return log.durableEndOffset;
    }
    excess -= segment.size;
    count++;
  }
  return log.logStartOffset;
}
