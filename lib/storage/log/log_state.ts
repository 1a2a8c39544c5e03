/**
 * What is known of one log while the node runs: its segments, ends, epochs, producers, and the tail that only memory and WAL have. Shared by the
 * parts that append, read and repair; each of them says what may change when. Opens no file.
 */
import { Closed, type Io } from "../../io/mod.ts";
import type { Uuid } from "../../protocol/ids.ts";
import {
  baseOffsetOf,
  lastOffsetOf,
  leaderEpochOf,
  maxTimestampOf,
  producerIdOf,
  readBatchHeader,
  wholeBatchAt,
} from "../../protocol/records/mod.ts";
import { CorruptLog } from "../errors.ts";
import type { StorageLog, StorageSettings } from "../settings.ts";
import type { LogSettings } from "../types.ts";
import type { SegmentBounds } from "./batch_place.ts";
import { EpochHistory } from "./epochs.ts";
import { type ProducerDump, ProducerStates } from "./producers.ts";
import { Segment, type SegmentDump } from "./segment.ts";
import type { SegmentStore } from "./segment_store.ts";
import { Tail } from "./tail.ts";

/** What a log does to its files once the WAL says so. */
export type LogChange =
  | { readonly kind: "logStart" | "truncate"; readonly offset: number }
  /** Base offsets of the segments that go, and the dump of the one that takes their place. */
  | { readonly kind: "swap"; readonly replaced: readonly number[]; readonly segment: string };

/** A log in the checkpoint. */
export interface LogDump {
  readonly topicId: Uuid;
  readonly partition: number;
  readonly start: number;
  readonly end: number;
  readonly cleanedTo?: number;
  /** Batches below may have gaps between them. */
  readonly sparseTo?: number;
  /** What is below was found without a checkpoint: whether gaps between batches are meant, only the topic's settings tell. */
  readonly rebuiltTo?: number;
  readonly epochs: readonly (readonly [number, number])[];
  readonly producers: readonly ProducerDump[];
  readonly segments: readonly SegmentDump[];
  /** Its entry lies before the WAL that this checkpoint needs, and nothing above shows it yet: to be done after a restart. */
  readonly pending?: LogChange;
}

export class LogState {
  readonly topicId: Uuid;
  readonly partition: number;
  readonly store: SegmentStore;
  readonly tail = new Tail();
  readonly epochs = new EpochHistory();
  readonly producers: ProducerStates;
  /** In offset order; the last one is active. Empty until the first append. */
  segments: Segment[] = [];
  settings: LogSettings;
  start = 0;
  end = 0;
  durableEnd = 0;
  /** Compaction has seen everything below. */
  cleanedTo = 0;
  /** Batches below may have gaps between them for another reason. */
  sparseTo = 0;
  /** Whether compaction has been at what is below is not known: then its settings are to tell. */
  rebuiltTo = 0;
  /** Durable in the WAL, and on its way into everything else. One at a time: changes are made in the log's turn. */
  #pending: LogChange | null = null;
  /** What a checkpoint says while the end is being cut: bookkeeping and files are taken apart then, and only put together at its end. */
  #uncut: LogDump | null = null;
  /** Files are being put in the place of others: until then a segment's name may lead to what its bookkeeping does not know. Never rejects. */
  swapping: Promise<void> | null = null;
  /** How often the end went back. */
  cuts = 0;
  closed = false;
  offlineReason: string | null = null;
  /** Why the active segment's file was too short at the start; a replayed cut may explain it. */
  shortReason: string | null = null;
  /** Whose file that is: one that the log start has passed since is missing by right. */
  shortSegment: Segment | null = null;
  /** The WAL left offsets below out, because of that. */
  gapTo = 0;
  /** One structured line for who operates the node. */
  readonly tell: StorageLog;

  /** For marks. */
  readonly io: Io;

  constructor(io: Io, storage: StorageSettings, topicId: Uuid, partition: number, settings: LogSettings, store: SegmentStore) {
    this.io = io;
    this.tell = storage.log;
    this.topicId = topicId;
    this.partition = partition;
    this.settings = settings;
    this.store = store;
    this.producers = new ProducerStates(storage.producersPerLogMax);
  }

  get sizeBytes(): number {
    let bytes = 0;
    for (const { size } of this.segments) bytes += size;
    return bytes;
  }

  get firstUnstableOffset(): number {
    const open = this.producers.firstOpenOffset;
    return open < 0 ? this.end : open;
  }

  /** The active segment stays, even if all of it is below; when it is rolled, it may go. */
  get hasSegmentsBelowStart(): boolean {
    return this.segments.length > 1 && this.segments[1]!.base <= this.start;
  }

  configure(settings: LogSettings): void {
    this.settings = settings;
    if (settings.cleanupPolicy.compact) this.sparseTo = Math.max(this.sparseTo, this.rebuiltTo);
  }

  /** False when the log starts there already, or later. */
  moveStart(offset: number): boolean {
    if (offset <= this.start) return false;
    this.start = offset;
    if (offset > this.end) this.end = this.durableEnd = offset;
    this.epochs.trim(offset);
    return true;
  }

  /** @throws {CorruptLog} when it is offline. @throws {Closed} */
  check(): void {
    if (this.offlineReason !== null) {
      throw new CorruptLog(`Cannot use partition ${this.partition} of topic ${this.topicId}: it is offline, ${this.offlineReason}`);
    }
    if (this.closed) throw new Closed(`partition ${this.partition} of topic ${this.topicId}`);
  }

  /** The segment that has `offset`, or would have it. */
  segmentOf(offset: number): Segment {
    let low = 0, high = this.segments.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.segments[middle]!.base <= offset) low = middle;
      else high = middle - 1;
    }
    return this.segments[low]!;
  }

  /** First offset behind the segment. */
  endOf(segment: Segment): number {
    return this.segments[this.segments.indexOf(segment) + 1]?.base ?? this.end;
  }

  /** What is known of the segment's batches without its file. */
  boundsOf(segment: Segment): SegmentBounds {
    const isDense = segment.base >= Math.max(this.cleanedTo, this.sparseTo);
    return { base: segment.base, end: this.endOf(segment), isDense, epochs: this.epochs };
  }

  /** One after the other; what fails because the segment was retired meanwhile, or the log deleted, does not count. */
  async eachSegment(work: (segment: Segment) => Promise<void>): Promise<void> {
    for (const segment of [...this.segments]) {
      if (this.closed) return;
      try {
        await work(segment);
      } catch (error) {
        if (this.segments.includes(segment)) this.unlessClosed(error);
      }
    }
  }

  /** The files of a deleted log go while others still work on them. @throws `error` when the log is not closed. */
  unlessClosed(error: unknown): void {
    if (!this.closed) throw error;
    this.io.mark("storage.log.deleted_meanwhile");
  }

  /** Refuses this log and tells why; others go on. */
  takeOffline(reason: string): void {
    if (this.offlineReason !== null) return;
    this.offlineReason = reason;
    this.tell("error", "A partition is offline: put its files back from a backup and start again, or delete the topic", {
      topicId: this.topicId,
      partition: this.partition,
      directory: this.store.directory,
      reason,
    });
  }

  /** Told by the WAL, and about to be worked into everything else. */
  begin(change: LogChange): void {
    this.#pending = change;
    if (change.kind === "truncate") this.#uncut = this.dump();
  }
  /** Nothing but a restart ends a change that failed. */
  finish(): void {
    this.#pending = this.#uncut = null;
  }

  /** State at the durable end, as the checkpoint keeps it. */
  dump(): LogDump {
    if (this.#uncut !== null) return this.#uncut;
    const beyond = new Map<Segment, number>();
    for (const { segment, bytes } of this.tail.pending()) beyond.set(segment, (beyond.get(segment) ?? 0) + bytes.length);
    const segments = this.segments.map((segment): SegmentDump => {
      const [base, size, ...rest] = segment.dump();
      return [base, size - (beyond.get(segment) ?? 0), ...rest];
    }).filter(([base, size], index) => size > 0 || index === 0 || base <= this.durableEnd);
    return {
      topicId: this.topicId,
      partition: this.partition,
      start: this.start,
      end: this.durableEnd,
      cleanedTo: this.cleanedTo,
      sparseTo: this.sparseTo,
      rebuiltTo: this.rebuiltTo,
      epochs: this.epochs.dump(this.start, this.durableEnd),
      producers: this.producers.dump(this.durableEnd),
      segments,
      ...this.#pending === null ? {} : { pending: this.#pending },
    };
  }

  restore({ start, end, cleanedTo, sparseTo, rebuiltTo, epochs, producers, segments }: LogDump): void {
    this.cleanedTo = cleanedTo ?? 0;
    this.sparseTo = sparseTo ?? 0;
    this.rebuiltTo = rebuiltTo ?? 0;
    this.start = start;
    this.end = this.durableEnd = end;
    this.epochs.restore(epochs);
    this.producers.restore(producers);
    this.segments = segments.map((dump) => Segment.restore(dump));
    for (const segment of this.segments) segment.made = segment.size > 0;
  }

  /** The next batches, into every bookkeeping; answers with their place: the active segment, or a new one if that is full. */
  add(bytes: Uint8Array, baseOffset: number, end: number, nowMs: number): { readonly segment: Segment; readonly position: number } {
    let active = this.segments.at(-1);
    if (active === undefined || active.isFullFor(bytes.length, end - 1, this.settings, newestTimestamp(bytes, nowMs))) {
      active?.seal();
      active = new Segment(baseOffset);
      this.segments.push(active);
    }
    const position = active.size;
    for (let at = 0, size; (size = wholeBatchAt(bytes, at)) > 0; at += size) {
      active.add(lastOffsetOf(bytes, at), maxTimestampOf(bytes, at), size, this.settings.indexIntervalBytes, nowMs);
      this.epochs.assign(leaderEpochOf(bytes, at), baseOffsetOf(bytes, at));
      if (producerIdOf(bytes, at) >= 0) this.producers.apply(readBatchHeader(bytes, at));
    }
    this.end = end;
    return { segment: active, position };
  }
}

/** The largest timestamp of the batches, or the time of the append when they have none. */
function newestTimestamp(bytes: Uint8Array, nowMs: number): number {
  let newest = -1;
  for (let at = 0, size; (size = wholeBatchAt(bytes, at)) > 0; at += size) newest = Math.max(newest, maxTimestampOf(bytes, at));
  return newest >= 0 ? newest : nowMs;
}
