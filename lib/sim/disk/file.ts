/**
 * The content of one file of a simulated disk: what is read now, and what the loss of power would leave. Behind the last page that somebody
 * wrote something else than zeros to, nothing is stored. Knows no names, no time and no calls.
 */
import type { Draws } from "../random.ts";

/** A page is a sector: what a disk writes whole, or not. */
const PAGE_BYTES = 512;
const PAGES_MIN = 8;
/** Zeros are looked for in pieces of this size. */
const ZEROS_BYTES = 64 * 1024;

const MANY_ZEROS = new Uint8Array(ZEROS_BYTES);
/** As `into.set(bytes.subarray(start, end), at)` without the view, which costs more than the copy. */
const copyBytes = Buffer.prototype.copy as unknown as (
  this: Uint8Array,
  into: Uint8Array,
  at: number,
  start: number,
  end: number,
) => number;

/** The version of a page of zeros: every other content that a page ever has is given a number of its own. */
const ZEROS = 0;

/** What a sync found when it began: all that it may make durable. */
export interface SyncBegun {
  readonly pages: readonly number[];
  readonly versions: readonly number[];
  /** The pages, one after the other. */
  readonly bytes: Uint8Array;
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
  /** What is read, page after page; zeros behind it. */
  #now = new Uint8Array(0);
  /** What is on the medium. */
  #durable = new Uint8Array(0);
  // By page, all of one length.
  readonly #version: number[] = [];
  readonly #durableVersion: number[] = [];
  readonly #durableSince: number[] = [];
  /** The next sync is to write it. False with two versions: a sync failed, and the kernel has forgotten. */
  readonly #dirty: boolean[] = [];
  /** Pages whose versions may differ. */
  readonly #touched = new Set<number>();
  /** Syncs that have begun and not ended, oldest first. */
  #begun: SyncBegun[] = [];
  #versions = 0;
  #size = 0;
  #durableSize = 0;
  /** The smallest size that it was cut to since its size was durable. */
  #cut = Infinity;
  #sizeSince = 0;
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
    return copyFrom(this.#now, into, offset, this.#size - offset);
  }

  /** As `read`, of what is on the medium. */
  readDurable(into: Uint8Array, offset: number): number {
    return copyFrom(this.#durable, into, offset, this.#durableSize - offset);
  }

  write(chunks: readonly Uint8Array[], offset: number): void {
    let at = offset;
    for (const chunk of chunks) {
      const isStored = chunk.length > 0 && (at < this.#pages * PAGE_BYTES || !isZero(chunk));
      if (isStored) this.#put(chunk, at);
      at += chunk.length;
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
    const pages: number[] = [];
    const versions: number[] = [];
    for (const page of this.#touched) {
      if (!this.#dirty[page]) continue;
      this.#dirty[page] = false;
      pages.push(page);
      versions.push(this.#version[page]!);
    }
    const bytes = new Uint8Array(pages.length * PAGE_BYTES);
    for (let at = 0; at < pages.length; at++) copyPage(this.#now, pages[at]!, bytes, at);
    const begun = { pages, versions, bytes, size: this.#size, cut: this.#cut, since: ++this.#steps };
    this.#begun.push(begun);
    return begun;
  }

  endSync(begun: SyncBegun): void {
    this.failSync(begun);
    const { pages, versions, bytes, size, cut, since } = begun;
    this.#storeDurable();
    for (let at = 0; at < pages.length; at++) {
      const page = pages[at]!;
      if (this.#durableSince[page]! < since) this.#settle(page, bytes, at, versions[at]!, since);
    }
    if (this.#sizeSince < since) this.#settleSize(size, cut, since);
  }

  /** The kernel says EIO once, and takes what it could not write for clean. */
  failSync(begun: SyncBegun): void {
    const at = this.#begun.indexOf(begun);
    if (at >= 0) this.#begun.splice(at, 1);
  }

  /** Nothing happened, and the next sync has it all to do. */
  abandonSync(begun: SyncBegun): void {
    this.failSync(begun);
    for (const [at, page] of begun.pages.entries()) {
      this.#dirty[page] ||= this.#durableSince[page]! < begun.since && this.#durableVersion[page] !== begun.versions[at];
    }
  }

  /** What O_DSYNC promises of a write that has happened: its pages, and the size. */
  makeDurable(offset: number, length: number): void {
    const since = ++this.#steps;
    this.#storeDurable();
    const end = Math.min(this.#pages, Math.ceil((offset + length) / PAGE_BYTES));
    for (let page = Math.floor(offset / PAGE_BYTES); page < end; page++) {
      this.#dirty[page] = false;
      this.#settle(page, this.#now, page, this.#version[page]!, since);
    }
    if (this.#cut < Infinity) this.#cutDurable(this.#cut, since);
    this.#settleSize(this.#size, this.#cut, since);
  }

  /** A durable write that failed: in memory it happened, and the kernel takes it for clean. */
  forget(offset: number, length: number): void {
    const end = Math.min(this.#pages, Math.ceil((offset + length) / PAGE_BYTES));
    for (let page = Math.floor(offset / PAGE_BYTES); page < end; page++) this.#dirty[page] = false;
  }

  /** Loss of power: each page that is not durable may have reached the medium or not. @returns how many did while others did not, about. */
  lose(draws: Draws, { garbage }: Tearing): number {
    let torn = 0;
    this.#storeDurable();
    const cut = this.#cut < this.#durableSize ? this.#cut : Infinity;
    const cutHappened = cut < Infinity && draws.chance(0.5);
    if (cutHappened) this.#cutDurable(cut, ++this.#steps);
    const touched = [...this.#touched].sort((a, b) => a - b);
    const how = draws.pick(LOSSES);
    const upTo = how === "prefix" ? draws.below(touched.length + 1) : how === "all" ? Infinity : 0;
    let end = cutHappened ? Math.min(cut, this.#durableSize) : this.#durableSize;
    const grewTo = this.#size;
    for (const [order, page] of touched.entries()) {
      // What was to come after a cut cannot be there without it.
      const impossible = cut < Infinity && !cutHappened && (page + 1) * PAGE_BYTES > cut;
      const syncing = this.#syncing(page);
      const isDirty = this.#dirty[page]!;
      if (!impossible && (isDirty || syncing !== null)) {
        const latest = isDirty ? pageOf(this.#now, page) : syncing!;
        const bytes = isDirty && syncing !== null && draws.chance(0.3) ? syncing : latest;
        const durable = pageOf(this.#durable, page);
        if (order < upTo) durable.set(bytes);
        else if (how === "prefix" && order === upTo || how === "torn") {
          durable.set(tear(durable, bytes, draws, garbage));
          torn++;
        } else continue;
        end = Math.max(end, Math.min(grewTo, (page + 1) * PAGE_BYTES));
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
    this.#storeDurable();
    const settled: number[] = [];
    for (const [page, version] of this.#version.entries()) {
      if (version !== ZEROS && version === this.#durableVersion[page]) settled.push(page);
    }
    if (settled.length === 0) return -1;
    const page = draws.pick(settled);
    const within = Math.min(PAGE_BYTES, this.#durableSize - page * PAGE_BYTES);
    if (within <= 0) return -1;
    const at = page * PAGE_BYTES + draws.below(within);
    const bit = 1 << draws.below(8);
    this.#now[at]! ^= bit;
    this.#durable[at]! ^= bit;
    this.#version[page] = this.#durableVersion[page] = ++this.#versions;
    return at;
  }

  /** How many pages are stored: those behind them were never written, or only with zeros. */
  get #pages(): number {
    return this.#version.length;
  }

  #put(chunk: Uint8Array, at: number): void {
    const first = Math.floor(at / PAGE_BYTES);
    const end = Math.ceil((at + chunk.length) / PAGE_BYTES);
    while (this.#version.length < end) {
      this.#version.push(ZEROS);
      this.#durableVersion.push(ZEROS);
      this.#durableSince.push(0);
      this.#dirty.push(false);
    }
    this.#now = grown(this.#now, end * PAGE_BYTES);
    this.#now.set(chunk, at);
    const version = ++this.#versions;
    for (let page = first; page < end; page++) {
      this.#version[page] = version;
      this.#dirty[page] = true;
      this.#touched.add(page);
    }
  }

  #zeroFrom(size: number, end: number): void {
    const first = Math.floor(size / PAGE_BYTES);
    const last = Math.min(this.#pages, Math.ceil(end / PAGE_BYTES));
    for (let page = first; page < last; page++) {
      if (this.#version[page] === ZEROS) continue;
      this.#version[page] = page * PAGE_BYTES < size ? ++this.#versions : ZEROS;
      this.#dirty[page] = true;
      this.#touched.add(page);
    }
    this.#now.fill(0, size, last * PAGE_BYTES);
  }

  /** The medium forgets what lies behind `size`. */
  #cutDurable(size: number, since: number): void {
    const last = Math.min(this.#pages, Math.ceil(this.#durableSize / PAGE_BYTES));
    for (let page = Math.floor(size / PAGE_BYTES); page < last; page++) {
      if (this.#durableVersion[page] === ZEROS || this.#durableSince[page] === since) continue;
      const from = Math.max(size, page * PAGE_BYTES);
      this.#durable.fill(0, from, (page + 1) * PAGE_BYTES);
      this.#durableVersion[page] = from > page * PAGE_BYTES ? ++this.#versions : ZEROS;
      this.#touched.add(page);
    }
    this.#durableSize = Math.min(this.#durableSize, size);
  }

  #storeDurable(): void {
    if (this.#durable.length < this.#now.length) this.#durable = grown(this.#durable, this.#now.length);
  }

  /** @param at which page of `bytes`. */
  #settle(page: number, bytes: Uint8Array, at: number, version: number, since: number): void {
    copyPage(bytes, at, this.#durable, page);
    this.#durableVersion[page] = version;
    this.#durableSince[page] = since;
    if (this.#version[page] === version) this.#touched.delete(page);
  }

  #settleSize(size: number, cut: number, since: number): void {
    this.#durableSize = size;
    this.#sizeSince = since;
    if (this.#cut === cut) this.#cut = Infinity;
  }

  /** What the latest sync that is under way, and that no other has overtaken, has of this page. */
  #syncing(page: number): Uint8Array | null {
    for (const { pages, bytes, since } of this.#begun.toReversed()) {
      const at = pages.indexOf(page);
      if (at >= 0) return this.#durableSince[page]! < since ? pageOf(bytes, at) : null;
    }
    return null;
  }

  #afterLoss(): void {
    for (const page of this.#touched) {
      copyPage(this.#durable, page, this.#now, page);
      this.#version[page] = this.#durableVersion[page] = ++this.#versions;
      this.#dirty[page] = false;
    }
    this.#touched.clear();
    this.#begun = [];
    this.#size = this.#durableSize;
    this.#cut = Infinity;
    // Behind the end there is nothing, whatever reached the medium.
    this.#now.fill(0, this.#size);
    this.#durable.fill(0, this.#size);
    for (let page = Math.ceil(this.#size / PAGE_BYTES); page < this.#pages; page++) {
      this.#version[page] = this.#durableVersion[page] = ZEROS;
    }
  }
}

const LOSSES = ["nothing", "all", "prefix", "torn", "torn"] as const;

const pageOf = (bytes: Uint8Array, page: number): Uint8Array => bytes.subarray(page * PAGE_BYTES, (page + 1) * PAGE_BYTES);

function copyPage(from: Uint8Array, page: number, into: Uint8Array, at: number): void {
  copyBytes.call(from, into, at * PAGE_BYTES, page * PAGE_BYTES, (page + 1) * PAGE_BYTES);
}

/** The same bytes with room for so many, and for some more. */
function grown(bytes: Uint8Array<ArrayBuffer>, length: number): Uint8Array<ArrayBuffer> {
  if (length <= bytes.length) return bytes;
  const larger = new Uint8Array(Math.max(length, 2 * bytes.length, PAGES_MIN * PAGE_BYTES));
  larger.set(bytes);
  return larger;
}

/** @param there how many bytes the file has from `offset` on. */
function copyFrom(bytes: Uint8Array, into: Uint8Array, offset: number, there: number): number {
  const count = Math.max(0, Math.min(into.length, there));
  const stored = Math.max(0, Math.min(count, bytes.length - offset));
  if (stored > 0) copyBytes.call(bytes, into, 0, offset, offset + stored);
  if (stored < count) into.fill(0, stored, count);
  return count;
}

/** The old one, the new one, or, with `garbage`, neither; a byte that was not to change does not. */
function tear(old: Uint8Array, bytes: Uint8Array, draws: Draws, garbage: boolean): Uint8Array {
  const what = draws.float();
  if (!garbage || what >= 0.1) return what < 0.55 ? bytes : old;
  const torn = old.slice();
  const fill = what < 0.05 ? 0 : 1 + draws.below(255);
  for (let byte = 0; byte < PAGE_BYTES; byte++) if (old[byte] !== bytes[byte]) torn[byte] = Math.imul(fill, byte + 1);
  return torn;
}

function isZero(bytes: Uint8Array): boolean {
  if (bytes[0] !== 0 || bytes[bytes.length - 1] !== 0) return false;
  for (let at = 0; at < bytes.length; at += ZEROS_BYTES) {
    const piece = bytes.subarray(at, at + ZEROS_BYTES);
    if (Buffer.compare(piece, piece.length === ZEROS_BYTES ? MANY_ZEROS : MANY_ZEROS.subarray(0, piece.length)) !== 0) return false;
  }
  return true;
}
