/**
 * `cleanup.policy=compact`: of all records of a key the latest is kept. Works on closed segments only, a group at a time: a map of the latest
 * offset of each key in what is new, then every older segment is rewritten by it into a swap file that takes the place of the old ones.
 * Offsets never change, the active segment is never touched. Sources: KIP-58 (lag), KIP-354 (max lag), KIP-534 (delete horizon).
 *
 * Not done: records of aborted transactions stay, and so do markers (there are no transactions yet).
 */
import {
  baseOffsetOf,
  BATCH_HEADER_BYTES,
  type BatchHeader,
  batchSize,
  compress,
  compressionOf,
  CorruptRecords,
  decodeBatch,
  type DecodedRecord,
  DecompressionLimitExceeded,
  encodeRecords,
  hasDeleteHorizon,
  hasLogAppendTime,
  hasValidCrc,
  isControl,
  lastOffsetOf,
  maxTimestampOf,
  patchCrc,
  readBatchHeader,
  readInt16,
  writeInt16,
  writeInt32,
  writeInt64,
} from "../protocol/records/mod.ts";
import { misplaced } from "./log/batch_place.ts";
import { CorruptLog } from "./errors.ts";
import type { StoredLog } from "./log/partition_log.ts";
import { Segment } from "./log/segment.ts";
import type { StorageSettings } from "./settings.ts";

export interface CompactionPlan {
  readonly log: StoredLog;
  /** Closed segments from the first one on, up to where the lag allows. */
  readonly segments: readonly Segment[];
  /** What is behind `cleanedTo` must be looked at. */
  readonly endOffset: number;
  /** Of the log by then: what was planned before another one says nothing of what is there after it. */
  readonly cuts: number;
}

/** Memory of a map entry beside its key. */
const ENTRY_BYTES = 64;
const WRITE_BYTES = 1024 * 1024;
const DELETE_HORIZON = 0x40;
const COMPRESSION_MASK = 0x07;

/** Null when there is nothing worth doing: too little is dirty, or too young. */
export function planCompaction(log: StoredLog, nowMs: number): CompactionPlan | null {
  const { cleanupPolicy, minCompactionLagMs, maxCompactionLagMs, minCleanableDirtyRatio } = log.settings;
  if (!cleanupPolicy.compact || log.offlineReason !== null || log.isClosed) return null;
  const limit = Math.min(log.firstUnstableOffset, log.durableEndOffset);
  const active = log.segments.at(-1);
  if (active !== undefined && nowMs - active.firstTimestamp > Math.min(maxCompactionLagMs, log.settings.segmentMs)) log.roll();
  const segments: Segment[] = [];
  let endOffset = 0, dirtyBytes = 0, bytes = 0, oldestDirtyMs = Infinity;
  for (const [index, segment] of log.segments.entries()) {
    const next = log.segments[index + 1];
    if (next === undefined || next.base > limit || minCompactionLagMs > 0 && segment.maxTimestamp > nowMs - minCompactionLagMs) break;
    segments.push(segment);
    bytes += segment.size;
    endOffset = next.base;
    if (next.base <= log.cleanedTo) continue;
    dirtyBytes += segment.size;
    oldestDirtyMs = Math.min(oldestDirtyMs, segment.firstTimestamp);
  }
  const isDue = dirtyBytes > 0 && (dirtyBytes / bytes >= minCleanableDirtyRatio || nowMs - oldestDirtyMs > maxCompactionLagMs);
  return isDue ? { log, segments, endOffset, cuts: log.cuts } : null;
}

/** Rewrites the planned segments. A damaged one takes the log offline; nothing is changed then. */
export async function compact(settings: StorageSettings, plan: CompactionPlan, nowMs: number): Promise<void> {
  const { log, segments, endOffset, cuts } = plan;
  await log.flush();
  try {
    const { latest, coveredTo } = await latestOffsets(settings, log, segments, endOffset);
    const kept = new Kept(settings, log, latest, coveredTo, nowMs);
    const groups = groupsOf(segments.filter(({ base }) => base < coveredTo), log.settings.segmentBytes);
    for (const group of groups) {
      // A key that the next compaction does not look for again must have gone from all of them: or its tombstone goes, and it is back.
      const cleanedTo = group === groups.at(-1) ? coveredTo : log.cleanedTo;
      if (log.isClosed || !await rewrite(plan, group, kept, cleanedTo)) return;
    }
  } catch (error) {
    // It ends where it was cut, while it was read.
    if (error instanceof CorruptLog && log.cuts !== cuts) return;
    if (error instanceof CorruptLog) log.takeOffline(error.message);
    else if (error instanceof TooLarge) {
      settings.log("warn", TOO_LARGE, { log: log.store.directory, offset: error.offset, cause: error.message });
    } else throw error;
  }
}

const TOO_LARGE = "A log cannot be compacted: a batch of it becomes too large when it is decompressed";

/** Its keys are not known, so no tombstone behind it may ever go: the log stays as it is. */
class TooLarge extends Error {
  constructor(readonly offset: number, { message }: DecompressionLimitExceeded) {
    super(message);
  }
}

/**
 * Null for a batch that no reader can open either: it stays where it is. The broker believes the header of a compressed batch (HAZARDS N5), so
 * a client may have sent anything. @throws {TooLarge}
 */
function recordsOf(bytes: Uint8Array, at: number, { decompressedBytesMax }: StorageSettings): readonly DecodedRecord[] | null {
  try {
    return decodeBatch(bytes, at, decompressedBytesMax);
  } catch (error) {
    if (error instanceof CorruptRecords) return null;
    throw error instanceof DecompressionLimitExceeded ? new TooLarge(baseOffsetOf(bytes, at), error) : error;
  }
}

/** The latest offset of each key from `cleanedTo` on; it may end early, at `coveredTo`, when the memory for it is used up. */
async function latestOffsets(
  settings: StorageSettings,
  log: StoredLog,
  segments: readonly Segment[],
  endOffset: number,
): Promise<{ readonly latest: Map<string, number>; readonly coveredTo: number }> {
  const latest = new Map<string, number>();
  let bytes = 0;
  let coveredTo = endOffset;
  for (const [index, segment] of segments.entries()) {
    const end = segments[index + 1]?.base ?? endOffset;
    if (end <= log.cleanedTo) continue;
    await scanChecked(log, segment, (batch, at, header) => {
      if (isControl(header) || header.baseOffset + header.lastOffsetDelta < log.cleanedTo) return true;
      if (bytes > settings.compactionBufferBytes) {
        coveredTo = header.baseOffset;
        return false;
      }
      for (const { key, offset } of recordsOf(batch, at, settings) ?? []) {
        if (key === null) continue;
        const text = textOf(key);
        if (!latest.has(text)) bytes += text.length + ENTRY_BYTES;
        latest.set(text, offset);
      }
      return true;
    });
    if (coveredTo < endOffset) break;
  }
  return { latest, coveredTo };
}

/** Neighbours that fit into one segment together. */
function groupsOf(segments: readonly Segment[], bytesMax: number): Segment[][] {
  const groups: Segment[][] = [];
  let bytes = Infinity;
  for (const segment of segments) {
    bytes += segment.size;
    const group = groups.at(-1);
    if (group === undefined || bytes > bytesMax || segment.base - group[0]!.base > 2 ** 31 - 1) {
      groups.push([segment]);
      bytes = segment.size;
    } else group.push(segment);
  }
  return groups;
}

/** One group into one segment; false when the log has moved on and the group is no more. */
async function rewrite({ log, cuts }: CompactionPlan, group: readonly Segment[], kept: Kept, cleanedTo: number): Promise<boolean> {
  const segment = new Segment(group[0]!.base);
  let chunks: Uint8Array[] = [];
  let waiting = 0;
  const add = (bytes: Uint8Array): void => {
    segment.add(lastOffsetOf(bytes), maxTimestampOf(bytes), bytes.length, log.settings.indexIntervalBytes, 0);
    chunks.push(bytes);
    waiting += bytes.length;
  };
  const write = async (): Promise<void> => {
    if (waiting === 0) return;
    const [written, position] = [chunks, segment.size - waiting];
    chunks = [];
    waiting = 0;
    await log.store.writeSwap(segment, written, position);
  };
  let last: Uint8Array | null = null;
  for (const old of group) {
    let from = { position: 0, offset: old.base };
    while (from.position < old.written) {
      from = await scanChecked(log, old, (bytes, at, header) => {
        const batch = kept.of(bytes, at, header);
        if (batch !== null) add(batch);
        else last = withRecords(bytes, at, header, [], false);
        return waiting < WRITE_BYTES;
      }, from);
      await write();
    }
  }
  // A segment is never empty: its last batch stays as a header.
  if (segment.size === 0 && last !== null) add(last);
  await write();
  segment.written = segment.synced = segment.size;
  segment.made = true;
  segment.seal();
  await log.store.syncSwap(segment);
  const swapped = await log.swap(group, segment, cleanedTo, cuts);
  if (!swapped) await log.store.dropSwap(segment);
  return swapped;
}

/** What stays of each batch. */
class Kept {
  readonly #settings: StorageSettings;
  readonly #latest: ReadonlyMap<string, number>;
  readonly #coveredTo: number;
  readonly #lastOffsets: ReadonlyMap<number, number>;
  readonly #nowMs: number;
  readonly #deleteRetentionMs: number;
  readonly #startOffset: number;

  /** @param coveredTo nothing is known of the keys of what is behind: it stays as it is. */
  constructor(settings: StorageSettings, log: StoredLog, latest: ReadonlyMap<string, number>, coveredTo: number, nowMs: number) {
    this.#settings = settings;
    this.#latest = latest;
    this.#coveredTo = coveredTo;
    this.#lastOffsets = log.producerStates.lastOffsets();
    this.#nowMs = nowMs;
    this.#deleteRetentionMs = log.settings.deleteRetentionMs;
    this.#startOffset = log.logStartOffset;
  }

  /** The batch as it goes on, a copy; null when nothing of it does. */
  of(bytes: Uint8Array, at: number, header: BatchHeader): Uint8Array | null {
    const whole = () => bytes.slice(at, at + batchSize(bytes, at));
    const lastOffset = header.baseOffset + header.lastOffsetDelta;
    if (isControl(header) || header.baseOffset >= this.#coveredTo) return whole();
    const records = recordsOf(bytes, at, this.#settings);
    if (records === null) return whole();
    // The first compaction that meets a tombstone starts its clock; readers have until then to see it (KIP-534).
    const horizonMs = hasDeleteHorizon(header) ? header.baseTimestamp : null;
    const tombstonesGo = horizonMs !== null && this.#nowMs >= horizonMs;
    const stay = records.filter((record) => this.#stays(record, tombstonesGo));
    const startsClock = horizonMs === null && stay.some(({ value }) => value === null);
    if (stay.length === records.length && !startsClock) {
      if (records.length > 0) return whole();
    }
    if (stay.length === 0) {
      // The next sequence of this producer is asked for by its last batch.
      const isLast = header.producerId >= 0 && this.#lastOffsets.get(header.producerId) === lastOffset;
      return isLast ? withRecords(bytes, at, header, [], false) : null;
    }
    return withRecords(bytes, at, header, stay, startsClock, this.#nowMs + this.#deleteRetentionMs);
  }

  #stays({ key, value, offset }: DecodedRecord, tombstonesGo: boolean): boolean {
    if (key === null || offset < this.#startOffset) return false;
    if (offset < (this.#latest.get(textOf(key)) ?? -1)) return false;
    return value !== null || !tombstonesGo;
  }
}

/** The same batch with fewer records: offsets, sequences and codec stay. With `startsClock` its base timestamp is the delete horizon. */
function withRecords(
  bytes: Uint8Array,
  at: number,
  header: BatchHeader,
  records: readonly DecodedRecord[],
  startsClock: boolean,
  horizonMs = 0,
): Uint8Array {
  const baseTimestamp = startsClock ? horizonMs : header.baseTimestamp;
  const plain = encodeRecords(
    records.map(({ key, value, headers, timestamp, offset }) => ({
      key,
      value,
      headers,
      // Under LogAppendTime all records have the batch's time, whatever their own was.
      timestamp: hasLogAppendTime(header) ? baseTimestamp : timestamp,
      offsetDelta: offset - header.baseOffset,
    })),
    baseTimestamp,
  );
  const payload = records.length === 0 ? new Uint8Array(0) : compress(compressionOf(header) ?? "none", plain);
  const batch = new Uint8Array(BATCH_HEADER_BYTES + payload.length);
  batch.set(bytes.subarray(at, at + BATCH_HEADER_BYTES));
  batch.set(payload, BATCH_HEADER_BYTES);
  writeInt32(batch, 8, batch.length - 12);
  if (startsClock) writeInt16(batch, 21, readInt16(batch, 21) | DELETE_HORIZON);
  // Nothing is compressed in an empty batch.
  if (records.length === 0) writeInt16(batch, 21, readInt16(batch, 21) & ~COMPRESSION_MASK);
  writeInt64(batch, 27, baseTimestamp);
  if (!hasLogAppendTime(header)) {
    writeInt64(
      batch,
      35,
      records.reduce((most, { timestamp }) => Math.max(most, timestamp), records.length === 0 ? header.maxTimestamp : -1),
    );
  }
  writeInt32(batch, 57, records.length);
  patchCrc(batch, 0);
  return batch;
}

/** @throws {CorruptLog} at the first batch that is not whole, fails its checksum or is misplaced: compaction must not launder damage. */
async function scanChecked(
  log: StoredLog,
  segment: Segment,
  visit: (bytes: Uint8Array, at: number, header: BatchHeader) => boolean,
  from = { position: 0, offset: segment.base },
): Promise<{ readonly position: number; readonly offset: number }> {
  const bounds = log.boundsOf(segment);
  let stopped = false;
  let damagedAt = -1;
  let { position: next, offset } = from;
  await log.store.scan(segment, next, segment.written, (bytes, at, size, position) => {
    if (!hasValidCrc(bytes, at) || misplaced(bounds, bytes, at, segment.written - position, offset) !== null) {
      damagedAt = position;
      return false;
    }
    next = position + size;
    offset = lastOffsetOf(bytes, at) + 1;
    stopped = !visit(bytes, at, readBatchHeader(bytes, at));
    return !stopped;
  });
  if (damagedAt >= 0 || !stopped && next < segment.written) {
    throw new CorruptLog(`segment ${segment.base} is damaged at byte ${damagedAt >= 0 ? damagedAt : next}`);
  }
  return { position: next, offset };
}

/** One character a byte, and different for different bytes. */
function textOf(key: Uint8Array): string {
  return latin1.decode(key);
}

const latin1 = new TextDecoder("latin1");
