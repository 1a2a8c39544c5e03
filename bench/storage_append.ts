/**
 * Durable appends against a bare loop of write and fdatasync in the same run and on the same disk: one request in flight, bulk, and many
 * partitions. `bun bench/storage_append.ts [directory]`. Warms up first; what it writes is kept until the end, because a disk cache
 * that was just given back measures the host (docs: DESIGN of benchmarks).
 */
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { BufferPool } from "../lib/io/mod.ts";
import { createRealIo } from "../lib/io/real/mod.ts";
import { encodeBatch } from "../lib/protocol/records/mod.ts";
import type { Uuid } from "../lib/protocol/ids.ts";
import { uuidFromBytes } from "../lib/protocol/wire/mod.ts";
import { DEFAULT_LOG_SETTINGS, openStorage, type PartitionLog } from "../lib/storage/mod.ts";

const root = mkdtempSync(`${process.argv[2] ?? tmpdir()}/barnabas-bench-`);
const io = createRealIo({
  onFatal: (_code, why) => {
    throw new Error(why);
  },
});
const storage = await openStorage(io, { nodeId: 1 }, `${root}/data`);
const pool = new BufferPool({ idleBytesMax: 64 << 20 });
const KIB = new Uint8Array(1024).fill(120);

function topic(number: number): Uuid {
  const bytes = new Uint8Array(16);
  bytes[14] = number >> 8;
  bytes[15] = number;
  return uuidFromBytes(bytes);
}

const logs = Array.from({ length: 1000 }, (_, n) => storage.createLog({ topicId: topic(n), partition: 0 }, DEFAULT_LOG_SETTINGS));
const batchOf = (records: number) =>
  encodeBatch({ records: Array.from({ length: records }, () => ({ key: null, value: KIB, timestamp: Date.now() })) });

/** Appends `template` to logs by turns with at most `inFlight` waiting, until `seconds` have passed. */
function drive(name: string, partitions: number, template: Uint8Array, inFlight: number, seconds: number): Promise<Rate> {
  return new Promise((resolve) => {
    const startedAt = performance.now();
    const cpu = process.cpuUsage();
    let sent = 0, done = 0;
    const send = (): void => {
      const log: PartitionLog = logs[sent++ % partitions]!;
      const piece = pool.take(template.length);
      piece.bytes.set(template);
      const { lastOffset } = log.append(piece.bytes, piece, 0, Date.now());
      piece.release();
      log.whenDurable(lastOffset, finished);
    };
    const finished = (error: Error | null): void => {
      if (error !== null) throw error;
      done++;
      const elapsedMs = performance.now() - startedAt;
      if (elapsedMs > seconds * 1000) {
        if (done === sent) {
          const { user, system } = process.cpuUsage(cpu);
          resolve({
            name,
            perSecond: done / elapsedMs * 1000,
            microsecondsEach: elapsedMs * 1000 / done * inFlight,
            cpuUs: (user + system) / done,
            bytes: template.length,
          });
        }
      } else queueMicrotask(send);
    };
    for (let i = 0; i < inFlight; i++) send();
  });
}

interface Rate {
  readonly name: string;
  readonly perSecond: number;
  readonly microsecondsEach: number;
  readonly cpuUs: number;
  readonly bytes: number;
}

/** The raw limit: the same bytes, one write and one fdatasync after the other, over a file that was written before. */
function bare(name: string, bytes: Uint8Array, fileBytes: number, seconds: number): Rate {
  const fd = openSync(`${root}/bare`, "w+");
  const zeros = new Uint8Array(1 << 20);
  for (let at = 0; at < fileBytes; at += zeros.length) writeSync(fd, zeros, 0, zeros.length, at);
  fdatasyncSync(fd);
  const startedAt = performance.now();
  let count = 0;
  let at = 0;
  while (performance.now() - startedAt < seconds * 1000) {
    writeSync(fd, bytes, 0, bytes.length, at);
    fdatasyncSync(fd);
    count++;
    at = at + bytes.length * 2 > fileBytes ? 0 : at + bytes.length;
  }
  const elapsedMs = performance.now() - startedAt;
  closeSync(fd);
  return { name, perSecond: count / elapsedMs * 1000, microsecondsEach: elapsedMs * 1000 / count, cpuUs: 0, bytes: bytes.length };
}

function print({ name, perSecond, microsecondsEach, cpuUs, bytes }: Rate): void {
  const rate = (perSecond * bytes / 1e6).toFixed(1).padStart(8);
  console.log(
    `${name.padEnd(44)} ${perSecond.toFixed(0).padStart(9)}/s ${rate} MB/s ${microsecondsEach.toFixed(0).padStart(7)} us each ${
      cpuUs.toFixed(1).padStart(8)
    } us CPU`,
  );
}

const one = batchOf(1);
const thousand = batchOf(1000);
await drive("warm-up", 4, thousand, 16, 3);
print(bare("bare 1 KiB write+fdatasync", one, 64 << 20, 2));
print(await drive("1 KiB, 1 in flight, 1 partition", 1, one, 1, 2));
print(bare("bare 8 MiB write+fdatasync", new Uint8Array(8 << 20), 64 << 20, 3));
print(await drive("1000 x 1 KiB batches, 16 in flight, 1 partition", 1, thousand, 16, 4));
print(await drive("1000 x 1 KiB batches, 16 in flight, 4 partitions", 4, thousand, 16, 4));
print(await drive("1 KiB, 1000 in flight, 1 partition", 1, one, 1000, 3));
print(await drive("1 KiB, 1000 in flight, 1000 partitions", 1000, one, 1000, 3));
print(await drive("1 KiB, 1000 in flight, 1000 partitions again", 1000, one, 1000, 3));
print(bare("bare 1 KiB write+fdatasync", one, 64 << 20, 2));
print(await drive("1 KiB, 1 in flight, 1 partition", 1, one, 1, 2));
console.log(`RSS ${(process.memoryUsage().rss / 1e6).toFixed(0)} MB`, storage.stats);
await storage.close(io.deadlines.in("close", 30_000));
rmSync(root, { recursive: true });
