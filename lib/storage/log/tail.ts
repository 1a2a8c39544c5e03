/**
 * The end of a log that its segments do not have yet: batches that wait for their commit round, and batches that are durable in the
 * WAL and wait to be written to their segment in larger pieces. Readers get the durable ones from here. Writes no file.
 */
import { type Lease } from "../../io/mod.ts";
import { baseOffsetOf, batchSize, lastOffsetOf } from "../../protocol/records/mod.ts";
import type { LogRead } from "../types.ts";
import type { Segment } from "./segment.ts";

export interface TailEntry {
  readonly baseOffset: number;
  readonly lastOffset: number;
  /** One or more whole batches. */
  readonly bytes: Uint8Array;
  readonly lease: Lease;
  /** The bytes lie in somebody else's buffer, not in a copy of ours. */
  readonly held: boolean;
  readonly segment: Segment;
  readonly position: number;
}

export class Tail {
  #entries: TailEntry[] = [];
  #head = 0;
  /** Entries before this one are durable. */
  #durable = 0;

  get isEmpty(): boolean {
    return this.#head === this.#entries.length;
  }
  /** First offset that is in here; Infinity when empty. */
  get start(): number {
    return this.#entries[this.#head]?.baseOffset ?? Infinity;
  }

  push(entry: TailEntry): void {
    this.#entries.push(entry);
  }

  /** Everything below `end` is durable now; calls `visit` for each entry of which that is new. */
  advance(end: number, visit: (entry: TailEntry) => void): void {
    for (let entry; (entry = this.#entries[this.#durable]) !== undefined && entry.lastOffset < end; this.#durable++) visit(entry);
  }

  /** Entries that are not durable, oldest first. */
  *pending(): Iterable<TailEntry> {
    for (let i = this.#durable; i < this.#entries.length; i++) yield this.#entries[i]!;
  }

  /** The oldest entries below `end` that lie behind each other in one segment, at most `bytesMax` unless the first alone is more. */
  next(end: number, bytesMax: number, countMax: number): TailEntry[] {
    const run: TailEntry[] = [];
    let bytes = 0;
    for (let i = this.#head; i < this.#entries.length && run.length < countMax; i++) {
      const entry = this.#entries[i]!;
      if (entry.lastOffset >= end || run.length > 0 && (entry.segment !== run[0]!.segment || bytes + entry.bytes.length > bytesMax)) break;
      run.push(entry);
      bytes += entry.bytes.length;
    }
    return run;
  }

  /** Drops the oldest `count` entries: their segment has them. */
  shift(count: number): void {
    for (let i = 0; i < count; i++) this.#entries[this.#head++]!.lease.release();
    if (this.#head === this.#entries.length) {
      this.#entries.length = 0;
      this.#head = this.#durable = 0;
    } else if (this.#head > 1024 && this.#head * 2 > this.#entries.length) {
      this.#entries.splice(0, this.#head);
      this.#durable -= this.#head;
      this.#head = 0;
    }
  }

  /** Drops everything; answers with what was dropped. */
  clear(): TailEntry[] {
    const dropped = this.#entries.slice(this.#head);
    for (const { lease } of dropped) lease.release();
    this.#entries = [];
    this.#head = this.#durable = 0;
    return dropped;
  }

  /** Whole batches from the one that contains `from`, as `PartitionLog.read` promises. `from` is not below `start`. */
  read(from: number, end: number, maxBytes: number, atLeastOne: boolean): LogRead {
    const chunks: Uint8Array[] = [];
    const leases: Lease[] = [];
    let byteLength = 0;
    for (let i = this.#find(from); i < this.#entries.length; i++) {
      const { bytes, lease, baseOffset, lastOffset } = this.#entries[i]!;
      if (baseOffset >= end) break;
      const room = maxBytes - byteLength;
      const whole = baseOffset >= from && lastOffset < end && bytes.length <= room;
      const [start, stop] = whole ? [0, bytes.length] : batchesWithin(bytes, from, end, room, atLeastOne && byteLength === 0);
      if (stop > start) {
        chunks.push(start === 0 && stop === bytes.length ? bytes : bytes.subarray(start, stop));
        lease.retain();
        leases.push(lease);
        byteLength += stop - start;
      }
      if (stop < bytes.length) break;
    }
    return { chunks, byteLength, lease: leases.length === 1 ? leases[0]! : new Leases(leases) };
  }

  /** The first entry that ends at or behind `offset`. */
  #find(offset: number): number {
    let low = this.#head, high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#entries[middle]!.lastOffset < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Range of the whole batches of `bytes` that reach `from`, end below `end` and fit into `room`; one may be larger if `oversize`. */
export function batchesWithin(bytes: Uint8Array, from: number, end: number, room: number, oversize: boolean): readonly [number, number] {
  let start = 0;
  while (start < bytes.length && lastOffsetOf(bytes, start) < from) start += batchSize(bytes, start);
  let stop = start;
  while (stop < bytes.length && baseOffsetOf(bytes, stop) < end && lastOffsetOf(bytes, stop) < end) {
    const size = batchSize(bytes, stop);
    if (stop + size - start > room && !(oversize && stop === start)) break;
    stop += size;
  }
  return [start, stop];
}

/** Several leases as one. */
class Leases implements Lease {
  readonly #leases: readonly Lease[];

  constructor(leases: readonly Lease[]) {
    this.#leases = leases;
  }

  retain(): void {
    for (const lease of this.#leases) lease.retain();
  }

  release(): void {
    for (const lease of this.#leases) lease.release();
  }
}
