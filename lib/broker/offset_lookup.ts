/** The offset of a timestamp, or of one of ListOffsets' special ones, for whoever may read up to `end`. Knows no version. KIP-734, KIP-1005, KIP-1023. */
import type { Deadline } from "../io/mod.ts";
import type { Partition } from "../replication/types.ts";
import type { TimestampOffset } from "../storage/types.ts";

export const LATEST = -1;
export const EARLIEST = -2;
export const MAX_TIMESTAMP = -3;
export const EARLIEST_LOCAL = -4;
export const LATEST_TIERED = -5;
export const EARLIEST_PENDING_UPLOAD = -6;

/** Null where nothing is found, as Kafka answers it: no error, offset -1. */
export async function offsetAt(partition: Partition, timestamp: number, end: number, deadline: Deadline): Promise<TimestampOffset | null> {
  switch (timestamp) {
    case LATEST:
      return { timestamp: -1, offset: end, leaderEpoch: partition.leaderEpoch };
    case EARLIEST:
    case EARLIEST_LOCAL:
      return { timestamp: -1, offset: partition.logStartOffset, leaderEpoch: partition.epochAt(partition.logStartOffset) };
    case LATEST_TIERED:
    case EARLIEST_PENDING_UPLOAD:
      return null;
  }
  const found = timestamp === MAX_TIMESTAMP ? await partition.maxTimestamp(deadline) : await partition.findTimestamp(timestamp, deadline);
  return found !== null && found.offset < end ? found : null;
}
