/**
 * Every bit of a 64 KiB segment that a killed node left, half of it checkpointed and half of it still in the write-ahead log, flipped one at a time
 * (HAZARDS W4): the start repairs what the write-ahead log holds; of the rest a reader is given what was acknowledged, or a refusal.
 * `EXHAUSTIVE=1` flips all of them, else a share.
 */
import { expect, test } from "bun:test";
import { baseOffsetOf, batchSize } from "../../../lib/protocol/records/mod.ts";
import { CorruptLog, openStorage, type PartitionLog } from "../../../lib/storage/mod.ts";
import { faultyDisk } from "../../storage/faulty_disk.ts";
import { append, batch, deadline, DIRECTORY, durable, id, logSettings, memory, readAll, SETTINGS, testIo } from "../../storage/setup.ts";
import { steps } from "../../support/exhaustive.ts";
import { PARTITION, savedFiles } from "./stopped_log.ts";

const SEGMENT = `${PARTITION}/00000000000000000000.log`;
const SEGMENT_BYTES = 64 * 1024;
const LOG = logSettings({ segmentBytes: SEGMENT_BYTES, indexIntervalBytes: 1024 });
/** Small, so that what was committed since the checkpoint is written to the segment before the kill. */
const SETTINGS_HERE = { ...SETTINGS, walFileBytes: 128 * 1024, tailBytesMax: 4096, tailHeldBytesMax: 1024 };
const LATER = { op: "test", at: Infinity };

/** Reads from `from` on as long as it is given something. @returns bytes, and whether it was refused before the end. */
async function readOn(log: PartitionLog, from: number): Promise<{ readonly bytes: Buffer; readonly isRefused: boolean }> {
  const chunks: Buffer[] = [];
  for (let next = from; next < log.logEndOffset;) {
    try {
      const read = await log.read(next, log.logEndOffset, 4096, true, LATER);
      for (const chunk of read.chunks) {
        chunks.push(Buffer.from(chunk));
        for (let at = 0; at < chunk.length; at += batchSize(chunk, at)) next = baseOffsetOf(chunk, at) + 1;
      }
      read.lease.release();
    } catch (error) {
      if (!(error instanceof CorruptLog)) throw error;
      return { bytes: Buffer.concat(chunks), isRefused: true };
    }
  }
  return { bytes: Buffer.concat(chunks), isRefused: false };
}

test("a killed node's segment with any bit flipped: repaired out of the write-ahead log, or right bytes or a refusal", async () => {
  const disk = memory();
  const faulty = faultyDisk(disk, Infinity, "before", "process");
  const io = testIo(faulty);
  const storage = await openStorage(io, SETTINGS_HERE, DIRECTORY);
  const log = storage.createLog(id(1), LOG);
  let bytes = 0;
  let checkpointed = 0;
  for (let number = 0;; number++) {
    const next = batch(`${number} `.repeat(1 + (number * number) % 90), { producerId: 7, producerEpoch: 0, baseSequence: number });
    if (bytes + next.length > SEGMENT_BYTES) break;
    append(log, next);
    await durable(log);
    bytes += next.length;
    if (checkpointed > 0 || bytes < SEGMENT_BYTES / 2) continue;
    await storage.checkpoint();
    checkpointed = bytes;
  }
  const truth = await readAll(io, log);
  const end = log.logEndOffset;
  await faulty.kill();

  const bringBack = await savedFiles(disk);
  const file = await disk.open(SEGMENT, { mode: "read" }, LATER);
  const content = new Uint8Array(await file.size(LATER));
  await file.read(content, 0, LATER);
  await file.close(LATER);
  const starts: number[] = [];
  for (let at = 0; at < truth.length; at += batchSize(truth, at)) starts.push(at);
  expect(content.length).toBeGreaterThan(SEGMENT_BYTES * 0.9);
  expect(truth.length).toBeGreaterThan(SEGMENT_BYTES * 0.98);

  const outcomes = { repaired: 0, refused: 0 };
  const { first, step } = steps(1999);
  for (let bit = first; bit < content.length * 8; bit += step) {
    await bringBack();
    const at = bit >> 3;
    const harmed = await disk.open(SEGMENT, { mode: "write" }, LATER);
    await harmed.write([Uint8Array.of(content[at]! ^ (1 << (bit & 7)))], at, LATER);
    await harmed.close(LATER);
    const again = testIo(disk);
    const started = await openStorage(again, SETTINGS_HERE, DIRECTORY);
    await started.inspected;
    const found = started.log(id(1).topicId, 0)!;
    const state = [bit, found.offlineReason, found.logStartOffset, found.logEndOffset];
    if (state[1] !== null || state[2] !== 0 || state[3] !== end) expect(state).toEqual([bit, null, 0, end]);
    const { bytes: served, isRefused } = await readOn(found, 0);
    if (Buffer.compare(served, truth.subarray(0, served.length)) !== 0) throw new Error(`Bit ${bit}: other bytes are served`);
    if (isRefused) {
      if (at >= checkpointed) throw new Error(`Bit ${bit} was not repaired`);
      const damaged = starts.findLast((start) => start <= at)!;
      if (served.length > damaged) throw new Error(`Bit ${bit}: the batch with the damage is served`);
    } else if (served.length !== truth.length) throw new Error(`Bit ${bit}: ${served.length} bytes of ${truth.length}, and no refusal`);
    outcomes[isRefused ? "refused" : "repaired"]++;
    if (again.fatals.length > 0) throw new Error(`Bit ${bit}: ${again.fatals.join("; ")}`);
    await started.close(deadline(again));
  }
  // Half of them each, and all of both.
  const share = outcomes.repaired / (outcomes.repaired + outcomes.refused);
  expect(share).toBeGreaterThan(0.4);
  expect(share).toBeLessThan(0.6);
}, 7_200_000);
