/** A disk whose every call passes a guard that may hold it, break it off or end what called. What a test disk does is said by its guard alone. */
import type { Deadline, Disk, DiskFile, OpenOptions } from "../../lib/io/mod.ts";

export interface DiskGuard {
  /** A call that changes something. @param half does a part of it, for calls that can be torn. */
  change<T>(work: () => Promise<T>, half?: () => Promise<void>): Promise<T>;
  /** One that only looks. */
  look<T>(work: () => Promise<T>): Promise<T>;
}

export function guardedDisk(inner: Disk, guard: DiskGuard): Disk {
  return {
    async open(path: string, options: OpenOptions, deadline: Deadline): Promise<DiskFile> {
      const open = () => inner.open(path, options, deadline);
      const isLook = options.mode === "read" || options.mode === "write";
      return guardedFile(isLook ? await guard.look(open) : await guard.change(open), guard);
    },
    list: (path, deadline) => guard.look(() => inner.list(path, deadline)),
    makeDirectory: (path, deadline) => guard.change(() => inner.makeDirectory(path, deadline)),
    rename: (from, to, deadline) => guard.change(() => inner.rename(from, to, deadline)),
    removeFile: (path, deadline) => guard.change(() => inner.removeFile(path, deadline)),
    removeDirectory: (path, deadline) => guard.change(() => inner.removeDirectory(path, deadline)),
    syncDirectory: (path, deadline) => guard.change(() => inner.syncDirectory(path, deadline)),
    space: (path, deadline) => guard.look(() => inner.space(path, deadline)),
    lock: (path, deadline) => guard.look(() => inner.lock(path, deadline)),
  };
}

const guardedFile = (file: DiskFile, guard: DiskGuard): DiskFile => ({
  path: file.path,
  write: (chunks, offset, d) =>
    guard.change(() => file.write(chunks, offset, d), async () => {
      const bytes = Buffer.concat(chunks as Uint8Array[]);
      await file.write([bytes.subarray(0, bytes.length >> 1)], offset, d);
      await file.sync(d);
    }),
  sync: (d) => guard.change(() => file.sync(d)),
  read: (into, offset, d) => guard.look(() => file.read(into, offset, d)),
  size: (d) => guard.look(() => file.size(d)),
  truncate: (size, d) => guard.change(() => file.truncate(size, d)),
  close: (d) => guard.look(() => file.close(d)),
});
