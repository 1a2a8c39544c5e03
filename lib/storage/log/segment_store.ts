/**
 * The files of one log's segments: writing what the tail hands over, reading whole batches back with their checksums verified, loading
 * and rebuilding indexes. Decides nothing about offsets, rolling or deletion.
 *
 * A batch's CRC is verified when its bytes are read from the disk for the first time since the start (HAZARDS W4); a second reader of
 * the same range pays nothing.
 */
import { type BufferPool, type Deadline, type DiskFile, type Io, IoFailed, unpooled } from "../../io/mod.ts";
import {
  baseOffsetOf,
  BATCH_HEADER_BYTES,
  type BatchHeader,
  batchSize,
  forEachBatch,
  hasValidCrc,
  lastOffsetOf,
  readBatchHeader,
  wholeBatchAt,
} from "../../protocol/records/mod.ts";
import { CorruptLog } from "../errors.ts";
import type { FileCache } from "../file_cache.ts";
import type { LogRead } from "../types.ts";
import type { IndexCache } from "./index_cache.ts";
import { isPlausibleIndex, OFFSET_ENTRY_BYTES, TIME_ENTRY_BYTES } from "./index_entries.ts";
import { type Segment, segmentName } from "./segment.ts";

export interface StoreNeeds {
  readonly io: Io;
  readonly files: FileCache;
  readonly pool: BufferPool;
  readonly indexes: IndexCache;
}

const FILE_MS = 30_000;
/** With an entry every 4 KiB of log, half a MiB is walked at most; two more files per partition are not touched at each checkpoint. */
const INDEX_ENTRIES_MIN = 128;
const SCAN_BYTES = 1024 * 1024;
/** How far behind damage valid batches are looked for. */
const TORN_BYTES_MAX = 16 * 1024 * 1024;
/** Read at least this much: a small batch is followed by others that will be asked for. */
const READ_BYTES_MIN = 16 * 1024;
export const NOTHING: LogRead = { chunks: [], byteLength: 0, lease: unpooled };
const SWAP_SUFFIX = ".swap";
const SUFFIXES = [".log", ".index", ".timeindex"] as const;

/** What is known of a segment's offsets from outside of its file. */
export interface SegmentBounds {
  /** Where the next segment begins, or the log ends. */
  readonly end: number;
  /** Whether each batch begins where the one before it ended: not so behind compaction. */
  readonly isDense: boolean;
}

export class SegmentStore {
  readonly directory: string;
  readonly #needs: StoreNeeds;
  #directoryMade: boolean;
  /** Names were made or removed since the last `syncNames`. */
  #namesDirty = false;
  /** The directory was made since the last `takeFresh`. */
  #fresh = false;

  constructor(needs: StoreNeeds, directory: string, exists: boolean) {
    this.#needs = needs;
    this.directory = directory;
    this.#directoryMade = exists;
  }

  get isMade(): boolean {
    return this.#directoryMade;
  }
  get namesDirty(): boolean {
    return this.#namesDirty;
  }

  path(segment: { readonly base: number }, suffix: string): string {
    return `${this.directory}/${segmentName(segment.base)}${suffix}`;
  }

  /** Appends to the segment's file; not durable before `sync`. */
  async write(segment: Segment, chunks: readonly Uint8Array[], byteLength: number): Promise<void> {
    if (!this.#directoryMade) {
      await this.#needs.io.disk.makeDirectory(this.directory, this.#deadline("segment.makeDirectory"));
      this.#directoryMade = this.#fresh = true;
    }
    const { written } = segment;
    await this.#needs.files.use(this.path(segment, ".log"), segment.made ? "write" : "create", async (file) => {
      // What a deleted log of the same name may have left.
      if (!segment.made) await file.truncate(0, this.#deadline("segment.truncate"));
      await file.write(chunks, written, this.#deadline("segment.write"));
    });
    if (!segment.made) this.#namesDirty = true;
    segment.made = true;
    segment.written = written + byteLength;
  }

  /** fdatasync of the segment up to what is written now. @throws whatever it throws, the caller must fence the node. */
  async sync(segment: Segment): Promise<void> {
    const { written } = segment;
    if (segment.synced >= written) return;
    await this.#needs.files.use(this.path(segment, ".log"), "write", (file) => file.sync(this.#deadline("segment.sync")));
    segment.synced = Math.max(segment.synced, written);
  }

  /** Whether the directory's own name must still be made durable; the caller does it. */
  takeFresh(): boolean {
    const fresh = this.#fresh;
    this.#fresh = false;
    return fresh;
  }

  async syncNames(): Promise<void> {
    if (!this.#namesDirty) return;
    this.#namesDirty = false;
    await this.#needs.io.disk.syncDirectory(this.directory, this.#deadline("segment.syncDirectory"));
  }

  /**
   * Writes new index entries to their files, if the segment is complete or there are enough of them: what the files lack is found by
   * walking the log from their last entry on. Never synced: a wrong index is rebuilt.
   */
  async writeIndex(segment: Segment, isActive: boolean): Promise<void> {
    const { index } = segment;
    if (!index.isDirty || !segment.made || isActive && index.entryCount - index.offsetCount < INDEX_ENTRIES_MIN) return;
    const { offsetCount, timeCount } = index;
    const taken = index.take();
    await this.#writeSide(segment, ".index", taken.offsets, offsetCount * OFFSET_ENTRY_BYTES);
    await this.#writeSide(segment, ".timeindex", taken.times, timeCount * TIME_ENTRY_BYTES);
    index.written(taken);
    if (index.loaded !== null) this.#needs.indexes.touch(index);
  }

  /**
   * Whole batches from the one that contains `from`, of this segment only; null when what is asked lies behind it. The checksum of a batch
   * does not cover its base offset: that it follows the batch before it, inside of `bounds`, is what tells a damaged one.
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
    // Where the batch at `position` must begin; -1 when that is not known.
    let expected = from;
    if (position < 0) {
      await this.loadIndex(segment);
      // A batch before the one that is asked for, so that this one has one to follow.
      position = segment.index.positionOf(from - segment.base - 1);
      expected = position === 0 ? segment.base : -1;
      skip = Math.min(READ_BYTES_MIN, from - segment.base > 0 ? READ_BYTES_MIN : 0);
    }
    let want = Math.max(Math.min(maxBytes + skip, 64 * 1024 * 1024), READ_BYTES_MIN);
    while (position < segment.written) {
      const length = Math.min(want, segment.written - position);
      const piece = this.#needs.pool.take(length);
      let keep = false;
      try {
        const { bytes } = piece;
        await this.#readFully(segment, bytes, position, deadline);
        let start = 0;
        let size = 0;
        let next = expected;
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

  /** Walks the batches from `position` on: headers only need to be whole unless `verify`. `visit` answers false to stop. */
  async scan(
    segment: { readonly base: number },
    from: number,
    to: number,
    visit: (bytes: Uint8Array, at: number, size: number, position: number) => boolean | void,
  ): Promise<number> {
    let position = from;
    let want = SCAN_BYTES;
    while (position < to) {
      const piece = this.#needs.pool.take(Math.min(want, to - position));
      try {
        const { bytes } = piece;
        const count = await this.#readSome(segment, bytes, position, this.#deadline("segment.scan"));
        let at = 0;
        for (let size; (size = wholeBatchAt(bytes, at, count)) > 0; at += size) {
          if (visit(bytes, at, size, position + at) === false) return position + at;
        }
        if (at === 0) {
          const size = count >= BATCH_HEADER_BYTES ? batchSize(bytes, 0) : 0;
          if (size <= want || size > to - position) return position;
          want = size;
        } else {
          want = SCAN_BYTES;
          position += at;
        }
      } finally {
        piece.release();
      }
    }
    return position;
  }

  /**
   * Removes files that belong to none of `segments`: retired ones, temporary ones, segments of a time that recovery took back. Answers
   * with the base offsets whose log file is there.
   */
  async removeOthers(segments: readonly Segment[], keepSwaps: boolean): Promise<Set<number>> {
    const bases = new Set<number>();
    let entries;
    try {
      entries = await this.#needs.io.disk.list(this.directory, this.#deadline("log.list"));
    } catch (error) {
      if (error instanceof IoFailed && error.code === "ENOENT") return bases;
      throw error;
    }
    for (const { name, kind } of entries) {
      if (kind !== "file") continue;
      const base = /^(\d{20})\.(log|index|timeindex)$/.exec(name)?.[1];
      if (base !== undefined && segments.some((segment) => segment.base === Number(base))) {
        if (name.endsWith(".log")) bases.add(Number(base));
        continue;
      }
      // The WAL may still say that it counts.
      if (keepSwaps && name.endsWith(SWAP_SUFFIX)) continue;
      this.#needs.files.forget(`${this.directory}/${name}`);
      await this.#ifThere(this.#needs.io.disk.removeFile(`${this.directory}/${name}`, this.#deadline("segment.remove")));
    }
    return bases;
  }

  async sizeOf(segment: { readonly base: number }): Promise<number> {
    return await this.#needs.files.use(this.path(segment, ".log"), "read", (file) => file.size(this.#deadline("segment.size")));
  }

  /** Visits the batches whose checksum holds until one fails it or `visit` answers false; answers with the position of the end. */
  scanValid(segment: Segment, to: number, visit: (header: BatchHeader, size: number) => boolean): Promise<number> {
    return this.scan(segment, 0, to, (bytes, at, size) => hasValidCrc(bytes, at) && visit(readBatchHeader(bytes, at), size));
  }

  /**
   * The end offset of the last valid batch that begins in [from + 1, to); -1 when there is none. If there is, what is at `from` is damage
   * and not a torn end.
   */
  async endBehind(segment: Segment, from: number, to: number): Promise<number> {
    let end = -1;
    const bytes = new Uint8Array(Math.min(to - from, TORN_BYTES_MAX));
    const count = await this.#readSome(segment, bytes, from, this.#deadline("segment.scan"));
    for (let at = 1; at + BATCH_HEADER_BYTES <= count; at++) {
      if (bytes[at + 16] !== 2 || wholeBatchAt(bytes, at, count) === 0) continue;
      if (baseOffsetOf(bytes, at) > segment.base && hasValidCrc(bytes, at)) end = Math.max(end, lastOffsetOf(bytes, at) + 1);
    }
    return end;
  }

  /** Loads the index files, or rebuilds them from the log when they are missing or wrong. */
  async loadIndex(segment: Segment): Promise<void> {
    const { index } = segment;
    if (index.isComplete) return this.#needs.indexes.touch(index);
    try {
      const offsets = new Uint8Array(index.offsetCount * OFFSET_ENTRY_BYTES);
      const times = new Uint8Array(index.timeCount * TIME_ENTRY_BYTES);
      const deadline = this.#deadline("index.read");
      const whole = await this.#readSide(segment, ".index", offsets, deadline) &&
        await this.#readSide(segment, ".timeindex", times, deadline);
      if (whole && isPlausibleIndex({ offsets, times }, segment.written)) {
        // Somebody may have written more entries meanwhile: then the next look loads them.
        if (offsets.length === index.offsetCount * OFFSET_ENTRY_BYTES) index.loaded = { offsets, times };
        this.#needs.indexes.touch(index);
        if (index.isComplete) return;
      }
    } catch (error) {
      if (!(error instanceof IoFailed && error.code === "ENOENT")) throw error;
    }
    await this.rebuildIndex(segment);
  }

  /** Makes the index anew from what is written of the segment. The files follow with the next checkpoint. */
  async rebuildIndex(segment: Segment, intervalBytes = 4096): Promise<void> {
    this.#needs.io.mark("storage.index.rebuild");
    const entries: number[] = [];
    const times: number[] = [];
    let since = 0, maxTimestamp = -1, maxTimestampOffset = 0;
    await this.scan(segment, 0, segment.written, (bytes, at, size, position) => {
      const header = readBatchHeader(bytes, at);
      const relative = header.baseOffset + header.lastOffsetDelta - segment.base;
      if (header.maxTimestamp > maxTimestamp) [maxTimestamp, maxTimestampOffset] = [header.maxTimestamp, relative];
      if (since > intervalBytes) {
        entries.push(relative, position);
        times.push(maxTimestamp, maxTimestampOffset);
        since = 0;
      }
      since += size;
    });
    const { index } = segment;
    index.clear();
    for (let i = 0; i < entries.length; i += 2) index.add(entries[i]!, entries[i + 1]!);
    for (let i = 0; i < times.length; i += 2) index.addTime(times[i]!, times[i + 1]!);
  }

  /** The files are about to move with their directory. */
  forgetFiles(segments: readonly Segment[]): void {
    for (const segment of segments) {
      for (const suffix of SUFFIXES) this.#needs.files.forget(this.path(segment, suffix));
      this.#needs.indexes.forget(segment.index);
    }
  }

  /** Puts the file that compaction wrote, synced, in the place of the old segment of the same base, and removes the other ones. */
  async finishSwap(old: readonly Segment[], segment: Segment): Promise<void> {
    this.forgetFiles(old);
    this.#needs.files.forget(this.swapPath(segment));
    await this.#ifThere(
      this.#needs.io.disk.rename(this.swapPath(segment), this.path(segment, ".log"), this.#deadline("compaction.rename")),
    );
    for (const one of old) {
      for (const suffix of one.base === segment.base ? SUFFIXES.slice(1) : SUFFIXES) {
        await this.#ifThere(this.#needs.io.disk.removeFile(this.path(one, suffix), this.#deadline("segment.remove")));
      }
    }
    this.#namesDirty = true;
  }

  swapPath(segment: { readonly base: number }): string {
    return this.path(segment, ".log") + SWAP_SUFFIX;
  }

  /** Writes compacted batches to the swap file at `position`. */
  async writeSwap(segment: { readonly base: number }, chunks: readonly Uint8Array[], position: number): Promise<void> {
    await this.#needs.files.use(this.swapPath(segment), "create", async (file) => {
      if (position === 0) await file.truncate(0, this.#deadline("compaction.write"));
      await file.write(chunks, position, this.#deadline("compaction.write"));
    });
  }

  async syncSwap(segment: { readonly base: number }): Promise<void> {
    await this.#needs.files.use(this.swapPath(segment), "write", (file) => file.sync(this.#deadline("compaction.sync")));
    await this.#needs.io.disk.syncDirectory(this.directory, this.#deadline("compaction.sync"));
  }

  async dropSwap(segment: { readonly base: number }): Promise<void> {
    this.#needs.files.forget(this.swapPath(segment));
    await this.#ifThere(this.#needs.io.disk.removeFile(this.swapPath(segment), this.#deadline("segment.remove")));
  }

  /** Cuts off what the file has behind `segment.written`. @returns the size that it had; a shorter one is left as it is. */
  async restoreSize(segment: Segment): Promise<number> {
    return await this.#needs.files.use(this.path(segment, ".log"), "write", async (file) => {
      const size = await file.size(this.#deadline("segment.size"));
      if (size > segment.written) await file.truncate(segment.written, this.#deadline("segment.truncate"));
      return size;
    });
  }

  /** The directory may be gone: the next write makes it. */
  expectNoDirectory(): void {
    this.#directoryMade = false;
  }

  /** Renames the files of a segment out of the way; `remove` deletes them later. */
  async retire(segment: Segment): Promise<void> {
    for (const suffix of SUFFIXES) {
      const path = this.path(segment, suffix);
      this.#needs.files.forget(path);
      await this.#ifThere(this.#needs.io.disk.rename(path, `${path}.deleted`, this.#deadline("segment.rename")));
    }
    this.#needs.indexes.forget(segment.index);
    this.#namesDirty = true;
  }

  async remove(segment: Segment, retired: boolean): Promise<void> {
    for (const suffix of SUFFIXES) {
      const path = this.path(segment, suffix);
      if (!retired) this.#needs.files.forget(path);
      await this.#ifThere(this.#needs.io.disk.removeFile(retired ? `${path}.deleted` : path, this.#deadline("segment.remove")));
    }
    this.#needs.indexes.forget(segment.index);
  }

  /** Cuts the segment's file to `size` bytes. */
  async truncate(segment: Segment, size: number): Promise<void> {
    if (segment.made) {
      await this.#needs.files.use(this.path(segment, ".log"), "write", (file) => file.truncate(size, this.#deadline("segment.truncate")));
    }
    segment.written = size;
    segment.synced = Math.min(segment.synced, size);
    segment.verified.cut(size);
  }

  async #writeSide(segment: Segment, suffix: string, bytes: Uint8Array, at: number): Promise<void> {
    if (bytes.length === 0 && at > 0) return;
    await this.#needs.files.use(this.path(segment, suffix), "create", async (file) => {
      await file.write([bytes], at, this.#deadline("index.write"));
      if (at === 0) await file.truncate(bytes.length, this.#deadline("index.write"));
    });
  }

  async #readSide(segment: Segment, suffix: string, into: Uint8Array, deadline: Deadline): Promise<boolean> {
    if (into.length === 0) return true;
    return await this.#needs.files.use(this.path(segment, suffix), "read", (file) => readAll(file, into, 0, deadline)) === into.length;
  }

  async #readFully(segment: Segment, into: Uint8Array, position: number, deadline: Deadline): Promise<void> {
    const count = await this.#readSome(segment, into, position, deadline);
    if (count < into.length) throw this.#damaged(segment, position + count, "the file ends too early");
  }

  #readSome(segment: { readonly base: number }, into: Uint8Array, position: number, deadline: Deadline): Promise<number> {
    return this.#needs.files.use(this.path(segment, ".log"), "read", (file) => readAll(file, into, position, deadline));
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
    const size = batchSize(bytes, at);
    const base = baseOffsetOf(bytes, at);
    const last = lastOffsetOf(bytes, at);
    const isBatch = size >= BATCH_HEADER_BYTES && bytes[at + 16] === 2 && position + at + size <= segment.written;
    if (!isBatch || base < segment.base || last < base || last >= bounds.end) return "no batch begins there";
    const follows = expected < 0 || (bounds.isDense ? base === expected : base >= expected);
    return follows ? null : `the batch says offset ${base}, and ${expected} comes next`;
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
        this.path(segment, ".log")
      }" at byte ${position}: ${why}. Restore the file from a replica or a backup; nothing was cut`,
    );
  }

  async #ifThere(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      if (!(error instanceof IoFailed && error.code === "ENOENT")) throw error;
    }
  }

  #deadline(op: string): Deadline {
    return this.#needs.io.deadlines.in(op, FILE_MS);
  }
}

async function readAll(file: DiskFile, into: Uint8Array, position: number, deadline: Deadline): Promise<number> {
  let at = 0;
  while (at < into.length) {
    const count = await file.read(at === 0 ? into : into.subarray(at), position + at, deadline);
    if (count === 0) break;
    at += count;
  }
  return at;
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
