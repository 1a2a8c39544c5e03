/**
 * Bringing a log's files and its bookkeeping together again: after a start, after a cut, after a swap that a stop had interrupted. What cannot
 * be repaired without losing records takes the log offline with its reason (HAZARDS W4, W8). Called in the log's turn, or before it serves.
 */
import { IoFailed } from "../../io/mod.ts";
import { lastOffsetOf, readBatchHeader } from "../../protocol/records/mod.ts";
import { CorruptLog } from "../errors.ts";
import type { LogState } from "./log_state.ts";
import { Segment, type SegmentDump } from "./segment.ts";

/** A file that gives one of these is damaged, and others may not be: the node serves without it. */
const UNUSABLE = new Set(["EISDIR", "ENOTDIR", "EACCES", "EPERM", "EIO", "ELOOP"]);

export class LogRepair {
  readonly #log: LogState;
  /** Something changed that the next checkpoint must know. */
  readonly #changed: () => void;
  #isRecovering = false;

  constructor(log: LogState, changed: () => void) {
    this.#log = log;
    this.#changed = changed;
  }

  /** Brings the files back to what the checkpoint says: what they hold behind it is worth nothing until the WAL confirms it. */
  async trimToCheckpoint(): Promise<void> {
    this.#isRecovering = true;
    await this.#log.store.removeOthers(this.#log.segments, true);
    const last = this.#log.segments.at(-1);
    if (last === undefined || !last.made) return;
    this.#log.shortReason = await this.#problemOf(last, this.#log.store.restoreSize(last));
    if (this.#log.shortReason === null) return;
    this.#log.shortSegment = last;
    // What the WAL has behind it goes into a segment of its own: the file is left as it is, and nothing is lost when it is put back.
    this.#log.segments.push(new Segment(this.#log.end));
    this.#log.store.expectNoDirectory();
  }

  /** The WAL has been replayed: a file that was too short, and not because its end had been cut off, is missing something. */
  endRecovery(): void {
    this.#isRecovering = false;
    const { shortReason, shortSegment, segments, start, gapTo } = this.#log;
    if (shortReason === null) return;
    // The log start has passed it, as it had before the stop: then it was retired, and nothing is missing.
    if (shortSegment !== null && !segments.includes(shortSegment) && gapTo <= start) return this.#log.io.mark("storage.recovery.retired");
    this.#log.takeOffline(shortReason);
  }

  /** Looks for what recovery has no time for: missing segments, and files that nobody needs. */
  async inspect(): Promise<void> {
    const log = this.#log;
    if (log.closed || log.offlineReason !== null) return;
    // Also where it has no segments: the last ones may have left something.
    await log.store.removeOthers(log.segments, false);
    for (const segment of log.segments) {
      const problem = segment.made ? await this.#problemOf(segment, log.store.sizeOf(segment)) : null;
      if (problem !== null) return log.takeOffline(problem);
    }
  }

  /** Reads everything from segments found on disk: for a data directory whose checkpoint is missing. */
  async rebuild(bases: readonly number[]): Promise<void> {
    this.#log.store.foundWithoutCheckpoint();
    this.#log.segments = bases.map((base) => new Segment(base));
    this.#log.start = this.#log.end = bases[0] ?? 0;
    for (const [index, segment] of this.#log.segments.entries()) {
      segment.made = true;
      segment.written = await this.#log.store.sizeOf(segment);
      if (segment.base < this.#log.end) {
        throw new CorruptLog(
          `Cannot recover: "${
            this.#log.store.path(segment, ".log")
          }" overlaps the file before it. Restore the folder from a backup; nothing was changed`,
        );
      }
      const size = segment.written;
      const next = this.#log.segments[index + 1];
      const end = await this.#refill(segment, next?.base);
      if (end === size) continue;
      const behind = next === undefined ? await this.#log.store.endBehind(segment, end, size) : next.base;
      if (behind < 0) {
        await this.#log.store.truncate(segment, end);
        continue;
      }
      // Not a torn end: the damage stays where it is, is refused to readers, and the log goes on behind it.
      this.#log.tell("error", "A segment is damaged: what it covers cannot be read", {
        path: this.#log.store.path(segment, ".log"),
        position: end,
      });
      segment.size = size;
      this.#log.end = Math.max(this.#log.end, behind);
      if (next !== undefined) continue;
      this.#log.segments.push(new Segment(this.#log.end));
      break;
    }
    this.#log.durableEnd = this.#log.rebuiltTo = this.#log.end;
    this.#changed();
  }

  /** A swap that compaction had announced before the stop: finished now if it was not. */
  async replaySwap(replaced: readonly number[], dump: SegmentDump): Promise<void> {
    const segment = Segment.restore(dump);
    const at = this.#log.segments.findIndex(({ base }) => base === replaced[0]);
    if (at < 0) return;
    const old = this.#log.segments.filter(({ base }) => replaced.includes(base));
    await this.#log.store.finishSwap(old, segment);
    // A later entry may have removed it again.
    if (!(await this.#isMissing(segment))) await this.#log.store.index.rebuild(segment, false);
    this.#log.segments.splice(at, old.length, segment);
    this.#log.sparseTo = Math.max(this.#log.sparseTo, this.#log.endOf(segment));
    this.#changed();
  }

  /** Removes everything at and behind `offset`; a batch that contains it goes whole. What was in memory has been written before. */
  async cut(offset: number): Promise<void> {
    const log = this.#log;
    while (log.segments.length > 1 && log.segments.at(-1)!.base >= offset) {
      const segment = log.segments.pop()!;
      if (segment.made) await log.store.remove(segment, false);
    }
    const last = log.segments.at(-1);
    if (last !== undefined && last.base > offset) {
      if (last.made) await log.store.remove(last, false);
      log.segments = [];
      log.start = log.end = log.durableEnd = offset;
    } else if (last !== undefined && last.made) {
      if (this.#isRecovering && await this.#isMissing(last)) this.#goOnWithout(last, offset);
      else {
        let found = false;
        const keep = await log.store.scan(last, 0, last.written, (bytes, at) => {
          found = lastOffsetOf(bytes, at) >= offset;
          return !found;
        });
        // A header that cannot be read hides where the cut is: nothing that is to stay may go with what is behind it.
        if (!found && keep < last.written && !this.#isRecovering) return log.takeOffline(`segment ${last.base} is damaged at byte ${keep}`);
        await log.store.truncate(last, keep);
        // A kill leaves what was written behind the checkpoint, also where a cut had made room for it below: there, not synced.
        if (this.#isRecovering) last.synced = 0;
        const end = await this.#refill(last);
        // Headers alone were looked at so far. What follows the checkpoint may be torn; what stood there before it may not.
        if (end < keep && !this.#isRecovering) log.takeOffline(`segment ${last.base} is damaged at byte ${end}`);
        else if (end < keep) await log.store.truncate(last, end);
        if (log.shortSegment === last) log.shortSegment = null;
      }
    }
    if (log.shortSegment === null || !log.segments.includes(log.shortSegment)) log.shortReason = log.shortSegment = null;
    log.epochs.truncate(log.end);
    log.cleanedTo = Math.min(log.cleanedTo, log.end);
    await this.#rebuildProducers();
    this.#changed();
  }

  /**
   * Recovery cuts a segment whose file a later entry of the WAL had removed before the stop: a deeper cut, or the log start. Until that entry
   * comes, what follows goes into a segment of its own; if none comes, the log is refused.
   */
  #goOnWithout(segment: Segment, offset: number): void {
    const log = this.#log;
    log.io.mark("storage.recovery.cutRemoved");
    log.shortReason = `segment ${segment.base} is missing`;
    log.shortSegment = segment;
    log.end = log.durableEnd = offset;
    log.segments.push(new Segment(offset));
    log.store.expectNoDirectory();
  }

  /** Fills a segment's bookkeeping from its file and moves the log's end; answers with the bytes of whole, valid batches. */
  async #refill(segment: Segment, limit = Infinity): Promise<number> {
    segment.reset();
    let end = segment.base;
    const stop = await this.#log.store.scanValid(segment, segment.written, (header, size) => {
      if (header.baseOffset < end || header.baseOffset + header.lastOffsetDelta >= limit) return false;
      segment.add(
        header.baseOffset + header.lastOffsetDelta,
        header.maxTimestamp,
        size,
        this.#log.settings.indexIntervalBytes,
        header.maxTimestamp,
      );
      this.#log.epochs.assign(header.partitionLeaderEpoch, header.baseOffset);
      this.#log.producers.apply(header);
      end = header.baseOffset + header.lastOffsetDelta + 1;
      return true;
    });
    this.#log.end = this.#log.durableEnd = end;
    return stop;
  }

  /** What is wrong with a segment's file whose size is `found`; null when it has all that was written. */
  async #problemOf({ base, written }: Segment, found: Promise<number>): Promise<string | null> {
    try {
      const size = await found;
      return size < written ? `segment ${base} has ${size} bytes, ${written} were written` : null;
    } catch (error) {
      if (!(error instanceof IoFailed)) throw error;
      if (error.code === "ENOENT") return `segment ${base} is missing`;
      if (!UNUSABLE.has(error.code)) throw error;
      return `segment ${base} cannot be used: ${error.message}`;
    }
  }

  async #isMissing(segment: Segment): Promise<boolean> {
    try {
      await this.#log.store.sizeOf(segment);
      return false;
    } catch (error) {
      if (error instanceof IoFailed && error.code === "ENOENT") return true;
      throw error;
    }
  }

  async #rebuildProducers(): Promise<void> {
    this.#log.producers.clear();
    for (const segment of this.#log.segments) {
      // Recovery: what is not there any more is cut off, or passed by the log start, by a later entry of the WAL.
      if (this.#isRecovering && segment.made && await this.#isMissing(segment)) continue;
      await this.#log.store.scan(segment, 0, segment.written, (bytes, at) => this.#log.producers.apply(readBatchHeader(bytes, at)));
    }
  }
}
