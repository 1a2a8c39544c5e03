/**
 * Finds records by their timestamp among the batches of a log: headers say which batches can hold one, only those are opened. Knows no
 * segment and no index. Sources: KIP-79, KIP-734.
 */
import type { Deadline } from "../../io/mod.ts";
import {
  baseOffsetOf,
  CorruptRecords,
  decodeBatch,
  DecompressionLimitExceeded,
  leaderEpochOf,
  maxTimestampOf,
} from "../../protocol/records/mod.ts";
import type { TimestampOffset } from "../types.ts";

/** Something whose batches can be walked in offset order; `false` from `visit` ends the walk. */
export interface BatchSource {
  scan(
    from: number,
    end: number,
    deadline: Deadline,
    visit: (bytes: Uint8Array, at: number, size: number) => boolean | void,
  ): Promise<void>;
}

export interface SearchRange {
  /** Batches that reach this offset are looked at … */
  readonly from: number;
  /** … and their records from this one on, at most `from`. */
  readonly least: number;
  /** Exclusive. */
  readonly end: number;
  /** Largest batch that is decompressed. */
  readonly decompressedBytesMax: number;
  readonly deadline: Deadline;
}

/** The first record with `timestamp >= target`; null when there is none. */
export async function firstAtOrAfter(source: BatchSource, target: number, range: SearchRange): Promise<TimestampOffset | null> {
  let found: TimestampOffset | null = null;
  await source.scan(range.from, range.end, range.deadline, (bytes, at) => {
    if (maxTimestampOf(bytes, at) < target) return true;
    for (const record of recordsOf(bytes, at, range)) {
      if (record.offset < range.least || record.timestamp < target) continue;
      found = record;
      return false;
    }
    return true;
  });
  return found;
}

/** The first record with the largest timestamp, if that is larger than `best` has. */
export async function largestTimestamp(
  source: BatchSource,
  best: TimestampOffset | null,
  range: SearchRange,
): Promise<TimestampOffset | null> {
  let largest = best;
  await source.scan(range.from, range.end, range.deadline, (bytes, at) => {
    if (maxTimestampOf(bytes, at) <= (largest?.timestamp ?? -1)) return;
    for (const record of recordsOf(bytes, at, range)) {
      if (record.offset >= range.least && record.timestamp > (largest?.timestamp ?? -1)) largest = record;
    }
  });
  return largest;
}

/**
 * A compressed batch is taken as its producer sent it and may turn out not to be readable: then it counts as one record at its first offset
 * with its largest timestamp, so that nobody who looks for a time is sent behind it.
 */
function recordsOf(bytes: Uint8Array, at: number, { decompressedBytesMax }: SearchRange): readonly TimestampOffset[] {
  const leaderEpoch = leaderEpochOf(bytes, at);
  try {
    return decodeBatch(bytes, at, decompressedBytesMax).map(({ timestamp, offset }) => ({ timestamp, offset, leaderEpoch }));
  } catch (error) {
    if (!(error instanceof CorruptRecords || error instanceof DecompressionLimitExceeded)) throw error;
    return [{ timestamp: maxTimestampOf(bytes, at), offset: baseOffsetOf(bytes, at), leaderEpoch }];
  }
}
