/** What storage tests share: a node's Io over a disk in memory with a clock that the test moves, and batches. */
import type { Clock, Deadline, Disk, Io } from "../../lib/io/mod.ts";
import { unpooled } from "../../lib/io/mod.ts";
import { createMemoryDisk, type MemoryDisk } from "../../lib/io/memory/mod.ts";
import { createRealIo } from "../../lib/io/real/mod.ts";
import { encodeBatch, type NewBatch } from "../../lib/protocol/records/mod.ts";
import type { TopicIdPartition, Uuid } from "../../lib/protocol/ids.ts";
import { uuidFromBytes } from "../../lib/protocol/wire/mod.ts";
import { DEFAULT_LOG_SETTINGS, type LogRead, type LogSettings, MEMORY_STORAGE_SETTINGS, type PartitionLog } from "../../lib/storage/mod.ts";
import type { StorageSettings } from "../../lib/storage/settings.ts";

export const DIRECTORY = "/data";

export class TestClock implements Clock {
  wallMs = 1_700_000_000_000;
  readonly #real: Clock;
  #ahead = 0;
  constructor(real: Clock) {
    this.#real = real;
  }
  mono(): number {
    return this.#real.mono() + this.#ahead;
  }
  wall(): number {
    return this.wallMs;
  }
  /** Both clocks go on by `ms`, as time does. */
  pass(ms: number): void {
    this.wallMs += ms;
    this.#ahead += ms;
  }
}

export interface TestIo extends Io {
  readonly clock: TestClock;
  readonly fatals: string[];
}

export function testIo(disk: Disk = createMemoryDisk(256 * 1024 * 1024)): TestIo {
  const fatals: string[] = [];
  const real = createRealIo({ onFatal: (_code, why) => fatals.push(why) });
  // Tests that start a node half a million times would keep as many timers, with all that they hold.
  real.deadlines.rest();
  return { ...real, disk, clock: new TestClock(real.clock), fatals };
}

export const memory = (): MemoryDisk => createMemoryDisk(256 * 1024 * 1024);

export const SETTINGS: Partial<StorageSettings> & { readonly nodeId: number } = {
  ...MEMORY_STORAGE_SETTINGS,
  nodeId: 1,
  minFreeBytes: 0,
  retentionCheckMs: 0,
};

export const logSettings = (changes: Partial<LogSettings> = {}): LogSettings => ({ ...DEFAULT_LOG_SETTINGS, ...changes });

export function topicId(number: number): Uuid {
  const bytes = new Uint8Array(16);
  bytes[0] = 0x80;
  bytes[15] = number;
  return uuidFromBytes(bytes);
}

export const id = (topic: number, partition = 0): TopicIdPartition => ({ topicId: topicId(topic), partition });

export function batch(
  text: string,
  changes: Partial<NewBatch> & {
    readonly timestamp?: number;
    readonly key?: string;
    readonly tombstone?: boolean;
    readonly count?: number;
  } = {},
): Uint8Array {
  const { timestamp = 1_700_000_000_000, key, tombstone, count = 1, ...rest } = changes;
  const value = tombstone === true ? null : new TextEncoder().encode(text);
  const records = Array.from(
    { length: count },
    () => ({ key: key === undefined ? null : new TextEncoder().encode(key), value, timestamp }),
  );
  return encodeBatch({ records, ...rest } as NewBatch);
}

export function append(log: PartitionLog, bytes: Uint8Array, epoch = 0): number {
  return log.append(bytes, unpooled, epoch, 1000).baseOffset;
}

export function durable(log: PartitionLog, offset = log.logEndOffset - 1): Promise<void> {
  return new Promise((resolve, reject) => log.whenDurable(offset, (error) => error === null ? resolve() : reject(error)));
}

export const deadline = (io: Io): Deadline => io.deadlines.in("test", 20_000);

/** Bytes of everything from the log start to the durable end, read in pieces of `maxBytes`. */
export async function readAll(io: Io, log: PartitionLog, maxBytes = 1 << 20, from = log.logStartOffset): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for (let next = from; next < log.durableEndOffset;) {
    const read: LogRead = await log.read(next, log.durableEndOffset, maxBytes, true, deadline(io));
    if (read.byteLength === 0) break;
    for (const chunk of read.chunks) {
      parts.push(chunk.slice());
      next = endOf(chunk);
    }
    read.lease.release();
  }
  return Buffer.concat(parts);
}

function endOf(chunk: Uint8Array): number {
  const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  let at = 0, end = 0;
  while (at < chunk.length) {
    end = Number(view.getBigInt64(at)) + view.getInt32(at + 23) + 1;
    at += 12 + view.getInt32(at + 8);
  }
  return end;
}
