/**
 * The content of one file in memory, and what of it would not survive a crash: every write since the last sync remembers what it
 * replaced. Knows no names and no handles.
 */
import { IoFailed } from "../errors.ts";

/** Pages exist once they are written; a page that does not reads as zeros. */
const PAGE_BYTES = 64 * 1024;

/** Pages of all files of a disk. */
export class Capacity {
  usedBytes = 0;

  constructor(readonly totalBytes: number) {}

  /** @throws {IoFailed} `ENOSPC`; nothing is taken then. */
  take(bytes: number, path: string): void {
    if (this.usedBytes + bytes > this.totalBytes) throw new IoFailed("write", path, "ENOSPC");
    this.usedBytes += bytes;
  }
}

/** A change that is not durable yet, with what a crash brings back. */
interface Pending {
  readonly offset: number;
  /** The bytes that were there, as far as the file reached. */
  readonly before: Uint8Array;
  sizeBefore: number;
}

export class MemoryFile {
  readonly kind = "file";
  readonly #capacity: Capacity;
  #pages: (Uint8Array | undefined)[] = [];
  #size = 0;
  /** In order of the writes; empty when everything is durable. */
  #pending: Pending[] = [];
  /** Names plus open handles; the pages go when it reaches 0. */
  references = 0;

  constructor(capacity: Capacity) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#size;
  }

  read(into: Uint8Array, offset: number): number {
    const count = Math.max(0, Math.min(into.length, this.#size - offset));
    this.#eachPage(offset, count, (page, from, length, done) => {
      const bytes = this.#pages[page];
      if (bytes === undefined) into.fill(0, done, done + length);
      else into.set(bytes.subarray(from, from + length), done);
    });
    return count;
  }

  /** @throws {IoFailed} `ENOSPC`; nothing is written then. */
  write(chunks: readonly Uint8Array[], offset: number, durable: boolean, path: string): void {
    const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    if (length === 0) return;
    this.#allocate(offset, length, path);
    if (!durable) this.#remember(offset, length);
    let at = offset;
    for (const chunk of chunks) {
      this.#put(chunk, at);
      at += chunk.length;
    }
    this.#size = Math.max(this.#size, at);
    if (durable) this.#overrule(offset, length);
  }

  truncate(size: number): void {
    this.#remember(size, Math.max(0, this.#size - size));
    this.#cut(size);
  }

  /** Everything written so far survives a crash. */
  sync(): void {
    this.#pending = [];
  }

  /** What a crash leaves: changes that were not synced are taken back, the newest first. The disk's used bytes are counted anew. */
  crash(): void {
    for (const page of this.#pages) if (page !== undefined) this.#capacity.usedBytes += PAGE_BYTES;
    for (const { offset, before, sizeBefore } of this.#pending.reverse()) {
      this.#put(before, offset);
      this.#cut(sizeBefore);
    }
    this.#pending = [];
  }

  free(): void {
    for (const page of this.#pages) if (page !== undefined) this.#capacity.usedBytes -= PAGE_BYTES;
    this.#pages = [];
  }

  #remember(offset: number, length: number): void {
    const before = new Uint8Array(Math.max(0, Math.min(length, this.#size - offset)));
    this.read(before, offset);
    this.#pending.push({ offset, before, sizeBefore: this.#size });
  }

  /** A durable write also wins over what earlier pending writes would bring back. */
  #overrule(offset: number, length: number): void {
    for (const pending of this.#pending) {
      const from = Math.max(offset, pending.offset);
      const count = Math.min(offset + length, pending.offset + pending.before.length) - from;
      if (count > 0) {
        const now = new Uint8Array(count);
        this.read(now, from);
        pending.before.set(now, from - pending.offset);
      }
      pending.sizeBefore = Math.max(pending.sizeBefore, offset + length);
    }
  }

  #allocate(offset: number, length: number, path: string): void {
    const missing: number[] = [];
    this.#eachPage(offset, length, (page) => {
      if (this.#pages[page] === undefined) missing.push(page);
    });
    this.#capacity.take(missing.length * PAGE_BYTES, path);
    for (const page of missing) this.#pages[page] = new Uint8Array(PAGE_BYTES);
  }

  /** The pages must exist, or hold zeros that stay zeros. */
  #put(bytes: Uint8Array, offset: number): void {
    this.#eachPage(offset, bytes.length, (page, from, length, done) => {
      this.#pages[page] ??= this.#newPage();
      this.#pages[page]!.set(bytes.subarray(done, done + length), from);
    });
  }

  /** For a crash, which may not fail: it brings back pages that a truncation had given up. */
  #newPage(): Uint8Array {
    this.#capacity.usedBytes += PAGE_BYTES;
    return new Uint8Array(PAGE_BYTES);
  }

  /** Sets the size; what lies behind reads as zeros if the file grows again. */
  #cut(size: number): void {
    this.#size = size;
    const kept = Math.ceil(size / PAGE_BYTES);
    for (const page of this.#pages.splice(kept)) if (page !== undefined) this.#capacity.usedBytes -= PAGE_BYTES;
    const inLast = size % PAGE_BYTES;
    if (inLast > 0) this.#pages[kept - 1]?.fill(0, inLast);
  }

  #eachPage(offset: number, length: number, visit: (page: number, from: number, length: number, done: number) => void): void {
    for (let done = 0; done < length;) {
      const page = Math.floor((offset + done) / PAGE_BYTES);
      const from = (offset + done) % PAGE_BYTES;
      const count = Math.min(PAGE_BYTES - from, length - done);
      visit(page, from, count, done);
      done += count;
    }
  }
}
