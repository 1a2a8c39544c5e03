/**
 * Reads whole batches back from a segment's file, each of them known to be what was written: its place follows from the batch before it and
 * from the segment's bounds, its content from its checksum, which is verified when the bytes come from the disk for the first time since the
 * start (HAZARDS W4); a second reader of the same range pays nothing. Writes nothing.
 */
import { type BufferPool, type Deadline, unpooled } from "../../io/mod.ts";
import { BATCH_HEADER_BYTES, batchSize, forEachBatch, hasValidCrc, lastOffsetOf } from "../../protocol/records/mod.ts";
import { CorruptLog } from "../errors.ts";
import type { LogRead } from "../types.ts";
import { misplaced, type SegmentBounds } from "./batch_place.ts";
import type { Segment } from "./segment.ts";
import type { SegmentStore } from "./segment_store.ts";

/** Read at least this much: a small batch is followed by others that will be asked for. */
const READ_BYTES_MIN = 16 * 1024;
export const NOTHING: LogRead = { chunks: [], byteLength: 0, lease: unpooled };

export class SegmentReader {
  readonly #pool: BufferPool;
  readonly #store: Pick<SegmentStore, "path" | "index" | "readSome">;

  constructor(pool: BufferPool, store: Pick<SegmentStore, "path" | "index" | "readSome">) {
    this.#pool = pool;
    this.#store = store;
  }

  /**
   * Whole batches from the one that contains `from`, of this segment only; null when what is asked lies behind it. Each stands where it was
   * written: it follows the batch before it, inside of `bounds`, or is the one that the index means.
   */
  async read(
    segment: Segment,
    bounds: SegmentBounds,
    from: number,
    end: number,
    maxBytes: number,
    atLeastOne: boolean,
    deadline: Deadline,
  ): Promise<LogRead | null> {
    let position = segment.cursor(from) ?? -1;
    let skip = 0;
    // Where the batch at `position` must begin, and the offset that it must end with; -1 when that is not known.
    let expected = from;
    let ends = -1;
    if (position < 0) {
      await this.#store.index.load(segment, bounds.isDense);
      // A batch before the one that is asked for, so that this one has one to follow.
      const entry = segment.index.entryAt(from - segment.base - 1);
      position = entry.position;
      expected = position === 0 ? segment.base : -1;
      ends = entry.relativeOffset < 0 ? -1 : segment.base + entry.relativeOffset;
      skip = Math.min(READ_BYTES_MIN, from - segment.base > 0 ? READ_BYTES_MIN : 0);
    }
    let want = Math.max(Math.min(maxBytes + skip, 64 * 1024 * 1024), READ_BYTES_MIN);
    while (position < segment.written) {
      const length = Math.min(want, segment.written - position);
      const piece = this.#pool.take(length);
      let keep = false;
      try {
        const { bytes } = piece;
        await this.#readFully(segment, bytes, position, deadline);
        let start = 0;
        let size = 0;
        let next = expected;
        if (ends >= 0 && bytes.length >= BATCH_HEADER_BYTES && lastOffsetOf(bytes, 0) !== ends) {
          throw this.#damaged(segment, position, `the batch says that it ends with offset ${lastOffsetOf(bytes, 0)}, and it was ${ends}`);
        }
        ends = -1;
        while ((size = this.#batchAt(segment, bounds, bytes, start, position, next)) > 0 && lastOffsetOf(bytes, start) < from) {
          next = lastOffsetOf(bytes, start) + 1;
          start += size;
        }
        let stop = start;
        let after = next;
        while (
          (stop === start || this.#problemAt(segment, bounds, bytes, stop, position, after) === null) &&
          (size = this.#batchAt(segment, bounds, bytes, stop, position, after)) > 0 && lastOffsetOf(bytes, stop) < end &&
          (stop + size - start <= maxBytes || atLeastOne && stop === start)
        ) {
          after = lastOffsetOf(bytes, stop) + 1;
          stop += size;
        }
        if (stop > start) {
          stop = this.#verify(segment, bytes, start, stop, position);
          segment.leaveCursor(lastOffsetOf(bytes, lastBatchAt(bytes, start, stop)) + 1, position + stop);
          keep = true;
          return { chunks: [bytes.subarray(start, stop)], byteLength: stop - start, lease: piece };
        }
        if (size > 0) {
          // Larger than asked, or beyond the end; its own word for that is only good with its checksum.
          if (!hasValidCrc(bytes, stop)) throw this.#damaged(segment, position + stop, "the batch fails its checksum");
          return NOTHING;
        }
        // The buffer ends inside a batch, or with the last batch that had to be skipped.
        if (start > 0) {
          position += start;
          expected = next;
        } else want = Math.max(want * 2, bytes.length >= BATCH_HEADER_BYTES ? batchSize(bytes, 0) : 0);
        if (start === 0 && length === segment.written - position) throw this.#damaged(segment, position, "the file ends inside a batch");
      } finally {
        if (!keep) piece.release();
      }
    }
    return null;
  }

  async #readFully(segment: Segment, into: Uint8Array, position: number, deadline: Deadline): Promise<void> {
    const count = await this.#store.readSome(segment, into, position, deadline);
    if (count < into.length) throw this.#damaged(segment, position + count, "the file ends too early");
  }

  /** Size of the batch at `at`; 0 when the buffer ends first. @throws {CorruptLog} for what cannot be a batch of this segment. */
  #batchAt(segment: Segment, bounds: SegmentBounds, bytes: Uint8Array, at: number, position: number, expected: number): number {
    if (bytes.length - at < BATCH_HEADER_BYTES) return 0;
    const problem = this.#problemAt(segment, bounds, bytes, at, position, expected);
    if (problem !== null) throw this.#damaged(segment, position + at, problem);
    const size = batchSize(bytes, at);
    return size <= bytes.length - at ? size : 0;
  }

  /** Why what is at `at` cannot be a batch of this segment; null when it can, or when the buffer ends first. */
  #problemAt(segment: Segment, bounds: SegmentBounds, bytes: Uint8Array, at: number, position: number, expected: number): string | null {
    if (bytes.length - at < BATCH_HEADER_BYTES) return null;
    return misplaced(bounds, bytes, at, segment.written - position - at, expected);
  }

  /** @returns where the batches end whose checksums hold. @throws {CorruptLog} when already the first fails. */
  #verify(segment: Segment, bytes: Uint8Array, start: number, stop: number, position: number): number {
    if (segment.verified.has(position + start, position + stop)) return stop;
    let end = start;
    while (end < stop && hasValidCrc(bytes, end)) end += batchSize(bytes, end);
    if (end === start) throw this.#damaged(segment, position + start, "the batch fails its checksum");
    segment.verified.add(position + start, position + end);
    return end;
  }

  #damaged(segment: { readonly base: number }, position: number, why: string): CorruptLog {
    return new CorruptLog(
      `Cannot read "${
        this.#store.path(segment, ".log")
      }" at byte ${position}: ${why}. Restore the file from a replica or a backup; nothing was cut`,
    );
  }
}

function lastBatchAt(bytes: Uint8Array, start: number, stop: number): number {
  let last = start;
  forEachBatch(
    bytes,
    (at) => {
      last = at;
    },
    start,
    stop,
  );
  return last;
}
