/**
 * Offset and time index of one segment in Kafka's file formats: pairs (relative offset, position) of 8 bytes, and (timestamp, relative
 * offset) of 12. What is new stays in memory until it is written; what is written is loaded when asked for. A cache of the log:
 * whoever finds it wrong rebuilds it from there.
 */
import { crc32c, readInt32, readInt64, writeInt32, writeInt64 } from "../../protocol/records/mod.ts";

export const OFFSET_ENTRY_BYTES = 8;
export const TIME_ENTRY_BYTES = 12;

/** What was read back from the two files. */
export interface LoadedIndex {
  readonly offsets: Uint8Array;
  readonly times: Uint8Array;
}

/** Entries on their way into the files. */
export interface TakenIndex extends LoadedIndex {
  /** Of the index that they were taken from: one that was cleared meanwhile has nothing to do with them. */
  readonly version: number;
}

/** A batch that an index leads to: what it must say, and where it is. */
export interface IndexEntry {
  /** Of its last offset to the segment's base; -1: the segment's first batch, of which nothing is known. */
  readonly relativeOffset: number;
  readonly position: number;
}

/** Where every segment begins. */
const BEGINNING: IndexEntry = { relativeOffset: -1, position: 0 };

export class SegmentIndex {
  /** Entries in the files. */
  offsetCount = 0;
  timeCount = 0;
  /** Of what the two files must hold; -1 when the checkpoint that told of them is too old to know. */
  offsetsCrc = 0;
  timesCrc = 0;
  /** The files' content, while it is kept. */
  loaded: LoadedIndex | null = null;
  /** Relative offset and position by turns, not in the file yet. */
  #newOffsets: number[] = [];
  #newTimes: number[] = [];
  #lastTimestamp = -1;
  #version = 0;

  get entryCount(): number {
    return this.offsetCount + this.#newOffsets.length / 2;
  }
  get isDirty(): boolean {
    return this.#newOffsets.length > 0 || this.#newTimes.length > 0;
  }
  /** Nothing of it is in the files only. */
  get isComplete(): boolean {
    return this.loaded !== null || this.offsetCount === 0;
  }

  add(relativeOffset: number, position: number): void {
    this.#newOffsets.push(relativeOffset, position);
  }

  /** Keeps the entry only if it is later than all before. */
  addTime(timestamp: number, relativeOffset: number): void {
    if (timestamp <= this.#lastTimestamp) return;
    this.#lastTimestamp = timestamp;
    this.#newTimes.push(timestamp, relativeOffset);
  }

  /** A batch at or before the one that holds `relativeOffset`. Only when complete. */
  entryAt(relativeOffset: number): IndexEntry {
    const fresh = this.#newOffsets;
    if (fresh.length > 0 && fresh[0]! <= relativeOffset) {
      let low = 0, high = fresh.length / 2 - 1;
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        if (fresh[middle * 2]! <= relativeOffset) low = middle;
        else high = middle - 1;
      }
      return { relativeOffset: fresh[low * 2]!, position: fresh[low * 2 + 1]! };
    }
    const bytes = this.loaded?.offsets;
    if (bytes === undefined || bytes.length === 0 || readInt32(bytes, 0) > relativeOffset) return BEGINNING;
    let low = 0, high = bytes.length / OFFSET_ENTRY_BYTES - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (readInt32(bytes, middle * OFFSET_ENTRY_BYTES) <= relativeOffset) low = middle;
      else high = middle - 1;
    }
    const at = low * OFFSET_ENTRY_BYTES;
    return { relativeOffset: readInt32(bytes, at), position: readInt32(bytes, at + 4) };
  }

  /** Relative offset from which a scan for the first `timestamp >= target` may begin. Only when complete. */
  offsetBefore(target: number): number {
    let found = 0;
    const bytes = this.loaded?.times;
    if (bytes !== undefined) {
      for (let at = 0; at < bytes.length && readInt64(bytes, at) < target; at += TIME_ENTRY_BYTES) found = readInt32(bytes, at + 8);
    }
    for (let i = 0; i < this.#newTimes.length && this.#newTimes[i]! < target; i += 2) found = this.#newTimes[i + 1]!;
    return found;
  }

  /** New entries as file bytes, those of the first `writtenBytes` of a segment of `sizeBytes`: what a crash leaves may end there. */
  take(writtenBytes: number, sizeBytes: number): TakenIndex {
    let offsetsEnd = this.#newOffsets.length;
    while (offsetsEnd > 0 && this.#newOffsets[offsetsEnd - 1]! >= writtenBytes) offsetsEnd -= 2;
    const last = writtenBytes >= sizeBytes ? Infinity : offsetsEnd > 0 ? this.#newOffsets[offsetsEnd - 2]! : -1;
    let timesEnd = this.#newTimes.length;
    while (timesEnd > 0 && this.#newTimes[timesEnd - 1]! > last) timesEnd -= 2;
    const offsets = new Uint8Array(offsetsEnd / 2 * OFFSET_ENTRY_BYTES);
    for (let i = 0; i < offsetsEnd; i++) writeInt32(offsets, i * 4, this.#newOffsets[i]!);
    const times = new Uint8Array(timesEnd / 2 * TIME_ENTRY_BYTES);
    for (let i = 0; i < timesEnd; i += 2) {
      writeInt64(times, i / 2 * TIME_ENTRY_BYTES, this.#newTimes[i]!);
      writeInt32(times, i / 2 * TIME_ENTRY_BYTES + 8, this.#newTimes[i + 1]!);
    }
    return { offsets, times, version: this.#version };
  }

  /** The entries of `taken` are in the files now; later ones may have come meanwhile. */
  written(taken: TakenIndex): void {
    if (taken.version !== this.#version) return;
    const { offsets, times } = taken;
    this.#newOffsets.splice(0, offsets.length / 4);
    this.#newTimes.splice(0, times.length / 6);
    this.offsetCount += offsets.length / OFFSET_ENTRY_BYTES;
    this.timeCount += times.length / TIME_ENTRY_BYTES;
    if (this.offsetsCrc >= 0) this.offsetsCrc = crc32c(offsets, 0, offsets.length, this.offsetsCrc);
    if (this.timesCrc >= 0) this.timesCrc = crc32c(times, 0, times.length, this.timesCrc);
    if (this.loaded !== null) {
      this.loaded = { offsets: joined(this.loaded.offsets, offsets), times: joined(this.loaded.times, times) };
    } else if (this.offsetCount === offsets.length / OFFSET_ENTRY_BYTES) this.loaded = taken;
  }

  /** Starts over, to be filled from the log. */
  clear(): void {
    this.#version++;
    this.offsetCount = this.timeCount = 0;
    this.offsetsCrc = this.timesCrc = 0;
    this.loaded = null;
    this.#newOffsets = [];
    this.#newTimes = [];
    this.#lastTimestamp = -1;
  }

  restore(offsetCount: number, timeCount: number, lastTimestamp: number, offsetsCrc = -1, timesCrc = -1): void {
    this.clear();
    this.offsetCount = offsetCount;
    this.timeCount = timeCount;
    this.offsetsCrc = offsetCount > 0 ? offsetsCrc : 0;
    this.timesCrc = timeCount > 0 ? timesCrc : 0;
    this.#lastTimestamp = timeCount > 0 ? lastTimestamp : -1;
  }
}

const hasCrc = (bytes: Uint8Array, crc: number): boolean => crc < 0 || crc32c(bytes) === crc;

/** Whether the files hold what was written to them. An entry that leads too far would hide records: plausible is not enough. */
export function isWhatWasWritten(
  { offsets, times }: LoadedIndex,
  crcs: { readonly offsetsCrc: number; readonly timesCrc: number },
): boolean {
  return hasCrc(offsets, crcs.offsetsCrc) && hasCrc(times, crcs.timesCrc);
}

/** Whether entries strictly increase and stay inside the segment: all that can be said without its log. */
export function isPlausibleIndex({ offsets, times }: LoadedIndex, sizeBytes: number): boolean {
  for (let at = 0; at < offsets.length; at += OFFSET_ENTRY_BYTES) {
    const position = readInt32(offsets, at + 4);
    if (position >= sizeBytes || position < 0) return false;
    if (at > 0 && (readInt32(offsets, at) <= readInt32(offsets, at - 8) || position <= readInt32(offsets, at - 4))) return false;
  }
  for (let at = TIME_ENTRY_BYTES; at < times.length; at += TIME_ENTRY_BYTES) {
    if (readInt64(times, at) <= readInt64(times, at - TIME_ENTRY_BYTES)) return false;
  }
  return true;
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (b.length === 0) return a;
  const bytes = new Uint8Array(a.length + b.length);
  bytes.set(a);
  bytes.set(b, a.length);
  return bytes;
}
