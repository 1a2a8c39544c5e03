/**
 * What one partition was asked to keep and what was said about it, kept beside the product: the batches in offset order, how far they were
 * promised, where the log may begin. Every answer of the product is held against it. Knows nothing of how storage works.
 */
import { batchSize, decodeBatch, readInt32, readInt64 } from "../../protocol/records/mod.ts";
import { markOf } from "../disk/types.ts";
import { Violation } from "../world.ts";
import type { Limits } from "./limits.ts";

/** A batch as its maker knows it. */
export interface NewBatch {
  readonly bytes: Uint8Array;
  /** Numbers of its records: what `markOf` makes of each is in the bytes. */
  readonly marks: readonly number[];
  readonly keys: readonly string[];
  readonly timestamp: number;
  readonly isTombstone: boolean;
}

/** One that has its place in the log. */
export interface KeptBatch extends NewBatch {
  readonly base: number;
  readonly last: number;
  readonly epoch: number;
  /** The same batch, further up: its producer was forgotten in between. */
  readonly earlier: KeptBatch | null;
}

const DECODED_MAX = 1 << 20;

export class PartitionModel {
  readonly name: string;
  readonly limits: Limits;
  /** In offset order, without gaps: what is appended now, whether promised or not. */
  #kept: KeptBatch[] = [];
  /** Those of them by their first mark. */
  readonly #byMark = new Map<number, KeptBatch>();
  /** The end while nothing is kept. */
  #floor = 0;
  /** Everything that ever had a place: what a disk that lied may bring back. */
  readonly #ever: KeptBatch[] = [];
  /** Offsets below are promised: told to be durable, or served. */
  promisedEnd = 0;
  /** Where the log was seen to begin; it never goes back. */
  start = 0;
  /** The largest start that was asked for. */
  startAsked = 0;
  /** A cut that was asked for and not told to be done. */
  #cutTo: number | null = null;
  /** Nothing can be said any more, since a disk that lied lost power. */
  isBroken = false;
  /** Cuts that were begun. */
  cuts = 0;
  /** Refused by this process, for a reason. */
  isOffline = false;

  constructor(name: string, limits: Limits) {
    this.name = name;
    this.limits = limits;
  }

  get isCompacted(): boolean {
    return this.limits.isCompacted;
  }
  get isRetained(): boolean {
    return this.limits.isRetained;
  }

  get end(): number {
    const last = this.#kept.at(-1);
    return last === undefined ? this.#floor : last.last + 1;
  }

  /** The product gave `batch` the offset `base`. @param bytes as the log is to serve them. */
  appended(batch: NewBatch, base: number, epoch: number, bytes: Uint8Array): KeptBatch {
    if (base !== this.end) this.#violated(`an append was given offset ${base}, the log ended at ${this.end}`);
    const kept = { ...batch, bytes, base, last: base + batch.marks.length - 1, epoch, earlier: this.placeOf(batch) };
    this.#kept.push(kept);
    this.#byMark.set(kept.marks[0]!, kept);
    this.#ever.push(kept);
    return kept;
  }

  /** Where the batch with this first mark is now; null when it is not in the log. */
  placeOf({ marks }: NewBatch): KeptBatch | null {
    return this.#byMark.get(marks[0]!) ?? null;
  }

  /** Everything below `end` is there for ever. */
  promise(end: number): void {
    const kept = this.#cutTo === null ? end : Math.min(end, this.#boundary(this.#cutTo));
    this.promisedEnd = Math.max(this.promisedEnd, kept);
  }

  get isCutting(): boolean {
    return this.#cutTo !== null;
  }

  /** The start was seen, or told. */
  sawStart(start: number): void {
    if (start < this.start) this.#violated(`the log starts at ${start}, and it started at ${this.start} before`);
    if (!this.isRetained && start > this.startAsked) this.#violated(`the log starts at ${start}, asked for was ${this.startAsked}`);
    if (start > this.startAsked) this.#checkRetired(Math.max(this.start, this.startAsked), start);
    this.start = start;
  }

  /** What lies in [from, start) went without a word from anybody. */
  #checkRetired(from: number, start: number): void {
    let bytesLeft = 0;
    for (let at = this.#indexOf(start); at < this.#kept.length; at++) bytesLeft += this.#kept[at]!.bytes.length;
    for (let at = this.#indexOf(from); at < this.#kept.length && this.#kept[at]!.base < start; at++) {
      const { base, timestamp } = this.#kept[at]!;
      if (this.limits.mayRetire(timestamp, bytesLeft)) continue;
      this.#violated(`offset ${base} of time ${timestamp} went by retention, ${bytesLeft} bytes are left from ${start} on`);
    }
  }

  /** Storage was closed, and said so: everything that it took is durable. */
  closedWhole(): void {
    if (!this.isBroken && !this.isOffline && this.#cutTo === null) this.promise(this.end);
  }

  /** A suffix is to go: what of it was promised is not any more. */
  cutAsked(offset: number): void {
    this.#cutTo = offset;
    this.cuts++;
    this.promisedEnd = Math.min(this.promisedEnd, this.#boundary(offset));
  }

  cutDone(logEnd: number): void {
    const end = this.#boundary(this.#cutTo!);
    this.#cutTo = null;
    this.#dropFrom(end);
    if (logEnd !== end) this.#violated(`the log ends at ${logEnd} after a cut to ${end}`);
  }

  /** A restart: the log has [start, end) now. What is behind is lost for ever, what is there is there for ever. */
  recovered(start: number, end: number): void {
    this.#cutTo = null;
    if (end < this.promisedEnd) this.#violated(`the log ends at ${end} after a restart, promised was everything below ${this.promisedEnd}`);
    if (end > this.end) this.#violated(`the log ends at ${end} after a restart, only ${this.end} was ever appended`);
    if (end !== this.#boundary(end)) this.#violated(`the log ends at ${end} after a restart, in the middle of a batch`);
    this.sawStart(start);
    this.#dropFrom(end);
    this.promisedEnd = end;
  }

  /** The disk has lied: whatever is there now is taken for the log, if it was written there once and has no holes. */
  recoveredFromLies(start: number, end: number, chunks: readonly Uint8Array[]): void {
    this.#cutTo = null;
    const found: KeptBatch[] = [];
    for (const chunk of chunks) {
      for (let at = 0, size; at < chunk.length; at += size) {
        size = batchSize(chunk, at);
        const base = readInt64(chunk, at);
        const next = found.at(-1) === undefined ? base : found.at(-1)!.last + 1;
        if (base !== next) this.#violated(`a hole before offset ${base}, ${next} was next`);
        const kept = this.#ever.find((one) => one.base === base && areEqual(one.bytes, chunk, at, size));
        if (kept === undefined) this.#violated(`what is served at offset ${base} was never written there`);
        found.push(kept);
      }
    }
    this.#kept = found;
    this.#byMark.clear();
    for (const kept of found) this.#byMark.set(kept.marks[0]!, kept);
    this.#floor = end;
    this.start = start;
    this.startAsked = Math.max(start, this.startAsked);
    this.promisedEnd = end;
    this.isBroken = false;
  }

  /** Whether a record that lies at `offset` is served with this epoch. */
  epochAt(offset: number): number {
    return this.#kept[this.#indexOf(offset)]?.epoch ?? -1;
  }

  /** The timestamp of what lies at `offset` or behind it; 0 when nothing does. */
  timestampNear(offset: number): number {
    return this.#kept[this.#indexOf(offset)]?.timestamp ?? 0;
  }

  /** The first offset from `from` on, below `end`, with a timestamp of at least `target`; -1 when there is none. */
  firstAt(target: number, from: number, end: number): number {
    for (let at = this.#indexOf(from); at < this.#kept.length; at++) {
      const { base, last, timestamp } = this.#kept[at]!;
      if (base >= end) break;
      if (timestamp >= target && last >= from) return Math.max(base, from);
    }
    return -1;
  }

  /** The first offset of [from, end) with the largest timestamp there; -1 when it is empty. */
  largestIn(from: number, end: number): number {
    let largest = -1, largestMs = -1;
    for (let at = this.#indexOf(from); at < this.#kept.length && this.#kept[at]!.base < end; at++) {
      const { base, timestamp } = this.#kept[at]!;
      if (timestamp > largestMs) [largest, largestMs] = [Math.max(base, from), timestamp];
    }
    return largest;
  }

  /**
   * Chunks that were read from `from` on: whole batches in order, each as it was written, no hole before, between or, up to `to`, behind
   * them. @returns the offset behind the last.
   */
  checkRead(chunks: readonly Uint8Array[], from: number, limit: number, seen: Set<number> | null = null): number {
    let next = from;
    for (const chunk of chunks) {
      for (let at = 0; at < chunk.length;) {
        const size = batchSize(chunk, at);
        if (size > chunk.length - at) this.#violated(`a read from ${from} ends in the middle of a batch`);
        next = this.isCompacted ? this.#checkRecords(chunk, at, next, seen) : this.#checkBytes(chunk, at, size, next, from);
        at += size;
      }
    }
    if (next > Math.max(from, limit)) {
      this.#violated(`a read from ${from} served offset ${next - 1}, readable was everything below ${limit}`);
    }
    this.promise(Math.min(next, this.end));
    return next;
  }

  /** The largest timestamp of what begins in [from, end); null when nothing does. */
  newestIn(from: number, end: number): number | null {
    let newest: number | null = null;
    for (let at = this.#indexOf(from); at < this.#kept.length && this.#kept[at]!.base < end; at++) {
      newest = Math.max(newest ?? -1, this.#kept[at]!.timestamp);
    }
    return newest;
  }

  /**
   * Offsets of [from, end) that were seen in a whole read, and those that were not: allowed only for what a later record of the same key has
   * replaced, and for tombstones after their time. Without its tombstone nothing of a key may be left.
   * @param cleanedTo below it compaction says that it has been: there a key has one record.
   */
  checkCompacted(seen: ReadonlySet<number>, from: number, end: number, cleanedTo: number): void {
    const latest = new Map<string, number>();
    const latestCleaned = new Map<string, number>();
    for (const { base, last, keys } of this.#kept) {
      for (let offset = base; offset <= last && offset < end; offset++) {
        latest.set(keys[offset - base]!, offset);
        if (offset < cleanedTo) latestCleaned.set(keys[offset - base]!, offset);
      }
    }
    for (const { base, last, isTombstone, keys, timestamp } of this.#kept) {
      for (let offset = Math.max(base, from); offset <= last && offset < end; offset++) {
        const key = keys[offset - base]!;
        const last = latest.get(key)!;
        if (seen.has(offset)) {
          if (!seen.has(last)) this.#violated(`offset ${offset} is there, and the tombstone ${last} of its key "${key}" is not`);
          if ((latestCleaned.get(key) ?? -1) > offset) {
            this.#violated(`offset ${offset} is there, although ${latestCleaned.get(key)} of its key "${key}" is compacted`);
          }
        } else if (last !== offset) {
          if (!this.limits.mayReplace(timestamp)) this.#violated(`offset ${offset} of key "${key}" is gone before its time ${timestamp}`);
        } else if (!isTombstone) {
          this.#violated(`offset ${offset} is gone, and nothing later has its key "${key}"`);
        } else if (!this.limits.mayForget(timestamp)) {
          this.#violated(`the tombstone ${offset} of key "${key}" is gone before its time ${timestamp}`);
        }
      }
    }
  }

  #checkBytes(chunk: Uint8Array, at: number, size: number, next: number, from: number): number {
    const base = readInt64(chunk, at);
    const kept = this.#kept[this.#indexOf(base)];
    if (base !== next && !(next === from && kept !== undefined && kept.base <= next && next <= kept.last)) {
      this.#violated(`a read from ${from} served the batch of offset ${base}, ${next} was next`);
    }
    if (kept === undefined || kept.base !== base || !areEqual(kept.bytes, chunk, at, size)) {
      this.#violated(`what is served at offset ${base} is not what was written there`);
    }
    return kept!.last + 1;
  }

  #checkRecords(chunk: Uint8Array, at: number, next: number, seen: Set<number> | null): number {
    const base = readInt64(chunk, at);
    const last = base + readInt32(chunk, at + 23);
    if (last < next) this.#violated(`a read served offsets ${base} to ${last}, ${next} was next`);
    for (const { offset, key, value, timestamp } of decodeBatch(chunk, at, DECODED_MAX)) {
      const kept = this.#kept[this.#indexOf(offset)];
      const index = kept === undefined ? -1 : offset - kept.base;
      const isSame = kept !== undefined && index >= 0 && kept.timestamp === timestamp && text(key) === kept.keys[index] &&
        (kept.isTombstone ? value === null : text(value).startsWith(markOf(kept.marks[index]!)));
      if (!isSame) this.#violated(`what is served at offset ${offset} is not what was written there`);
      seen?.add(offset);
    }
    return last + 1;
  }

  /** The end of the log once everything at and behind `offset` is gone, with the batch that contains it. */
  #boundary(offset: number): number {
    const kept = this.#kept[this.#indexOf(offset)];
    return kept === undefined ? Math.min(offset, this.end) : kept.base <= offset ? kept.base : offset;
  }

  #dropFrom(end: number): void {
    while (this.#kept.length > 0 && this.#kept.at(-1)!.last >= end) {
      const { marks, earlier } = this.#kept.pop()!;
      if (earlier === null) this.#byMark.delete(marks[0]!);
      else this.#byMark.set(marks[0]!, earlier);
    }
    if (this.#kept.length === 0) this.#floor = end;
  }

  /** The batch that contains `offset`, or the first one behind it. */
  #indexOf(offset: number): number {
    let low = 0, high = this.#kept.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#kept[middle]!.last < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #violated(what: string): never {
    throw new Violation(`${this.name}: ${what}`);
  }
}

const text = (bytes: Uint8Array | null): string => new TextDecoder().decode(bytes ?? NOTHING);
const NOTHING = new Uint8Array(0);

/** Whether `one` is what `other` has at `at`, in `size` bytes. */
export function areEqual(one: Uint8Array, other: Uint8Array, at: number, size: number): boolean {
  if (one.length !== size) return false;
  for (let i = 0; i < size; i++) if (one[i] !== other[at + i]) return false;
  return true;
}
