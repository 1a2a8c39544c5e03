/** Open files of partitions, at most a stated number: the one that was not used longest is closed. Never closes a file in use. */
import { Closed, type Deadline, type DiskFile, type Io, IoFailed, type OpenOptions } from "../io/mod.ts";
import type { StorageLog } from "./settings.ts";

interface Open {
  readonly opening: Promise<DiskFile>;
  users: number;
  /** Closed as soon as nobody uses it. */
  doomed: boolean;
}

const FILE_MS = 30_000;
/** Of the descriptors that the system allows, without standard streams, the runtime's own, WAL, lock and side files (HAZARDS X1). */
const FILES_SHARE = 0.2;
const OTHER_FILES = 40;
const OPEN_FILES_MIN = 4;

export class FileCache {
  readonly #io: Io;
  readonly #openMax: number;
  readonly #log: StorageLog;
  /** Least recently used first. */
  readonly #open = new Map<string, Open>();
  /** On their way; the cache itself waits for them when it closes. */
  readonly #closings = new Set<Promise<void>>();
  #closed = false;

  constructor(io: Io, openMax: number, log: StorageLog) {
    this.#io = io;
    this.#log = log;
    const allowed = Math.floor(((io.net.socketsMax ?? Infinity) - OTHER_FILES) * FILES_SHARE);
    this.#openMax = Math.min(openMax, Math.max(OPEN_FILES_MIN, allowed));
  }

  get size(): number {
    return this.#open.size;
  }

  /** Runs `work` with the file open. `mode` counts when it has to be opened. */
  async use<T>(path: string, mode: OpenOptions["mode"], work: (file: DiskFile) => Promise<T>): Promise<T> {
    if (this.#closed) throw new Closed("storage");
    let open = this.#open.get(path);
    if (open === undefined) {
      const opening = this.#openFile(path, mode === "read" ? "write" : mode);
      open = { opening, users: 0, doomed: false };
      this.#shrink();
    } else this.#open.delete(path);
    this.#open.set(path, open);
    open.users++;
    try {
      return await work(await open.opening);
    } catch (error) {
      // A file that did not open is asked for again next time.
      open.opening.catch(() => this.forget(path));
      throw error;
    } finally {
      if (--open.users === 0 && open.doomed) this.#close(open);
    }
  }

  /** The path means another file from now on, or none. */
  forget(path: string): void {
    const open = this.#open.get(path);
    if (open === undefined) return;
    this.#open.delete(path);
    this.#doom(open);
  }

  async close(): Promise<void> {
    this.#closed = true;
    const files = [...this.#open.values()];
    this.#open.clear();
    for (const open of files) this.#doom(open);
    await Promise.allSettled(files.map(({ opening }) => opening));
    // Whoever may have the directory now shall not find a file of ours open.
    await Promise.all(this.#closings);
  }

  /** When the process has too many files open, everything that is not in use goes first, and it is tried once more (HAZARDS X1). */
  async #openFile(path: string, mode: OpenOptions["mode"]): Promise<DiskFile> {
    try {
      return await this.#io.disk.open(path, { mode }, this.#deadline("segment.open"));
    } catch (error) {
      if (!(error instanceof IoFailed && (error.code === "EMFILE" || error.code === "ENFILE"))) throw error;
      for (const [idle, { users }] of this.#open) if (users === 0) this.forget(idle);
      await Promise.all(this.#closings);
      return await this.#io.disk.open(path, { mode }, this.#deadline("segment.open"));
    }
  }

  #shrink(): void {
    if (this.#open.size < this.#openMax) return;
    for (const [path, open] of this.#open) {
      if (open.users > 0) continue;
      this.#open.delete(path);
      return this.#close(open);
    }
  }

  #doom(open: Open): void {
    open.doomed = true;
    if (open.users === 0) this.#close(open);
  }

  /** No reader waits for a close, and what had to be durable was synced before. A file that never opened was told to who asked for it. */
  #close(open: Open): void {
    const closing = open.opening.then(
      (file) => file.close(this.#deadline("segment.close")),
      () => undefined,
    ).catch((cause: unknown) => this.#log("warn", "Cannot close a file", { cause }))
      .finally(() => this.#closings.delete(closing));
    this.#closings.add(closing);
  }

  #deadline(op: string): Deadline {
    return this.#io.deadlines.in(op, FILE_MS);
  }
}
