/** A log as a clean stop left it, opened again as often as a test likes without a node around it. */
import { BufferPool, type Disk, type Io } from "../../../lib/io/mod.ts";
import type { MemoryDisk } from "../../../lib/io/memory/mod.ts";
import { baseOffsetOf, batchSize, lastOffsetOf, maxTimestampOf } from "../../../lib/protocol/records/mod.ts";
import { CorruptLog, openStorage } from "../../../lib/storage/mod.ts";
import { FileCache } from "../../../lib/storage/file_cache.ts";
import { IndexCache } from "../../../lib/storage/log/index_cache.ts";
import type { LogNeeds } from "../../../lib/storage/log/log_needs.ts";
import type { LogDump } from "../../../lib/storage/log/log_state.ts";
import { StoredLog } from "../../../lib/storage/log/partition_log.ts";
import { readManifest } from "../../../lib/storage/manifest.ts";
import { DEFAULT_STORAGE_SETTINGS } from "../../../lib/storage/settings.ts";
import type { LogSettings } from "../../../lib/storage/types.ts";
import { append, batch, deadline, DIRECTORY, durable, id, logSettings, memory, readAll, SETTINGS, testIo } from "../../storage/setup.ts";

export const PARTITION = `${DIRECTORY}/topics/80000000000000000000000000000001/0`;
const LATER = { op: "test", at: Infinity };

/** Where one batch is, and what it says. */
export interface Placed {
  readonly at: number;
  readonly size: number;
  readonly base: number;
  readonly last: number;
  readonly maxTimestamp: number;
}

export class StoppedLog {
  readonly io: Io;
  readonly disk: MemoryDisk;
  /** All that was acknowledged, in order. */
  readonly truth: Uint8Array;
  readonly batches: readonly Placed[];
  readonly #dump: LogDump;
  readonly #settings: LogSettings;
  readonly #needs: LogNeeds;

  private constructor(io: Io, disk: MemoryDisk, truth: Uint8Array, dump: LogDump, settings: LogSettings) {
    this.io = io;
    this.disk = disk;
    this.truth = truth;
    this.batches = placesOf(truth);
    this.#dump = dump;
    this.#settings = settings;
    const nothing = () => {};
    const never = () => Promise.reject(new Error("It is only read"));
    this.#needs = {
      io,
      settings: { ...DEFAULT_STORAGE_SETTINGS, nodeId: 1 },
      files: new FileCache(io, 100, nothing),
      pool: new BufferPool({ idleBytesMax: 1 << 20 }),
      indexes: new IndexCache(1 << 24),
      admit: nothing,
      commit: nothing,
      record: never,
      unwritten: nothing,
      written: nothing,
      changed: nothing,
      removeLater: nothing,
    };
  }

  /** Batches of many sizes, three leader epochs, an idempotent producer, timestamps that also stand still or go back. */
  static async make(bytes: number, changes: Partial<LogSettings> = {}): Promise<StoppedLog> {
    const disk = memory();
    const io = testIo(disk);
    const settings = logSettings({ segmentBytes: bytes, ...changes });
    const storage = await openStorage(io, SETTINGS, DIRECTORY);
    const log = storage.createLog(id(1), settings);
    let sequence = 0;
    // One batch more than fits makes the segment one that is never written again.
    for (let number = 0; log.segments.length < 2; number++) {
      const count = 1 + number % 4;
      const timestamp = 1_700_000_000_000 + 1000 * (number - number % 3 + (number % 7 === 5 ? -4 : 0));
      const text = `${number} `.repeat(1 + (number * number) % 90);
      append(log, batch(text, { timestamp, count, producerId: 7, producerEpoch: 0, baseSequence: sequence }), Math.floor(number / 40));
      sequence += count;
      if (number % 16 === 15) await durable(log);
    }
    await durable(log);
    const truth = (await readAll(io, log)).slice();
    await storage.close(deadline(io));
    const manifest = await readManifest(io, DIRECTORY, LATER);
    if (manifest === null || manifest === "damaged") throw new Error("There is no checkpoint");
    return new StoppedLog(io, disk, truth, manifest.logs[0]!, settings);
  }

  get end(): number {
    return this.#dump.end;
  }
  /** Bytes of the first segment's file. */
  get segmentBytes(): number {
    return this.#dump.segments[0]![1];
  }

  /** As after a start: nothing of it is in memory, nothing has been verified. */
  open(): StoredLog {
    const log = new StoredLog(this.#needs, id(1).topicId, 0, this.#settings, PARTITION, true);
    log.restore(this.#dump);
    return log;
  }

  /**
   * Reads from `from` until `pieces` were read, the log ends, or it is refused. @returns what is wrong with what was given; null when all of
   * it was what had been acknowledged.
   */
  async wrongAt(log: StoredLog, from: number, pieces = Infinity): Promise<string | "refused" | null> {
    if (log.logStartOffset !== 0 || log.logEndOffset !== this.end) return `the log is [${log.logStartOffset}, ${log.logEndOffset})`;
    for (let next = from; next < this.end && pieces > 0; pieces--) {
      let read;
      try {
        read = await log.read(next, this.end, 4096, true, LATER);
      } catch (error) {
        if (error instanceof CorruptLog) return "refused";
        throw error;
      }
      if (read.byteLength === 0) return `nothing from ${next} on`;
      let at = this.placeOf(next).at;
      for (const chunk of read.chunks) {
        if (Buffer.compare(chunk, this.truth.subarray(at, at + chunk.length)) !== 0) return `other bytes from ${next} on`;
        at += chunk.length;
      }
      next = at < this.truth.length ? baseOffsetOf(this.truth, at) : this.end;
      read.lease.release();
    }
    return null;
  }

  /** The batch that holds the offset. */
  placeOf(offset: number): Placed {
    let low = 0, high = this.batches.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.batches[middle]!.base <= offset) low = middle;
      else high = middle - 1;
    }
    return this.batches[low]!;
  }

  async fileOf(name: string): Promise<Flipped> {
    const path = name.startsWith("/") ? name : `${PARTITION}/${name}`;
    const file = await this.disk.open(path, { mode: "write" }, LATER);
    const content = new Uint8Array(await file.size(LATER));
    await file.read(content, 0, LATER);
    return {
      content,
      async flip(bit) {
        const at = bit >> 3;
        await file.write([Uint8Array.of(content[at]! ^ (1 << (bit & 7)))], at, LATER);
        await file.sync(LATER);
      },
      async restore(bit) {
        await file.write([content.subarray(bit >> 3, (bit >> 3) + 1)], bit >> 3, LATER);
        await file.sync(LATER);
      },
    };
  }
}

/** A file of which one bit at a time is wrong. */
export interface Flipped {
  readonly content: Uint8Array;
  flip(bit: number): Promise<void>;
  restore(bit: number): Promise<void>;
}

function placesOf(bytes: Uint8Array): Placed[] {
  const places: Placed[] = [];
  for (let at = 0; at < bytes.length; at += batchSize(bytes, at)) {
    places.push({
      at,
      size: batchSize(bytes, at),
      base: baseOffsetOf(bytes, at),
      last: lastOffsetOf(bytes, at),
      maxTimestamp: maxTimestampOf(bytes, at),
    });
  }
  return places;
}

/** Every file with its content. */
export async function eachFile(disk: Disk): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for await (const path of filesOf(disk, "")) {
    const file = await disk.open(path, { mode: "read" }, LATER);
    const content = new Uint8Array(await file.size(LATER));
    await file.read(content, 0, LATER);
    await file.close(LATER);
    files.set(path, content);
  }
  return files;
}

/** Remembers every file. @returns what brings them all back, and removes others. */
export async function savedFiles(disk: Disk): Promise<() => Promise<void>> {
  const files = await eachFile(disk);
  return async () => {
    for await (const path of filesOf(disk, "")) if (!files.has(path)) await disk.removeFile(path, LATER);
    for (const [path, content] of files) {
      const file = await disk.open(path, { mode: "create" }, LATER);
      await file.write([content], 0, LATER);
      await file.truncate(content.length, LATER);
      await file.sync(LATER);
      await file.close(LATER);
    }
  };
}

async function* filesOf(disk: Disk, directory: string): AsyncGenerator<string> {
  for (const { name, kind } of await disk.list(directory, LATER)) {
    if (kind === "directory") yield* filesOf(disk, `${directory}/${name}`);
    else yield `${directory}/${name}`;
  }
}
