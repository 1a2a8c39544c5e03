/**
 * Files through the runtime's thread pool. Every call is guarded by its deadline; a buffer stays in use until the system call really
 * ends. Hung calls hold threads of that shared pool (three hung syncs delayed unrelated reads by seconds), so calls
 * that wait for the device go through a gate.
 */
import fs from "node:fs";
import type { Deadline, Deadlines } from "../deadline.ts";
import { IoFailed } from "../errors.ts";
import type { Disk, DiskFile, OpenOptions } from "../io.ts";
import { SyncGate } from "../sync_gate.ts";
import { lockFile } from "./lock.ts";

/** Linux's IOV_MAX: longer lists go out in several calls. */
const CHUNKS_PER_CALL = 1024;

const { O_RDONLY, O_RDWR, O_CREAT, O_EXCL, O_DSYNC } = fs.constants;
const FLAGS = { read: O_RDONLY, write: O_RDWR, create: O_RDWR | O_CREAT, exclusive: O_RDWR | O_CREAT | O_EXCL } as const;

export function createRealDisk(deadlines: Deadlines): Disk {
  const syncs = new SyncGate(deadlines);
  const call = <T>(op: string, path: string, deadline: Deadline, start: (done: Done<T>) => void): Promise<T> =>
    deadlines.guard(deadline, path, promised(op, path, start));

  return {
    async open(path, options, deadline) {
      const opening = promised<number>("open", path, (done) => fs.open(path, flagsOf(options), 0o600, done));
      // Opened too late: nobody will ever close it but us.
      const fd = await deadlines.guard(deadline, path, opening, (late) => "ok" in late && fs.close(late.ok, () => {}));
      return new RealFile(path, fd, options.durableWrites === true, deadlines, syncs);
    },
    async list(path, deadline) {
      const entries = await call<fs.Dirent[]>("list", path, deadline, (done) => fs.readdir(path, { withFileTypes: true }, done));
      return entries
        .filter((entry) => entry.isFile() || entry.isDirectory())
        .map((entry) => ({ name: entry.name, kind: entry.isDirectory() ? "directory" as const : "file" as const }))
        .sort((a, b) => a.name < b.name ? -1 : 1);
    },
    makeDirectory: (path, deadline) =>
      call("make directory", path, deadline, (done) => fs.mkdir(path, { recursive: true, mode: 0o700 }, (error) => done(error, undefined))),
    rename: (from, to, deadline) => call("rename", from, deadline, (done) => fs.rename(from, to, (error) => done(error, undefined))),
    removeFile: (path, deadline) => call("remove", path, deadline, (done) => fs.unlink(path, (error) => done(error, undefined))),
    removeDirectory: (path, deadline) =>
      call("remove directory", path, deadline, (done) => fs.rm(path, { recursive: true, force: true }, (error) => done(error, undefined))),
    async syncDirectory(path, deadline) {
      const fd = await call<number>("open", path, deadline, (done) => fs.open(path, O_RDONLY, done));
      const syncing = syncs.run(
        deadline,
        () => promised<void>("sync directory", path, (done) => fs.fsync(fd, (error) => done(error, undefined))),
      );
      try {
        await deadlines.guard(deadline, path, syncing);
      } finally {
        // The descriptor stays until the sync has really ended.
        const close = () => fs.close(fd, () => {});
        syncing.then(close, close);
      }
    },
    async space(path, deadline) {
      const { blocks, bavail, bsize } = await call<fs.StatsFs>("statfs", path, deadline, (done) => fs.statfs(path, done));
      return { totalBytes: blocks * bsize, freeBytes: bavail * bsize };
    },
    lock: async (path, _deadline) => lockFile(path),
  };
}

class RealFile implements DiskFile {
  readonly path: string;
  readonly #fd: number;
  readonly #durableWrites: boolean;
  readonly #deadlines: Deadlines;
  readonly #syncs: SyncGate;

  constructor(path: string, fd: number, durableWrites: boolean, deadlines: Deadlines, syncs: SyncGate) {
    this.path = path;
    this.#fd = fd;
    this.#durableWrites = durableWrites;
    this.#deadlines = deadlines;
    this.#syncs = syncs;
  }

  write(chunks: readonly Uint8Array[], offset: number, deadline: Deadline): Promise<void> {
    const work = this.#durableWrites ? this.#syncs.run(deadline, () => this.#writeAll(chunks, offset)) : this.#writeAll(chunks, offset);
    return this.#deadlines.guard(deadline, this.path, work);
  }

  sync(deadline: Deadline): Promise<void> {
    const work = this.#syncs.run(
      deadline,
      () => promised<void>("sync", this.path, (done) => fs.fdatasync(this.#fd, (error) => done(error, undefined))),
    );
    return this.#deadlines.guard(deadline, this.path, work);
  }

  read(into: Uint8Array, offset: number, deadline: Deadline): Promise<number> {
    return this.#deadlines.guard(
      deadline,
      this.path,
      promised<number>("read", this.path, (done) => fs.read(this.#fd, into, 0, into.length, offset, done)),
    );
  }

  async size(deadline: Deadline): Promise<number> {
    const stat = promised<fs.Stats>("stat", this.path, (done) => fs.fstat(this.#fd, done));
    return (await this.#deadlines.guard(deadline, this.path, stat)).size;
  }

  truncate(size: number, deadline: Deadline): Promise<void> {
    const work = promised<void>("truncate", this.path, (done) => fs.ftruncate(this.#fd, size, (error) => done(error, undefined)));
    return this.#deadlines.guard(deadline, this.path, work);
  }

  close(deadline: Deadline): Promise<void> {
    const work = promised<void>("close", this.path, (done) => fs.close(this.#fd, (error) => done(error ?? null, undefined)));
    return this.#deadlines.guard(deadline, this.path, work);
  }

  /** One system call in all but rare cases: the kernel may take a part (nearly full disk, signals), then the rest follows. */
  #writeAll(chunks: readonly Uint8Array[], offset: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const step = (rest: readonly Uint8Array[], at: number) => {
        const wrote = (error: NodeJS.ErrnoException | null, count: number) => {
          if (error !== null) return reject(failed("write", this.path, error));
          const after = dropBytes(rest, count);
          if (after.length === 0) return resolve();
          if (count === 0) return reject(new IoFailed("write", this.path, "EIO"));
          step(after, at + count);
        };
        if (rest.length === 1) fs.write(this.#fd, rest[0]!, 0, rest[0]!.length, at, wrote);
        else fs.writev(this.#fd, rest.length > CHUNKS_PER_CALL ? rest.slice(0, CHUNKS_PER_CALL) : rest, at, wrote);
      };
      if (chunks.length === 0) resolve();
      else step(chunks, offset);
    });
  }
}

type Done<T> = (error: NodeJS.ErrnoException | null, value: T) => void;

function promised<T>(op: string, path: string, start: (done: Done<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => error === null || error === undefined ? resolve(value) : reject(failed(op, path, error)));
  });
}

function failed(op: string, path: string, error: NodeJS.ErrnoException): IoFailed {
  return new IoFailed(op, path, error.code ?? error.name, { cause: error });
}

function flagsOf({ mode, durableWrites }: OpenOptions): number {
  return FLAGS[mode] | (durableWrites === true ? O_DSYNC : 0);
}

/** What remains of `chunks` after their first `count` bytes; empty chunks are dropped. */
function dropBytes(chunks: readonly Uint8Array[], count: number): readonly Uint8Array[] {
  let index = 0;
  while (index < chunks.length && chunks[index]!.length <= count) count -= chunks[index++]!.length;
  if (index === chunks.length) return [];
  return count === 0 ? chunks.slice(index) : [chunks[index]!.subarray(count), ...chunks.slice(index + 1)];
}
