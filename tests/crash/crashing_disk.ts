/**
 * A simulated disk that dies at the k-th changing call of a process: before it, while it is under way, or once it is done. What then becomes of
 * calls under way and of what was not synced, the simulated disk draws.
 */
import type { Deadline, Disk, DiskFile, OpenOptions } from "../../lib/io/mod.ts";

export type CrashPoint = "before" | "torn" | "after";

export class CrashingDisk implements Disk {
  /** Changing calls so far. */
  calls = 0;
  readonly #inner: Disk;
  readonly #at: number;
  readonly #point: CrashPoint;
  readonly #die: () => void;

  /** @param die ends the process, at once. */
  constructor(inner: Disk, at: number, point: CrashPoint, die: () => void) {
    this.#inner = inner;
    this.#at = at;
    this.#point = point;
    this.#die = die;
  }

  async open(path: string, options: OpenOptions, deadline: Deadline): Promise<DiskFile> {
    const open = () => this.#inner.open(path, options, deadline);
    const file = options.mode === "read" || options.mode === "write" ? await open() : await this.#change(open);
    return {
      path,
      write: (chunks, offset, d) => this.#change(() => file.write(chunks, offset, d)),
      sync: (d) => this.#change(() => file.sync(d)),
      read: (into, offset, d) => file.read(into, offset, d),
      size: (d) => file.size(d),
      truncate: (size, d) => this.#change(() => file.truncate(size, d)),
      close: (d) => file.close(d),
    };
  }

  list(path: string, deadline: Deadline) {
    return this.#inner.list(path, deadline);
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
    return this.#inner.space(path, deadline);
  }
  lock(path: string, deadline: Deadline) {
    return this.#inner.lock(path, deadline);
  }

  #change<T>(work: () => Promise<T>): Promise<T> {
    if (++this.calls !== this.#at) return work();
    if (this.#point === "before") this.#die();
    const doing = work();
    if (this.#point === "torn") this.#die();
    // Also when the call fails, as some are expected to.
    else if (this.#point === "after") doing.then(this.#die, this.#die);
    return doing;
  }
}
