/**
 * A disk that dies at its k-th changing call: before it, in the middle of it (a write leaves a durable prefix), or after it. From then on
 * nothing ever returns, as for a process that is gone. `survivors` says what the next start finds.
 */
import type { Deadline, Disk, DiskFile, OpenOptions } from "../../lib/io/mod.ts";
import type { MemoryDisk } from "../../lib/io/memory/mod.ts";

export type CrashPoint = "before" | "torn" | "after";
/** `power`: what was not synced is lost. `process`: everything that was written is still there. */
export type CrashKind = "power" | "process";

export class FaultyDisk implements Disk {
  /** Changing calls so far. */
  calls = 0;
  dead = false;
  readonly #inner: MemoryDisk;
  readonly #at: number;
  readonly #point: CrashPoint;
  readonly #kind: CrashKind;
  #died: () => void = () => {};
  readonly died = new Promise<void>((resolve) => this.#died = resolve);

  constructor(inner: MemoryDisk, at = Infinity, point: CrashPoint = "before", kind: CrashKind = "power") {
    this.#inner = inner;
    this.#at = at;
    this.#point = point;
    this.#kind = kind;
  }

  async open(path: string, options: OpenOptions, deadline: Deadline): Promise<DiskFile> {
    const open = () => this.#inner.open(path, options, deadline);
    const file = options.mode === "read" || options.mode === "write" ? await this.#passive(open) : await this.#change(open);
    const change = <T>(work: () => Promise<T>, torn?: () => Promise<void>) => this.#change(work, torn);
    const passive = <T>(work: () => Promise<T>) => this.#passive(work);
    return {
      path,
      write: (chunks, offset, d) =>
        change(() => file.write(chunks, offset, d), async () => {
          const bytes = Buffer.concat(chunks as Uint8Array[]);
          await file.write([bytes.subarray(0, bytes.length >> 1)], offset, d);
          await file.sync(d);
        }),
      sync: (d) => change(() => file.sync(d)),
      read: (into, offset, d) => passive(() => file.read(into, offset, d)),
      size: (d) => passive(() => file.size(d)),
      truncate: (size, d) => change(() => file.truncate(size, d)),
      close: (d) => passive(() => file.close(d)),
    };
  }

  list(path: string, deadline: Deadline) {
    return this.#passive(() => this.#inner.list(path, deadline));
  }
  makeDirectory(path: string, deadline: Deadline) {
    return this.#change(() => this.#inner.makeDirectory(path, deadline));
  }
  rename(from: string, to: string, deadline: Deadline) {
    return this.#change(() => this.#inner.rename(from, to, deadline));
  }
  removeFile(path: string, deadline: Deadline) {
    return this.#change(() => this.#inner.removeFile(path, deadline));
  }
  removeDirectory(path: string, deadline: Deadline) {
    return this.#change(() => this.#inner.removeDirectory(path, deadline));
  }
  syncDirectory(path: string, deadline: Deadline) {
    return this.#change(() => this.#inner.syncDirectory(path, deadline));
  }
  space(path: string, deadline: Deadline) {
    return this.#passive(() => this.#inner.space(path, deadline));
  }
  lock(path: string, deadline: Deadline) {
    return this.#passive(() => this.#inner.lock(path, deadline));
  }

  /** Dies now, if it has not yet. */
  async kill(): Promise<void> {
    if (this.dead) return;
    this.dead = true;
    if (this.#kind === "process") await syncAll(this.#inner, "");
    this.#inner.crash();
    this.#died();
  }

  async #change<T>(work: () => Promise<T>, torn?: () => Promise<void>): Promise<T> {
    if (this.dead) return never();
    if (++this.calls !== this.#at) return work();
    try {
      if (this.#point === "torn") await (torn ?? work)();
      else if (this.#point === "after") await work();
    } finally {
      // Also when the call fails, as some are expected to.
      await this.kill();
    }
    return never();
  }

  async #passive<T>(work: () => Promise<T>): Promise<T> {
    if (this.dead) return never();
    const result = await work();
    return this.dead ? never() : result;
  }
}

function never<T>(): Promise<T> {
  return new Promise(() => {});
}

const SOON: Deadline = { op: "test", at: Infinity };

async function syncAll(disk: MemoryDisk, path: string): Promise<void> {
  await disk.syncDirectory(path, SOON);
  for (const { name, kind } of await disk.list(path, SOON)) {
    if (kind === "directory") await syncAll(disk, `${path}/${name}`);
    else {
      const file = await disk.open(`${path}/${name}`, { mode: "write" }, SOON);
      await file.sync(SOON);
      await file.close(SOON);
    }
  }
}
