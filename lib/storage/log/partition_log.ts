/**
 * One partition's log: gives offsets in call order, hands batches to the commit round, serves readers from memory or segments, and
 * answers for epochs, producers and timestamps. What waits for what: `append` → WAL → `committed` → readable → segment file, later.
 * Validates nothing: CRC and sequence are the caller's business. Sources: KIP-98, KIP-101, KIP-734.
 */
import { Closed, type Deadline, invariant, IoFailed, type Lease } from "../../io/mod.ts";
import type { Uuid } from "../../protocol/ids.ts";
import {
  baseOffsetOf,
  batchSize,
  forEachBatch,
  lastOffsetOf,
  leaderEpochOf,
  maxTimestampOf,
  patchBaseOffset,
  patchLeaderEpoch,
  producerIdOf,
  readBatchHeader,
  wholeBatchAt,
  writeInt32,
} from "../../protocol/records/mod.ts";
import { uuidToBytes } from "../../protocol/wire/mod.ts";
import { CorruptLog, OffsetOutOfRange } from "../errors.ts";
import type { StorageSettings } from "../settings.ts";
import type { ActiveProducer, EpochEnd, LogRead, LogSettings, PartitionLog, SequenceCheck, TimestampOffset } from "../types.ts";
import type { Participant, Round } from "../wal/round.ts";
import { EpochHistory } from "./epochs.ts";
import { type ProducerDump, ProducerStates } from "./producers.ts";
import { Segment, type SegmentDump } from "./segment.ts";
import { NOTHING, SegmentStore, type StoreNeeds } from "./segment_store.ts";
import { Tail } from "./tail.ts";
import { firstAtOrAfter, largestTimestamp, type SearchRange } from "./timestamp_search.ts";

export interface LogNeeds extends StoreNeeds {
  readonly settings: StorageSettings;
  /** May this be appended now? @throws {Overloaded} @throws {DiskFull} @throws {Closed} @throws {StorageFenced} */
  admit(byteLength: number, internal: boolean): void;
  commit(log: StoredLog, baseOffset: number, end: number, bytes: Uint8Array): void;
  /** Writes an entry among the appends; resolves when it is durable. */
  record(write: (round: Round) => void): Promise<void>;
  /** Bytes of `log` are durable and wait in memory for their segment. */
  unwritten(log: StoredLog, byteLength: number, held: boolean): void;
  /** Bytes found their segment, or are not wanted any more. */
  written(byteLength: number, held: boolean): void;
  /** Something changed that the next checkpoint must know. */
  changed(log: StoredLog): void;
}

/** A log in the checkpoint. */
export interface LogDump {
  readonly topicId: Uuid;
  readonly partition: number;
  readonly start: number;
  readonly end: number;
  readonly cleanedTo?: number;
  /** Batches below may have gaps between them. */
  readonly sparseTo?: number;
  readonly epochs: readonly (readonly [number, number])[];
  readonly producers: readonly ProducerDump[];
  readonly segments: readonly SegmentDump[];
}

/** One write to a segment. */
const WRITE_BYTES_MAX = 4 * 1024 * 1024;
const WRITE_CHUNKS_MAX = 1024;
const SCAN_BYTES = 1024 * 1024;
/** A file that gives one of these is damaged, and others may not be: the node serves without it. */
const UNUSABLE = new Set(["EISDIR", "ENOTDIR", "EACCES", "EPERM", "EIO", "ELOOP"]);

export class StoredLog implements PartitionLog, Participant {
  readonly topicId: Uuid;
  readonly partition: number;
  readonly walId: Uint8Array;
  readonly store: SegmentStore;
  round: Round | null = null;
  roundSlot = 0;
  offlineReason: string | null = null;
  /** Compaction has seen everything below. */
  cleanedTo = 0;
  /** Batches below may have gaps between them for another reason. */
  #sparseTo = 0;
  readonly #needs: LogNeeds;
  readonly #tail = new Tail();
  readonly #epochs = new EpochHistory();
  readonly #producers: ProducerStates;
  /** In offset order; the last one is active. Empty until the first append. */
  #segments: Segment[] = [];
  #settings: LogSettings;
  #start = 0;
  #end = 0;
  #durableEnd = 0;
  #closed = false;
  /** By offset, which is the order of the calls; before `#waitersHead` they have been called. */
  readonly #waiters: { readonly offset: number; readonly done: (error: Error | null) => void }[] = [];
  #waitersHead = 0;
  /** Why the active segment's file was too short at the start; a replayed cut may explain it. */
  #shortReason: string | null = null;
  /** Work on the files, one after the other. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(needs: LogNeeds, topicId: Uuid, partition: number, settings: LogSettings, directory: string, exists: boolean) {
    this.#needs = needs;
    this.topicId = topicId;
    this.partition = partition;
    this.#settings = settings;
    this.walId = new Uint8Array(20);
    this.walId.set(uuidToBytes(topicId));
    writeInt32(this.walId, 16, partition);
    this.store = new SegmentStore(needs, directory, exists);
    this.#producers = new ProducerStates(needs.settings.producersPerLogMax);
  }

  get logStartOffset(): number {
    return this.#start;
  }
  get logEndOffset(): number {
    return this.#end;
  }
  get durableEndOffset(): number {
    return this.#durableEnd;
  }
  get latestEpoch(): number {
    return this.#epochs.latest;
  }
  get sizeBytes(): number {
    let bytes = 0;
    for (const { size } of this.#segments) bytes += size;
    return bytes;
  }
  get firstUnstableOffset(): number {
    const open = this.#producers.firstOpenOffset;
    return open < 0 ? this.#end : open;
  }
  get settings(): LogSettings {
    return this.#settings;
  }
  get segments(): readonly Segment[] {
    return this.#segments;
  }
  get producerStates(): ProducerStates {
    return this.#producers;
  }
  get isClosed(): boolean {
    return this.#closed;
  }
  /** Everything below is in the segments' files. */
  get writtenEnd(): number {
    return Math.min(this.#tail.start, this.#durableEnd);
  }
  get hasUnwritten(): boolean {
    return this.#tail.start < this.#durableEnd;
  }

  checkSequence(batch: Uint8Array): SequenceCheck {
    return this.#producers.check(readBatchHeader(batch));
  }

  append(
    bytes: Uint8Array,
    lease: Lease,
    leaderEpoch: number,
    nowWallMs: number,
    internal = false,
  ): { readonly baseOffset: number; readonly lastOffset: number } {
    this.#check();
    this.#needs.admit(bytes.length, internal);
    const baseOffset = this.#end;
    let end = baseOffset;
    let read = 0;
    // No closure: this runs for every batch of every request.
    for (let size; (size = wholeBatchAt(bytes, read)) > 0; read += size) {
      patchBaseOffset(bytes, read, end);
      patchLeaderEpoch(bytes, read, leaderEpoch);
      end = lastOffsetOf(bytes, read) + 1;
    }
    invariant(read === bytes.length && read > 0, "only whole batches are appended");
    const stored = this.#keep(bytes, lease, baseOffset, end, nowWallMs);
    this.#needs.commit(this, baseOffset, end, stored);
    return { baseOffset, lastOffset: end - 1 };
  }

  whenDurable(offset: number, done: (error: Error | null) => void): void {
    if (this.#durableEnd > offset) return done(null);
    this.#waiters.push({ offset, done });
  }

  /** @internal Called by the commit round. */
  committed(end: number): void {
    this.#becomeDurable(end);
    this.#needs.changed(this);
    for (let waiter; (waiter = this.#waiters[this.#waitersHead]) !== undefined && waiter.offset < end;) {
      this.#waitersHead++;
      waiter.done(null);
    }
    if (this.#waitersHead === this.#waiters.length) {
      this.#waiters.length = 0;
      this.#waitersHead = 0;
    } else if (this.#waitersHead > 1024) {
      this.#waiters.splice(0, this.#waitersHead);
      this.#waitersHead = 0;
    }
  }

  /** @internal Called by the commit round. */
  failed(error: Error): void {
    for (const { done } of this.#waiters.splice(0).slice(this.#waitersHead)) done(error);
    this.#waitersHead = 0;
  }

  async read(fromOffset: number, endOffset: number, maxBytes: number, atLeastOne: boolean, deadline: Deadline): Promise<LogRead> {
    this.#check();
    if (fromOffset < this.#start || fromOffset > this.#end) throw new OffsetOutOfRange(fromOffset, this.#start, this.#end);
    let from = fromOffset;
    while (true) {
      const end = Math.min(endOffset, this.#durableEnd);
      if (from >= end) return NOTHING;
      if (this.#tail.start <= from) return this.#tail.read(from, end, maxBytes, atLeastOne);
      const segment = this.#segmentOf(from);
      const read = await this.#readSegment(segment, from, end, maxBytes, atLeastOne, deadline);
      if (read === "again") continue;
      if (read !== null) return read;
      // The rest of the segment was compacted away, or is still in memory.
      const next = this.#segments[this.#segments.indexOf(segment) + 1];
      from = Math.max(from, Math.min(next?.base ?? Infinity, this.#tail.start));
      if (from === Infinity || next === undefined && this.#tail.start > from) return NOTHING;
    }
  }

  async findTimestamp(target: number, endOffset: number, deadline: Deadline): Promise<TimestampOffset | null> {
    this.#check();
    for (const segment of this.#segments) {
      if (segment.maxTimestamp < target || this.#endOf(segment) <= this.#start) continue;
      if (segment.base >= endOffset) break;
      await this.store.loadIndex(segment);
      const from = Math.max(this.#start, segment.base + segment.index.offsetBefore(target));
      const found = await firstAtOrAfter(this, target, this.#range(from, Math.min(endOffset, this.#endOf(segment)), from, deadline));
      if (found !== null) return found;
    }
    return null;
  }

  async maxTimestamp(endOffset: number, deadline: Deadline): Promise<TimestampOffset | null> {
    this.#check();
    let best: TimestampOffset | null = null;
    for (const segment of this.#segments) {
      const end = Math.min(endOffset, this.#endOf(segment));
      const from = Math.max(this.#start, segment.base);
      if (from >= end || segment.maxTimestamp <= (best?.timestamp ?? -1)) continue;
      const { maxTimestampOffset } = segment;
      const known = maxTimestampOffset >= from && maxTimestampOffset < end;
      // Part of the segment is out of the range and may hold its largest timestamp: then only looking helps.
      const range = this.#range(known ? maxTimestampOffset : from, known ? maxTimestampOffset + 1 : end, this.#start, deadline);
      best = await largestTimestamp(this, best, range);
    }
    return best;
  }

  epochEnd(leaderEpoch: number): EpochEnd {
    return this.#epochs.end(leaderEpoch, this.#end);
  }

  epochAt(offset: number): number {
    return this.#epochs.at(offset);
  }

  producers(): readonly ActiveProducer[] {
    return this.#producers.list();
  }

  async advanceLogStart(offset: number, _deadline: Deadline): Promise<void> {
    this.#check();
    if (offset <= this.#start) return;
    if (offset > this.#end) throw new OffsetOutOfRange(offset, this.#start, this.#end);
    await this.#needs.record((round) => round.entries.offset("logStart", this.walId, offset));
    this.moveStart(offset);
    await this.dropBelowStart();
  }

  async truncateTo(offset: number, _deadline: Deadline): Promise<void> {
    this.#check();
    if (offset >= this.#end) return;
    await this.#needs.record((round) => round.entries.offset("truncate", this.walId, offset));
    await this.cut(offset);
  }

  configure(settings: LogSettings): void {
    this.#settings = settings;
  }

  // ── what storage itself does with a log ─────────────────────────────────────────────────────────────────────────────────

  /** Nothing is accepted or read any more; bytes in memory are let go once no round needs them. */
  close(): void {
    this.#closed = true;
  }

  /** Refuses this log and tells why; others go on. */
  takeOffline(reason: string): void {
    if (this.offlineReason !== null) return;
    this.offlineReason = reason;
    this.#needs.settings.log("error", "A partition is offline: put its files back from a backup and start again, or delete the topic", {
      topicId: this.topicId,
      partition: this.partition,
      directory: this.store.directory,
      reason,
    });
  }

  /** Runs `work` on the files after everything that was asked before. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    // The next in turn does not care how this one ended; who asked for it hears of it.
    const next = () => undefined;
    this.#turn = done.then(next, next);
    return done;
  }

  /** Writes what is durable and only in memory to the segments; not synced. */
  flush(): Promise<void> {
    return this.inTurn(() => this.#flush());
  }

  /** Drops what memory holds of a log that is gone. */
  discard(): void {
    for (const { bytes, held, lastOffset } of this.#tail.clear()) {
      if (lastOffset < this.#durableEnd) this.#needs.written(bytes.length, held);
    }
  }

  /** Batches that recovery found in the WAL. Those that the segments have already are skipped. */
  replayAppend(bytes: Uint8Array, baseOffset: number): void {
    let start = 0;
    while (start < bytes.length && lastOffsetOf(bytes, start) < this.#end) start += batchSize(bytes, start);
    if (start === bytes.length) return;
    const rest = bytes.subarray(start);
    const header = readBatchHeader(rest);
    if (header.baseOffset !== this.#end && this.#segments.length > 0) {
      this.#shortReason ??= `the WAL goes on at offset ${baseOffset}, the segments end at ${this.#end}`;
      if (header.baseOffset < this.#end) return;
      // Nobody is served from here, but nothing is dropped either.
      this.#segments.push(new Segment(header.baseOffset));
      this.#end = this.#durableEnd = header.baseOffset;
    }
    if (this.#segments.length === 0) this.#start = this.#end = this.#durableEnd = header.baseOffset;
    let end = this.#end;
    forEachBatch(rest, (at) => {
      end = lastOffsetOf(rest, at) + 1;
    });
    // Copied whatever its size: the bytes are a window of the WAL that moves on.
    this.#keep(rest, null, this.#end, end, this.#needs.io.clock.wall());
    this.#becomeDurable(end);
    this.#needs.changed(this);
  }

  moveStart(offset: number): void {
    if (offset <= this.#start) return;
    this.#start = offset;
    if (offset > this.#end) this.#end = this.#durableEnd = offset;
    this.#epochs.trim(offset);
    this.#needs.changed(this);
  }

  /** Retires segments that lie wholly below the log start; their files are deleted after the delay that the topic asks for. */
  dropBelowStart(countMax = Infinity): Promise<number> {
    return this.inTurn(async () => {
      let count = 0;
      while (count < countMax && this.#segments.length > 1 && this.#segments[1]!.base <= this.#start) {
        await this.#flush();
        const segment = this.#segments.shift()!;
        if (segment.made) await this.#retire(segment);
        count++;
      }
      if (count > 0) this.#needs.changed(this);
      return count;
    });
  }

  expireProducers(oldestMs: number): void {
    if (this.#producers.expire(oldestMs) > 0) this.#needs.changed(this);
  }

  /** A swap that compaction had announced before the stop: finished now if it was not. */
  async replaySwap(replaced: readonly number[], dump: SegmentDump): Promise<void> {
    const segment = Segment.restore(dump);
    const at = this.#segments.findIndex(({ base }) => base === replaced[0]);
    if (at < 0) return;
    const old = this.#segments.slice(at, at + replaced.length);
    await this.store.finishSwap(old, segment);
    await this.store.rebuildIndex(segment);
    this.#segments.splice(at, old.length, segment);
    this.#sparseTo = Math.max(this.#sparseTo, this.#endOf(segment));
    this.#needs.changed(this);
  }

  /** Ends the active segment, so that retention and compaction may have it. */
  roll(): void {
    const active = this.#segments.at(-1);
    if (active === undefined || active.size === 0) return;
    active.seal();
    this.#segments.push(new Segment(this.#end));
    this.#needs.changed(this);
  }

  /**
   * Puts a compacted segment, whose swap file is synced, in the place of those it was made from; false when they are not all there any more.
   * The WAL says so first: from then on a restart finishes it.
   */
  swap(replaced: readonly Segment[], segment: Segment, cleanedTo: number): Promise<boolean> {
    return this.inTurn(async () => {
      const at = this.#segments.indexOf(replaced[0]!);
      if (this.#closed || at < 0 || replaced.some((one, index) => this.#segments[at + index] !== one)) return false;
      const bases = replaced.map(({ base }) => base);
      await this.#needs.record((round) => round.entries.swap(this.walId, bases, JSON.stringify(segment.dump())));
      await this.store.finishSwap(replaced, segment);
      this.#segments.splice(at, replaced.length, segment);
      this.cleanedTo = cleanedTo;
      this.#needs.changed(this);
      return true;
    });
  }

  /** Removes everything at and behind `offset`; a batch that contains it goes whole. */
  cut(offset: number): Promise<void> {
    return this.inTurn(async () => {
      this.#shortReason = null;
      this.failed(new Closed(`what partition ${this.partition} of topic ${this.topicId} had from offset ${offset} on`));
      await this.#flush();
      while (this.#segments.length > 1 && this.#segments.at(-1)!.base >= offset) {
        const segment = this.#segments.pop()!;
        if (segment.made) await this.store.remove(segment, false);
      }
      const last = this.#segments.at(-1);
      if (last !== undefined && last.base > offset) {
        if (last.made) await this.store.remove(last, false);
        this.#segments = [];
        this.#start = this.#end = this.#durableEnd = offset;
      } else if (last !== undefined && last.made) {
        const keep = await this.store.scan(last, 0, last.written, (bytes, at) => lastOffsetOf(bytes, at) < offset);
        await this.store.truncate(last, keep);
        await this.#refill(last);
      }
      this.#epochs.truncate(this.#end);
      await this.#rebuildProducers();
      this.#needs.changed(this);
    });
  }

  /** State at the durable end, as the checkpoint keeps it. */
  dump(): LogDump {
    const beyond = new Map<Segment, number>();
    for (const { segment, bytes } of this.#tail.pending()) beyond.set(segment, (beyond.get(segment) ?? 0) + bytes.length);
    const segments = this.#segments.map((segment): SegmentDump => {
      const [base, size, ...rest] = segment.dump();
      return [base, size - (beyond.get(segment) ?? 0), ...rest];
    }).filter(([base, size], index) => size > 0 || index === 0 || base <= this.#durableEnd);
    return {
      topicId: this.topicId,
      partition: this.partition,
      start: this.#start,
      end: this.#durableEnd,
      cleanedTo: this.cleanedTo,
      sparseTo: this.#sparseTo,
      epochs: this.#epochs.dump(this.#durableEnd),
      producers: this.#producers.dump(this.#durableEnd),
      segments,
    };
  }

  restore({ start, end, cleanedTo, sparseTo, epochs, producers, segments }: LogDump): void {
    this.cleanedTo = cleanedTo ?? 0;
    this.#sparseTo = sparseTo ?? 0;
    this.#start = start;
    this.#end = this.#durableEnd = end;
    this.#epochs.restore(epochs);
    this.#producers.restore(producers);
    this.#segments = segments.map((dump) => Segment.restore(dump));
    for (const segment of this.#segments) segment.made = segment.size > 0;
  }

  /** Brings the files back to what the checkpoint says: what they hold behind it is worth nothing until the WAL confirms it. */
  async trimToCheckpoint(): Promise<void> {
    await this.store.removeOthers(this.#segments, true);
    const last = this.#segments.at(-1);
    if (last === undefined || !last.made) return;
    this.#shortReason = await this.#problemOf(last, this.store.restoreSize(last));
    if (this.#shortReason === null) return;
    // What the WAL has behind it goes into a segment of its own: the file is left as it is, and nothing is lost when it is put back.
    this.#segments.push(new Segment(this.#end));
    this.store.expectNoDirectory();
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

  /** The WAL has been replayed: a file that was too short, and not because its end had been cut off, is missing something. */
  endRecovery(): void {
    if (this.#shortReason !== null) this.takeOffline(this.#shortReason);
  }

  /** Looks for what recovery has no time for: missing segments, and files that nobody needs. */
  inspect(): Promise<void> {
    return this.inTurn(async () => {
      if (this.#closed || this.offlineReason !== null || !this.store.isMade) return;
      await this.store.removeOthers(this.#segments, false);
      for (const segment of this.#segments) {
        const problem = segment.made ? await this.#problemOf(segment, this.store.sizeOf(segment)) : null;
        if (problem !== null) return this.takeOffline(problem);
      }
    });
  }

  /** Reads everything from segments found on disk: for a data directory whose checkpoint is missing. */
  async rebuild(bases: readonly number[]): Promise<void> {
    this.#segments = bases.map((base) => new Segment(base));
    this.#start = this.#end = bases[0] ?? 0;
    for (const [index, segment] of this.#segments.entries()) {
      segment.made = true;
      segment.written = await this.store.sizeOf(segment);
      if (segment.base < this.#end) {
        throw new CorruptLog(
          `Cannot recover: "${
            this.store.path(segment, ".log")
          }" overlaps the file before it. Restore the folder from a backup; nothing was changed`,
        );
      }
      const size = segment.written;
      const next = this.#segments[index + 1];
      const end = await this.#refill(segment, next?.base);
      if (end === size) continue;
      const behind = next === undefined ? await this.store.endBehind(segment, end, size) : next.base;
      if (behind < 0) {
        await this.store.truncate(segment, end);
        continue;
      }
      // Not a torn end: the damage stays where it is, is refused to readers, and the log goes on behind it.
      this.#needs.settings.log("error", "A segment is damaged: what it covers cannot be read", {
        path: this.store.path(segment, ".log"),
        position: end,
      });
      segment.size = size;
      this.#end = Math.max(this.#end, behind);
      if (next !== undefined) continue;
      this.#segments.push(new Segment(this.#end));
      break;
    }
    this.#durableEnd = this.#end;
    this.#needs.changed(this);
  }

  /** The dirty segments and their names, synced: nothing of what is written now depends on the WAL any more. */
  async syncFiles(): Promise<void> {
    for (const segment of [...this.#segments]) {
      try {
        await this.store.sync(segment);
        await this.store.writeIndex(segment, segment === this.#segments.at(-1));
      } catch (error) {
        // Retired meanwhile: nobody needs it.
        if (!this.#segments.includes(segment)) continue;
        throw error;
      }
    }
    await this.store.syncNames();
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

  #check(): void {
    if (this.offlineReason !== null) {
      throw new CorruptLog(`Cannot use partition ${this.partition} of topic ${this.topicId}: it is offline, ${this.offlineReason}`);
    }
    if (this.#closed) throw new Closed(`partition ${this.partition} of topic ${this.topicId}`);
  }

  /** Takes the batches into the tail and every bookkeeping; answers with the bytes as they are kept. */
  #keep(bytes: Uint8Array, lease: Lease | null, baseOffset: number, end: number, nowMs: number): Uint8Array {
    let active = this.#segments.at(-1);
    if (active === undefined || active.isFullFor(bytes.length, end - 1, this.#settings, newestTimestamp(bytes, nowMs))) {
      active?.seal();
      active = new Segment(baseOffset);
      this.#segments.push(active);
    }
    const position = active.size;
    for (let at = 0, size; (size = wholeBatchAt(bytes, at)) > 0; at += size) {
      active.add(lastOffsetOf(bytes, at), maxTimestampOf(bytes, at), size, this.#settings.indexIntervalBytes, nowMs);
      this.#epochs.assign(leaderEpochOf(bytes, at), baseOffsetOf(bytes, at));
      if (producerIdOf(bytes, at) >= 0) this.#producers.apply(readBatchHeader(bytes, at));
    }
    this.#end = end;
    const held = lease !== null && bytes.length > this.#needs.settings.copyBytesMax;
    let kept = bytes;
    let owner = lease;
    if (held) lease.retain();
    else {
      const piece = this.#needs.pool.take(bytes.length);
      piece.bytes.set(bytes);
      kept = piece.bytes;
      owner = piece;
    }
    this.#tail.push({ baseOffset, lastOffset: end - 1, bytes: kept, lease: owner!, held, segment: active, position });
    return kept;
  }

  #becomeDurable(end: number): void {
    this.#durableEnd = end;
    this.#tail.advance(end, ({ bytes, held }) => this.#needs.unwritten(this, bytes.length, held));
  }

  async #flush(): Promise<void> {
    while (!this.#closed) {
      const run = this.#tail.next(this.#durableEnd, WRITE_BYTES_MAX, WRITE_CHUNKS_MAX);
      const first = run[0];
      if (first === undefined) return;
      invariant(first.position === first.segment.written, "a segment is written without gaps");
      let byteLength = 0;
      for (const { bytes } of run) byteLength += bytes.length;
      await this.store.write(first.segment, run.map(({ bytes }) => bytes), byteLength);
      this.#tail.shift(run.length);
      for (const { bytes, held } of run) this.#needs.written(bytes.length, held);
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
      const bounds = { end: this.#endOf(segment), isDense: segment.base >= Math.max(this.cleanedTo, this.#sparseTo) };
      const read = await this.store.read(segment, bounds, from, end, maxBytes, atLeastOne, deadline);
      if (this.#segments.includes(segment)) return read;
      read?.lease.release();
    } catch (error) {
      if (this.#segments.includes(segment)) {
        if (error instanceof CorruptLog) this.#tellOnce(segment, error);
        if (error instanceof IoFailed && error.code === "ENOENT") this.takeOffline(`segment ${segment.base} is missing`);
        else throw error;
      }
    }
    // Retired or compacted while it was read.
    this.#check();
    if (from < this.#start) throw new OffsetOutOfRange(from, this.#start, this.#end);
    return "again";
  }

  /** Each reader is told; the log has one line a segment. */
  #tellOnce(segment: Segment, error: CorruptLog): void {
    if (segment.isDamageTold) return;
    segment.isDamageTold = true;
    this.#needs.settings.log("error", "Cannot serve damaged records", { partition: this.partition, cause: error.message });
  }

  #segmentOf(offset: number): Segment {
    let low = 0, high = this.#segments.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#segments[middle]!.base <= offset) low = middle;
      else high = middle - 1;
    }
    return this.#segments[low]!;
  }

  #endOf(segment: Segment): number {
    return this.#segments[this.#segments.indexOf(segment) + 1]?.base ?? this.#end;
  }

  #range(from: number, end: number, least: number, deadline: Deadline): SearchRange {
    return { from, end, least, deadline, decompressedBytesMax: this.#needs.settings.decompressedBytesMax };
  }

  /** Fills a segment's bookkeeping from its file and moves the log's end; answers with the bytes of whole, valid batches. */
  async #refill(segment: Segment, limit = Infinity): Promise<number> {
    segment.reset();
    let end = segment.base;
    const stop = await this.store.scanValid(segment, segment.written, (header, size) => {
      if (header.baseOffset < end || header.baseOffset + header.lastOffsetDelta >= limit) return false;
      if (header.baseOffset > end) this.#sparseTo = header.baseOffset;
      segment.add(
        header.baseOffset + header.lastOffsetDelta,
        header.maxTimestamp,
        size,
        this.#settings.indexIntervalBytes,
        header.maxTimestamp,
      );
      this.#epochs.assign(header.partitionLeaderEpoch, header.baseOffset);
      this.#producers.apply(header);
      end = header.baseOffset + header.lastOffsetDelta + 1;
      return true;
    });
    this.#end = this.#durableEnd = end;
    return stop;
  }

  async #rebuildProducers(): Promise<void> {
    this.#producers.clear();
    for (const segment of this.#segments) {
      await this.store.scan(segment, 0, segment.written, (bytes, at) => this.#producers.apply(readBatchHeader(bytes, at)));
    }
  }

  async #retire(segment: Segment): Promise<void> {
    await this.store.retire(segment);
    this.#needs.io.timers.after(this.#settings.fileDeleteDelayMs, () => {
      this.store.remove(segment, true).catch((error: unknown) => {
        this.#needs.settings.log("warn", "Cannot delete a retired segment: the next start tries again", { cause: String(error) });
      });
    }, false);
  }
}

/** The largest timestamp of the batches, or the time of the append when they have none. */
function newestTimestamp(bytes: Uint8Array, nowMs: number): number {
  let newest = -1;
  for (let at = 0, size; (size = wholeBatchAt(bytes, at)) > 0; at += size) newest = Math.max(newest, maxTimestampOf(bytes, at));
  return newest >= 0 ? newest : nowMs;
}
