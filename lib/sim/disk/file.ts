/**
 * The content of one file of a simulated disk: what is read now, and what the loss of power would leave. Pages that nobody wrote, or that only
 * zeros were written to, cost nothing; a page that is durable is shared between the two. Knows no names, no time and no calls.
 */
import type { Draws } from "../random.ts";

/** A page is a sector: what a disk writes whole, or not. */
const PAGE_BYTES = 512;
/** Zeros are looked for in pieces of this size. */
const ZEROS_BYTES = 64 * 1024;

const MANY_ZEROS = new Uint8Array(ZEROS_BYTES);
/** Stands for every page of zeros; never written to. */
const ZEROS: Uint8Array = new Uint8Array(PAGE_BYTES);

/** As `into.set(bytes.subarray(start, end), at)` without the view, which costs more than the copy. */
const copyBytes = Buffer.prototype.copy as unknown as (
  this: Uint8Array,
  into: Uint8Array,
  at: number,
  start: number,
  end: number,
) => number;

class Page {
  /** What is read. Its bytes are only changed in place while nobody else holds them. */
  now = ZEROS;
  /** What is on the medium. */
  durable = ZEROS;
  /** What a sync that has begun will make durable. */
  syncing: Uint8Array | null = null;
  /** The next sync is to write it. False with `now` other than `durable`: a sync failed, and the kernel has forgotten. */
  dirty = false;
  durableSince = 0;

  constructor(readonly index: number) {}
}

/** What a sync found when it began: all that it may make durable. */
export interface SyncBegun {
  readonly pages: readonly (readonly [page: Page, bytes: Uint8Array])[];
  readonly size: number;
  readonly cut: number;
  readonly since: number;
}

/** How much of what is not durable the loss of power leaves. */
export interface Tearing {
  /** Sectors that were on their way may be neither the old nor the new ones. */
  readonly garbage: boolean;
}

export class SimFile {
  readonly kind = "file";
  /** Names that lead here now, and open handles: the room is free again when both are gone. */
  names = 0;
  handles = 0;
  readonly #pages = new Map<number, Page>();
  /** Pages whose `now` and `durable` may differ. */
  readonly #touched = new Set<Page>();
  #size = 0;
  #durableSize = 0;
  /** The smallest size that it was cut to since its size was durable. */
  #cut = Infinity;
  #sizeSince = 0;
  /** No page is at this index or behind it. */
  #pagesEnd = 0;
  /** Counts what the order of matters for. */
  #steps = 0;

  get size(): number {
    return this.#size;
  }
  get durableSize(): number {
    return this.#durableSize;
  }
  /** Whether the loss of power could change anything. */
  get isSettled(): boolean {
    return this.#touched.size === 0 && this.#size === this.#durableSize && this.#cut === Infinity;
  }

  /** @returns how many bytes were there. */
  read(into: Uint8Array, offset: number): number {
    const count = Math.max(0, Math.min(into.length, this.#size - offset));
    this.#copy(into, offset, count, (page) => page.now);
    return count;
  }

  /** As `read`, of what is on the medium. */
  readDurable(into: Uint8Array, offset: number): number {
    const count = Math.max(0, Math.min(into.length, this.#durableSize - offset));
    this.#copy(into, offset, count, (page) => page.durable);
    return count;
  }

  write(chunks: readonly Uint8Array[], offset: number): void {
    let at = offset;
    for (const chunk of chunks) {
      if (at >= this.#pagesEnd * PAGE_BYTES && isZero(chunk)) {
        at += chunk.length;
        continue;
      }
      for (let done = 0; done < chunk.length;) {
        const from = at % PAGE_BYTES;
        const length = Math.min(PAGE_BYTES - from, chunk.length - done);
        this.#put((at - from) / PAGE_BYTES, from, chunk, done, length);
        done += length;
        at += length;
      }
    }
    if (at > offset) this.#size = Math.max(this.#size, at);
  }

  truncate(size: number): void {
    if (size < this.#size) {
      this.#cut = Math.min(this.#cut, size);
      this.#zeroFrom(size, this.#size);
    }
    this.#size = size;
  }

  /** What is written from here on is not covered. */
  beginSync(): SyncBegun {
    const pages: (readonly [Page, Uint8Array])[] = [];
    for (const page of this.#touched) {
      if (!page.dirty) continue;
      page.dirty = false;
      page.syncing = page.now;
      pages.push([page, page.now]);
    }
    return { pages, size: this.#size, cut: this.#cut, since: ++this.#steps };
  }

  endSync({ pages, size, cut, since }: SyncBegun): void {
    for (const [page, bytes] of pages) {
      if (page.syncing === bytes) page.syncing = null;
      if (page.durableSince < since) this.#settle(page, bytes, since);
    }
    if (this.#sizeSince < since) this.#settleSize(size, cut, since);
  }

  /** The kernel says EIO once, and takes what it could not write for clean. */
  failSync({ pages }: SyncBegun): void {
    for (const [page, bytes] of pages) if (page.syncing === bytes) page.syncing = null;
  }

  /** Nothing happened, and the next sync has it all to do. */
  abandonSync(begun: SyncBegun): void {
    this.failSync(begun);
    for (const [page, bytes] of begun.pages) page.dirty ||= page.durableSince < begun.since && page.durable !== bytes;
  }

  /** What O_DSYNC promises of a write that has happened: its pages, and the size. */
  makeDurable(offset: number, length: number): void {
    const since = ++this.#steps;
    for (let index = Math.floor(offset / PAGE_BYTES); index * PAGE_BYTES < offset + length; index++) {
      const page = this.#pages.get(index);
      if (page === undefined) continue;
      page.dirty = false;
      this.#settle(page, page.now, since);
    }
    if (this.#cut < Infinity) this.#cutDurable(this.#cut, since);
    this.#settleSize(this.#size, this.#cut, since);
  }

  /** A durable write that failed: in memory it happened, and the kernel takes it for clean. */
  forget(offset: number, length: number): void {
    for (let index = Math.floor(offset / PAGE_BYTES); index * PAGE_BYTES < offset + length; index++) {
      const page = this.#pages.get(index);
      if (page !== undefined) page.dirty = false;
    }
  }

  /** Loss of power: each page that is not durable may have reached the medium or not. @returns how many did while others did not, about. */
  lose(draws: Draws, { garbage }: Tearing): number {
    let torn = 0;
    const cut = this.#cut < this.#durableSize ? this.#cut : Infinity;
    const cutHappened = cut < Infinity && draws.chance(0.5);
    if (cutHappened) this.#cutDurable(cut, ++this.#steps);
    const touched = [...this.#touched].sort((a, b) => a.index - b.index);
    const how = draws.pick(LOSSES);
    const upTo = how === "prefix" ? draws.below(touched.length + 1) : how === "all" ? Infinity : 0;
    let end = cutHappened ? Math.min(cut, this.#durableSize) : this.#durableSize;
    const grewTo = this.#size;
    for (const [order, page] of touched.entries()) {
      // What was to come after a cut cannot be there without it.
      const impossible = cut < Infinity && !cutHappened && (page.index + 1) * PAGE_BYTES > cut;
      if (!impossible && (page.dirty || page.syncing !== null)) {
        const latest = page.dirty ? page.now : page.syncing!;
        const bytes = page.dirty && page.syncing !== null && draws.chance(0.3) ? page.syncing : latest;
        if (order < upTo) page.durable = bytes;
        else if (how === "prefix" && order === upTo || how === "torn") {
          page.durable = tear(page.durable, bytes, draws, garbage);
          torn++;
        } else continue;
        end = Math.max(end, Math.min(grewTo, (page.index + 1) * PAGE_BYTES));
      }
    }
    const cutShort = cut < Infinity && !cutHappened;
    // A size may be on the medium before the bytes are, which then read as zeros.
    if (!cutShort) this.#durableSize = grewTo > end && draws.chance(0.2) ? end + draws.below(grewTo - end + 1) : end;
    this.#afterLoss();
    return torn;
  }

  /** Flips one bit of what is durable, for every reader. @returns where, or -1: nothing is there. */
  rot(draws: Draws): number {
    const settled = [...this.#pages.values()].filter((page) => page.now === page.durable && page.now !== ZEROS);
    if (settled.length === 0) return -1;
    const page = draws.pick(settled);
    const within = Math.min(PAGE_BYTES, this.#durableSize - page.index * PAGE_BYTES);
    if (within <= 0) return -1;
    const at = draws.below(within);
    page.now = page.durable = page.now.slice();
    page.now[at]! ^= 1 << draws.below(8);
    return page.index * PAGE_BYTES + at;
  }

  #put(index: number, from: number, chunk: Uint8Array, start: number, length: number): void {
    let page = this.#pages.get(index);
    if (page === undefined) {
      this.#pages.set(index, page = new Page(index));
      this.#pagesEnd = Math.max(this.#pagesEnd, index + 1);
    }
    if (page.now === page.durable || page.now === page.syncing || page.now === ZEROS) {
      const own = new Uint8Array(PAGE_BYTES);
      if (page.now !== ZEROS && length < PAGE_BYTES) own.set(page.now);
      page.now = own;
    }
    copyBytes.call(chunk, page.now, from, start, start + length);
    page.dirty = true;
    this.#touched.add(page);
  }

  #zeroFrom(size: number, end: number): void {
    const inFirst = size % PAGE_BYTES;
    const first = (size - inFirst) / PAGE_BYTES;
    for (const page of this.#range(first, end)) {
      if (page.now === ZEROS) continue;
      const keeps = page.index === first ? inFirst : 0;
      page.now = keeps === 0 ? ZEROS : cutPage(page.now, keeps);
      page.dirty = true;
      this.#touched.add(page);
    }
  }

  /** The medium forgets what lies behind `size`. */
  #cutDurable(size: number, since: number): void {
    const inFirst = size % PAGE_BYTES;
    const first = (size - inFirst) / PAGE_BYTES;
    for (const page of this.#range(first, this.#durableSize)) {
      if (page.durable === ZEROS || page.durableSince === since) continue;
      page.durable = page.index === first && inFirst > 0 ? cutPage(page.durable, inFirst) : ZEROS;
      this.#touched.add(page);
    }
    this.#durableSize = Math.min(this.#durableSize, size);
  }

  #range(first: number, end: number): Page[] {
    const pages: Page[] = [];
    const last = Math.ceil(end / PAGE_BYTES);
    if (last - first > this.#pages.size) {
      for (const page of this.#pages.values()) if (page.index >= first && page.index < last) pages.push(page);
      return pages;
    }
    for (let index = first; index < last; index++) {
      const page = this.#pages.get(index);
      if (page !== undefined) pages.push(page);
    }
    return pages;
  }

  #settle(page: Page, bytes: Uint8Array, since: number): void {
    page.durable = bytes;
    page.durableSince = since;
    if (page.now === bytes) this.#touched.delete(page);
  }

  #settleSize(size: number, cut: number, since: number): void {
    this.#durableSize = size;
    this.#sizeSince = since;
    if (this.#cut === cut) this.#cut = Infinity;
  }

  #afterLoss(): void {
    for (const page of this.#touched) {
      page.now = page.durable;
      page.syncing = null;
      page.dirty = false;
    }
    this.#touched.clear();
    this.#size = this.#durableSize;
    this.#cut = Infinity;
    const inLast = this.#size % PAGE_BYTES;
    const last = (this.#size - inLast) / PAGE_BYTES;
    // Behind the end there is nothing, whatever reached the medium.
    for (const page of this.#pages.values()) {
      if (page.index < last || page.now === ZEROS) continue;
      page.now = page.durable = page.index === last && inLast > 0 ? cutPage(page.now, inLast) : ZEROS;
    }
  }

  #copy(into: Uint8Array, offset: number, count: number, bytesOf: (page: Page) => Uint8Array): void {
    for (let done = 0; done < count;) {
      const from = (offset + done) % PAGE_BYTES;
      const length = Math.min(PAGE_BYTES - from, count - done);
      const page = this.#pages.get((offset + done - from) / PAGE_BYTES);
      if (page === undefined) into.fill(0, done, done + length);
      else copyBytes.call(bytesOf(page), into, done, from, from + length);
      done += length;
    }
  }
}

const LOSSES = ["nothing", "all", "prefix", "torn", "torn"] as const;

/** The old one, the new one, or, with `garbage`, neither; a byte that was not to change does not. */
function tear(old: Uint8Array, bytes: Uint8Array, draws: Draws, garbage: boolean): Uint8Array {
  const what = draws.float();
  if (!garbage || what >= 0.1) return what < 0.55 ? bytes : old;
  const torn = old.slice();
  const fill = what < 0.05 ? 0 : 1 + draws.below(255);
  for (let byte = 0; byte < PAGE_BYTES; byte++) if (old[byte] !== bytes[byte]) torn[byte] = Math.imul(fill, byte + 1);
  return torn;
}

function cutPage(bytes: Uint8Array, keeps: number): Uint8Array {
  const cut = new Uint8Array(PAGE_BYTES);
  cut.set(bytes.subarray(0, keeps));
  return cut;
}

function isZero(bytes: Uint8Array): boolean {
  if (bytes[0] !== 0 || bytes[bytes.length - 1] !== 0) return false;
  for (let at = 0; at < bytes.length; at += ZEROS_BYTES) {
    const piece = bytes.subarray(at, at + ZEROS_BYTES);
    if (Buffer.compare(piece, piece.length === ZEROS_BYTES ? MANY_ZEROS : MANY_ZEROS.subarray(0, piece.length)) !== 0) return false;
  }
  return true;
}
