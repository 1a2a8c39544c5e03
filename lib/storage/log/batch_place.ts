/**
 * Whether a batch stands where it was written. Its checksum covers neither its base offset nor its leader epoch (HAZARDS W4): the one follows
 * from the batch before it and the segment's bounds, the other from the history of epochs. Pure.
 */
import { baseOffsetOf, BATCH_HEADER_BYTES, batchSize, lastOffsetOf, leaderEpochOf } from "../../protocol/records/mod.ts";
import type { EpochHistory } from "./epochs.ts";

/** What is known of a segment's batches from outside of its file. */
export interface SegmentBounds {
  readonly base: number;
  /** Where the next segment begins, or the log ends. */
  readonly end: number;
  /** Whether each batch begins where the one before it ended: not so behind compaction. */
  readonly isDense: boolean;
  readonly epochs: Pick<EpochHistory, "at">;
}

/**
 * Why what is at `at`, with at least a header, cannot be a batch of this segment; null when it can.
 * @param bytesLeft of the segment from `at` on. @param expected the offset that comes next; -1 when that is not known.
 */
export function misplaced(bounds: SegmentBounds, bytes: Uint8Array, at: number, bytesLeft: number, expected: number): string | null {
  const size = batchSize(bytes, at);
  const base = baseOffsetOf(bytes, at);
  const last = lastOffsetOf(bytes, at);
  const isBatch = size >= BATCH_HEADER_BYTES && bytes[at + 16] === 2 && size <= bytesLeft;
  if (!isBatch || base < bounds.base || last < base || last >= bounds.end) return "no batch begins there";
  const follows = expected < 0 || (bounds.isDense ? base === expected : base >= expected);
  if (!follows) return `the batch says offset ${base}, and ${expected} comes next`;
  const epoch = bounds.epochs.at(base);
  const said = leaderEpochOf(bytes, at);
  // Of what lies before the log's start no epoch is known.
  return epoch < 0 || epoch === said ? null : `the batch says leader epoch ${said}, and ${epoch} wrote it`;
}
