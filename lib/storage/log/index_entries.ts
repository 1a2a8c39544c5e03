/**
 * Offset and time index of one segment in Kafka's file formats: pairs (relative offset, position) of 8 bytes, and (timestamp, relative
 * offset) of 12. What is new stays in memory until it is written; what is written is loaded when asked for. A cache of the log:
 * whoever finds it wrong rebuilds it from there.
 */
import { readInt32, readInt64, writeInt32, writeInt64 } from "../../protocol/records/mod.ts";

export const OFFSET_ENTRY_BYTES = 8;
export const TIME_ENTRY_BYTES = 12;

/** What was read back from the two files. */
export interface LoadedIndex {
  readonly offsets: Uint8Array;
  readonly times: Uint8Array;
}

export class SegmentIndex {
  /** Entries in the files. */
  offsetCount = 0;
  timeCount = 0;
  /** The files' content, while it is kept. */
  loaded: LoadedIndex | null = null;
  /** Relative offset and position by turns, not in the file yet. */
  #newOffsets: number[] = [];
  #newTimes: number[] = [];
  #lastTimestamp = -1;

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

  /** Position at or before the batch that holds `relativeOffset`. Only when complete. */
  positionOf(relativeOffset: number): number {
    const fresh = this.#newOffsets;
    if (fresh.length > 0 && fresh[0]! <= relativeOffset) {
      let low = 0, high = fresh.length / 2 - 1;
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        if (fresh[middle * 2]! <= relativeOffset) low = middle;
        else high = middle - 1;
      }
      return fresh[low * 2 + 1]!;
    }
    const bytes = this.loaded?.offsets;
    if (bytes === undefined || bytes.length === 0 || readInt32(bytes, 0) > relativeOffset) return 0;
    let low = 0, high = bytes.length / OFFSET_ENTRY_BYTES - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (readInt32(bytes, middle * OFFSET_ENTRY_BYTES) <= relativeOffset) low = middle;
      else high = middle - 1;
    }
    return readInt32(bytes, low * OFFSET_ENTRY_BYTES + 4);
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

  /** New entries as file bytes, and that they are about to be written behind the counts. */
  take(): LoadedIndex {
    const offsets = new Uint8Array(this.#newOffsets.length / 2 * OFFSET_ENTRY_BYTES);
    this.#newOffsets.forEach((value, index) => writeInt32(offsets, index * 4, value));
    const times = new Uint8Array(this.#newTimes.length / 2 * TIME_ENTRY_BYTES);
    for (let i = 0; i < this.#newTimes.length; i += 2) {
      writeInt64(times, i / 2 * TIME_ENTRY_BYTES, this.#newTimes[i]!);
      writeInt32(times, i / 2 * TIME_ENTRY_BYTES + 8, this.#newTimes[i + 1]!);
    }
    return { offsets, times };
  }

  /** The entries of `taken` are in the files now; later ones may have come meanwhile. */
  written(taken: LoadedIndex): void {
    const { offsets, times } = taken;
    this.#newOffsets.splice(0, offsets.length / 4);
    this.#newTimes.splice(0, times.length / 6);
    this.offsetCount += offsets.length / OFFSET_ENTRY_BYTES;
    this.timeCount += times.length / TIME_ENTRY_BYTES;
    if (this.loaded !== null) {
      this.loaded = { offsets: joined(this.loaded.offsets, offsets), times: joined(this.loaded.times, times) };
    } else if (this.offsetCount === offsets.length / OFFSET_ENTRY_BYTES) this.loaded = taken;
  }

  /** Starts over, to be filled from the log. */
  clear(): void {
    this.offsetCount = 0;
    this.timeCount = 0;
    this.loaded = null;
    this.#newOffsets = [];
    this.#newTimes = [];
    this.#lastTimestamp = -1;
  }

  restore(offsetCount: number, timeCount: number, lastTimestamp: number): void {
    this.clear();
    this.offsetCount = offsetCount;
    this.timeCount = timeCount;
    this.#lastTimestamp = timeCount > 0 ? lastTimestamp : -1;
  }
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
