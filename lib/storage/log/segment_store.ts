/**
 * The files of one log's segments: writing what the tail hands over, syncing, scanning, swapping, cutting and removing. Reading for consumers is
 * `reader`'s, index files are `index`'s. Decides nothing about offsets, rolling or deletion.
 */
import { type BufferPool, type Deadline, IoFailed } from "../../io/mod.ts";
import {
  baseOffsetOf,
  BATCH_HEADER_BYTES,
  type BatchHeader,
  batchSize,
  hasValidCrc,
  lastOffsetOf,
  readBatchHeader,
  wholeBatchAt,
} from "../../protocol/records/mod.ts";
import { IndexFiles, type IndexNeeds } from "./index_files.ts";
import { readAll } from "./read_all.ts";
import { SegmentReader } from "./segment_reader.ts";
import { type Segment, segmentName } from "./segment.ts";

export interface StoreNeeds extends IndexNeeds {
  readonly pool: BufferPool;
}

const FILE_MS = 30_000;
const SCAN_BYTES = 1024 * 1024;
/** How far behind damage valid batches are looked for. */
const TORN_BYTES_MAX = 16 * 1024 * 1024;
const SWAP_SUFFIX = ".swap";
const SUFFIXES = [".log", ".index", ".timeindex"] as const;

export class SegmentStore {
  readonly directory: string;
  readonly index: IndexFiles;
  readonly reader: SegmentReader;
  readonly #needs: StoreNeeds;
  #directoryMade: boolean;
  /** Names were made or removed since the last `syncNames`. */
  #namesDirty = false;
  /** The directory was made since the last `takeFresh`. */
  #fresh = false;

  constructor(needs: StoreNeeds, directory: string, exists: boolean) {
    this.#needs = needs;
    this.directory = directory;
    this.index = new IndexFiles(needs, this);
    this.reader = new SegmentReader(needs.pool, this);
    this.#directoryMade = exists;
  }

  get isMade(): boolean {
    return this.#directoryMade;
  }
  get namesDirty(): boolean {
    return this.#namesDirty;
  }

  path(segment: { readonly base: number }, suffix: string): string {
    return `${this.directory}/${segmentName(segment.base)}${suffix}`;
  }

  /** Appends to the segment's file; not durable before `sync`. */
  async write(segment: Segment, chunks: readonly Uint8Array[], byteLength: number): Promise<void> {
    if (!this.#directoryMade) {
      await this.#needs.io.disk.makeDirectory(this.directory, this.#deadline("segment.makeDirectory"));
      this.#directoryMade = this.#fresh = true;
    }
    const { written } = segment;
    await this.#needs.files.use(this.path(segment, ".log"), segment.made ? "write" : "create", async (file) => {
      // What a deleted log of the same name may have left.
      if (!segment.made) await file.truncate(0, this.#deadline("segment.truncate"));
      await file.write(chunks, written, this.#deadline("segment.write"));
    });
    if (!segment.made) this.#namesDirty = true;
    segment.made = true;
    segment.written = written + byteLength;
  }

  /** fdatasync of the segment up to what is written now. @throws whatever it throws, the caller must fence the node. */
  async sync(segment: Segment): Promise<void> {
    const { written, cuts } = segment;
    if (segment.synced >= written) return;
    await this.#needs.files.use(this.path(segment, ".log"), "write", (file) => file.sync(this.#deadline("segment.sync")));
    // What was written since a cut lies where something else was synced.
    if (segment.cuts === cuts) segment.synced = Math.max(segment.synced, written);
  }

  /** Whether the directory's own name must still be made durable; the caller does it. */
  takeFresh(): boolean {
    const fresh = this.#fresh;
    this.#fresh = false;
    return fresh;
  }

  /** What is there was found, and no checkpoint says that it lasts: who made it may have been killed before it synced the names. */
  foundWithoutCheckpoint(): void {
    this.#namesDirty = this.#fresh = true;
  }

  async syncNames(): Promise<void> {
    if (!this.#namesDirty) return;
    this.#namesDirty = false;
    await this.#needs.io.disk.syncDirectory(this.directory, this.#deadline("segment.syncDirectory"));
  }

  /** Walks the batches from `position` on: headers only need to be whole unless `verify`. `visit` answers false to stop. */
  async scan(
    segment: { readonly base: number },
    from: number,
    to: number,
    visit: (bytes: Uint8Array, at: number, size: number, position: number) => boolean | void,
  ): Promise<number> {
    let position = from;
    let want = SCAN_BYTES;
    while (position < to) {
      const piece = this.#needs.pool.take(Math.min(want, to - position));
      try {
        const { bytes } = piece;
        const count = await this.readSome(segment, bytes, position, this.#deadline("segment.scan"));
        let at = 0;
        for (let size; (size = wholeBatchAt(bytes, at, count)) > 0; at += size) {
          if (visit(bytes, at, size, position + at) === false) return position + at;
        }
        if (at === 0) {
          const size = count >= BATCH_HEADER_BYTES ? batchSize(bytes, 0) : 0;
          if (size <= want || size > to - position) return position;
          want = size;
        } else {
          want = SCAN_BYTES;
          position += at;
        }
      } finally {
        piece.release();
      }
    }
    return position;
  }

  /**
   * Removes files that belong to none of `segments`: retired ones, temporary ones, segments of a time that recovery took back. Answers
   * with the base offsets whose log file is there.
   */
  async removeOthers(segments: readonly Segment[], keepSwaps: boolean): Promise<Set<number>> {
    const bases = new Set<number>();
    const known = new Set(segments.map(({ base }) => base));
    let entries;
    try {
      entries = await this.#needs.io.disk.list(this.directory, this.#deadline("log.list"));
    } catch (error) {
      if (!(error instanceof IoFailed && error.code === "ENOENT")) throw error;
      // Deleted, and the entry that says so is still to come: until then the next write makes it.
      this.#directoryMade = false;
      return bases;
    }
    for (const { name, kind } of entries) {
      if (kind !== "file") continue;
      const base = /^(\d{20})\.(log|index|timeindex)$/.exec(name)?.[1];
      if (base !== undefined && known.has(Number(base))) {
        if (name.endsWith(".log")) bases.add(Number(base));
        continue;
      }
      // The WAL may still say that it counts.
      if (keepSwaps && name.endsWith(SWAP_SUFFIX)) continue;
      this.#needs.files.forget(`${this.directory}/${name}`);
      await this.#ifThere(this.#needs.io.disk.removeFile(`${this.directory}/${name}`, this.#deadline("segment.remove")));
    }
    return bases;
  }

  async sizeOf(segment: { readonly base: number }): Promise<number> {
    return await this.#needs.files.use(this.path(segment, ".log"), "read", (file) => file.size(this.#deadline("segment.size")));
  }

  /** Visits the batches whose checksum holds until one fails it or `visit` answers false; answers with the position of the end. */
  scanValid(segment: Segment, to: number, visit: (header: BatchHeader, size: number) => boolean): Promise<number> {
    return this.scan(segment, 0, to, (bytes, at, size) => hasValidCrc(bytes, at) && visit(readBatchHeader(bytes, at), size));
  }

  /**
   * The end offset of the last valid batch that begins in [from + 1, to); -1 when there is none. If there is, what is at `from` is damage
   * and not a torn end.
   */
  async endBehind(segment: Segment, from: number, to: number): Promise<number> {
    let end = -1;
    const bytes = new Uint8Array(Math.min(to - from, TORN_BYTES_MAX));
    const count = await this.readSome(segment, bytes, from, this.#deadline("segment.scan"));
    for (let at = 1; at + BATCH_HEADER_BYTES <= count; at++) {
      if (bytes[at + 16] !== 2 || wholeBatchAt(bytes, at, count) === 0) continue;
      if (baseOffsetOf(bytes, at) > segment.base && hasValidCrc(bytes, at)) end = Math.max(end, lastOffsetOf(bytes, at) + 1);
    }
    return end;
  }

  /** The files are about to move with their directory. */
  forgetFiles(segments: readonly Segment[]): void {
    for (const segment of segments) {
      for (const suffix of SUFFIXES) this.#needs.files.forget(this.path(segment, suffix));
      this.#needs.indexes.forget(segment.index);
    }
  }

  /** Puts the file that compaction wrote, synced, in the place of the old segment of the same base, and removes the other ones. */
  async finishSwap(old: readonly Segment[], segment: Segment): Promise<void> {
    this.forgetFiles(old);
    this.#needs.files.forget(this.swapPath(segment));
    await this.#ifThere(
      this.#needs.io.disk.rename(this.swapPath(segment), this.path(segment, ".log"), this.#deadline("compaction.rename")),
    );
    for (const one of old) {
      for (const suffix of one.base === segment.base ? SUFFIXES.slice(1) : SUFFIXES) {
        await this.#ifThere(this.#needs.io.disk.removeFile(this.path(one, suffix), this.#deadline("segment.remove")));
      }
    }
    // Who read an old segment meanwhile may have opened its file again, which is not the one of that name any more.
    this.forgetFiles(old);
    this.#namesDirty = true;
  }

  swapPath(segment: { readonly base: number }): string {
    return this.path(segment, ".log") + SWAP_SUFFIX;
  }

  /** Writes compacted batches to the swap file at `position`. */
  async writeSwap(segment: { readonly base: number }, chunks: readonly Uint8Array[], position: number): Promise<void> {
    await this.#needs.files.use(this.swapPath(segment), "create", async (file) => {
      if (position === 0) await file.truncate(0, this.#deadline("compaction.write"));
      await file.write(chunks, position, this.#deadline("compaction.write"));
    });
  }

  async syncSwap(segment: { readonly base: number }): Promise<void> {
    await this.#needs.files.use(this.swapPath(segment), "write", (file) => file.sync(this.#deadline("compaction.sync")));
    await this.#needs.io.disk.syncDirectory(this.directory, this.#deadline("compaction.sync"));
  }

  async dropSwap(segment: { readonly base: number }): Promise<void> {
    this.#needs.files.forget(this.swapPath(segment));
    await this.#ifThere(this.#needs.io.disk.removeFile(this.swapPath(segment), this.#deadline("segment.remove")));
  }

  /** Cuts off what the file has behind `segment.written`. @returns the size that it had; a shorter one is left as it is. */
  async restoreSize(segment: Segment): Promise<number> {
    return await this.#needs.files.use(this.path(segment, ".log"), "write", async (file) => {
      const size = await file.size(this.#deadline("segment.size"));
      if (size > segment.written) await file.truncate(segment.written, this.#deadline("segment.truncate"));
      return size;
    });
  }

  /** The directory may be gone: the next write makes it. */
  expectNoDirectory(): void {
    this.#directoryMade = false;
  }

  /** Renames the files of a segment out of the way; `remove` deletes them later. */
  async retire(segment: Segment): Promise<void> {
    for (const suffix of SUFFIXES) {
      const path = this.path(segment, suffix);
      this.#needs.files.forget(path);
      await this.#ifThere(this.#needs.io.disk.rename(path, `${path}.deleted`, this.#deadline("segment.rename")));
    }
    this.#needs.indexes.forget(segment.index);
    this.#namesDirty = true;
  }

  removeIndexes(segment: Segment): Promise<void> {
    return this.remove(segment, false, SUFFIXES.slice(1));
  }

  async remove(segment: Segment, retired: boolean, suffixes: readonly string[] = SUFFIXES): Promise<void> {
    for (const suffix of suffixes) {
      const path = this.path(segment, suffix);
      // Also what who still read it has opened since: no room is given back before it is closed.
      this.#needs.files.forget(path);
      await this.#ifThere(this.#needs.io.disk.removeFile(retired ? `${path}.deleted` : path, this.#deadline("segment.remove")));
    }
    this.#needs.indexes.forget(segment.index);
  }

  /** Cuts the segment's file to `size` bytes. */
  async truncate(segment: Segment, size: number): Promise<void> {
    if (segment.made) {
      await this.#needs.files.use(this.path(segment, ".log"), "write", (file) => file.truncate(size, this.#deadline("segment.truncate")));
    }
    segment.written = size;
    segment.cuts++;
    segment.synced = Math.min(segment.synced, size);
    segment.verified.cut(size);
  }

  /** Reads until `into` is full or the file ends; answers with the count. */
  readSome(segment: { readonly base: number }, into: Uint8Array, position: number, deadline: Deadline): Promise<number> {
    return this.#needs.files.use(this.path(segment, ".log"), "read", (file) => readAll(file, into, position, deadline));
  }

  async #ifThere(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      if (!(error instanceof IoFailed && error.code === "ENOENT")) throw error;
    }
  }

  #deadline(op: string): Deadline {
    return this.#needs.io.deadlines.in(op, FILE_MS);
  }
}
