/**
 * The files of the WAL: named by generation, preallocated with zeros and used again under a new generation once they are trimmed,
 * because overwriting written blocks is several times faster than growing a file. Knows nothing of what is in them.
 */
import { type Deadline, DeadlineExceeded, type DiskFile, type Io, IoFailed } from "../../io/mod.ts";

export interface WalFile {
  readonly generation: number;
  readonly path: string;
  /** Bytes that are there to be overwritten; 0 for a file that grows. */
  readonly preallocatedBytes: number;
  readonly file: DiskFile;
  /** The same file, each write durable when it returns; null when that is not used. */
  readonly durable: DiskFile | null;
}

export interface WalFilesOptions {
  readonly fileBytes: number;
  readonly preallocate: boolean;
  readonly sparesMax: number;
  readonly durableWrites: boolean;
}

const FILE_MS = 30_000;
const ZEROS_BYTES = 1024 * 1024;

export class WalFiles {
  readonly #io: Io;
  readonly #directory: string;
  readonly #options: WalFilesOptions;
  /** Files ready to be used again, under names that recovery ignores. */
  readonly #spares: string[] = [];
  #spareCount = 0;
  #preparing: Promise<void> | null = null;
  /** A call for a spare did not come back in time. It may still write, so no file is prepared under that name any more. */
  #gaveUp = false;
  #closed = false;

  constructor(io: Io, directory: string, options: WalFilesOptions) {
    this.#io = io;
    this.#directory = directory;
    this.#options = options;
  }

  get hasSpare(): boolean {
    return this.#spares.length > 0;
  }

  /** The generations on disk in order. Takes over spare files that are whole; removes others. */
  async list(): Promise<number[]> {
    const generations: number[] = [];
    const entries = await this.#io.disk.list(this.#directory, this.#deadline("wal.list"));
    for (const { name, kind } of entries) {
      const generation = /^(\d{20})\.wal$/.exec(name)?.[1];
      // Whatever it is: a spare file is not to be renamed to it.
      if (name.endsWith(".spare")) this.#spareCount = Math.max(this.#spareCount, (parseInt(name) || 0) + 1);
      if (generation !== undefined) generations.push(Number(generation));
      else if (kind === "directory") continue;
      else if (/^\d+\.spare$/.test(name) && this.#spares.length < this.#options.sparesMax) {
        this.#spares.push(`${this.#directory}/${name}`);
      } else if (/\.(tmp|spare)$/.test(name)) await this.#io.disk.removeFile(`${this.#directory}/${name}`, this.#deadline("wal.remove"));
    }
    return generations;
  }

  path(generation: number): string {
    return `${this.#directory}/${String(generation).padStart(20, "0")}.wal`;
  }

  /** A file for `generation`: a spare one if there is any, else a new one that grows. Its name is durable. */
  async take(generation: number): Promise<WalFile> {
    const path = this.path(generation);
    const spare = this.#spares.shift();
    if (spare !== undefined) await this.#io.disk.rename(spare, path, this.#deadline("wal.rename"));
    const file = await this.#io.disk.open(path, { mode: spare === undefined ? "exclusive" : "write" }, this.#deadline("wal.open"));
    const durable = this.#options.durableWrites
      ? await this.#io.disk.open(path, { mode: "write", durableWrites: true }, this.#deadline("wal.open"))
      : null;
    await this.#io.disk.syncDirectory(this.#directory, this.#deadline("wal.syncDirectory"));
    const preallocatedBytes = spare === undefined ? 0 : await file.size(this.#deadline("wal.size"));
    return { generation, path, preallocatedBytes, file, durable };
  }

  async close({ file, durable }: WalFile): Promise<void> {
    await file.close(this.#deadline("wal.close"));
    await durable?.close(this.#deadline("wal.close"));
  }

  /** Nothing in the file is needed any more. */
  async free(generation: number): Promise<void> {
    const path = this.path(generation);
    try {
      if (this.#closed || !this.#options.preallocate || this.#spares.length >= this.#options.sparesMax) {
        return await this.#io.disk.removeFile(path, this.#deadline("wal.remove"));
      }
      const file = await this.#io.disk.open(path, { mode: "read" }, this.#deadline("wal.open"));
      const size = await file.size(this.#deadline("wal.size"));
      await file.close(this.#deadline("wal.close"));
      if (size !== this.#options.fileBytes) return await this.#io.disk.removeFile(path, this.#deadline("wal.remove"));
      await this.#adopt(path);
    } catch (error) {
      // Freed before, by a start that did not come to its end.
      if (!(error instanceof IoFailed && error.code === "ENOENT")) throw error;
    }
  }

  /** Makes a spare file in the background unless there is one; without room on the disk there is none. */
  prepare(): void {
    if (!this.#options.preallocate || this.hasSpare || this.#preparing !== null || this.#closed || this.#gaveUp) return;
    this.#preparing = this.#fill().catch((error: unknown) => {
      if (error instanceof DeadlineExceeded) this.#gaveUp = true;
      else if (!(error instanceof IoFailed)) throw error;
    }).finally(() => {
      this.#preparing = null;
    });
  }

  /** Waits for what runs in the background. */
  async stop(): Promise<void> {
    this.#closed = true;
    await this.#preparing;
  }

  async #fill(): Promise<void> {
    const path = `${this.#directory}/filling.tmp`;
    const zeros = new Uint8Array(Math.min(ZEROS_BYTES, this.#options.fileBytes));
    const file = await this.#io.disk.open(path, { mode: "create" }, this.#deadline("wal.open"));
    try {
      for (let at = 0; at < this.#options.fileBytes && !this.#closed; at += zeros.length) {
        const length = Math.min(zeros.length, this.#options.fileBytes - at);
        await file.write([zeros.subarray(0, length)], at, this.#deadline("wal.fill"));
      }
      await file.sync(this.#deadline("wal.fill"));
    } finally {
      await file.close(this.#deadline("wal.close"));
    }
    if (this.#closed) await this.#io.disk.removeFile(path, this.#deadline("wal.remove"));
    else await this.#adopt(path);
  }

  async #adopt(path: string): Promise<void> {
    const spare = `${this.#directory}/${this.#spareCount++}.spare`;
    await this.#io.disk.rename(path, spare, this.#deadline("wal.rename"));
    this.#spares.push(spare);
  }

  #deadline(op: string): Deadline {
    return this.#io.deadlines.in(op, FILE_MS);
  }
}
