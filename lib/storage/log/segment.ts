/** One segment of a log: where it begins, how far it goes, what its index knows. Bookkeeping only; `segment_store.ts` has its files. */
import type { LogSettings } from "../types.ts";
import { OFFSET_ENTRY_BYTES, SegmentIndex } from "./index_entries.ts";
import { VerifiedRanges } from "./verified_ranges.ts";

/** Relative offsets are int32 in the index files. */
const RELATIVE_OFFSET_MAX = 2 ** 31 - 1;
/** Kafka's `segment.index.bytes`. */
const INDEX_BYTES_MAX = 10 * 1024 * 1024;
/** Readers that go through the log one after the other are found again by where they stopped. */
const CURSORS_MAX = 8;

/**
 * A segment in the checkpoint: base, bytes, max timestamp, its offset, first timestamp, the entries in its two index files, and the checksums of
 * those, which older checkpoints do not have.
 */
export type SegmentDump = readonly [number, number, number, number, number, number, number, number?, number?];

export class Segment {
  readonly base: number;
  readonly index = new SegmentIndex();
  /** Bytes including those that only memory and WAL have: written ≤ size. */
  size = 0;
  /** Bytes in the file. */
  written = 0;
  /** Bytes that are synced: synced ≤ written. */
  synced = 0;
  /** How often the file was cut. */
  cuts = 0;
  maxTimestamp = -1;
  /** Last offset of the first batch with `maxTimestamp`. */
  maxTimestampOffset = -1;
  /** Of the first batch; the segment's age counts from it. -1 while it is empty. */
  firstTimestamp = -1;
  /** Whether the file is there. */
  made = false;
  readonly verified = new VerifiedRanges();
  /** Somebody met damage, and the log says so. */
  isDamageTold = false;
  #bytesSinceIndex = 0;
  readonly #cursors = new Map<number, number>();

  constructor(base: number) {
    this.base = base;
  }

  static restore([base, size, maxTimestamp, maxTimestampOffset, firstTimestamp, offsetCount, timeCount, ...crcs]: SegmentDump): Segment {
    const segment = new Segment(base);
    segment.size = segment.written = segment.synced = size;
    segment.maxTimestamp = maxTimestamp;
    segment.maxTimestampOffset = maxTimestampOffset;
    segment.firstTimestamp = firstTimestamp;
    segment.made = true;
    segment.index.restore(offsetCount, timeCount, maxTimestamp, ...crcs);
    return segment;
  }

  /**
   * Whether a batch up to `lastOffset` and of `byteLength` bytes belongs into a new segment. Age is the distance between timestamps of
   * records, not to the clock: records older than `segment.ms` would otherwise get a segment for each batch.
   */
  isFullFor(byteLength: number, lastOffset: number, settings: LogSettings, timestamp: number): boolean {
    return this.size > 0 && (
      this.size + byteLength > settings.segmentBytes ||
      lastOffset - this.base > RELATIVE_OFFSET_MAX ||
      timestamp - this.firstTimestamp > settings.segmentMs ||
      this.index.entryCount * OFFSET_ENTRY_BYTES >= INDEX_BYTES_MAX
    );
  }

  /** A batch is the next one; `indexIntervalBytes` of log have one index entry. */
  add(lastOffset: number, maxTimestamp: number, byteLength: number, indexIntervalBytes: number, nowMs: number): void {
    const relative = lastOffset - this.base;
    if (this.firstTimestamp < 0) this.firstTimestamp = maxTimestamp >= 0 ? maxTimestamp : nowMs;
    if (maxTimestamp > this.maxTimestamp) {
      this.maxTimestamp = maxTimestamp;
      this.maxTimestampOffset = lastOffset;
    }
    if (this.#bytesSinceIndex > indexIntervalBytes) {
      this.index.add(relative, this.size);
      this.index.addTime(this.maxTimestamp, this.maxTimestampOffset - this.base);
      this.#bytesSinceIndex = 0;
    }
    this.#bytesSinceIndex += byteLength;
    this.size += byteLength;
  }

  /** Kafka ends every time index with the segment's largest timestamp. */
  seal(): void {
    if (this.maxTimestamp >= 0) this.index.addTime(this.maxTimestamp, this.maxTimestampOffset - this.base);
  }

  /** Forgets everything, to be filled again from the file by `add`. */
  reset(): void {
    this.index.clear();
    this.size = 0;
    this.maxTimestamp = this.maxTimestampOffset = this.firstTimestamp = -1;
    this.#bytesSinceIndex = 0;
    this.#cursors.clear();
    this.verified.cut(0);
  }

  /** Where the batch that begins with `offset` is, if a reader stopped there. */
  cursor(offset: number): number | undefined {
    return this.#cursors.get(offset);
  }

  leaveCursor(offset: number, position: number): void {
    this.#cursors.delete(offset);
    if (this.#cursors.size >= CURSORS_MAX) {
      for (const oldest of this.#cursors.keys()) {
        this.#cursors.delete(oldest);
        break;
      }
    }
    this.#cursors.set(offset, position);
  }

  dump(): SegmentDump {
    const { index } = this;
    const { offsetCount, timeCount, offsetsCrc, timesCrc } = index;
    return [
      this.base,
      this.size,
      this.maxTimestamp,
      this.maxTimestampOffset,
      this.firstTimestamp,
      offsetCount,
      timeCount,
      offsetsCrc,
      timesCrc,
    ];
  }
}

export const segmentName = (base: number): string => String(base).padStart(20, "0");
