/**
 * One partition's log: gives offsets in call order, hands batches to the commit round, serves readers from memory or segments, and
 * answers for epochs, producers and timestamps. What waits for what: `append` → WAL → `committed` → readable → segment file, later.
 * Validates nothing: CRC and sequence are the caller's business. Sources: KIP-98, KIP-101, KIP-734.
 */
import { type Deadline, invariant, type Lease } from "../../io/mod.ts";
import type { Uuid } from "../../protocol/ids.ts";
import {
  batchSize,
  forEachBatch,
  lastOffsetOf,
  patchBaseOffset,
  patchLeaderEpoch,
  readBatchHeader,
  wholeBatchAt,
  writeInt32,
} from "../../protocol/records/mod.ts";
import { uuidToBytes } from "../../protocol/wire/mod.ts";
import { OffsetOutOfRange } from "../errors.ts";
import type { ActiveProducer, EpochEnd, LogRead, LogSettings, PartitionLog, SequenceCheck, TimestampOffset } from "../types.ts";
import type { Participant, Round } from "../wal/round.ts";
import type { SegmentBounds } from "./batch_place.ts";
import { DurableWaiters } from "./durable_waiters.ts";
import { LogChanges } from "./log_changes.ts";
import type { LogNeeds } from "./log_needs.ts";
import { LogReads } from "./log_reads.ts";
import { LogRepair } from "./log_repair.ts";
import { type LogDump, LogState } from "./log_state.ts";
import type { ProducerStates } from "./producers.ts";
import { Segment } from "./segment.ts";
import { SegmentStore } from "./segment_store.ts";

/** One write to a segment. */
const WRITE_BYTES_MAX = 4 * 1024 * 1024;
const WRITE_CHUNKS_MAX = 1024;
export class StoredLog implements PartitionLog, Participant {
  readonly topicId: Uuid;
  readonly partition: number;
  readonly walId: Uint8Array;
  readonly store: SegmentStore;
  /** For recovery, which runs before the log serves; while it serves, use `cut` and `inspect`. */
  readonly repair: LogRepair;
  round: Round | null = null;
  roundSlot = 0;
  readonly #needs: LogNeeds;
  readonly #state: LogState;
  readonly #reads: LogReads;
  readonly #changes: LogChanges;
  readonly #waiters = new DurableWaiters();
  /** Work on the files, one after the other. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(needs: LogNeeds, topicId: Uuid, partition: number, settings: LogSettings, directory: string, exists: boolean) {
    this.#needs = needs;
    this.topicId = topicId;
    this.partition = partition;
    this.walId = new Uint8Array(20);
    this.walId.set(uuidToBytes(topicId));
    writeInt32(this.walId, 16, partition);
    this.store = new SegmentStore(needs, directory, exists);
    this.#state = new LogState(needs.io, needs.settings, topicId, partition, settings, this.store);
    this.#reads = new LogReads(this.#state, needs.settings.decompressedBytesMax);
    this.repair = new LogRepair(this.#state, () => needs.changed(this));
    this.#changes = new LogChanges(needs, this, this.#state, this.repair, () => this.#flush());
  }

  get logStartOffset(): number {
    return this.#state.start;
  }
  get logEndOffset(): number {
    return this.#state.end;
  }
  get durableEndOffset(): number {
    return this.#state.durableEnd;
  }
  get offlineReason(): string | null {
    return this.#state.offlineReason;
  }
  /** Compaction has seen everything below. */
  get cleanedTo(): number {
    return this.#state.cleanedTo;
  }
  get latestEpoch(): number {
    return this.#state.epochs.latest;
  }
  get sizeBytes(): number {
    return this.#state.sizeBytes;
  }
  get firstUnstableOffset(): number {
    return this.#state.firstUnstableOffset;
  }
  get settings(): LogSettings {
    return this.#state.settings;
  }
  get hasSegmentsBelowStart(): boolean {
    return this.#state.hasSegmentsBelowStart;
  }
  get segments(): readonly Segment[] {
    return this.#state.segments;
  }
  /** What is known of the segment's batches without its file. */
  boundsOf(segment: Segment): SegmentBounds {
    return this.#state.boundsOf(segment);
  }
  get producerStates(): ProducerStates {
    return this.#state.producers;
  }
  get isClosed(): boolean {
    return this.#state.closed;
  }
  get cuts(): number {
    return this.#state.cuts;
  }
  /** Everything below is in the segments' files. */
  get writtenEnd(): number {
    return Math.min(this.#state.tail.start, this.#state.durableEnd);
  }
  get hasUnwritten(): boolean {
    return this.#state.tail.start < this.#state.durableEnd;
  }

  checkSequence(batch: Uint8Array): SequenceCheck {
    return this.#state.producers.check(readBatchHeader(batch));
  }

  append(
    bytes: Uint8Array,
    lease: Lease,
    leaderEpoch: number,
    nowWallMs: number,
    internal = false,
  ): { readonly baseOffset: number; readonly lastOffset: number } {
    this.#state.check();
    this.#needs.admit(bytes.length, internal);
    const baseOffset = this.#state.end;
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
    if (this.#state.durableEnd > offset) return done(null);
    this.#waiters.push(offset, done);
  }

  /** @internal Called by the commit round. */
  committed(end: number): void {
    this.#becomeDurable(end);
    this.#needs.changed(this);
    this.#waiters.passed(end);
  }

  /** @internal Called by the commit round. */
  failed(error: Error): void {
    this.#waiters.failAll(error);
  }

  read(fromOffset: number, endOffset: number, maxBytes: number, atLeastOne: boolean, deadline: Deadline): Promise<LogRead> {
    return this.#reads.read(fromOffset, endOffset, maxBytes, atLeastOne, deadline);
  }

  findTimestamp(target: number, endOffset: number, deadline: Deadline): Promise<TimestampOffset | null> {
    return this.#reads.findTimestamp(target, endOffset, deadline);
  }

  maxTimestamp(endOffset: number, deadline: Deadline): Promise<TimestampOffset | null> {
    return this.#reads.maxTimestamp(endOffset, deadline);
  }

  /** Batches from `from` to `end` in offset order, a piece at a time; `visit` answers false to stop. */
  scan(
    from: number,
    end: number,
    deadline: Deadline,
    visit: (bytes: Uint8Array, at: number, size: number) => boolean | void,
  ): Promise<void> {
    return this.#reads.scan(from, end, deadline, visit);
  }

  epochEnd(leaderEpoch: number): EpochEnd {
    return this.#state.epochs.end(leaderEpoch, this.#state.end);
  }

  epochAt(offset: number): number {
    return this.#state.epochs.at(offset);
  }

  producers(): readonly ActiveProducer[] {
    return this.#state.producers.list();
  }

  async advanceLogStart(offset: number, _deadline: Deadline): Promise<void> {
    this.#state.check();
    if (offset > this.#state.end) throw new OffsetOutOfRange(offset, this.#state.start, this.#state.end);
    await this.#changes.advanceStart(offset);
  }

  async truncateTo(offset: number, _deadline: Deadline): Promise<void> {
    this.#state.check();
    await this.#changes.truncate(offset);
  }

  configure(settings: LogSettings): void {
    this.#state.configure(settings);
  }

  // ── what storage itself does with a log ─────────────────────────────────────────────────────────────────────────────────

  /** Nothing is accepted or read any more; bytes in memory are let go once no round needs them. */
  close(): void {
    this.#state.closed = true;
  }

  /** Refuses this log and tells why; others go on. */
  takeOffline(reason: string): void {
    this.#state.takeOffline(reason);
  }

  /** State at the durable end, as the checkpoint keeps it. */
  dump(): LogDump {
    return this.#state.dump();
  }

  restore(dump: LogDump): void {
    this.#state.restore(dump);
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
    for (const { bytes, held, lastOffset } of this.#state.tail.clear()) {
      if (lastOffset < this.#state.durableEnd) this.#needs.written(bytes.length, held);
    }
  }

  /** Batches that recovery found in the WAL. Those that the segments have already are skipped. */
  replayAppend(bytes: Uint8Array, baseOffset: number): void {
    let start = 0;
    while (start < bytes.length && lastOffsetOf(bytes, start) < this.#state.end) start += batchSize(bytes, start);
    if (start === bytes.length) return;
    const rest = bytes.subarray(start);
    const header = readBatchHeader(rest);
    if (header.baseOffset !== this.#state.end && this.#state.segments.length > 0) {
      this.#state.shortReason ??= `the WAL goes on at offset ${baseOffset}, the segments end at ${this.#state.end}`;
      if (header.baseOffset < this.#state.end) return;
      // Nobody is served from here, but nothing is dropped either.
      this.#state.segments.push(new Segment(header.baseOffset));
      this.#state.gapTo = header.baseOffset;
      this.#state.end = this.#state.durableEnd = header.baseOffset;
    }
    if (this.#state.segments.length === 0) this.#state.start = this.#state.end = this.#state.durableEnd = header.baseOffset;
    let end = this.#state.end;
    forEachBatch(rest, (at) => {
      end = lastOffsetOf(rest, at) + 1;
    });
    // Copied whatever its size: the bytes are a window of the WAL that moves on.
    this.#keep(rest, null, this.#state.end, end, this.#needs.io.clock.wall());
    this.#becomeDurable(end);
    this.#needs.changed(this);
  }

  moveStart(offset: number): void {
    if (this.#state.moveStart(offset)) this.#needs.changed(this);
  }

  dropBelowStart(): Promise<void> {
    return this.#changes.dropBelowStart();
  }

  expireProducers(oldestMs: number): void {
    if (this.#state.producers.expire(oldestMs) > 0) this.#needs.changed(this);
  }

  /** Ends the active segment, so that retention and compaction may have it. */
  roll(): void {
    const active = this.#state.segments.at(-1);
    if (active === undefined || active.size === 0) return;
    active.seal();
    this.#state.segments.push(new Segment(this.#state.end));
    this.#needs.changed(this);
  }

  /**
   * Puts a compacted segment, whose swap file is synced, in the place of those it was made from; false when they are not all there any more.
   * The WAL says so first: from then on a restart finishes it.
   */
  swap(replaced: readonly Segment[], segment: Segment, cleanedTo: number, cuts: number): Promise<boolean> {
    return this.#changes.swap(replaced, segment, cleanedTo, cuts);
  }

  /** Removes everything at and behind `offset`; a batch that contains it goes whole. */
  cut(offset: number): Promise<void> {
    return this.#changes.cut(offset);
  }

  /** Looks for what recovery has no time for: missing segments, and files that nobody needs. */
  inspect(): Promise<void> {
    return this.inTurn(() => this.repair.inspect());
  }

  /** The dirty segments and their names, synced: nothing of what is written now depends on the WAL any more. */
  async syncFiles(): Promise<void> {
    await this.#state.eachSegment((segment) => this.store.sync(segment));
    await this.store.syncNames().catch((error: unknown) => this.#state.unlessClosed(error));
  }

  /** Index entries of what is written to the segments: not synced. A `dump` from here on counts them. */
  writeIndexes(): Promise<void> {
    return this.#state.eachSegment(async (segment) => {
      await this.store.index.write(segment, segment === this.#state.segments.at(-1));
      // Retired meanwhile: what was written after its files were out of the way is nobody's.
      if (!this.#state.segments.some(({ base }) => base === segment.base)) await this.store.removeIndexes(segment);
    });
  }

  /** Background work on the files: what fails because the log was deleted meanwhile does not count. */
  async unlessClosed(work: () => Promise<unknown>): Promise<void> {
    try {
      if (!this.isClosed) await work();
    } catch (error) {
      if (!this.isClosed) throw error;
      this.#needs.io.mark("storage.log.deleted_meanwhile");
    }
  }

  /** Into the tail and every bookkeeping; answers with the bytes as they are kept. */
  #keep(bytes: Uint8Array, lease: Lease | null, baseOffset: number, end: number, nowMs: number): Uint8Array {
    const { segment, position } = this.#state.add(bytes, baseOffset, end, nowMs);
    const place = { baseOffset, lastOffset: end - 1, segment, position };
    if (lease !== null && bytes.length > this.#needs.settings.copyBytesMax) {
      lease.retain();
      this.#state.tail.push({ ...place, bytes, lease, held: true });
      return bytes;
    }
    const copy = this.#needs.pool.take(bytes.length);
    copy.bytes.set(bytes);
    this.#state.tail.push({ ...place, bytes: copy.bytes, lease: copy, held: false });
    return copy.bytes;
  }

  #becomeDurable(end: number): void {
    this.#state.durableEnd = end;
    this.#state.tail.advance(end, ({ bytes, held }) => this.#needs.unwritten(this, bytes.length, held));
  }

  async #flush(): Promise<void> {
    while (!this.#state.closed) {
      const run = this.#state.tail.next(this.#state.durableEnd, WRITE_BYTES_MAX, WRITE_CHUNKS_MAX);
      const first = run[0];
      if (first === undefined) return;
      invariant(first.position === first.segment.written, "a segment is written without gaps");
      let byteLength = 0;
      for (const { bytes } of run) byteLength += bytes.length;
      await this.store.write(first.segment, run.map(({ bytes }) => bytes), byteLength);
      this.#state.tail.shift(run.length);
      for (const { bytes, held } of run) this.#needs.written(bytes.length, held);
    }
  }
}
