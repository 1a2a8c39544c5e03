/**
 * Batches that no reader can open. The broker believes the header of a compressed batch (HAZARDS N5), so every client can put one into a topic
 * that is compacted later: compaction must live with it.
 */
import { expect, test } from "bun:test";
import { BATCH_HEADER_BYTES, forEachBatch, lastOffsetOf, type NewBatch } from "../../lib/protocol/records/mod.ts";
import { type NodeStorage, openStorage, type PartitionLog } from "../../lib/storage/mod.ts";
import { sealed } from "../fuzz/batches.ts";
import { append, batch, deadline, DIRECTORY, durable, id, logSettings, readAll, SETTINGS, type TestIo, testIo } from "./setup.ts";

const COMPACT = { cleanupPolicy: { delete: false, compact: true }, minCleanableDirtyRatio: 0, segmentBytes: 500, fileDeleteDelayMs: 0 };

interface Said {
  readonly level: string;
  readonly text: string;
  readonly more: unknown;
}

async function opened(said: Said[] = []): Promise<{ io: TestIo; storage: NodeStorage; log: PartitionLog }> {
  const io = testIo();
  const log = (level: string, text: string, more: unknown): void => void said.push({ level, text, more });
  const storage = await openStorage(io, { ...SETTINGS, decompressedBytesMax: 100_000, log }, DIRECTORY);
  return { io, storage, log: storage.createLog(id(1), logSettings(COMPACT)) };
}

const put = (log: PartitionLog, io: TestIo, text: string, changes: Partial<NewBatch> = {}): number =>
  append(log, batch(text, { key: "k", timestamp: io.clock.wall(), ...changes }));

async function offsetsOf(io: TestIo, log: PartitionLog): Promise<readonly number[]> {
  const offsets: number[] = [];
  const bytes = await readAll(io, log);
  forEachBatch(bytes, (at) => void offsets.push(lastOffsetOf(bytes, at)));
  return offsets;
}

test("compaction leaves a batch that nobody can open where it is, and goes on", async () => {
  const { io, storage, log } = await opened();
  const broken = batch("v", { key: "k", compression: "gzip" });
  broken.fill(0xff, BATCH_HEADER_BYTES);
  for (let i = 0; i < 20; i++) put(log, io, "value");
  append(log, sealed(broken));
  for (let i = 0; i < 20; i++) put(log, io, "value");
  await durable(log);
  for (let round = 0; round < 2; round++) await storage.maintain();
  expect([io.fatals, log.offlineReason]).toEqual([[], null]);
  const offsets = await offsetsOf(io, log);
  expect(offsets).toContain(20);
  expect(offsets.length).toBeLessThan(20);
  put(log, io, "still there");
  await durable(log);
  await storage.close(deadline(io));
});

test("compaction passes a log over, and says so, when a batch becomes too large to look into", async () => {
  const said: Said[] = [];
  const { io, storage, log } = await opened(said);
  put(log, io, "v".repeat(200_000), { compression: "zstd" });
  for (let i = 0; i < 5; i++) put(log, io, "v".repeat(200));
  await durable(log);
  await storage.maintain();
  expect([io.fatals, log.offlineReason]).toEqual([[], null]);
  expect((await offsetsOf(io, log)).length).toBe(6);
  expect(said).toEqual([{
    level: "warn",
    text: "A log cannot be compacted: a batch of it becomes too large when it is decompressed",
    more: { log: expect.stringContaining("/0"), offset: 0, cause: expect.stringContaining("100000 bytes") },
  }]);
  await storage.close(deadline(io));
});
