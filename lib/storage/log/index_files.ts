/**
 * The two index files of each segment of one log: written behind the log, loaded when asked for, made anew from the log when they are missing or
 * wrong. Never synced: nothing depends on them but speed.
 */
import { type Deadline, type Io, IoFailed } from "../../io/mod.ts";
import { hasValidCrc, readBatchHeader } from "../../protocol/records/mod.ts";
import type { FileCache } from "../file_cache.ts";
import type { IndexCache } from "./index_cache.ts";
import { isPlausibleIndex, isWhatWasWritten, OFFSET_ENTRY_BYTES, TIME_ENTRY_BYTES } from "./index_entries.ts";
import { readAll } from "./read_all.ts";
import type { Segment } from "./segment.ts";
import type { SegmentStore } from "./segment_store.ts";

export interface IndexNeeds {
  readonly io: Io;
  readonly files: FileCache;
  readonly indexes: IndexCache;
}

const FILE_MS = 30_000;
/** With an entry every 4 KiB of log, half a MiB is walked at most; two more files per partition are not touched at each checkpoint. */
const INDEX_ENTRIES_MIN = 128;

export class IndexFiles {
  readonly #needs: IndexNeeds;
  readonly #store: Pick<SegmentStore, "path" | "scan">;

  constructor(needs: IndexNeeds, store: Pick<SegmentStore, "path" | "scan">) {
    this.#needs = needs;
    this.#store = store;
  }

  /**
   * Writes new index entries to their files, if the segment is complete or there are enough of them: what the files lack is found by
   * walking the log from their last entry on. Never synced: a wrong index is rebuilt.
   */
  async write(segment: Segment, isActive: boolean): Promise<void> {
    const { index } = segment;
    if (!index.isDirty || !segment.made || isActive && index.entryCount - index.offsetCount < INDEX_ENTRIES_MIN) return;
    const { offsetCount, timeCount } = index;
    const taken = index.take(segment.written, segment.size);
    if (taken.offsets.length === 0 && taken.times.length === 0) return;
    try {
      await this.#writeSide(segment, ".index", taken.offsets, offsetCount * OFFSET_ENTRY_BYTES);
      await this.#writeSide(segment, ".timeindex", taken.times, timeCount * TIME_ENTRY_BYTES);
    } catch (error) {
      if (!(error instanceof IoFailed)) throw error;
      // The entries stay in memory and are tried again; without them a start makes the index anew. No checkpoint has to wait for that.
      return this.#needs.io.mark("storage.index.unwritten");
    }
    index.written(taken);
    if (index.loaded !== null) this.#needs.indexes.touch(index);
  }

  /** Loads the index files, or rebuilds them from the log when they are missing or wrong. @param isDense see `SegmentBounds`. */
  async load(segment: Segment, isDense: boolean): Promise<void> {
    const { index } = segment;
    if (index.isComplete) return this.#needs.indexes.touch(index);
    try {
      const { offsetsCrc, timesCrc } = index;
      const offsets = new Uint8Array(index.offsetCount * OFFSET_ENTRY_BYTES);
      const times = new Uint8Array(index.timeCount * TIME_ENTRY_BYTES);
      const deadline = this.#deadline("index.read");
      const whole = await this.#readSide(segment, ".index", offsets, deadline) &&
        await this.#readSide(segment, ".timeindex", times, deadline);
      const read = { offsets, times };
      if (whole && isPlausibleIndex(read, segment.written) && isWhatWasWritten(read, { offsetsCrc, timesCrc })) {
        // Somebody may have written more entries meanwhile: then the next look loads them.
        if (offsets.length === index.offsetCount * OFFSET_ENTRY_BYTES) index.loaded = read;
        this.#needs.indexes.touch(index);
        if (index.isComplete) return;
      }
    } catch (error) {
      // Gone, unreadable, or no file at all: the log itself says the same.
      if (!(error instanceof IoFailed)) throw error;
    }
    await this.rebuild(segment, isDense);
  }

  /** Makes the index anew from what is written of the segment. The files follow with the next checkpoint. */
  async rebuild(segment: Segment, isDense: boolean, intervalBytes = 4096): Promise<void> {
    this.#needs.io.mark("storage.index.rebuild");
    const entries: number[] = [];
    const times: number[] = [];
    let since = 0, maxTimestamp = -1, maxTimestampOffset = 0, expected = segment.base;
    await this.#store.scan(segment, 0, segment.written, (bytes, at, size, position) => {
      const header = readBatchHeader(bytes, at);
      const relative = header.baseOffset + header.lastOffsetDelta - segment.base;
      if (header.maxTimestamp > maxTimestamp) [maxTimestamp, maxTimestampOffset] = [header.maxTimestamp, relative];
      const follows = isDense ? header.baseOffset === expected : header.baseOffset >= expected;
      expected = header.baseOffset + header.lastOffsetDelta + 1;
      // Only what is known to be whole is led to: readers take the entry's word for what is there.
      if (since > intervalBytes && follows && hasValidCrc(bytes, at)) {
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

  async #writeSide(segment: Segment, suffix: string, bytes: Uint8Array, at: number): Promise<void> {
    if (bytes.length === 0 && at > 0) return;
    await this.#needs.files.use(this.#store.path(segment, suffix), "create", async (file) => {
      await file.write([bytes], at, this.#deadline("index.write"));
      if (at === 0) await file.truncate(bytes.length, this.#deadline("index.write"));
    });
  }

  async #readSide(segment: Segment, suffix: string, into: Uint8Array, deadline: Deadline): Promise<boolean> {
    if (into.length === 0) return true;
    return await this.#needs.files.use(this.#store.path(segment, suffix), "read", (file) => readAll(file, into, 0, deadline)) ===
      into.length;
  }

  #deadline(op: string): Deadline {
    return this.#needs.io.deadlines.in(op, FILE_MS);
  }
}
