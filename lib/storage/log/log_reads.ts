/**
 * Reading a log: from memory while its bytes are there, else from the segments, and looking for timestamps. Changes nothing but to take a log
 * offline whose file is gone. Source of the timestamp searches: KIP-734.
 */
import { type Deadline, IoFailed } from "../../io/mod.ts";
import { forEachBatch, lastOffsetOf } from "../../protocol/records/mod.ts";
import { CorruptLog, OffsetOutOfRange } from "../errors.ts";
import type { LogRead, TimestampOffset } from "../types.ts";
import type { LogState } from "./log_state.ts";
import type { Segment } from "./segment.ts";
import { NOTHING } from "./segment_reader.ts";
import { firstAtOrAfter, largestTimestamp, type SearchRange } from "./timestamp_search.ts";

const SCAN_BYTES = 1024 * 1024;

export class LogReads {
  readonly #log: LogState;
  readonly #decompressedBytesMax: number;

  constructor(log: LogState, decompressedBytesMax: number) {
    this.#log = log;
    this.#decompressedBytesMax = decompressedBytesMax;
  }

  async read(fromOffset: number, endOffset: number, maxBytes: number, atLeastOne: boolean, deadline: Deadline): Promise<LogRead> {
    this.#log.check();
    if (fromOffset < this.#log.start || fromOffset > this.#log.end) throw new OffsetOutOfRange(fromOffset, this.#log.start, this.#log.end);
    let from = fromOffset;
    while (true) {
      const end = Math.min(endOffset, this.#log.durableEnd);
      if (from >= end) return NOTHING;
      if (this.#log.tail.start <= from) return this.#log.tail.read(from, end, maxBytes, atLeastOne);
      const segment = this.#log.segmentOf(from);
      const read = await this.#readSegment(segment, from, end, maxBytes, atLeastOne, deadline);
      if (read === "again") continue;
      if (read !== null) return read;
      // The rest of the segment was compacted away, or is still in memory.
      const next = this.#log.segments[this.#log.segments.indexOf(segment) + 1];
      const behind = Math.min(next?.base ?? Infinity, this.#log.tail.start);
      if (next !== undefined && from < behind && this.#log.boundsOf(segment).isDense) this.#refuseHole(segment, from, behind);
      from = Math.max(from, behind);
      if (from === Infinity || next === undefined && this.#log.tail.start > from) return NOTHING;
    }
  }

  async findTimestamp(target: number, endOffset: number, deadline: Deadline): Promise<TimestampOffset | null> {
    this.#log.check();
    for (const { segment, from: least, end } of this.#segmentsTo(endOffset)) {
      if (segment.maxTimestamp < target) continue;
      await this.#log.store.index.load(segment, this.#log.boundsOf(segment).isDense);
      const from = Math.max(least, this.#log.start, segment.base + segment.index.offsetBefore(target));
      const found = await firstAtOrAfter(this, target, this.#range(from, end, from, deadline));
      if (found !== null) return found;
    }
    return null;
  }

  async maxTimestamp(endOffset: number, deadline: Deadline): Promise<TimestampOffset | null> {
    this.#log.check();
    let best: TimestampOffset | null = null;
    for (const { segment, from, end } of this.#segmentsTo(endOffset)) {
      if (segment.maxTimestamp <= (best?.timestamp ?? -1)) continue;
      const { maxTimestampOffset } = segment;
      const known = maxTimestampOffset >= from && maxTimestampOffset < end;
      // Part of the segment is out of the range and may hold its largest timestamp: then only looking helps.
      const range = this.#range(known ? maxTimestampOffset : from, known ? maxTimestampOffset + 1 : end, this.#log.start, deadline);
      best = await largestTimestamp(this, best, range);
    }
    return best;
  }

  /** By their offsets, since the list changes while one of them is looked at: what is retired, or compacted into another one, must not hide the next. */
  *#segmentsTo(endOffset: number): Iterable<{ readonly segment: Segment; readonly from: number; readonly end: number }> {
    for (let from = this.#log.start; from < Math.min(endOffset, this.#log.end);) {
      const segment = this.#log.segmentOf(from);
      const end = this.#log.endOf(segment);
      yield { segment, from, end: Math.min(endOffset, end) };
      from = Math.max(end, this.#log.start);
    }
  }

  /** Batches from `from` to `end` in offset order, a piece at a time. */
  async scan(
    from: number,
    end: number,
    deadline: Deadline,
    visit: (bytes: Uint8Array, at: number, size: number) => boolean | void,
  ): Promise<void> {
    for (let next = from; next < end;) {
      const { chunks, byteLength, lease } = await this.read(next, end, SCAN_BYTES, true, deadline);
      if (byteLength === 0) return;
      try {
        let stopped = false;
        for (const chunk of chunks) {
          forEachBatch(chunk, (at, size) => {
            if (stopped) return;
            next = lastOffsetOf(chunk, at) + 1;
            stopped = visit(chunk, at, size) === false;
          });
        }
        if (stopped) return;
      } finally {
        lease.release();
      }
    }
  }

  async #readSegment(
    segment: Segment,
    from: number,
    end: number,
    maxBytes: number,
    atLeastOne: boolean,
    deadline: Deadline,
  ): Promise<LogRead | null | "again"> {
    if (segment.written === 0) return null;
    try {
      const read = await this.#log.store.reader.read(segment, this.#log.boundsOf(segment), from, end, maxBytes, atLeastOne, deadline);
      if (this.#log.swapping === null && this.#log.segments.includes(segment)) return read;
      read?.lease.release();
    } catch (error) {
      if (this.#log.swapping === null && this.#log.segments.includes(segment)) {
        if (error instanceof CorruptLog) this.#tellOnce(segment, error);
        if (error instanceof IoFailed && error.code === "ENOENT") this.#log.takeOffline(`segment ${segment.base} is missing`);
        else throw error;
      }
    }
    // Retired or compacted while it was read.
    await this.#log.swapping;
    this.#log.check();
    if (from < this.#log.start) throw new OffsetOutOfRange(from, this.#log.start, this.#log.end);
    return "again";
  }

  /** Nothing compacts there: a disk that lost what it had promised to keep has left a file too short, or lost it. @throws {CorruptLog} */
  #refuseHole(segment: Segment, from: number, next: number): never {
    const path = this.#log.store.path(segment, ".log");
    const error = new CorruptLog(
      `Cannot read "${path}": it ends before offset ${from}, and what follows begins with ${next}; records are missing. Restore the file from a backup, or read on from offset ${next}`,
    );
    this.#tellOnce(segment, error);
    throw error;
  }

  /** Each reader is told; the log has one line a segment. */
  #tellOnce(segment: Segment, error: CorruptLog): void {
    if (segment.isDamageTold) return;
    segment.isDamageTold = true;
    this.#log.tell("error", "Cannot serve damaged records", { partition: this.#log.partition, cause: error.message });
  }

  #range(from: number, end: number, least: number, deadline: Deadline): SearchRange {
    return { from, end, least, deadline, decompressedBytesMax: this.#decompressedBytesMax };
  }
}
